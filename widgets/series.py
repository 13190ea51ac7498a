"""The series of a snapshot are its pinned metrics, the ones that moved most in the incident first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from widgets.plot import Line
from workbench.evidence import Snapshot, Table
from workbench.window import Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["COLUMNS", "Series"]

COLUMNS = ("time", "service", "instance", "metric", "value")
"""The columns of the metrics frame that a line is drawn from."""

_MOST_LINES = 6
_KEY = ("service", "instance", "metric", "attributes")


@dataclass(frozen=True)
class Series:
    """Finds what is worth choosing, and the points to draw."""

    snapshot: Snapshot

    @cached_property
    def services(self) -> dict[str, dict[str, datetime | None]]:
        """Each service's metrics with the time each moved first; both sorted, what moved most first.

        A service that no source named is "".
        """
        found: dict[str, dict[str, datetime | None]] = {}
        for service, metric, moved_at in self._changes.select("service", "metric", "moved_at").iter_rows():
            moved = found.setdefault(service or "", {}).setdefault(metric, moved_at)
            if moved_at is not None and (moved is None or moved_at < moved):
                found[service or ""][metric] = moved_at
        return found

    def lines(self, service: str, metric: str, window: Window) -> list[Line]:
        """Return the six lines of a metric that moved most, in the window; the first is the hot one.

        Values that aren't finite are null, so that the line has a gap where nothing can be said.
        """
        import polars as pl  # noqa: PLC0415 - a form without a chart does without polars

        chosen = self._changes.filter(pl.col("service").fill_null("") == service, pl.col("metric") == metric).head(
            _MOST_LINES
        )
        points = (
            self.snapshot.frame("metrics")
            .filter(pl.col("service").fill_null("") == service, pl.col("metric") == metric, window.holds())
            .select(
                *_KEY,
                at=pl.col("time").dt.timestamp("us") / 1000,
                value=pl.when(pl.col("value").is_finite()).then("value"),
            )
            .sort("at")
            .collect()
        )
        return [self._line(points, key, hot=number == 0) for number, key in enumerate(chosen.select(_KEY).iter_rows())]

    def table(self, service: str, metric: str) -> Table:
        """Return the pinned table that holds a metric of a service; the first, when two sources have it."""
        import polars as pl  # noqa: PLC0415

        tables = [table for table in self.snapshot.manifest.tables if table.frame == "metrics"]
        for table in tables:
            rows = pl.scan_parquet(self.snapshot.path / table.path, glob=False)
            here = rows.filter(pl.col("service").fill_null("") == service, pl.col("metric") == metric).head(1)
            if here.collect().height:
                return table
        return tables[0]

    @cached_property
    def _changes(self) -> pl.DataFrame:
        """Return one row a series: its key, moved_at (null unless it stayed off its level) and nats, how rare that is.

        Services come in the order of all that their series say together, then each service's series in theirs.
        """
        import polars as pl  # noqa: PLC0415

        from workbench.analysis.changes import moved_series, series_changes  # noqa: PLC0415

        window, metrics = self.snapshot.window, self.snapshot.frame("metrics")
        # Without a baseline nothing can have moved: an empty one before the window leaves every weight null.
        baseline = self.snapshot.baseline or window.baseline(window.duration)
        every = series_changes(metrics, window=window, baseline=baseline).select(*_KEY, "moved_at")
        weights = moved_series(metrics, window=window, baseline=baseline).select(*_KEY, "nats")
        return (
            every.join(weights, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
            .with_columns(moved_at=pl.when(pl.col("nats").is_not_null()).then("moved_at"))
            .with_columns(together=pl.col("nats").sum().over("service"))
            .sort(["together", "service", "nats", "metric"], descending=[True, False, True, False], nulls_last=True)
        )

    @staticmethod
    def _line(points: pl.DataFrame, key: tuple[str | None, ...], *, hot: bool) -> Line:
        import polars as pl  # noqa: PLC0415

        own = points.filter([pl.col(name).eq_missing(pl.lit(value)) for name, value in zip(_KEY, key, strict=True)])
        return Line(key[1] or key[0] or "", tuple(own["at"].to_list()), tuple(own["value"].to_list()), hot=hot)
