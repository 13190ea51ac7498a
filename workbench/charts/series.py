"""A panel shows one series that moved against its own normal range and, faintly, the same metric of all other services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from workbench.analysis.suspects import Reason, Suspect
from workbench.charts.axis import millis, time_axis, tint, value_axis
from workbench.charts.thin import samples
from workbench.charts.theme import colour
from workbench.charts.values import quantity, scaled, series_name
from workbench.window import Window

__all__ = ["Moved", "panel", "pick"]

_KEY = ("service", "instance", "metric", "attributes")
_OTHERS = 60
_OTHERS_POINTS = 120
_ALIKE = 0.97
_CUT = 2.0  # others are cut where they go beyond twice the range of the series in question
_FLAT = 0.5
_MOST_DOTS = 80
_RIGHT = 0.55


@dataclass(frozen=True)
class Moved:
    """One series that speaks against a service, its samples in view, and those of the same metric elsewhere.

    ``hot`` has time and value; ``others`` has s (a number for each series), time and value; values are divided by ``factor`` into ``unit``.
    ``low`` and ``high`` bound the middle nine tenths of the baseline.
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
    def label(self) -> str:
        """The metric in words with its unit, for a heading."""
        return f"{self.name}, {self.unit}" if self.unit else self.name


def pick(
    metrics: pl.LazyFrame, suspects: list[Suspect], shown: Window, baseline: Window | None, *, most: int
) -> list[Moved]:
    """Return the series that tell the most: of a suspect that stands out up to ``most``, else one a suspect in their order.

    Series of one service that rise and fall together (correlation over 0.97) tell the same thing; the one with the clearest unit stays.
    """
    found: list[Moved] = []
    for suspect in suspects:
        reasons = [reason for reason in suspect.reasons if reason.kind == "metric"]
        mine: list[Moved] = []
        for reason in reasons:
            made = _moved(metrics, suspect.service, reason, shown, baseline)
            twin = next((place for place, one in enumerate(mine) if _alike(one.hot, made.hot)), None)
            if twin is None:
                mine.append(made)
            elif _clarity(made) > _clarity(mine[twin]):
                mine[twin] = made
        found += mine if suspect.stands_out else mine[:1]
        if len(found) >= most or (suspect.stands_out and mine):
            break
    return [_with_others(metrics, one, shown) for one in found[:most]]


def panel(moved: Moved, window: Window, shown: Window, *, height: int, last: bool, named: bool, rules: Any = None) -> Any:
    """Return the layered chart of one series: tint, band, others, line, dots, and its label at the highest point."""
    import altair as alt  # noqa: PLC0415

    low, high = _domain(moved)
    x = time_axis(shown, labels=last)
    scale = alt.Scale(domain=[low, high], nice=False)
    y = alt.Y("v:Q", scale=scale, axis=value_axis())
    layers = [tint(window, shown, labels=last)]
    if moved.low is not None and moved.high is not None:
        row = {"a": moved.low, "b": moved.high}
        band = alt.Chart(alt.InlineData(values=[row])).mark_rect(color=colour("band"), clip=True)
        layers.append(band.encode(y=alt.Y("a:Q", scale=scale, axis=value_axis()), y2="b:Q"))
    if not moved.others.is_empty():
        faint = alt.Chart(alt.InlineData(values=_rows(moved.others)))
        layers.append(
            faint.mark_line(strokeWidth=0.7, color=colour("context"), clip=True).encode(x=x, y=y, detail="s:N")
        )
    hot = alt.Chart(alt.InlineData(values=_rows(moved.hot, moved)))
    layers.append(hot.mark_line(strokeWidth=2.2, color=colour("incident")).encode(x=x, y=y))
    if len(moved.hot) <= _MOST_DOTS:
        dots = hot.transform_filter("datum.v !== null").mark_point(color=colour("incident"), size=18, opacity=1)
        tip = [alt.Tooltip("w:N", title="Time, UTC"), alt.Tooltip("q:N", title=moved.name)]
        layers.append(dots.encode(x=x, y=y, tooltip=tip))
    if rules is not None:
        layers.append(rules)
    layers.append(_label(moved, shown, x, y, named=named))
    title = moved.label if named else f"{moved.name} of {moved.service}{f', {moved.unit}' if moved.unit else ''}"
    return alt.layer(*layers).properties(width="container", height=height, title=title)


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
        low, high = inside.select(pl.col("value").quantile(0.05).alias("l"), pl.col("value").quantile(0.95).alias("h")).collect().row(0)
    hot = hot.with_columns(pl.col("value") / factor)
    empty = pl.DataFrame(schema={"s": pl.UInt32, "time": shown_type(), "value": pl.Float64})
    scale = (None if low is None else low / factor, None if high is None else high / factor)
    return Moved(service, reason, unit, factor, hot, empty, 0, *scale)


