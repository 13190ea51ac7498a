"""Phases are drawn as one bar, the worst stretch the darkest, with every milestone named above it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from workbench.analysis.impact import Phase, Times
from workbench.charts.axis import GUTTER, millis, time_axis
from workbench.charts.theme import PHASES, colour
from workbench.charts.values import clock
from workbench.window import Window

__all__ = ["KEY", "milestone_rules", "strip"]

KEY = {"unnoticed": "phase-1", "seen": "phase-2", "being mitigated": "phase-3", "watching": "phase-4"}
"""The token of each phase."""

_NAMES = {"started_at": "started", "detected_at": "detected", "acknowledged_at": "acknowledged", "mitigated_at": "mitigated", "resolved_at": "resolved"}
_WIDE, _NARROW = 760 - GUTTER, 358 - GUTTER
_CHARACTER = 6.3  # pixels of a letter of 12 px Inter, on the wide side
_ROW = 16
_ROWS = 4
_BAR = 12
_BREATH = 10


def strip(milestones: Times, phases: Sequence[Phase], shown: Window, *, unproven: Collection[str], alone: bool) -> Any:
    """Return the bar of phases with the milestones' names above it, in as many rows as they need not to touch."""
    import altair as alt  # noqa: PLC0415

    known = _known(milestones, shown)
    wide, narrow = _placed(known, shown, _WIDE, unproven, long=True), _placed(known, shown, _NARROW, unproven, long=False)
    rows = max([row for _, row in (*wide, *narrow)], default=0) + 1
    top, height = rows * _ROW, rows * _ROW + _BAR
    scale = alt.Scale(domain=[0, height], range=[0, height], nice=False, zero=False)
    x = time_axis(shown, labels=alone)
    y = alt.Y("y:Q", scale=scale, axis=None)
    labels = [
        {
            "t": millis(at),
            "tw": millis(shown.start + shown.duration * wide[place][0]),
            "tn": millis(shown.start + shown.duration * narrow[place][0]),
            "yw": (rows - 1 - wide[place][1]) * _ROW,
            "yn": (rows - 1 - narrow[place][1]) * _ROW,
            "lw": _text(field, at, unproven, long=True),
            "ln": _text(field, at, unproven, long=False),
            "b": top,
            "c": "unproven" if field in unproven else "ink",
        }
        for place, (field, at) in enumerate(known)
    ]
    named = (
        alt.Chart(alt.InlineData(values=labels))
        .transform_calculate(p="room < 520 ? datum.tn : datum.tw", y="room < 520 ? datum.yn : datum.yw")
        .transform_calculate(l="room < 520 ? datum.ln : datum.lw", z="datum.y + 13")
    )
    tone = alt.Color("c:N", scale=alt.Scale(domain=["ink", "unproven"], range=[colour("ink"), colour("unproven")]), legend=None)
    leader = named.mark_rule(color=colour("edge"), strokeWidth=0.7).encode(x=x, y=alt.Y("z:Q", scale=scale, axis=None), y2="b:Q")
    text = named.mark_text(baseline="top").encode(x=time_axis(shown, labels=alone, field="p"), y=y, text="l:N", color=tone)
    bars = [
        {"t": millis(phase.start), "u": millis(min(phase.end or shown.end, shown.end)), "y": top, "z": height, "n": phase.name}
        for phase in phases
    ]
    colours = alt.Color("n:N", scale=alt.Scale(domain=list(PHASES), range=list(PHASES.values())), legend=None)
    bar = alt.Chart(alt.InlineData(values=bars)).mark_rect().encode(x=x, x2="u:T", y=y, y2="z:Q", color=colours, tooltip=alt.Tooltip("n:N", title="Phase"))
    made = alt.layer(leader, bar, text).resolve_scale(color="independent")
    return made.properties(width="container", height=height, view=alt.ViewConfig(stroke=None))


def milestone_rules(milestones: Times, shown: Window, *, labels: bool) -> Any:
    """Return the dotted lines that carry the milestones down through a panel."""
    import altair as alt  # noqa: PLC0415

    rows = [{"t": millis(at)} for _, at in _known(milestones, shown)]
    dotted = alt.Chart(alt.InlineData(values=rows)).mark_rule(color=colour("incident"), strokeDash=[2, 3], strokeWidth=1, opacity=0.75)
    return dotted.encode(x=time_axis(shown, labels=labels))


def _known(milestones: Times, shown: Window) -> list[tuple[str, datetime]]:
    found = [(field, getattr(milestones, field)) for field in _NAMES]
    return [(field, at) for field, at in found if at is not None and shown.start <= at <= shown.end]


def _text(field: str, at: datetime, unproven: Collection[str], *, long: bool) -> str:
    return f"{_NAMES[field]}{' ?' if field in unproven else ''} {clock(at, seconds=long)}"


def _placed(
    known: Sequence[tuple[str, datetime]], shown: Window, width: int, unproven: Collection[str], *, long: bool
) -> list[tuple[float, int]]:
    """Return for each label the fraction of the width its middle lies at, and its row counted from the bar upwards.

    A label keeps its row's earlier ones at a distance; one that finds no room goes a row higher, the last row takes the rest.
    """
    ends = [-float("inf")] * _ROWS
    placed = []
    for field, at in known:
        half = len(_text(field, at, unproven, long=long)) * _CHARACTER / 2
        middle = (at - shown.start) / shown.duration * width
        middle = min(max(middle, half), width - half)
        row = next((row for row in range(_ROWS) if ends[row] + _BREATH <= middle - half), _ROWS - 1)
        ends[row] = middle + half
        placed.append((middle / width, row))
    return placed
