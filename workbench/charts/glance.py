"""The incident at a glance: phases and milestones on one axis of time, and beneath them the series that moved most."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from workbench.analysis.impact import Phase, Times
from workbench.analysis.suspects import Suspect
from workbench.charts.axis import room, span_text, view
from workbench.charts.calls import Calls, calls_behind, calls_panel, visits_of
from workbench.charts.figure import Figure
from workbench.charts.phases import KEY, milestone_rules, strip
from workbench.charts.rows import Rows
from workbench.charts.series import Moved, panel, pick, with_series
from workbench.charts.values import count, quantity, series_name
from workbench.evidence import Citation
from workbench.window import Window, format_duration

__all__ = ["glance"]

_PANELS = 3
_HEIGHTS = (96, 84, 84)
_MINUTE = timedelta(minutes=1)


def glance(
    metrics: pl.LazyFrame,
    spans: pl.LazyFrame | None = None,
    *,
    suspects: Sequence[Suspect],
    changes: pl.DataFrame,
    milestones: Times,
    phases: Sequence[Phase],
    window: Window,
    baseline: Window | None,
    unproven: Collection[str] = (),
    citation: Citation | None = None,
) -> Figure:
    """Return the picture of the whole incident.

    Args:
        metrics: the metrics frame, window and baseline.
        spans: the spans frame; where calls of the first suspect took longer, they are shown too.
        suspects: as ranked; the series of the first are shown, or one of each of the first three when none stands out.
        changes: what `series_changes` of `workbench.analysis.changes` returned, with the nats of `moved_series`.
        milestones: the five moments, of which all but the first may be unknown.
        phases: the stretches between them.
        window: the incident's window.
        baseline: the window before it, or None.
        unproven: milestones no evidence supports (``detected_at`` ...), drawn with a question mark.
        citation: the evidence it is drawn from.
    """
    import altair as alt  # noqa: PLC0415 - see theme

    shown = view(window, baseline)
    leading = [with_series(one, changes, any_change=one.stands_out) for one in suspects[:_PANELS]]
    picked = pick(metrics, leading, shown, baseline, most=_PANELS)
    first = suspects[0] if suspects and suspects[0].stands_out and spans is not None else None
    calls = None
    if first is not None and spans is not None:
        picked = picked[: _PANELS - 1]
        calls = calls_behind(visits_of(spans, window, baseline), first, shown, window)
    one_service = len({moved.service for moved in picked}) <= 1
    rows = Rows()
    views: list[Any] = [strip(rows, milestones, phases, shown, unproven=unproven, alone=not picked and calls is None)]
    for place, moved in enumerate(picked):
        last = place == len(picked) - 1 and calls is None
        rules = milestone_rules(rows, milestones, shown, labels=last)
        views.append(
            panel(rows, moved, window, shown, height=_HEIGHTS[place], last=last, named=one_service, rules=rules)
        )
    if calls is not None:
        rules = milestone_rules(rows, milestones, shown, labels=True)
        views.append(calls_panel(rows, calls, window, shown, height=_HEIGHTS[-1], last=True, rules=rules))
    chart = alt.vconcat(*views, spacing=14).resolve_scale(x="independent")
    return Figure(
        title=_title(picked),
        subtitle=_subtitle(picked, calls, shown, baseline, one_service=one_service),
        chart=chart,
        table=_table(picked),
        alt=_alternative(picked, phases, shown),
        citation=citation,
        rows=rows,
        params=room(),
        key=tuple((phase.name, KEY[phase.name]) for phase in phases if phase.name in KEY),
    )


def _title(picked: Sequence[Moved]) -> str:
    if not picked:
        return "No metric left its usual range during the incident"
    first = picked[0]
    text = f"{first.name} of {first.service} {_went(first)}"
    if len(picked) == 1:
        return text
    second = picked[1]
    whose = "its" if second.service == first.service else f"{second.service}’s"
    return f"{text}; {whose} {series_name(second.reason.name, inside=True)} {_went(second)}{_later(first, second)}"


def _went(moved: Moved) -> str:
    reason = moved.reason
    verb = "rose" if (reason.change or 0) > 0 else "fell"
    return f"{verb} from {quantity(reason.before, reason.unit)} to {quantity(reason.during, reason.unit)}"


def _later(first: Moved, second: Moved) -> str:
    one, other = first.reason.time, second.reason.time
    if one is None or other is None:
        return ""
    apart = other - one
    if abs(apart) < _MINUTE:
        return " in the same minute"
    return f" {format_duration(abs(apart))} {'later' if apart > timedelta(0) else 'earlier'}"


def _subtitle(
    picked: Sequence[Moved], calls: Calls | None, shown: Window, baseline: Window | None, *, one_service: bool
) -> str:
    parts = [f"{span_text(shown)}."]
    if not picked:
        return " ".join([*parts, "Phases and milestones of the incident."])
    parts.append(f"Thick line: {picked[0].service}." if one_service else "Thick line: the service named.")
    others = max(moved.others_total for moved in picked)
    drawn = max(moved.others["s"].n_unique() for moved in picked)
    if others:
        some = f"{drawn} of {others:,}" if drawn < others else f"{others:,}"
        above = ", some of which go on above the panel" if any(moved.cut for moved in picked) else ""
        parts.append(f"Thin lines: the same of {some} others{above}.")
    if baseline is not None:
        parts.append(f"Flat band: the middle nine tenths of the {format_duration(baseline.duration)} before.")
    dots = sum(moved.hot["value"].count() for moved in picked)
    if calls is not None:
        parts.append(f"Last panel: each dot a call (n = {calls.total:,}).")
    parts.append(f"Dots are samples (n = {dots:,}), gaps are missing ones.")
    return " ".join(parts)


def _table(picked: Sequence[Moved]) -> pl.DataFrame:
    if not picked:
        return pl.DataFrame()
    joined: pl.DataFrame | None = None
    for place, moved in enumerate(picked):
        name = moved.label if place == 0 or moved.service == picked[0].service else f"{moved.service}: {moved.label}"
        mine = moved.hot.drop_nulls().select("time", pl.col("value").alias(name))
        if joined is None:
            joined = mine
        elif name not in joined.columns:
            joined = joined.join(mine, on="time", how="full", coalesce=True)
    assert joined is not None  # noqa: S101 - picked isn't empty
    return joined.sort("time").rename({"time": "Time, UTC"})


def _alternative(picked: Sequence[Moved], phases: Sequence[Phase], shown: Window) -> str:
    moved = "; ".join(f"{one.name} of {one.service} {_went(one)}" for one in picked) or "no series moved"
    stretches = ", ".join(
        f"{phase.name} {format_duration(phase.duration) if phase.duration else 'still'}" for phase in phases
    )
    series = count(len(picked), "series", "series").capitalize()
    return f"{series} over {span_text(shown)}: {moved}. Phases: {stretches or 'none'}."
