"""A panel of calls shows every call of one operation as a dot: how long it took, before the incident and in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from workbench.analysis import traces
from workbench.analysis.reasons import Reason, Suspect
from workbench.charts.axis import heading, millis, time_axis, tint, value_axis
from workbench.charts.rows import Rows
from workbench.charts.theme import colour
from workbench.charts.thin import POINTS, samples
from workbench.charts.values import quantity, scaled
from workbench.window import Window

__all__ = ["Calls", "calls_behind", "calls_panel", "visits_of", "waited"]

_COLUMN = {"own": "own_ns", "gap": "gap_ns"}
_NANOSECONDS = 1e9
_HEADROOM = 1.3
_RIGHT = 0.45
_CLEAR = 0.5


@dataclass(frozen=True)
class Calls:
    """The calls that a reason speaks of: ``points`` has time and value, divided by ``factor`` into ``unit``.

    ``low`` and ``high`` bound the middle nine tenths of those before the incident (None when there were none). Of very
    many calls (``total``) the extremes of each little while are drawn.
    """

    service: str
    reason: Reason
    unit: str
    factor: float
    points: pl.DataFrame
    low: float | None
    high: float | None
    total: int

    @property
    def label(self) -> str:
        """What the dots are, for a heading."""
        if self.reason.measure == "own":
            return f"Own work, {self.unit} a call"
        if waited(self.service, self.reason):
            return f"Waited for {self.reason.peer}, {self.unit}"
        return f"Kept {self.reason.peer} waiting, {self.unit}"


def waited(service: str, reason: Reason) -> bool:
    """Return whether the service is the one that waited, of a reason about a wait; its text names it first then."""
    return reason.text.startswith(f"{service} waited")


def visits_of(spans: pl.LazyFrame, window: Window, baseline: Window | None) -> pl.DataFrame:
    """Return the visits of `workbench.analysis.traces.read`, for `calls_behind`."""
    return traces.read(spans, window=window, baseline=baseline or window.baseline(window.duration)).visits


def calls_behind(visits: pl.DataFrame, suspect: Suspect, shown: Window, window: Window) -> Calls | None:
    """Return the calls of the strongest reason that is about how long calls took, or None when there is none.

    Args:
        visits: what `visits_of` returned.
        suspect: whose calls; of a wait either end.
        shown: the stretch of time a chart shows.
        window: the incident's window.
    """
    timed = [one for one in suspect.reasons if one.measure in _COLUMN]
    if not timed:
        return None
    # What a service did itself says more than a wait, which has two ends.
    own = (one for one in timed if one.measure == "own" and one.weight >= _CLEAR * timed[0].weight)
    reason = next(own, timed[0])
    among = pl.col("operation") == reason.name
    if reason.measure == "own":
        among &= pl.col("service") == suspect.service
    else:
        caller, callee = suspect.service, reason.peer or ""
        if not waited(suspect.service, reason):
            caller, callee = callee, caller
        among &= (pl.col("service") == callee) & (pl.col("caller") == caller)
    mine = visits.lazy().filter(among).select(time="start_time", value=pl.col(_COLUMN[reason.measure]) / _NANOSECONDS)
    points = mine.filter(shown.holds()).drop_nulls().sort("time", "value").collect()
    total = len(points)
    if total > POINTS:
        points = samples(points.lazy().with_columns(one=pl.lit(0)), ["one"], shown).drop_nulls().drop("one")
    if points.is_empty():
        return None
    peak = float(points.select(pl.col("value").max()).item())
    factor, unit = scaled("s", peak)
    normal = mine.filter(pl.col("time") < window.start).collect()["value"].drop_nulls()
    low, high = (normal.quantile(0.05), normal.quantile(0.95)) if len(normal) else (None, None)
    return Calls(
        service=suspect.service,
        reason=reason,
        unit=unit,
        factor=factor,
        points=points.with_columns(pl.col("value") / factor),
        low=None if low is None else low / factor,
        high=None if high is None else high / factor,
        total=total,
    )


def calls_panel(
    rows: Rows,
    calls: Calls,
    window: Window,
    shown: Window,
    *,
    height: int,
    last: bool,
    rules: Any = None,
) -> Any:
    """Return the chart of the calls: those of the incident stand out, the median of the window is told."""
    import altair as alt  # noqa: PLC0415 - see theme

    top = max(float(calls.points.select(pl.col("value").max()).item()), calls.high or 0.0) or 1.0
    scale = alt.Scale(domain=[0, top * _HEADROOM], nice=False)
    y = alt.Y("v:Q", scale=scale, axis=value_axis())
    layers = [tint(rows, window, shown, labels=last)]
    if calls.low is not None and calls.high is not None:
        band = rows.chart([{"a": calls.low, "b": calls.high}]).mark_rect(color=colour("band"))
        layers.append(band.encode(y=alt.Y("a:Q", scale=scale, axis=value_axis()), y2="b:Q"))
    listed = [_point(time, value, calls, window) for time, value in calls.points.iter_rows()]
    tones = alt.Scale(domain=["before", "during"], range=[colour("edge"), colour("incident")])
    tip = [alt.Tooltip("w:N", title="Started, UTC"), alt.Tooltip("q:N", title="Took")]
    layers.append(
        rows.chart(listed)
        .mark_point(filled=True, size=20, opacity=0.75)
        .encode(
            x=time_axis(shown, labels=last, domain=True),
            y=y,
            color=alt.Color("c:N", scale=tones, legend=None),
            tooltip=tip,
        )
    )
    if rules is not None:
        layers.append(rules)
    layers += _label(rows, calls, window, shown, time_axis(shown, labels=last), y)
    title = heading(f"{calls.label}: {calls.reason.name}")
    return alt.layer(*layers).properties(width="container", height=height, title=title)


def _point(time: Any, value: float, calls: Calls, window: Window) -> dict[str, object]:
    return {
        "t": millis(time),
        "v": float(f"{value:.4g}"),
        "c": "during" if time in window else "before",
        "w": f"{time:%H:%M:%S}",
        "q": quantity(value * calls.factor, "s"),
    }


def _label(rows: Rows, calls: Calls, window: Window, shown: Window, x: Any, y: Any) -> list[Any]:
    inside = calls.points.filter(window.holds()).sort("value", "time")
    if inside.is_empty():
        return []
    time, value = inside.row(-1)
    row = {"t": millis(time), "v": value, "l": f"median {quantity(calls.reason.during, calls.reason.unit)}"}
    align = "right" if (time - shown.start) / shown.duration > _RIGHT else "left"
    place = {"align": align, "baseline": "bottom", "dy": -5, "fontWeight": 600}
    base = rows.chart([row])
    halo = base.mark_text(**place, stroke=colour("surface"), strokeWidth=3, strokeOpacity=0.8, strokeJoin="round")
    text = base.mark_text(**place, color=colour("incident"))
    return [one.encode(x=x, y=y, text="l:N") for one in (halo, text)]
