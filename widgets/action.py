"""The action form turns an idea into an action: somebody owns it, by a day, with a measure of whether it worked."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.editor import Editor
from widgets.field import Field
from widgets.reader import day_words
from widgets.rows import Badge, Row, shortened
from workbench.record import Action, ActionDraft, ActionState, Incident, Record

__all__ = ["ActionForm"]

_STATES = {
    ActionState.OPEN: Badge("Open", "open", "circle"),
    ActionState.IN_PROGRESS: Badge("In progress", "in-progress", "half"),
    ActionState.DONE: Badge("Done, not verified", "done", "tick-outline"),
    ActionState.VERIFIED: Badge("Verified", "verified", "tick"),
    ActionState.FAILED: Badge("Failed", "failed", "cross"),
    ActionState.DROPPED: Badge("Dropped", "dropped", "cross"),
}
_STEPS: dict[ActionState, tuple[tuple[str, str], ...]] = {
    ActionState.OPEN: (("start", "Start"), ("drop", "Drop…")),
    ActionState.IN_PROGRESS: (("done", "Done"), ("drop", "Drop…")),
    ActionState.DONE: (("start", "Reopen"),),
    ActionState.FAILED: (("start", "Reopen"),),
}
_WANTED = {"start": ActionState.IN_PROGRESS, "done": ActionState.DONE}


class ActionForm(Editor[ActionDraft, Action]):
    """Adds, edits, moves and withdraws the actions of one incident.

    Args:
        record: where they are saved, in the author's name.
        incident: whose actions they are.
    """

    def __init__(self, record: Record, incident: Incident) -> None:
        action = ActionDraft
        rows = (
            (Field(action, "title", empty="Say what will be different, in one line."),),
            (
                Field(action, "owner", hint="One person or team", empty="Name who answers for it."),
                Field(
                    action,
                    "due",
                    hint="Such as 2026-12-23",
                    empty="Name the day: an action without one is an idea.",
                ),
            ),
            (Field(action, "kind", chooser="radio", empty="Choose what it is to do for the next time."),),
            (Field(action, "factor", label="Factor it removes", hint="The weakness that took part in the incident"),),
            (
                Field(
                    action,
                    "success_metric",
                    hint="What will be measured, and the value that shows it works",
                    empty="Say what will be measured; without it nobody can tell whether it worked.",
                    lines=2,
                ),
            ),
            (Field(action, "rationale", lines=2),),
        )
        super().__init__(
            action,
            rows,
            record=record,
            incident_id=incident.id,
            noun="action",
            none="No action yet. Name one thing that would have prevented this, or shown it sooner, and who does it.",
        )

    def add(self, draft: ActionDraft) -> Action:
        """Store a new action."""
        return self.record.add_action(self.incident_id, draft)

    def change(self, saved: Action, draft: ActionDraft) -> Action:
        """Store a new version of an action."""
        return self.record.edit_action(saved.id, draft, saved.version)

    def withdraw(self, saved: Action, reason: str) -> Action:
        """Take an action back."""
        return self.record.withdraw_action(saved.id, saved.version, reason)

    def fetch_all(self) -> Sequence[Action]:
        """Return all actions, the soonest due first."""
        return self.record.actions(self.incident_id, withdrawn=True)

    def press(self, item_id: str, name: str) -> None:
        """Edit an action, or move it to its next state."""
        action = self._items[item_id]
        if name in _WANTED:
            self._move(action, _WANTED[name])
        elif name == "drop":
            self.reason.ask(
                f"Drop “{self.name_of(action)}”?",
                "Drop action",
                lambda reason: self._move(action, ActionState.DROPPED, reason),
            )
        else:
            super().press(item_id, name)

    def row(self, saved: Action, *, current: bool) -> Row:
        """Return an action's day, title, owner, state, and the steps it can take."""
        reason = saved.withdrawn_reason or saved.state_reason
        badges = [_STATES[saved.state], *([Badge("Example", "example", "info")] if saved.example else [])]
        return Row(
            id=saved.id,
            lead=day_words(saved.due),
            title=saved.title,
            note=f"{saved.owner} · {saved.kind}" + (f" · {reason}" if reason else ""),
            name=self.name_of(saved),
            badges=tuple(badges),
            buttons=() if saved.withdrawn_reason else (*_STEPS.get(saved.state, ()), ("edit", "Edit")),
            current=current,
            withdrawn=saved.withdrawn_reason or "",
        )

    def name_of(self, saved: Action) -> str:
        """Return the action's title, shortened."""
        return shortened(saved.title)

    def _move(self, action: Action, state: ActionState, reason: str = "") -> None:
        moved = self.record.move_action(action.id, state, action.version, reason)
        words = f"{self.name_of(moved)} is now {moved.state}"
        self.callout.say("saved", words)
        self.access.say(words)
        self.refresh()
