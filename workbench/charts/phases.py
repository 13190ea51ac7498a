"""Phases are drawn as one bar, the worst stretch the darkest, with every milestone named above it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from workbench.analysis.impact import Phase, Times
from workbench.charts.axis import GUTTER, millis, time_axis
from workbench.charts.rows import Rows
from workbench.charts.theme import PHASES, colour
from workbench.charts.values import clock
from workbench.window import Window

__all__ = ["KEY", "milestone_rules", "strip"]

KEY = {"unnoticed": "phase-1", "seen": "phase-2", "being mitigated": "phase-3", "watching": "phase-4"}
"""The token of each phase."""

_NAMES = {
    "started_at": "started",
    "detected_at": "detected",
    "acknowledged_at": "acknowledged",
    "mitigated_at": "mitigated",
    "resolved_at": "resolved",
}
_WIDE, _NARROW = 720 - GUTTER, 340 - GUTTER
_CHARACTER = 6.6  # pixels of a letter of 12 px Inter, on the wide side
_ROW = 16
_BAR = 12
_BREATH = 6


def strip(
    rows: Rows,
    milestones: Times,
    phases: Sequence[Phase],
    shown: Window,
    *,
    unproven: Collection[str],
    alone: bool,
) -> Any:
    """Return the bar of phases with the milestones' names above it.

    Each name stands left of the line that leads from it down to the bar. One that would touch the line before it goes
    a row higher than that one's, so that no line ever crosses a name.
    """
    import altair as alt  # noqa: PLC0415

    known = _known(milestones, shown)
    wide, narrow = (
        _heights(known, shown, width, unproven, long=long) for width, long in ((_WIDE, True), (_NARROW, False))
    )
    top = (max([*wide, *narrow], default=0) + 1) * _ROW
    height = top + _BAR
    scale = alt.Scale(domain=[0, height], range=[0, height], nice=False, zero=False)
    labels = [
        {
            "t": millis(at),
            "yw": top - (wide[place] + 1) * _ROW,
            "yn": top - (narrow[place] + 1) * _ROW,
            "lw": _text(field, at, unproven, long=True),
            "ln": _text(field, at, unproven, long=False),
            "b": top,
            "c": "unproven" if field in unproven else "ink",
        }
        for place, (field, at) in enumerate(known)
    ]
    named = (
        rows.chart(labels)
        .transform_calculate(y="room < 520 ? datum.yn : datum.yw", l="room < 520 ? datum.ln : datum.lw")
        .transform_calculate(z="datum.y + 1")
    )
    tones = alt.Scale(domain=["ink", "unproven"], range=[colour("ink"), colour("unproven")])
    x = time_axis(shown, labels=alone)
    leader = named.mark_rule(color=colour("edge"), strokeWidth=0.8)
    text = named.mark_text(baseline="top", align="right", dx=-4)
    bars = [
        {
            "t": millis(phase.start),
            "u": millis(min(phase.end or shown.end, shown.end)),
            "a": top,
            "b": height,
            "n": phase.name,
        }
        for phase in phases
    ]
    colours = alt.Scale(domain=list(PHASES), range=list(PHASES.values()))
    bar = rows.chart(bars).mark_rect()
    made = alt.layer(
        bar.encode(
            x=x,
            x2="u:T",
            y=alt.Y("a:Q", scale=scale, axis=None),
            y2="b:Q",
            color=alt.Color("n:N", scale=colours, legend=None),
            tooltip=alt.Tooltip("n:N", title="Phase"),
        ),
        leader.encode(x=x, y=alt.Y("z:Q", scale=scale, axis=None), y2="b:Q"),
        text.encode(
            x=time_axis(shown, labels=alone, domain=True),
            y=alt.Y("y:Q", scale=scale, axis=None),
            text="l:N",
            color=alt.Color("c:N", scale=tones, legend=None),
        ),
    )
    made = made.resolve_scale(color="independent")
    return made.properties(width="container", height=height)


def milestone_rules(rows: Rows, milestones: Times, shown: Window, *, labels: bool) -> Any:
    """Return the dotted lines that carry the milestones down through a panel."""
    times = [{"t": millis(at)} for _, at in _known(milestones, shown)]
    dotted = rows.chart(times).mark_rule(color=colour("incident"), strokeDash=[2, 3], strokeWidth=1, opacity=0.75)
    return dotted.encode(x=time_axis(shown, labels=labels))


def _known(milestones: Times, shown: Window) -> list[tuple[str, datetime]]:
    found = [(field, getattr(milestones, field)) for field in _NAMES]
    return [(field, at) for field, at in found if at is not None and shown.start <= at <= shown.end]


def _text(field: str, at: datetime, unproven: Collection[str], *, long: bool) -> str:
    return f"{_NAMES[field]}{' ?' if field in unproven else ''} {clock(at, seconds=long)}"


def _heights(
    known: Sequence[tuple[str, datetime]], shown: Window, width: int, unproven: Collection[str], *, long: bool
) -> list[int]:
    """Return the row of each name, counted from the bar upwards."""
    heights: list[int] = []
    before = -float("inf")
    for field, at in known:
        here = (at - shown.start) / shown.duration * width
        begins = here - len(_text(field, at, unproven, long=long)) * _CHARACTER
        heights.append(heights[-1] + 1 if heights and begins < before + _BREATH else 0)
        before = here
    return heights
