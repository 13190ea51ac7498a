"""A section is one part of a page made from a story: HTML for a reader, and plain words where no HTML is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from workbench.analysis.changes import MOVED
from workbench.charts.messages import wording
from workbench.charts.values import clock, count, day
from workbench.publish.templates import fill
from workbench.review import clocks, telling
from workbench.review.lengths import lengths
from workbench.review.moments import moments
from workbench.review.numbering import kind_of
from workbench.review.story import Story
from workbench.review.wording import distinct, line
from workbench.window import format_duration

if TYPE_CHECKING:
    from workbench.record import Action, Incident

__all__ = [
    "Section",
    "actions",
    "definitions",
    "facts",
    "headline",
    "messages_table",
    "problems",
    "provenance",
    "reviews",
    "suspects_table",
    "timeline",
]

_SUSPECTS = 5
_REASONS = 3
_MESSAGES = 8
_BAR_STEPS = 20
_CLOCKS = 5  # that differ, by how much; further ones are counted


@dataclass(frozen=True)
class Section:
    """A part of a page, as a notebook shows it."""

    html: str
    text: str

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}


def headline(story: Story) -> Section:
    """Return severity, state and edition, the finding, and the five answers."""
    incident = story.incident
    finding = telling.finding(story)
    started = incident.milestones.started_at
    html = fill(
        "headline",
        incident=incident,
        state=telling.state_of(story),
        example=story.is_example,
        started=f"{day(started)}, {clock(started, seconds=False)} UTC",
        edition=story.edition or f"As of {day(story.as_of)}, {clock(story.as_of, seconds=False)} UTC",
        finding=finding,
        dek=telling.dek(story),
        answers=telling.answers(story),
    )
    return Section(html, f"{incident.severity} {finding}")


def facts(story: Story) -> Section:
    """Return how long it took to detect, acknowledge, mitigate and resolve."""
    found = lengths(story)
    told = (f"{one.name} {'not known' if one.length is None else format_duration(one.length)}" for one in found)
    return Section(fill("facts", lengths=found), ", ".join(told))


def problems(story: Story) -> Section:
    """Return what a reader must know of the data before believing it; empty when all of it is there."""
    return Section(fill("problems", problems=story.problems), " ".join(story.problems))


def definitions(story: Story) -> Section:
    """Return how time is counted, what normal is, and what was not measured."""
    notes = [
        (
            "How time is counted",
            "From started to resolved, as the record has them. Each length says from where it counts.",
        ),
    ]
    if story.baseline:
        length = format_duration(story.baseline.duration)
        notes.append(
            (
                "What is normal",
                (
                    f"The {length} before the start. A series has moved when a sample lies more than {MOVED:g} robust "
                    "standard deviations from its median there."
                ),
            )
        )
    rows = [f"{one.rows_in_window:,} {one.frame}" for one in story.coverage if one.rows]
    if rows:
        notes.append(
            ("What was looked at", f"In the incident: {', '.join(rows)}, of {count(len(story.suspects), 'service')}.")
        )
    impact = story.incident.impact
    missing = [
        name
        for name, absent in (
            ("customers", impact.affected_tenants is None),
            ("service levels", not impact.slos_breached),
        )
        if absent
    ]
    if missing:
        notes.append(("Not measured", f"{' and '.join(missing).capitalize()}: the incident’s record does not say."))
    return Section(fill("definitions", notes=notes), "\n".join(f"{name}: {text}" for name, text in notes))


def timeline(story: Story) -> Section:
    """Return milestones, people's entries and the first changes the analysis saw, in order of time."""
    found = moments(story)
    backed = sum(bool(one.evidence) for one in found)
    computed = sum(one.computed for one in found)
    summary = (
        f"{count(len(found), 'line')}, {backed} with evidence, {computed} computed. ◆ is a milestone. Times in UTC."
    )
    html = fill("timeline", moments=found, summary=summary, started=story.incident.milestones.started_at)
    return Section(html, "\n".join(f"{clock(one.at)} {one.milestone} {one.what}".strip() for one in found))


def suspects_table(story: Story) -> Section:
    """Return the most suspect services with what speaks against each."""
    shown = story.suspects[:_SUSPECTS]
    top = max((one.score for one in shown), default=0.0)
    rows = [
        {
            "rank": one.rank,
            "service": one.service,
            "stands_out": one.stands_out,
            "score": f"{one.score:.1f}",
            "bar": round(_BAR_STEPS * one.score / top) if top else 0,
            "reasons": [line(one.service, reason) for reason in distinct(one.reasons)[:_REASONS]],
            "evidence": _behind(story, one),
        }
        for one in shown
    ]
    first = story.first_suspect
    summary = (
        f"{first.service} stands out from the other {len(story.suspects) - 1}" if first else "No service stands out"
    )
    note = (
        f"{count(len(story.suspects), 'service')} compared; weight adds up what moved, beyond its normal range. "
        "A suspect is where to look first, not a proven cause."
    )
    why = story.problems[0] if story.problems else "The pinned telemetry names no service."
    html = fill("suspects_table", rows=rows, summary=summary, note=note, why_empty=why)
    return Section(html, "\n".join(f"{row['rank']}. {row['service']} ({row['score']})" for row in rows))


