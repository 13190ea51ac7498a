"""The milestones form says when an incident started, was noticed, taken up, mitigated and over; people confirm it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ipywidgets
from markupsafe import Markup

from widgets.conflict import Conflict, Difference
from widgets.field import Field
from widgets.form import Form, button
from widgets.reader import day_words, time_words
from widgets.timeline import clock_of
from widgets.watch import Watch
from workbench.errors import ConflictError
from workbench.record import Incident, Milestones, Record
from workbench.window import format_duration

if TYPE_CHECKING:
    from workbench.review.proposals import Proposal

__all__ = ["MILESTONES", "MilestonesForm"]

MILESTONES = tuple(Milestones.model_fields)
"""The names of the five times, in their order."""


class MilestonesForm(Form[Milestones, Incident]):
    """Edits the five times of one incident; what evidence proposes stands beside each, and is taken by a press.

    Args:
        record: where they are saved, in the author's name.
        incident: as it stands in the record.
    """

    def __init__(self, record: Record, incident: Incident) -> None:
        self.record, self.incident = record, incident
        self._clock = clock_of(incident)
        self._proposals: tuple[Proposal, ...] = ()
        rows = [
            [Field(Milestones, name, reader=self._clock, empty="Say when the impact began, such as 14:51:10.")]
            for name in MILESTONES
        ]
        super().__init__(Milestones, rows, title="Milestones", save="Save milestones")
        self.restore_button = button("Undo changes", "wb-key-undo", "wb-send-clear")
        self.buttons.children = [self.save_button, self.restore_button, self.summary]
        self.offers = {name: ipywidgets.VBox() for name in MILESTONES}
        self.context = ipywidgets.HTML()
        self._day = ipywidgets.HTML()
        for words in (self.context, self._day):
            words.add_class("wb-beside")
        for offer in self.offers.values():
            offer.add_class("wb-offer")
        self._lay_out()
        self.conflict = Conflict(
            keep_mine=self.callout.guard(self.keep_mine), take_theirs=self.callout.guard(self.take_theirs)
        )
        self.panel = ipywidgets.VBox([self.view, self.conflict.view])
        self.panel.add_class("wb-stack")
        self._theirs: Incident | None = None
        self.restore_button.on_click(lambda _: self.callout.guard(self.start_anew)())
        self.access.on_send("clear", self.callout.guard(self.start_anew))
        self._load(incident)
        self.propose(())
        self.watch = Watch(record, self.refresh, guard=self.callout.guard)

    def propose(self, proposals: Sequence[Proposal], *, why_none: str = "") -> None:
        """Show what evidence proposes beside each field; nothing that is typed is touched.

        Args:
            proposals: at most one for each milestone, and the last change before the start.
            why_none: what stands there when there is no proposal at all.
        """
        self._proposals = tuple(proposals)
        for name, offer in self.offers.items():
            offer.children = [part for one in proposals if one.milestone == name for part in self._offer(one)]
        others = [one for one in proposals if one.milestone not in self.offers]
        told = Markup("").join(
            Markup('<p class="wb-hint"><strong>{} {}.</strong> {}. <strong>Sure: {}.</strong></p>').format(
                "Last change before the start:", time_words(one.at.replace(microsecond=0)), one.reason, one.sure
            )
            for one in others
        )
        if not proposals and why_none:
            told = Markup('<p class="wb-hint">{}</p>').format(why_none)
        self.context.value = str(told)

    def take(self, proposal: Proposal) -> None:
        """Put a proposed time into its field; it is saved only when a person saves."""
        field = self.fields[proposal.milestone]
        field.text = self._clock.show(proposal.at.replace(microsecond=0))
        field.touched = True
        self.show_errors()
        self.access.say(f"{field.label} is {field.text}, not saved yet")
        self.access.focus(proposal.milestone)

    def start_anew(self) -> None:
        """Put back what the record says."""
        self.callout.clear()
        self.conflict.hide()
        self._load(self.record.incident(self.incident.id))
        self.access.focus(next(iter(self.fields)))

    def refresh(self) -> None:
        """Look at the record again: an untouched form follows it, a touched one is told of the newer version."""
        now = self.record.incident(self.incident.id)
        if now.version == self.incident.version or self.conflict.shown:
            return
        if not self.dirty:
            self._load(now)
            return
        self.callout.say(
            "info",
            f"{now.updated_by} changed this incident at {time_words(now.updated_at.replace(microsecond=0))} UTC",
            do="What you typed is untouched; when you save, you see both and choose",
        )

    def store(self, draft: Milestones) -> Incident:
        """Save the milestones over the version that was edited."""
        return self.record.set_milestones(self.incident.id, draft, self.incident.version)

    def save(self) -> Incident | None:
        """Save, and show both versions when somebody saved a newer one first."""
        try:
            return super().save()
        except ConflictError as error:
            self._show_conflict(error)
            return None

    def clear(self) -> None:
        """Show what is saved; there is no new one to make."""
        super().clear()
        if hasattr(self, "conflict"):
            self.conflict.hide()
            self._load(self.incident)

    def after_save(self, saved: Incident) -> None:
        """Say that it is saved, and go on from the new version."""
        self._load(saved)
        super().after_save(saved)

    def saved_words(self, saved: Incident) -> str:
        """Return what was saved, when, and what follows for the evidence."""
        return f"Saved the milestones at {time_words(saved.updated_at.replace(microsecond=0))} UTC"

    def keep_mine(self) -> None:
        """Save what is typed over the newer version that was shown."""
        if self._theirs is not None:
            self.incident = self._theirs
        self.conflict.hide()
        self.save()

    def take_theirs(self) -> None:
        """Put the newer version into the form, in place of what was typed."""
        self.start_anew()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.panel._repr_mimebundle_(**kwargs)

    def _load(self, saved: Incident) -> None:
        self.incident = saved
        self._clock = clock_of(saved)
        for name, field in self.fields.items():
            field.reader = self._clock
            field.show(getattr(saved.milestones, name))
            field.touched = False
        self._strict = False
        self._show({})
        self._day.value = str(
            Markup('<p class="wb-hint">{}, UTC. A time without a date is put on the day nearest to it.</p>').format(
                day_words(saved.milestones.started_at)
            )
        )

    def _lay_out(self) -> None:
        """Put what is proposed under its field."""
        rows = [ipywidgets.VBox([self.fields[name].widget, offer]) for name, offer in self.offers.items()]
        for row in rows:
            row.add_class("wb-milestone")
        self.rows = rows
        self.view.children = [self.heading, self.callout, self._day, *rows, self.context, self.buttons, self.access]

    def _offer(self, one: Proposal) -> list[Any]:
        moment = time_words(one.at.replace(microsecond=0))
        unsure = f" ±\u00a0{format_duration(one.uncertainty)}" if one.uncertainty else ""
        label = self.fields[one.milestone].label
        press = button(f"Use {moment}{unsure}", "wb-offer__use", tooltip=f"Use {moment} for {label}")
        press.on_click(self.callout.guard(lambda _: self.take(one)))
        words = Markup('<p class="wb-hint">{}. <strong>Sure: {}.</strong>{}</p>').format(
            one.reason.rstrip("."), one.sure, f" Conflict: it {one.conflict}." if one.conflict else ""
        )
        return [press, ipywidgets.HTML(str(words))]

    def _show_conflict(self, error: ConflictError) -> None:
        theirs: Any = error.theirs
        self._theirs = theirs
        mine = self.value
        differences = [
            Difference(field.label, _told(getattr(mine, name, None)), _told(getattr(theirs.milestones, name)))
            for name, field in self.fields.items()
            if getattr(mine, name, None) != getattr(theirs.milestones, name)
        ]
        self.callout.clear()
        when = time_words(theirs.updated_at.replace(microsecond=0)) + " UTC"
        self.conflict.show(theirs.updated_by, when, differences)
        self.access.say(f"Not saved: {theirs.updated_by} changed this too. Choose keep mine or take theirs.")


def _told(at: datetime | None) -> str:
    return f"{day_words(at)}, {time_words(at)}" if at is not None else "nothing"
