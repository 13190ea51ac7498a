"""What systems and people said becomes candidates for a milestone here, each with the rule of how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from workbench.analysis.alarms import KINDS, Alarm, Mark, mark
from workbench.analysis.events import CHANGES
from workbench.analysis.proposal import CHANGE, Cite, Proposal, Sure
from workbench.analysis.reasons import Reason, Suspect
from workbench.telemetry.names import FrameName
from workbench.window import Window, format_duration

__all__ = ["AGREE", "Frames", "Given", "acknowledged", "changed", "detected", "named", "resolved"]

Frames = Mapping[FrameName, Mapping[str, pl.LazyFrame]]
"""Pinned frames, by the source that gave them (`workbench.evidence.Snapshot.by_source`)."""

AGREE = timedelta(minutes=5)
"""What two systems say of one moment lies within so much."""

_NEAR = timedelta(minutes=30)  # a change so long before the start is near
_MOMENT = timedelta(seconds=1)  # an event is cited by the second it happened in
_FAILED = ("failure", "failed", "error", "cancelled", "canceled", "rejected", "abandoned", "inactive", "skipped")
_FRAME: dict[str, FrameName] = {"metric": "metrics", "log": "logs", "span": "spans"}
_SHOWN = 80  # characters of a title in a sentence
_CALLED = {"status": "status notice", "flag": "flag", "config": "change of configuration", "chat": "message"}


@dataclass(frozen=True)
class Given:
    """What `propose` was given."""

    frames: Frames
    suspects: Sequence[Suspect]
    services: frozenset[str]
    window: Window
    baseline: Window
    cite: Cite

    @property
    def suspect(self) -> Suspect | None:
        """The first suspect, where anything speaks against it."""
        return self.suspects[0] if self.suspects and self.suspects[0].reasons else None

    @property
    def affected(self) -> frozenset[str]:
        """The services that people named, and the first suspect where it stands out."""
        suspect = self.suspect
        return self.services | ({suspect.service} if suspect and suspect.stands_out else frozenset())

    @property
    def metrics(self) -> pl.LazyFrame | None:
        """The metrics of all sources; None where none are pinned."""
        known = list(self.frames.get("metrics", {}).values())
        return pl.concat(known) if known else None

    def of_event(self, milestone: str, at: Mark, sure: Sure, reason: str) -> Proposal:
        """Return the proposal of an event's moment."""
        cited = self.cite(
            "events", at.pinned, at.at, at.at + _MOMENT,
            label=f"{at.kind} {at.title}", services=(at.service,) if at.service else (), names=(at.title,),
        )  # fmt: skip
        return Proposal(milestone, at.at, timedelta(0), sure, reason, cited)

    def of_reason(
        self, milestone: str, at: datetime, unsure: timedelta, sure: Sure, reason: Reason, text: str
    ) -> list[Proposal]:
        """Return the proposal that rests on what a reason was counted from; none where no source has such rows."""
        frame, suspect = _FRAME[reason.kind], self.suspect
        service = (reason.peer if reason.measure == "blame" else None) or (suspect.service if suspect else "")
        for source, rows in self.frames.get(frame, {}).items():
            if rows.filter(pl.col("service") == service).head(1).collect().height:
                cited = self.cite(
                    frame, source, self.baseline.start, self.window.end, label=f"{reason.name or frame} of {service}",
                    services=(service,), names=(reason.name,) if reason.name else (),
                )  # fmt: skip
                return [Proposal(milestone, at, unsure, sure, text, cited)]
        return []


def detected(given: Given, alarms: Sequence[Alarm], told: pl.DataFrame) -> list[Proposal]:
    """Return the first alarm of an affected service, the first of any, and what was said if there was none."""
    found = []
    for alarm in alarms:
        if alarm.began is None or alarm.kind == "status":
            continue
        inside = alarm.began.at >= given.window.start
        if not inside and not alarm.affected:
            continue
        points = alarm.affected + (not alarm.assumed) if inside else 0
        sure = (Sure.LOW, Sure.MEDIUM, Sure.HIGH)[points]
        text = f"The {named(alarm.began)} began"
        text += "" if alarm.affected else "; it names no service known to be affected"
        text += "; nothing says that it reached anybody" if alarm.assumed else ""
        text += "" if inside else "; it was on before the incident’s window began, and may be of something else"
        found.append(given.of_event("detected_at", alarm.began, sure, text))
    notices = [one.began for one in alarms if one.kind == "status" and one.began is not None]
    found += [
        given.of_event("detected_at", one, Sure.LOW, f"The first notice, {named(one)}; somebody knew by then")
        for one in notices
        if one.at >= given.window.start
    ]
    return found or _spoke(given, "detected_at", told, given.window.start)


