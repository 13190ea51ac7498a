"""The axis of time is one for all panels of a chart: the incident, and as much of the time before it as gives it scale."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workbench.charts.theme import colour
from workbench.charts.values import clock, day
from workbench.window import Window

__all__ = ["GUTTER", "millis", "room", "span_text", "time_axis", "tint", "value_axis", "view"]

GUTTER = 58
"""Pixels that the axis labels take beside a panel; fixed, so that panels above each other share their time axis."""

_LABELS = 46
_BEFORE = 2  # an incident is shown with twice its length before it
_LEAST_BEFORE = timedelta(minutes=10)
_MARGIN = 0.03
_MINUTES = timedelta(minutes=4)
_DAYS = timedelta(hours=36)


def millis(time: datetime) -> int:
    """Return a time as Vega counts it: milliseconds since 1970 in UTC."""
    return round(time.timestamp() * 1000)


def view(window: Window, baseline: Window | None) -> Window:
    """Return the window a chart shows: the incident, a little after it, and at most the baseline before it."""
    before = max(window.duration * _BEFORE, _LEAST_BEFORE)
    if baseline is not None:
        before = min(before, window.start - baseline.start)
    shown = window.pad(before=before)
    return shown.pad(after=shown.duration * _MARGIN)


def span_text(window: Window) -> str:
    """Return a window for a subtitle: date once, both times, the zone."""
    end = clock(window.end) if window.end.date() == window.start.date() else f"{day(window.end)}, {clock(window.end)}"
    return f"{day(window.start)}, {clock(window.start)}–{end} UTC"


def room() -> list[dict[str, Any]]:
    """Return the parameters by which the page tells a chart how much room it has."""
    return [{"name": "room", "value": 760}, {"name": "gutter", "value": GUTTER}]


def time_axis(shown: Window, *, labels: bool, field: str = "t") -> Any:
    """Return the encoding of x: the same for all panels, labelled under the last one only."""
    import altair as alt  # noqa: PLC0415

    form = "%H:%M:%S" if shown.duration < _MINUTES else ("%H:%M" if shown.duration < _DAYS else "%-d %b")
    axis = (
        alt.Axis(title=None, format=form, labelFlush=True, tickCount=alt.ExprRef("room < 520 ? 4 : 8"), grid=False)
        if labels
        else None
    )
    scale = alt.Scale(type="utc", domain=[millis(shown.start), millis(shown.end)], nice=False)
    return alt.X(f"{field}:T", scale=scale, axis=axis)


def value_axis(*, ticks: int = 3) -> Any:
    """Return the axis of y with labels of a fixed width, so that panels stand exactly above each other."""
    import altair as alt  # noqa: PLC0415

    return alt.Axis(title=None, tickCount=ticks, format=",.4~r", minExtent=_LABELS, maxExtent=_LABELS)


def tint(window: Window, shown: Window, *, labels: bool) -> Any:
    """Return the layer that shades the incident."""
    import altair as alt  # noqa: PLC0415

    row = {"t": millis(window.start), "u": millis(min(window.end, shown.end))}
    return (
        alt.Chart(alt.InlineData(values=[row]))
        .mark_rect(color=colour("incident-tint"))
        .encode(x=time_axis(shown, labels=labels), x2="u:T")
    )
