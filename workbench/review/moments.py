"""A moment is one line of the story's timeline: a milestone, an entry people wrote, an event, or what analysis saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from workbench.review.happenings import happenings, sentence, who
from workbench.review.numbering import Evidence, kind_of
from workbench.review.story import Story
from workbench.review.wording import first
from workbench.window import format_duration

if TYPE_CHECKING:
    from workbench.record import TimelineEntry

__all__ = ["Moment", "moments"]

_SEEN_BY_ANALYSIS = 4
_MILESTONES = (
    ("Started", "started_at", ()),
    ("Detected", "detected_at", ("detection", "observation")),
    ("Acknowledged", "acknowledged_at", ("diagnosis", "escalation", "detection")),
    ("Mitigated", "mitigated_at", ("mitigation", "observation")),
    ("Resolved", "resolved_at", ("observation", "mitigation", "communication")),
)


@dataclass(frozen=True)
class Moment:
    """One line of the timeline.

    ``milestone`` is its name or empty; ``computed`` says that no person wrote it; ``quote`` is what a machine said, in
    its own words. A line that a person wrote and no evidence backs is ``unproven``.
    """

    at: datetime
    until: datetime | None
    uncertainty: timedelta
    offset: str
    milestone: str
    what: str
    quote: str
    who: str
    why: str
    evidence: tuple[Evidence, ...]
    computed: bool
    example: bool

    @property
    def unproven(self) -> bool:
        """Whether somebody says so and nothing shows it."""
        return not self.computed and not self.evidence


def moments(story: Story) -> tuple[Moment, ...]:
    """Return the timeline in order of time: milestones, people's entries, events, the first suspect's changes."""
    told = list(_told(story))
    written = {(one.at.replace(microsecond=0), evidence.number) for one in told for evidence in one.evidence}
    # What somebody wrote down with the same evidence needs no second line by the analysis.
    told += [
        one
        for one in (*_seen(story), *_happened(story))
        if not any((one.at.replace(microsecond=0), evidence.number) in written for evidence in one.evidence)
    ]
    return tuple(sorted(told, key=lambda moment: (moment.at, not moment.milestone, moment.what)))


def _told(story: Story) -> Iterator[Moment]:
    left = list(story.entries)
    for name, field, kinds in _MILESTONES:
        at = getattr(story.incident.milestones, field)
        if at is None:
            continue
        entry = next((one for one in left if one.at == at and (not kinds or one.kind in kinds)), None)
        if entry is not None:
            left.remove(entry)
            yield _entry(story, entry, name)
        else:
            yield _moment(story, at, milestone=name, who="From the incident’s record", example=story.incident.example)
    for entry in left:
        yield _entry(story, entry, "")


def _entry(story: Story, entry: TimelineEntry, milestone: str) -> Moment:
    return _moment(
        story,
        entry.at,
        milestone=milestone,
        until=entry.until,
        uncertainty=timedelta(seconds=entry.uncertainty_s),
        what=entry.what,
        who=f"{entry.who} · {entry.kind}",
        why=entry.why,
        evidence=story.numbered(entry.evidence),
        example=entry.example,
    )


def _seen(story: Story) -> list[Moment]:
    suspect = story.first_suspect
    if suspect is None:
        return []
    found: dict[tuple[str, str, str], Moment] = {}
    for reason in suspect.reasons:
        if reason.time is None:
            continue
        what, quote = first(suspect.service, reason)
        evidence = story.behind(suspect.service, kind_of(reason.kind))
        who = f"{suspect.service} · computed"
        made = _moment(story, reason.time, what=what, quote=quote, who=who, evidence=evidence, computed=True)
        found.setdefault((reason.kind, reason.measure, reason.direction), made)
    return list(found.values())[:_SEEN_BY_ANALYSIS]


def _happened(story: Story) -> Iterator[Moment]:
    """Yield the pinned events that belong into the timeline; a machine told them, and so nobody has to prove them."""
    if story.snapshot is None:
        return
    for one in happenings(story.events, story.snapshot):
        evidence = story.numbered((one.citation,))
        told = f"{who(one)} · {one.kind}, pinned"
        yield _moment(story, one.at, what=sentence(one), who=told, evidence=evidence, computed=True)


def _moment(
    story: Story,
    at: datetime,
    *,
    milestone: str = "",
    until: datetime | None = None,
    uncertainty: timedelta = timedelta(0),
    what: str = "",
    quote: str = "",
    who: str = "",
    why: str = "",
    evidence: tuple[Evidence, ...] = (),
    computed: bool = False,
    example: bool = False,
) -> Moment:
    away = at - story.incident.milestones.started_at
    offset = "start" if not away else ("+" if away > timedelta(0) else "") + format_duration(away)
    return Moment(at, until, uncertainty, offset, milestone, what, quote, who, why, evidence, computed, example)
