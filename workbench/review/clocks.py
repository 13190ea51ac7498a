"""What a snapshot's own rows say of its clocks: how far its sources and services are apart, and how to correct it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from workbench.analysis import events
from workbench.analysis.changes import deviations
from workbench.analysis.clocks import Difference, of_events, of_logs, of_spans
from workbench.charts.values import count
from workbench.errors import EvidenceError
from workbench.evidence import Snapshot, Table
from workbench.telemetry.schema import TIME_COLUMN, FrameName
from workbench.window import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["concerns", "differences", "facts", "sentence", "setting", "significant"]

_MOST_ROWS = 1_000_000  # of a table, that are compared: the clock is the same all along
_MOST_POINTS = 5_000_000  # of metrics, beyond which crossings aren't looked for
_FRAMES: dict[str, tuple[FrameName, ...]] = {
    "calls": ("spans",), "records": ("logs", "spans"), "alerts": ("events", "metrics"),
}  # fmt: skip
_STEP = timedelta(minutes=1)  # between two samples of a metric, where they can't tell
_OFF = 3.0  # robust deviations: a bad point


def differences(snapshot: Snapshot) -> tuple[Difference, ...]:
    """Return all that could be compared: sources first, the significant ones first, then the largest.

    Of a table with more than a million rows in the window, only the window's beginning is compared that holds as many.

    Raises:
        EvidenceError: a pinned file is missing or damaged.
    """
    try:
        return _differences(snapshot)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise EvidenceError(
            f"a pinned file of the snapshot {snapshot.version} can't be read ({str(error).partition(chr(10))[0]})",
            do="Run: workbench verify, then bring the file back from a copy",
        ) from error


def _differences(snapshot: Snapshot) -> tuple[Difference, ...]:
    spans, logs = _cut(snapshot, "spans"), _cut(snapshot, "logs")
    told = events.read(snapshot.by_source("events"))
    found = [
        *of_events(told, None if told.is_empty() else _moved(snapshot)),
        *of_logs(logs, spans),
        *(of_spans(spans, side="source") if len(spans) > 1 else ()),
        *of_spans(spans),
    ]
    return tuple(sorted(found, key=lambda one: (not one.significant, one.side != "source", -abs(one.ahead))))


def sentence(one: Difference) -> str:
    """Return a difference in words."""
    logs = one.measure == "records"
    who, whom = (
        (f"The logs of {one.other}", f"the spans of {one.one}")
        if logs
        else (f"The clock of {one.other}", f"the clock of {one.one}")
    )
    sure = f"±\u00a0{format_duration(one.spread)}, from {count(one.n, one.measure.removesuffix('s'))}"
    apart = format_duration(abs(one.ahead))
    if not one.significant:
        return f"{who} and {whom}: {apart} apart ({sure}); nothing shows that they differ"
    way = "ahead of" if one.ahead > timedelta(0) else "behind"
    return f"{who} {'are' if logs else 'is'} {apart} {way} {whom} ({sure})"


def setting(one: Difference) -> str:
    """Return what corrects a significant difference of sources at the next pull; empty where no setting can."""
    if not one.significant or one.side != "source" or one.one == one.other:
        return ""
    return f'clock_ahead = "{_seconds(one.ahead)}" in [sources.{one.other}]'


def concerns(one: Difference, table: Table) -> bool:
    """Return whether a pinned table took part in a comparison."""
    if table.frame not in _FRAMES[one.measure]:
        return False
    return one.side == "service" or table.source in {one.one, one.other}


def facts(one: Difference) -> dict[str, object]:
    """Return a difference for programs; lengths in seconds."""
    return {
        "side": one.side,
        "measure": one.measure,
        "one": one.one,
        "other": one.other,
        "ahead_s": one.ahead.total_seconds(),
        "spread_s": one.spread.total_seconds(),
        "n": one.n,
        "significant": one.significant,
        "setting": setting(one),
        "text": sentence(one),
    }


def significant(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return those that a reader has to know."""
    return tuple(one for one in found if one.significant)


def _seconds(length: timedelta) -> str:
    sign = "-" if length < timedelta(0) else ""
    return f"{sign}{abs(length).total_seconds():.3f}".rstrip("0").rstrip(".") + "s"


def _cut(snapshot: Snapshot, frame: FrameName) -> dict[str, pl.LazyFrame]:
    """Return a frame's rows of the window by source, of large tables the window's beginning."""
    window, column = snapshot.window, TIME_COLUMN[frame]
    rows = Counter[str]()
    for table in snapshot.manifest.tables:
        rows[table.source] += table.rows_in_window if table.frame == frame else 0
    cut = {}
    for source, frames in snapshot.by_source(frame).items():
        share = min(1.0, _MOST_ROWS / max(1, rows[source]))
        near = (pl.col(column) >= window.start) & (pl.col(column) < window.start + window.duration * share)
        cut[source] = frames.filter(near)
    return cut


def _moved(snapshot: Snapshot) -> pl.DataFrame | None:
    """Return the first bad point of each service's metrics in the window: service, time, step (µs), pinned."""
    if snapshot.baseline is None:
        return None
    rows = Counter[str]()
    for table in snapshot.manifest.tables:
        rows[table.source] += table.rows if table.frame == "metrics" else 0
    found = [
        deviations(points, window=snapshot.window, baseline=snapshot.baseline)
        .filter("inside", pl.col("service").is_not_null())
        .group_by("service")
        .agg(
            time=pl.col("time").filter(pl.col("off").abs() >= _OFF).min(),
            step=pl.col("time").unique().sort().diff().median().dt.total_microseconds(),
        )
        .with_columns(pl.col("step").fill_null(_STEP // timedelta(microseconds=1)), pinned=pl.lit(source))
        .drop_nulls("time")
        for source, points in snapshot.by_source("metrics").items()
        if rows[source] <= _MOST_POINTS
    ]
    return pl.concat(found) if found else None
