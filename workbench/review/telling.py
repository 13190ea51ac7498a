"""To tell is to say in computed sentences what a story holds: the finding, the five answers, the durations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.analysis.suspects import Reason, Suspect
from workbench.charts.messages import wording
from workbench.charts.values import clock, count, day, quantity, series_name
from workbench.record.choices import ActionState
from workbench.review.numbering import Evidence, kind_of
from workbench.review.story import Story
from workbench.window import format_duration

__all__ = [
    "Answer",
    "Length",
    "Strong",
    "answers",
    "dek",
    "finding",
    "lengths",
    "message",
    "moved",
    "overdue",
    "state_of",
]

_SHORT = 90
_PERCENTILE = re.compile(r" p\d+$")
_NOT_OPEN = {ActionState.VERIFIED, ActionState.FAILED, ActionState.DROPPED, ActionState.DONE}


class Strong(str):
    """A part of a sentence that is set in bold."""

    __slots__ = ()


@dataclass(frozen=True)
class Answer:
    """One of the five answers of the first screen.

    ``big`` and ``small`` are its few large words, ``words`` the sentences beneath, ``evidence`` what they rest on. An answer that people
    gave and nobody backed is ``unproven``; ``badges`` are states shown beneath.
    """

    question: str
    big: str
    small: str
    words: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    unproven: bool = False
    badges: tuple[str, ...] = ()


def moved(reason: Reason) -> tuple[str, ...]:
    """Return what a reason says in a few words, the new value strong: ``CPU usage rate 0.93 % → 99.9 %``."""
    before, during = quantity(reason.before, reason.unit), quantity(reason.during, reason.unit)
    if reason.kind == "metric":
        return (f"{series_name(reason.name)} {before} → ", Strong(during))
    if reason.kind == "span":
        return (f"{reason.name} itself {before} → ", Strong(during), " (p90)")
    told = wording(reason.name, _SHORT)
    if not reason.before:
        return ("New message ", Strong(f"{reason.during or 0:,.0f}×"), f": {told}")
    return (f"Message {before} → ", Strong(during), f": {told}")


def distinct(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return the reasons without those that differ from an earlier one only in the percentile they look at."""
    kept: dict[tuple[str, str | None, str], Reason] = {}
    for reason in reasons:
        name = _PERCENTILE.sub("", series_name(reason.name)) if reason.kind == "metric" else reason.name
        kept.setdefault((reason.kind, reason.instance, name), reason)
    return tuple(kept.values())


def finding(story: Story) -> str:
    """Return the page's first sentence: what moved where, or that nothing stands out."""
    suspect = story.first_suspect
    reason = _leading(suspect)
    if suspect is None or reason is None:
        return story.incident.title
    before, during = quantity(reason.before, reason.unit), quantity(reason.during, reason.unit)
    if reason.kind == "metric":
        verb = "rose" if (reason.change or 0) > 0 else "fell"
        return f"{series_name(reason.name)} of {suspect.service} {verb} from {before} to {during}"
    if reason.kind == "span":
        return f"{suspect.service} took {during} instead of {before} for {reason.name}"
    return f"{suspect.service} logged a message that was never seen before, {reason.during or 0:,.0f}×"


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


def _leading(suspect: Suspect | None) -> Reason | None:
    return suspect.reasons[0] if suspect and suspect.reasons else None


def _what(story: Story) -> Answer:
    suspect, impact = story.first_suspect, story.incident.impact.summary
    reason = _leading(suspect)
    if suspect is None or reason is None:
        words = (
            (impact,)
            if impact
            else ("The pinned telemetry names no service. Write the impact into the incident to say what people saw.",)
        )
        return Answer("What happened", "Not known yet", "", words, unproven=bool(impact))
    big = quantity(reason.during, reason.unit) if reason.kind != "log" else f"{reason.during or 0:,.0f}×"
    small = (
        series_name(reason.name)
        if reason.kind == "metric"
        else ("own time" if reason.kind == "span" else "new message")
    )
    at = f" at {clock(reason.time)}" if reason.time else ""
    words: tuple[str, ...] = (Strong(suspect.service), ": ", *moved(reason), f"{at}. ")
    return Answer("What happened", big, small, words, story.behind(suspect.service, kind_of(reason.kind)))


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
    kinds = Counter(reason.kind for reason in suspect.reasons)
    told = [
        text
        for text in (
            count(kinds["metric"], "series", "series") + " moved" if kinds["metric"] else "",
            count(kinds["span"], "operation") + " slower" if kinds["span"] else "",
            count(kinds["log"], "new message") if kinds["log"] else "",
        )
        if text
    ]
    evidence = tuple(one for frame in ("metrics", "spans", "logs") for one in story.behind(suspect.service, frame))  # type: ignore[arg-type]
    words = (Strong(suspect.service), f": {', '.join(told)}. A suspect is where to look first, not a proven cause.")
    return Answer("Why", "First suspect", f"of {len(story.suspects)}", words, evidence)


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
        words = (
            f"None of {count(alive, 'action')} has been measured. A finished action counts only when its measure holds.",
        )
        return Answer("Is it working", "Not known yet", "", words)
    big = "So far, yes" if not failed else ("Partly" if verified else "No")
    words = (
        Strong(f"{verified} of {alive}"),
        f" verified by a measure, {failed} failed, {alive - verified - failed} not measured yet.",
    )
    return Answer("Is it working", big, "", words)
