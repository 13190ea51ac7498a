"""A panel shows one series that moved, its own normal range and, faintly, the same metric of all other services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from workbench.analysis.changes import MOVED
from workbench.analysis.reasons import Reason, Suspect
from workbench.analysis.reasons import moved as reason_of
from workbench.charts.axis import heading, millis, time_axis, tint, value_axis
from workbench.charts.rows import Rows
from workbench.charts.theme import colour
from workbench.charts.thin import samples
from workbench.charts.values import family, quantity, scaled, series_name
from workbench.window import Window

__all__ = ["Moved", "panel", "pick", "with_series"]

_KEY = ("service", "instance", "metric", "attributes")
_OTHERS = 60
_MORE = 8
_STAYED = 1.0  # nats: likelier than not no chance
_OTHERS_POINTS = 120
_ALIKE = 0.97
_CUT = 2.0  # others are cut where they go beyond twice the range of the series in question
_FLAT = 0.5
_MOST_DOTS = 80
_RIGHT = 0.45
_NEARLY = 0.02
_HEADROOM = 0.3  # of a panel, for the label


@dataclass(frozen=True)
class Moved:
    """One series that speaks against a service, its samples in view, and those of the same metric elsewhere.

    ``hot`` has time and value; ``others`` has s (a number for each series), time and value; values are divided by
    ``factor`` into ``unit``. ``low`` and ``high`` bound the middle nine tenths of the baseline.
    """

    service: str
    reason: Reason
    unit: str
    factor: float
    hot: pl.DataFrame
    others: pl.DataFrame
    others_total: int
    low: float | None
    high: float | None

    @property
    def name(self) -> str:
        """The metric in words."""
        return series_name(self.reason.name)

    @property
    def cut(self) -> bool:
        """Whether other services' lines go on above the panel."""
        top = self.others["value"].max()
        return isinstance(top, float) and top > _domain(self)[1]

    @property
    def label(self) -> str:
        """The metric in words with its unit, for a heading."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


def pick(
    metrics: pl.LazyFrame,
    suspects: Sequence[Suspect],
    shown: Window,
    baseline: Window | None,
    *,
    most: int,
    others: bool = True,
) -> list[Moved]:
    """Return the series that tell the most: up to ``most`` of a suspect that stands out, else one a suspect.

    ``others`` says whether the same metric of other services comes along. Series of one service that measure the
    same thing (its rate, its percentiles), or rise and fall together (correlation over 0.97), tell the same; the one
    with the clearest unit stays.
    """
    found: list[Moved] = []
    for suspect in suspects:
        reasons = [reason for reason in suspect.reasons if reason.measure == "value"]
        mine: list[Moved] = []
        for reason in reasons:
            made = _moved(metrics, suspect.service, reason, shown, baseline)
            twin = next((place for place, one in enumerate(mine) if _alike(one, made)), None)
            if twin is None:
                mine.append(made)
            elif _clarity(made.reason) > _clarity(mine[twin].reason):
                mine[twin] = made
        found += mine if suspect.stands_out else mine[:1]
        if len(found) >= most or (suspect.stands_out and mine):
            break
    return [_with_others(metrics, one, shown) if others else one for one in found[:most]]


def with_series(suspect: Suspect, changes: pl.DataFrame, *, any_change: bool = False) -> Suspect:
    """Return the suspect with its metric reasons only, and after them every other series of the service that moved.

    ``changes`` is what `workbench.analysis.changes.series_changes` returned, with the ``nats`` of `moved_series`. A
    series without nats went back to its level at once; with ``any_change`` those come along where no other moved. Of
    several that measure one thing (an amount and its rate, percentiles) the one with the clearest unit is kept.
    """
    known = [reason for reason in suspect.reasons if reason.measure == "value"]
    seen = {(reason.instance, reason.name, reason.attributes) for reason in known}
    mine = changes.filter(
        pl.col("service") == suspect.service, pl.col("score") >= MOVED, pl.col("moved_at").is_not_null()
    )
    mine = mine.with_columns(pl.col("nats").fill_null(0.0)).sort(
        "nats", "score", "metric", descending=[True, True, False]
    )
    stayed = mine.filter(pl.col("nats") >= _STAYED)
    mine = mine if any_change and stayed.is_empty() and not known else stayed
    more = [
        reason_of(row)
        for row in mine.head(_MORE).iter_rows(named=True)
        if (row["instance"], row["metric"], row["attributes"]) not in seen
    ]
    kept: dict[tuple[str, str | None], Reason] = {}
    for reason in (*known, *more):
        key = (family(reason.name), reason.instance)
        if key not in kept or _clarity(reason) > _clarity(kept[key]):
            kept[key] = reason
    return suspect.model_copy(update={"reasons": tuple(kept.values())})


def panel(
    rows: Rows,
    moved: Moved,
    window: Window,
    shown: Window,
    *,
    height: int,
    last: bool,
    named: bool,
    rules: Any = None,
) -> Any:
    """Return the layered chart of one series: tint, band, others, line, dots, and its label at the highest point."""
    import altair as alt  # noqa: PLC0415

    low, high = _domain(moved)
    x = time_axis(shown, labels=last)
    scale = alt.Scale(domain=[low, high], nice=False)
    y = alt.Y("v:Q", scale=scale, axis=value_axis())
    layers = [tint(rows, window, shown, labels=last)]
    if moved.low is not None and moved.high is not None:
        row = {"a": moved.low, "b": moved.high}
        band = rows.chart([row]).mark_rect(color=colour("band"), clip=True)
        layers.append(band.encode(y=alt.Y("a:Q", scale=scale, axis=value_axis()), y2="b:Q"))
    if not moved.others.is_empty():
        faint = rows.chart(_points(moved.others))
        layers.append(
            faint.mark_line(strokeWidth=0.7, color=colour("context"), clip=True).encode(x=x, y=y, detail="s:N")
        )
    hot = rows.chart(_points(moved.hot, moved))
    whole = time_axis(shown, labels=last, domain=True)
    layers.append(hot.mark_line(strokeWidth=2.2, color=colour("incident")).encode(x=whole, y=y))
    if len(moved.hot) <= _MOST_DOTS:
        dots = hot.transform_filter("datum.v !== null").mark_point(color=colour("incident"), size=18, opacity=1)
        tip = [alt.Tooltip("w:N", title="Time, UTC"), alt.Tooltip("q:N", title=moved.name)]
        layers.append(dots.encode(x=x, y=y, tooltip=tip))
    if rules is not None:
        layers.append(rules)
    layers += _label(rows, moved, shown, x, y, named=named)
    title = moved.label if named else f"{moved.name} of {moved.service}{f', {moved.unit}' if moved.unit else ''}"
    return alt.layer(*layers).properties(width="container", height=height, title=heading(title))


def _moved(metrics: pl.LazyFrame, service: str, reason: Reason, shown: Window, baseline: Window | None) -> Moved:
    mine = metrics.filter(
        (pl.col("service") == service)
        & (pl.col("metric") == reason.name)
        & pl.col("instance").eq_missing(pl.lit(reason.instance, pl.String))
        & pl.col("attributes").eq_missing(pl.lit(reason.attributes, pl.String))
    )
    hot = samples(mine, _KEY, shown).select("time", "value")
    peak = max((abs(value) for value in hot["value"] if value is not None), default=0.0)
    factor, unit = scaled(reason.unit, peak)
    low = high = None
    if baseline is not None:
        inside = mine.filter(baseline.holds() & pl.col("value").is_finite())
        low, high = (
            inside.select(pl.col("value").quantile(0.05).alias("l"), pl.col("value").quantile(0.95).alias("h"))
            .collect()
            .row(0)
        )
    hot = hot.with_columns(pl.col("value") / factor)
    empty = pl.DataFrame(schema={"s": pl.UInt32, "time": pl.Datetime("us", "UTC"), "value": pl.Float64})
    scale = (None if low is None else low / factor, None if high is None else high / factor)
    return Moved(service, reason, unit, factor, hot, empty, 0, *scale)


def _with_others(metrics: pl.LazyFrame, moved: Moved, shown: Window) -> Moved:
    others = metrics.filter((pl.col("metric") == moved.reason.name) & (pl.col("service") != moved.service))
    found = samples(others, _KEY, shown, points=_OTHERS_POINTS)
    if found.is_empty():
        return moved
    numbered = found.with_columns(s=pl.struct(_KEY).rank("dense") - 1, value=pl.col("value") / moved.factor)
    total = int(numbered["s"].max() or 0) + 1  # type: ignore[arg-type]
    kept = numbered.filter(pl.col("s") < _OTHERS).select("s", "time", "value")
    return Moved(moved.service, moved.reason, moved.unit, moved.factor, moved.hot, kept, total, moved.low, moved.high)


def _alike(one: Moved, other: Moved) -> bool:
    if family(one.reason.name) == family(other.reason.name) and one.reason.instance == other.reason.instance:
        return True
    both = one.hot.drop_nulls().join(other.hot.drop_nulls(), on="time", suffix="_other")
    if len(both) < 4:  # noqa: PLR2004 - three points are always nearly a line
        return False
    found = both.select(pl.corr("value", "value_other")).item()
    return found is not None and found == found and found > _ALIKE  # noqa: PLR0124 - NaN for a flat series


def _clarity(reason: Reason) -> int:
    return {"%": 2, "s": 1, "ms": 1}.get(reason.unit, 0)


def _domain(moved: Moved) -> tuple[float, float]:
    values = [value for value in moved.hot["value"] if value is not None]
    values += [value for value in (moved.low, moved.high) if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if not moved.others.is_empty():
        top = moved.others["value"].max()
        high = max(high, min(float(top), high * _CUT)) if isinstance(top, float) and high > 0 else high
    if low >= 0 and (high == 0 or low / high < _FLAT):
        low = 0.0
    span = (high - low) or abs(high) or 1.0
    falls = (moved.reason.change or 0) < 0
    above, below = (0.06, _HEADROOM) if falls else (_HEADROOM, 0.06)
    return (low if low == 0 and not falls else low - span * below), high + span * above


def _label(rows: Rows, moved: Moved, shown: Window, x: Any, y: Any, *, named: bool) -> list[Any]:
    """Return the layers of name and value at the sample farthest off, above it (below it where the series fell)."""
    found = _farthest(moved, shown)
    if found is None:
        return []
    time, value = found
    falls = (moved.reason.change or 0) < 0
    told = quantity(value * moved.factor, moved.reason.unit)
    row = {"t": millis(time), "v": value, "l": f"{moved.service}, {told}" if named else told}
    place = {
        "align": "right" if (time - shown.start) / shown.duration > _RIGHT else "left",
        "baseline": "top" if falls else "bottom",
        "dy": 6 if falls else -6,
        "fontWeight": 600,
    }
    base = rows.chart([row])
    halo = base.mark_text(**place, stroke=colour("surface"), strokeWidth=3, strokeOpacity=0.8, strokeJoin="round")
    text = base.mark_text(**place, color=colour("incident"))
    return [one.encode(x=x, y=y, text="l:N") for one in (halo, text)]


def _farthest(moved: Moved, shown: Window) -> tuple[datetime, float] | None:
    """Return the sample farthest off since the series moved; of nearly equal ones the first."""
    known = moved.hot.drop_nulls()
    since = known.filter(pl.col("time") >= (moved.reason.time or shown.start))
    known = since if len(since) else known
    if known.is_empty():
        return None
    value = pl.col("value")
    best = known.select(value.min() if (moved.reason.change or 0) < 0 else value.max()).item()
    near = known.filter((value - best).abs() <= abs(best) * _NEARLY)
    time, at = near.row(0)
    return time, float(at)


def _points(frame: pl.DataFrame, moved: Moved | None = None) -> list[dict[str, object]]:
    numbered = "s" in frame.columns
    rows: list[dict[str, object]] = []
    for row in frame.iter_rows(named=True):
        value = row["value"]
        made: dict[str, object] = {"t": millis(row["time"]), "v": None if value is None else float(f"{value:.5g}")}
        if numbered:
            made["s"] = row["s"]
        if moved is not None and value is not None:
            made |= {"w": f"{row['time']:%H:%M:%S}", "q": quantity(value * moved.factor, moved.reason.unit)}
        rows.append(made)
    return rows
