"""To tell is to say in computed sentences what a story holds: the finding, the five answers, the durations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from workbench.analysis.suspects import Reason, Suspect
from workbench.charts.series import with_series
from workbench.charts.values import clock, count, day
from workbench.record.choices import ActionState
from workbench.review.numbering import Evidence, kind_of
from workbench.review.story import Story
from workbench.review.wording import Strong, big, distinct, headline, lead, line
from workbench.window import format_duration

__all__ = ["Answer", "answers", "dek", "finding", "overdue", "state_of"]

_FURTHER = 2
_NOT_OPEN = {ActionState.VERIFIED, ActionState.FAILED, ActionState.DROPPED, ActionState.DONE}


@dataclass(frozen=True)
class Answer:
    """One of the five answers of the first screen.

    ``big`` and ``small`` are its few large words, ``words`` the sentences beneath, ``evidence`` what they rest on. An
    answer that people gave and nobody backed is ``unproven``; ``badges`` are states shown beneath.
    """

    question: str
    big: str
    small: str
    words: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    unproven: bool = False
    badges: tuple[str, ...] = ()


def finding(story: Story) -> str:
    """Return the page's first sentence: what moved where, or what people call it when nothing stands out."""
    suspect = story.first_suspect
    reason = lead(suspect)
    return story.incident.title if suspect is None or reason is None else headline(suspect, reason)


def dek(story: Story) -> str:
    """Return the sentence under the finding: what people call it, when it was, and what isn't sure."""
    times = story.incident.milestones
    end = clock(times.resolved_at) if times.resolved_at else "not resolved yet"
    when = f"{day(times.started_at)}, {clock(times.started_at)}–{end} UTC"
    if not story.suspects:
        return f"{when}. No telemetry has been compared yet."
    if story.first_suspect is None:
        return f"{when}. None of {count(len(story.suspects), 'service')} stands out in the pinned telemetry."
    return (
        f"{story.incident.title}. {when}. First of {count(len(story.suspects), 'service')} by the weight of evidence."
    )


def answers(story: Story) -> tuple[Answer, ...]:
    """Return the five answers: what happened, who was hurt and how long, why, what is being done, is it working."""
    return (_what(story), _who(story), _why(story), _done(story), _working(story))


def overdue(story: Story) -> tuple[object, ...]:
    """Return the actions whose day has passed and that aren't in place, as of the story's moment."""
    today = story.as_of.date()
    return tuple(action for action in story.actions if action.due < today and action.state not in _NOT_OPEN)


def state_of(story: Story) -> str:
    """Return what state the incident is in, in one word: resolved, mitigated, or still going on."""
    times = story.incident.milestones
    if times.resolved_at:
        return "Resolved"
    return "Mitigated" if times.mitigated_at else "Going on"


def _what(story: Story) -> Answer:
    suspect, impact = story.first_suspect, story.incident.impact.summary
    reason = lead(suspect)
    if suspect is None or reason is None:
        told = impact or "The pinned telemetry names no service. Write the impact into the incident’s record."
        return Answer("What happened", "Not known yet", "", (told,), unproven=bool(impact))
    at = f" at {clock(reason.time)}" if reason.time else ""
    words = (Strong(suspect.service), ": ", *line(suspect.service, reason), f"{at}. ")
    return Answer("What happened", *big(reason), words, story.behind(suspect.service, kind_of(reason.kind)))


def _who(story: Story) -> Answer:
    impact, length = story.incident.impact, story.duration
    big = format_duration(length) if length else f"since {clock(story.incident.milestones.started_at)}"
    small = "" if length else "not resolved yet"
    words: list[str] = []
    if impact.summary:
        words.append(f"{impact.summary.rstrip('.')}. ")
    if impact.affected_tenants is not None:
        words += [Strong(count(impact.affected_tenants, "tenant")), " hurt. "]
    if impact.slos_breached:
        words.append(f"Breached: {', '.join(impact.slos_breached)}. ")
    if impact.customer_visible is not None:
        words.append("Customers could see it. " if impact.customer_visible else "Customers could not see it. ")
    told = bool(words)
    missing = [
        name
        for name, absent in (("customers", impact.affected_tenants is None), ("SLOs", not impact.slos_breached))
        if absent
    ]
    if missing:
        words.append(f"Not measured: {' and '.join(missing)}.")
    return Answer("Who was hurt, and how long", big, small, tuple(words), unproven=told)


def _why(story: Story) -> Answer:
    if not story.suspects:
        return Answer(
            "Why", "Not known yet", "", ("Nothing was compared with normal behaviour, so no service is suspected.",)
        )
    suspect = story.first_suspect
    if suspect is None:
        first = story.suspects[0].service
        return Answer(
            "Why", "No clear suspect", "", ("No service stands out. The most changed is ", Strong(first), ".")
        )
    told = _further(story, suspect)
    words: list[str] = [Strong(suspect.service), ": "]
    for place, reason in enumerate(told):
        words += ["; " if place else "", *line(suspect.service, reason)]
    words.append(". A suspect is where to look first, not a proven cause.")
    evidence = {one.number: one for reason in told for one in story.behind(suspect.service, kind_of(reason.kind))}
    return Answer("Why", "First suspect", f"of {len(story.suspects)}", tuple(words), tuple(evidence.values()))


def _further(story: Story, suspect: Suspect) -> list[Reason]:
    """Return what else speaks against the first suspect, a metric first; what the page leads with is told already."""
    leading = lead(suspect)
    metrics = with_series(suspect, story.changes).reasons[:1]
    found = [one for one in distinct((*metrics, *suspect.reasons)) if one != leading]
    return found[:_FURTHER] or list(suspect.reasons[:1])


def _done(story: Story) -> Answer:
    actions = story.actions
    if not actions:
        return Answer(
            "What is being done",
            "No action yet",
            "",
            ("Nobody has promised a change. Write the first action in the capture notebook.",),
        )
    states = Counter(action.state for action in actions)
    order = [
        ActionState.VERIFIED,
        ActionState.DONE,
        ActionState.IN_PROGRESS,
        ActionState.OPEN,
        ActionState.FAILED,
        ActionState.DROPPED,
    ]
    named = {ActionState.DONE: "done but not verified"}
    told = ", ".join(f"{states[state]} {named.get(state, state)}" for state in order if states[state])
    late = overdue(story)
    words: list[str] = [told, ". "]
    if late:
        words += [Strong(f"{len(late)} overdue"), f" on {day(story.as_of)}."]
    badges = tuple(str(state) for state in order if states[state])
    return Answer("What is being done", count(len(actions), "action"), "", tuple(words), badges=badges)


def _working(story: Story) -> Answer:
    states = Counter(action.state for action in story.actions)
    verified, failed = states[ActionState.VERIFIED], states[ActionState.FAILED]
    alive = len(story.actions) - states[ActionState.DROPPED]
    if not alive:
        return Answer("Is it working", "Nothing to measure", "", ("There is no action whose measure could be taken.",))
    if not verified and not failed:
        told = (
            f"None of {count(alive, 'action')} has been measured. A finished action counts only when its measure holds."
        )
        return Answer("Is it working", "Not known yet", "", (told,))
    big = "So far, yes" if not failed else ("Partly" if verified else "No")
    words = (
        Strong(f"{verified} of {alive}"),
        f" verified by a measure, {failed} failed, {alive - verified - failed} not measured yet.",
    )
    return Answer("Is it working", big, "", words)
