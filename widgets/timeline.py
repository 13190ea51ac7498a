"""The timeline form tells what happened when: each entry with its time, who saw it, and the evidence for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ipywidgets
from markupsafe import Markup

from widgets.editor import Editor
from widgets.field import Field
from widgets.reader import Clock, day_words, time_words
from widgets.rows import Badge, Row, shortened
from workbench.evidence import Citation
from workbench.record import Incident, Record, TimelineEntry, TimelineEntryDraft
from workbench.window import format_duration

if TYPE_CHECKING:
    from workbench.review.candidates import Candidate

__all__ = ["TimelineForm", "clock_of"]

_VAGUE = {"system", "the system", "someone", "somebody", "we", "us", "they", "team", "the team", "unknown", "n/a", "?"}


class TimelineForm(Editor[TimelineEntryDraft, TimelineEntry]):
    """Adds, edits and withdraws the timeline entries of one incident.

    Args:
        record: where they are saved, in the author's name.
        incident: whose timeline it is; a time typed without a date is put on the day nearest to it.
    """

    def __init__(self, record: Record, incident: Incident) -> None:
        clock = clock_of(incident)
        self._clock = clock
        day = day_words(clock.start)
        entry = TimelineEntryDraft
        rows = (
            (
                Field(
                    entry, "at", label="From", hint="", reader=clock, empty="Say when it happened, such as 14:51:10."
                ),
                Field(entry, "until", label="To", hint="", reader=clock),
                Field(entry, "uncertainty_s", label="±", hint=""),
            ),
            (
                Field(
                    entry,
                    "what",
                    hint="One sentence that a colleague from another team understands",
                    empty="Say what happened, in one sentence.",
                ),
            ),
            (
                Field(
                    entry,
                    "who",
                    label="Who or what observed it",
                    hint="A role, an alert, a series; not a person's name with a mistake",
                    empty="Name the role, alert or series that saw it.",
                    rule=_telling,
                ),
            ),
            (Field(entry, "why", label="Why it matters", hint="", lines=2),),
            (Field(entry, "kind", hint="", empty="Choose what sort of thing it was."),),
        )
        super().__init__(
            entry,
            rows,
            record=record,
            incident_id=incident.id,
            noun="entry",
            no_evidence="None yet. Mark a time on the chart to attach what it shows.",
            none="Nothing is told yet. Mark a moment on the chart, or type when something happened and what it was.",
        )
        self._meant = ipywidgets.HTML()
        self._meant.add_class("wb-meant")
        self._untyped = f"{day}, UTC. A time without a date is put on the day nearest to the incident."
        children = list(self.view.children)
        children.insert(children.index(self.rows[0]) + 1, self._meant)
        self.view.children = children
        self.typed()

    def fill(self, start: datetime, end: datetime | None, citation: Citation | None = None) -> None:
        """Put a moment or a span into From and To, and attach the evidence that was looked at."""
        for name, value in (("at", start), ("until", end)):
            self.fields[name].text = self._clock.show(value) if value is not None else ""
            self.fields[name].touched = True
        if citation is not None:
            self.evidence.add(citation)
        self.show_errors()

    def offer(self, candidate: Candidate) -> bool:
        """Put an event into the form as a new entry with its evidence, to be reworded or saved as it is.

        Nothing that was typed is thrown away: then the form says so, and False is returned.
        """
        if self.dirty:
            self.callout.say(
                "partial", "What you typed isn't saved", do="Save it or clear it, then add the event from the list"
            )
            self.access.focus("at")
            return False
        self.start_anew()
        texts = {"what": candidate.what, "who": candidate.who, "kind": str(candidate.kind)}
        for name, text in texts.items():
            self.fields[name].text = text
        self.fill(candidate.at, None, candidate.citation)
        self.access.say(f"{time_words(candidate.at)} is in the form, not saved yet")
        self.access.focus("what")
        return True

    def follow(self, incident: Incident) -> None:
        """Read times by the incident's milestones as they are now."""
        self._clock = clock_of(incident)
        for name in ("at", "until"):
            self.fields[name].reader = self._clock
        self.typed()

    def typed(self) -> None:
        """Say how the times are read: day, length, zone."""
        self._meant.value = str(Markup('<p class="wb-hint">{}</p>').format(self._meaning()))

    def clear(self) -> None:
        """Make it a form for a new entry."""
        super().clear()
        if hasattr(self, "_meant"):
            self.typed()

    def add(self, draft: TimelineEntryDraft) -> TimelineEntry:
        """Store a new entry."""
        return self.record.add_entry(self.incident_id, draft)

    def change(self, saved: TimelineEntry, draft: TimelineEntryDraft) -> TimelineEntry:
        """Store a new version of an entry."""
        return self.record.edit_entry(saved.id, draft, saved.version)

    def withdraw(self, saved: TimelineEntry, reason: str) -> TimelineEntry:
        """Take an entry back."""
        return self.record.withdraw_entry(saved.id, saved.version, reason)

    def fetch_all(self) -> Sequence[TimelineEntry]:
        """Return all entries by their time."""
        return self.record.entries(self.incident_id, withdrawn=True)

    def row(self, saved: TimelineEntry, *, current: bool) -> Row:
        """Return an entry's time, what, who, and its evidence or that it has none."""
        sure = f" · ±\u00a0{saved.uncertainty_s}\u00a0s" if saved.uncertainty_s else ""
        badges = [Badge(citation.label, "evidence") for citation in saved.evidence[:3]]
        if len(saved.evidence) > len(badges):
            badges.append(Badge(f"{len(saved.evidence) - len(badges)} more", "evidence"))
        if saved.example:
            badges.append(Badge("Example", "example", "info"))
        return Row(
            id=saved.id,
            lead=_lead(saved),
            title=saved.what,
            note=f"{saved.withdrawn_reason}" if saved.withdrawn_reason else f"{saved.who}{sure} · {saved.kind}",
            name=self.name_of(saved),
            group=f"{day_words(saved.at.astimezone(UTC))}, UTC",
            badges=tuple(badges) or (Badge("No evidence", "unproven", "warning"),),
            buttons=() if saved.withdrawn_reason else (("edit", "Edit"),),
            current=current,
            withdrawn=saved.withdrawn_reason or "",
        )

    def name_of(self, saved: TimelineEntry) -> str:
        """Return the entry's time and what it tells, shortened."""
        return f"{time_words(saved.at)} {shortened(saved.what)}"

    def _meaning(self) -> str:
        try:
            start, end = self.fields["at"].read(), self.fields["until"].read()
        except ValueError:
            return self._untyped
        if not isinstance(start, datetime):
            return self._untyped
        told = f"{day_words(start)}, {time_words(start)}"
        if isinstance(end, datetime) and end > start:
            later = "" if end.date() == start.date() else f"{day_words(end)}, "
            told += f" to {later}{time_words(end)}, {format_duration(end - start)}"
        return f"{told}, UTC. ± is how sure you are."


def clock_of(incident: Incident) -> Clock:
    """Return the reader of times that puts a time without a date on the incident's day."""
    times = incident.milestones
    known = (times.resolved_at, times.mitigated_at, times.acknowledged_at, times.detected_at, times.started_at)
    return Clock(times.started_at, max(time for time in known if time is not None))


def _lead(saved: TimelineEntry) -> str:
    about = "≈\u00a0" if saved.uncertainty_s else ""
    return f"{about}{time_words(saved.at)}" + (f"–{time_words(saved.until)}" if saved.until else "")


def _telling(who: str) -> str:
    if who.strip(" .").lower() in _VAGUE:
        return f"Name the person, alert or series. “{who}” says too little to check."
    return ""
