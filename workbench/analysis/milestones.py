"""Milestones are proposed from what is pinned; nothing is decided, a person confirms.

How sure a proposal is has three steps, counted and not estimated: high where two kinds of evidence agree or a system
says so itself of an affected service, medium where one says so, low where it is only the best that there is.
docs/analysis.md has the rule of each step for each milestone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import polars as pl

from workbench.analysis import events
from workbench.analysis.alarms import Alarm, Mark
from workbench.analysis.alarms import read as read_alarms
from workbench.analysis.onset import Calm, First, calm, firsts
from workbench.analysis.proposal import CHANGE, MILESTONES, Cite, Proposal, Sure
from workbench.analysis.proposing import AGREE, Frames, Given, acknowledged, changed, detected, named, resolved
from workbench.analysis.reasons import Suspect
from workbench.telemetry.schema import FRAMES
from workbench.window import Window, format_duration

__all__ = ["CHANGE", "MILESTONES", "Frames", "Proposal", "Sure", "propose"]

_CALM_POINTS = 3  # calm samples in a row, by which a series is believed to stay so
_KIND = {"metric": "metrics", "log": "logs", "span": "traces"}


def propose(
    frames: Frames,
    *,
    suspects: Sequence[Suspect],
    services: Collection[str] = (),
    window: Window,
    baseline: Window,
    cite: Cite,
) -> tuple[Proposal, ...]:
    """Return the proposals in the order of the milestones, at most one each, then the last change before the start.

    A milestone that nothing pinned tells of has none. Of several candidates that keep the order of the milestones the
    surest is taken, of equally sure ones the earliest; where none keeps the order, the surest with its conflict said.

    Args:
        frames: what is pinned of the window and the baseline before it.
        suspects: as `workbench.analysis.suspects.rank` orders them.
        services: those that people said are affected.
        window: the incident's window.
        baseline: the stretch before it.
        cite: makes citations of these very frames.
    """
    given = Given(frames, suspects, frozenset(services), window, baseline, cite)
    told = events.read(frames.get("events", {}))
    alarms = read_alarms(told, affected=given.affected, window=window)
    chosen: list[Proposal] = []
    for candidates in (
        _started(given, alarms),
        detected(given, alarms, told),
        acknowledged(given, alarms, told),
        _mitigated(given, alarms),
        resolved(given, alarms),
    ):
        if candidates:
            chosen.append(_fitting(candidates, chosen))
    start = next((one.at for one in chosen if one.milestone == "started_at"), window.start)
    return (*chosen, *changed(given, told, start))


def _fitting(candidates: Sequence[Proposal], chosen: Sequence[Proposal]) -> Proposal:
    """Return the surest candidate that keeps the order; where none is near as sure, the surest with its conflict."""
    ordered = sorted(candidates, key=lambda one: (one.sure.rank, one.at))
    best = ordered[0]
    latest = max(chosen, key=lambda one: one.at, default=None)
    if latest is None or best.at >= latest.at:
        return best
    name, early = latest.milestone.removesuffix("_at"), format_duration(latest.at - best.at)
    fits = [one for one in ordered if one.at >= latest.at]
    if fits and (fits[0].sure is best.sure or best.at < latest.at - latest.uncertainty):
        told = f"; another, at {best.at:%H:%M:%S}, lies {early} before the time proposed for {name}"
        return replace(fits[0], reason=fits[0].reason + told)
    near = f", which is known to ±\u00a0{format_duration(latest.uncertainty)}" if latest.uncertainty else ""
    return replace(best, conflict=f"lies {early} before the time proposed for {name}{near}: one of the two is another")


def _started(given: Given, alarms: Sequence[Alarm]) -> list[Proposal]:
    """Return the first bad point of the first suspect, or at least the first alarm."""
    suspect, metrics = given.suspect, given.metrics
    if suspect is not None:
        empty = pl.LazyFrame(schema=FRAMES["metrics"])
        signs = firsts(empty if metrics is None else metrics, suspect, window=given.window, baseline=given.baseline)
        if signs:
            return _first_bad(given, suspect, signs)
    began = [one.began for one in alarms if one.began is not None and one.began.at >= given.window.start]
    if not began:
        return []
    text = f"The first alarm, {named(began[0])}; no telemetry tells when it began, and it was not later than this"
    return [given.of_event("started_at", min(began, key=lambda one: one.at), Sure.LOW, text)]


def _first_bad(given: Given, suspect: Suspect, signs: Sequence[First]) -> list[Proposal]:
    first, *others = signs
    agree = [one for one in others if one.at - first.at <= 2 * max(one.resolution, first.resolution)]
    # A metric's samples from before the window were looked at, so that one that was calm there closes the question.
    unseen = first.open and not any(one.reason.kind == "metric" for one in agree)
    points = int(suspect.stands_out) + bool(agree) - unseen
    sure = (Sure.LOW, Sure.MEDIUM, Sure.HIGH)[max(points, 0)]
    unsure = max([first.resolution, *(one.at - first.at for one in agree)])
    text = f"First sign against {suspect.service}, which {'stands out' if suspect.stands_out else 'changed most'}: "
    text += first.reason.text
    text += "; it was so before the window began" if first.before_window else ""
    text += f"; its {' and '.join(_KIND[one.reason.kind] for one in agree)} changed at the same time" if agree else ""
    text += "; it lies at the window’s beginning, and it may have been so before" if unseen else ""
    return given.of_reason("started_at", first.at, unsure, sure, first.reason, text)


def _mitigated(given: Given, alarms: Sequence[Alarm]) -> list[Proposal]:
    """Return when the series of the first suspect were calm again, and when customers were told that it is better."""
    eased = [one.eased for one in alarms if one.eased is not None and one.eased.at >= given.window.start]
    found = [
        given.of_event("mitigated_at", one, Sure.MEDIUM, f"The {named(one)} went on to monitoring") for one in eased
    ]
    suspect, metrics = given.suspect, given.metrics
    if suspect is None or metrics is None:
        return found
    end = calm(metrics, suspect, window=given.window, baseline=given.baseline)
    if end is None:
        return found
    ended = [one.ended for one in alarms if one.affected and one.ended is not None]
    agree = [one for one in (*eased, *ended) if abs(one.at - end.at) <= AGREE + end.resolution]
    return [*_calm(given, suspect, end, agree), *found]


def _calm(given: Given, suspect: Suspect, end: Calm, agree: Sequence[Mark]) -> list[Proposal]:
    lasting = end.points >= _CALM_POINTS
    sure = (Sure.HIGH if agree else Sure.MEDIUM) if lasting else Sure.LOW
    samples = f"{end.points} sample{'s' if end.points > 1 else ''}"
    text = f"{end.reason.name} of {suspect.service} was back in its usual range, and stayed so for {samples}"
    text += "" if lasting else ", which is too few to be sure that it lasted"
    text += f"; the {named(agree[0])} says so too" if agree else ""
    return given.of_reason("mitigated_at", end.at, end.resolution, sure, end.reason, text)
