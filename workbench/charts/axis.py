"""The axis of time is one for all panels of a chart: the incident, and enough of the time before it to compare."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workbench.charts.rows import Rows
from workbench.charts.theme import colour
from workbench.charts.values import clock, day
from workbench.window import Window

__all__ = ["GUTTER", "heading", "millis", "room", "span_text", "time_axis", "tint", "value_axis", "view"]

GUTTER = 58
"""Pixels that the axis labels take beside a panel; fixed, so that panels above each other share their time axis."""

_LABELS = 46
_BEFORE = 2  # an incident is shown with twice its length before it
_LEAST_BEFORE = timedelta(minutes=10)
_MARGIN = 0.03
_MINUTES = timedelta(minutes=4)
_DAYS = timedelta(hours=36)
_WIDE, _NARROW = 8, 4  # labels that fit on a page and on a phone
_STEPS = tuple(
    [1, 2, 5, 10, 15, 30]
    + [60 * step for step in (1, 2, 5, 10, 15, 30)]
    + [3600 * step for step in (1, 2, 3, 6, 12)]
    + [86400 * step for step in (1, 2, 7, 14, 28, 91, 364)]
)


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


def room(gutter: int = GUTTER) -> list[dict[str, Any]]:
    """Return the parameters by which the page tells a chart how much room it has, and what of it isn't for panels."""
    return [{"name": "room", "value": 760}, {"name": "gutter", "value": gutter}]


def time_axis(shown: Window, *, labels: bool, field: str = "t", domain: bool = False) -> Any:
    """Return the encoding of x: the same for all layers and panels, labelled under the last panel only.

    ``domain`` is set for one layer of each panel, one without an x2, and the others follow it: Vega-Lite reads an x2's
    domain otherwise than its x's, and takes both.
    """
    import altair as alt  # noqa: PLC0415

    if labels:
        wide, narrow = _ticks(shown, _WIDE), _ticks(shown, _NARROW)
        values = alt.ExprRef(f"room < 520 ? {narrow} : {wide}")
        axis = alt.Axis(title=None, format=_format(shown), labelFlush=True, values=values, grid=False)
    else:
        axis = None
    ends = [alt.ExprRef(str(millis(time))) for time in (shown.start, shown.end)] if domain else alt.Undefined
    return alt.X(f"{field}:T", scale=alt.Scale(type="utc", domain=ends, nice=False), axis=axis)


def heading(text: str) -> Any:
    """Return a panel's heading, shortened where the page has no room for it."""
    import altair as alt  # noqa: PLC0415

    return alt.TitleParams(text, limit=alt.ExprRef("room - 62"))


def value_axis(*, ticks: int = 3) -> Any:
    """Return the axis of y with labels of a fixed width, so that panels stand exactly above each other."""
    import altair as alt  # noqa: PLC0415

    return alt.Axis(title=None, tickCount=ticks, format=",.4~r", minExtent=_LABELS, maxExtent=_LABELS)


def tint(rows: Rows, window: Window, shown: Window, *, labels: bool) -> Any:
    """Return the layer that shades the incident."""
    row = {"t": millis(window.start), "u": millis(min(window.end, shown.end))}
    return (
        rows.chart([row]).mark_rect(color=colour("incident-tint")).encode(x=time_axis(shown, labels=labels), x2="u:T")
    )


def _ticks(shown: Window, most: int) -> list[int]:
    """Return the round times in the window, of the finest step that gives at most so many, in milliseconds."""
    step = next((step for step in _STEPS if shown.duration / timedelta(seconds=step) <= most), _STEPS[-1]) * 1000
    first = -(-millis(shown.start) // step) * step
    return list(range(first, millis(shown.end) + 1, step))


def _format(shown: Window) -> str:
    if shown.duration < _MINUTES:
        return "%H:%M:%S"
    return "%H:%M" if shown.duration < _DAYS else "%-d %b"