def messages_table(story: Story) -> Section:
    """Return the error messages of the incident, the new ones first."""
    found = story.errors
    rows = [
        {**row, "short": wording(row["example"] or row["template"], 110)}
        for row in found.head(_MESSAGES).iter_rows(named=True)
    ]
    new = int(found["is_new"].sum())
    known = len(found) - new
    left = len(found) - len(rows)
    length = format_duration(story.baseline.duration) if story.baseline else ""
    told = count(new, "message").capitalize()
    summary = f"{told} {'is' if new == 1 else 'are'} new, {known} known from the {length} before"
    note = f"Counted by template; <*> stands for what differs.{f' {left} more, less frequent.' if left else ''}"
    covered = next((one for one in story.coverage if one.frame == "logs"), None)
    why = (
        "No logs are pinned."
        if covered is None or not covered.rows
        else "No error was logged in the incident’s window."
    )
    evidence = tuple(one for one in story.evidence if one.citation.label == "error logs")
    html = fill("messages_table", rows=rows, summary=summary, note=note, evidence=evidence, why_empty=why)
    return Section(html, "\n".join(f"{row['during']}× {row['short']}" for row in rows))


def actions(story: Story) -> Section:
    """Return the actions with owner, due day, state and measure."""
    today = story.as_of.date()

    def days_late(action: Action) -> str:
        return f"{count((today - action.due).days, 'day')} late"

    html = fill(
        "actions",
        actions=story.actions,
        late=telling.overdue(story),
        days_late=days_late,
        numbered=story.numbered,
        as_of=day(story.as_of),
    )
    return Section(html, "\n".join(f"{one.state}: {one.title} ({one.owner}, due {one.due})" for one in story.actions))


def provenance(story: Story) -> Section:
    """Return every piece of evidence by its number, what the snapshot pins, and which of its clocks are apart."""
    pinned = story.snapshot
    compared = clocks.differences(pinned) if pinned else ()
    apart = [(clocks.sentence(one), clocks.setting(one)) for one in clocks.significant(compared)]
    html = fill(
        "provenance",
        apart=apart[:_CLOCKS],
        apart_more=len(apart) - _CLOCKS,
        compared=len(compared),
        incident=story.incident,
        evidence=story.evidence,
        summary=f"{count(len(story.evidence), 'piece')} of evidence, pinned and never changed since.",
        tables=pinned.manifest.tables if pinned else (),
        unanswered=pinned.manifest.unanswered if pinned else (),
        version=pinned.version if pinned else "",
        pulled_at=f"{day(pinned.manifest.pulled_at)}, {clock(pinned.manifest.pulled_at)} UTC" if pinned else "",
        tool_version=pinned.manifest.tool_version if pinned else "",
        manifest=pinned.manifest_sha256 if pinned else "",
    )
    return Section(html, "\n".join(f"{one.name} {one.citation.label} {one.citation.sha256}" for one in story.evidence))


def reviews(
    incidents: Iterable[Incident], *, href: Callable[[Incident], str] | None = None, as_of: date | None = None
) -> Section:
    """Return the list of all incidents, the newest first, with severity, state and duration.

    Args:
        incidents: as the record has them.
        href: returns the address of an incident's published review, or "" when there is none yet.
        as_of: the day the list speaks of, for its sentence.
    """
    known = sorted(incidents, key=lambda one: (one.milestones.started_at, one.id), reverse=True)
    rows = [_review(one, href(one) if href else "") for one in known]
    published = sum(bool(row["href"]) for row in rows)
    waiting = len(rows) - published
    finding = f"{count(published, 'incident review')} to read" if rows else "Nothing to review yet"
    going = sum(row["state"] != "Resolved" for row in rows)
    told = [
        f"{count(len(rows), 'incident')} recorded",
        f"{waiting} without a published review" if waiting else "all reviewed",
    ]
    told += [f"{going} not resolved"] if going else []
    told += [f"as of {as_of.day} {as_of:%B %Y}"] if as_of else []
    html = fill("reviews", rows=rows, finding=finding.capitalize(), dek=", ".join(told) + ".")
    return Section(html, "\n".join(f"{row['severity']} {row['title']} ({row['state']})" for row in rows))


def _review(incident: Incident, href: str) -> dict[str, object]:
    times = incident.milestones
    length = format_duration(times.resolved_at - times.started_at) if times.resolved_at else "not resolved yet"
    when = f"{day(times.started_at)}, {clock(times.started_at, seconds=False)} UTC"
    parts = [incident.id, *incident.services[:3], when, length]
    return {
        "href": href,
        "title": incident.title,
        "line": " · ".join([*parts, *([] if href else ["no review published yet"])]),
        "severity": incident.severity,
        "state": "Resolved" if times.resolved_at else ("Mitigated" if times.mitigated_at else "Going on"),
        "example": incident.example,
    }


def _behind(story: Story, suspect: Any) -> tuple[Any, ...]:
    frames = dict.fromkeys(kind_of(reason.kind) for reason in suspect.reasons)
    return tuple(one for frame in frames for one in story.behind(suspect.service, frame))