def shown_type() -> pl.DataType:
    """Return the type of every time."""
    return pl.Datetime("us", "UTC")


def _with_others(metrics: pl.LazyFrame, moved: Moved, shown: Window) -> Moved:
    others = metrics.filter((pl.col("metric") == moved.reason.name) & (pl.col("service") != moved.service))
    found = samples(others, _KEY, shown, points=_OTHERS_POINTS)
    if found.is_empty():
        return moved
    numbered = found.with_columns(s=pl.struct(_KEY).rank("dense") - 1, value=pl.col("value") / moved.factor)
    total = int(numbered["s"].max() or 0) + 1  # type: ignore[call-overload, arg-type]
    kept = numbered.filter(pl.col("s") < _OTHERS).select("s", "time", "value")
    return Moved(moved.service, moved.reason, moved.unit, moved.factor, moved.hot, kept, total, moved.low, moved.high)


def _alike(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    both = one.drop_nulls().join(other.drop_nulls(), on="time", suffix="_other")
    if len(both) < 4:  # noqa: PLR2004 - three points are always nearly a line
        return False
    found = both.select(pl.corr("value", "value_other")).item()
    return found is not None and found == found and found > _ALIKE  # noqa: PLR0124 - NaN for a flat series


def _clarity(moved: Moved) -> int:
    return {"%": 2, "s": 1, "ms": 1}.get(moved.reason.unit, 0)


def _domain(moved: Moved) -> tuple[float, float]:
    values = [value for value in moved.hot["value"] if value is not None]
    values += [value for value in (moved.low, moved.high) if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if not moved.others.is_empty():
        top = moved.others["value"].max()
        high = max(high, min(float(top), high * _CUT)) if isinstance(top, float) and high > 0 else high
    if low >= 0 and (high == 0 or low / high < _FLAT):
        low = 0.0
    room = (high - low) * 0.08 or 1.0
    return (low if low == 0 else low - room), high + room


def _label(moved: Moved, shown: Window, x: Any, y: Any, *, named: bool) -> Any:
    import altair as alt  # noqa: PLC0415

    known = moved.hot.drop_nulls().filter(pl.col("time") >= pl.lit(moved.reason.time or shown.start) - pl.duration(seconds=1))
    known = known if len(known) else moved.hot.drop_nulls()
    falls = (moved.reason.change or 0) < 0
    if known.is_empty():
        return alt.Chart(alt.InlineData(values=[])).mark_text()
    best = known["value"].min() if falls else known["value"].max()
    slack = abs(float(best)) * 0.02  # type: ignore[arg-type]
    near = known.filter((pl.col("value") - best).abs() <= slack)
    time, value = near.row(-1)
    told = quantity(float(best) * moved.factor, moved.reason.unit)  # type: ignore[arg-type]
    left = (time - shown.start) / shown.duration > _RIGHT
    if left:
        time, value = near.row(0)
    text = f"{moved.service}, {told}" if named else told
    mark = alt.Chart(alt.InlineData(values=[{"t": millis(time), "v": value, "l": text}])).mark_text(
        align="right" if left else "left",
        baseline="bottom" if falls else "middle",
        dx=-9 if left else 9,
        dy=-4 if falls else 0,
        fontWeight=600,
        color=colour("incident"),
    )
    return mark.encode(x=x, y=y, text="l:N")


def _rows(frame: pl.DataFrame, moved: Moved | None = None) -> list[dict[str, object]]:
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