def acknowledged(given: Given, alarms: Sequence[Alarm], told: pl.DataFrame) -> list[Proposal]:
    """Return when an alarm was acknowledged, or when somebody first wrote after one began."""
    taken = [
        given.of_event(
            "acknowledged_at",
            alarm.acknowledged,
            Sure.HIGH if alarm.affected else Sure.MEDIUM,
            f"The {named(alarm.acknowledged)} was acknowledged{_by(alarm.acknowledged)}",
        )
        for alarm in alarms
        if alarm.acknowledged is not None and alarm.acknowledged.at >= given.window.start
    ]
    began = [one.began.at for one in alarms if one.began is not None and one.began.at >= given.window.start]
    return taken or (_spoke(given, "acknowledged_at", told, min(began)) if began else [])


def _spoke(given: Given, milestone: str, told: pl.DataFrame, since: datetime) -> list[Proposal]:
    """Return the first message that somebody wrote."""
    wrote = told.filter(pl.col("kind") == "chat", pl.col("time") >= since, pl.col("time") < given.window.end)
    if wrote.is_empty():
        return []
    said = mark(wrote.row(0, named=True))
    return [given.of_event(milestone, said, Sure.LOW, f"The first message{_by(said)}; no alarm tells it")]


def resolved(given: Given, alarms: Sequence[Alarm]) -> list[Proposal]:
    """Return when the last alarm of an affected service ended, and when customers were told so."""
    own = [one for one in alarms if one.affected and one.kind != "status"]
    own = own or [one for one in alarms if one.kind != "status" and one.began and one.began.at >= given.window.start]
    notices = [one.ended for one in alarms if one.kind == "status" and one.ended is not None]
    last = max((one.ended for one in own if one.ended is not None), key=lambda one: one.at, default=None)
    found = []
    if last is not None:
        on = [one for one in own if one.ended is None and one.ends]
        other = [
            one
            for one in (*notices, *(one.ended for one in own if one.ended))
            if (one.pinned, one.kind) != (last.pinned, last.kind) and abs(one.at - last.at) <= AGREE
        ]
        sure = Sure.LOW if on else (Sure.HIGH if other else Sure.MEDIUM)
        text = (
            f"The {named(last)} was resolved, the last of {len(own)}"
            if len(own) > 1
            else (f"The {named(last)} was resolved")
        )
        text += f"; {len(on)} {'is' if len(on) == 1 else 'are'} still on" if on else ""
        text += f"; the {named(other[0])} says so too" if other else ""
        found.append(given.of_event("resolved_at", last, sure, text))
    found += [given.of_event("resolved_at", one, Sure.MEDIUM, f"The {named(one)} was resolved") for one in notices]
    return found


def changed(given: Given, told: pl.DataFrame, start: datetime) -> list[Proposal]:
    """Return the last change before the start."""
    bad = pl.col("state").is_in(_FAILED).fill_null(value=False)
    # What became of a deployment is told by another event than that it began.
    failed = bad | (bad.any().over("pinned", "key") & pl.col("key").is_not_null())
    before = told.filter(
        pl.col("kind").is_in(CHANGES), ~failed, pl.col("time") <= start, pl.col("time") >= given.baseline.start
    )
    if before.is_empty():
        return []
    rows = [mark(row) for row in before.iter_rows(named=True)]
    touching = [one for one in rows if one.service in given.affected]
    last = (touching or rows)[-1]
    away = start - last.at
    points = bool(touching) + (away <= _NEAR)
    sure = (Sure.LOW, Sure.MEDIUM, Sure.HIGH)[points]
    of = f"{len(rows)} changes" if len(rows) > 1 else "one change"
    text = f"The {named(last)}{_by(last)}, {format_duration(away)} before the start, the last "
    text += f"of an affected service among {of}" if touching else f"of {of}, none known to be of an affected service"
    return [given.of_event(CHANGE, last, sure, f"{text} in the {format_duration(given.baseline.duration)} before")]


def named(one: Mark) -> str:
    """Return an event as a sentence names it: its kind, title and service."""
    name = one.name if one.kind in KINDS else one.title
    of = f" of {one.service}" if one.service and one.service not in name else ""
    return f"{_CALLED.get(one.kind, one.kind)} “{_short(name)}”{of}"


def _by(one: Mark) -> str:
    return f" by {one.actor}" if one.actor else ""


def _short(text: str) -> str:
    """Return a title on one line, cut to what a sentence bears."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1].rstrip()}…"
