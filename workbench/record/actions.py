"""Actions are what will be different, who answers for it, and how far it has come."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.record import states
from workbench.record.choices import ActionState
from workbench.record.fields import Text
from workbench.record.ledger import Ledger, checked, found, new_id, standing, told, valid
from workbench.record.model import Action, ActionDraft
from workbench.record.tables import ActionRow, HeadRow, IncidentRow

__all__ = ["Actions"]


class Actions(Ledger):
    """Adding, editing, moving, measuring, withdrawing and reading actions."""

    def add_action(self, incident_id: str, draft: ActionDraft) -> Action:
        """Save a new action, open, and return it.

        Raises:
            UnknownError: there is no such incident.
            InvalidError: a field needs correcting.
        """
        draft = checked(ActionDraft, draft)

        def change(session: Session, end: HeadRow) -> Action:
            found(session, IncidentRow, incident_id)
            row = ActionRow(id=new_id("action"), incident_id=incident_id)
            row.state, row.state_reason = ActionState.OPEN.value, ""
            row.take(draft)
            return Action.model_validate(self._save_new(session, end, row, incident_id))

        return self.database.write("adding an action", change)

    def edit_action(self, action_id: str, draft: ActionDraft, version: int) -> Action:
        """Save an action over the version that was edited and return it; its state stays.

        Raises:
            UnknownError: there is no such action.
            ConflictError: somebody saved a newer version.
            InvalidError: a field needs correcting.
            RecordError: it was withdrawn.
        """
        draft = checked(ActionDraft, draft)

        def change(row: ActionRow) -> None:
            standing(row)
            row.take(draft)

        return Action.model_validate(self._save_over(ActionRow, action_id, version, "edited", change))

    def move_action(self, action_id: str, state: ActionState | str, version: int, reason: str = "") -> Action:
        """Take an action one step further and return it; dropping it needs a reason.

        Raises:
            UnknownError, ConflictError: as for an edit.
            InvalidError: the reason is missing, or there is no such state.
            RecordError: there is no such step from where it is, or only `measure_action` makes it.
        """
        wanted = valid(ActionState, state, "action", "state")
        reason = valid(Text, reason, "action", "reason")

        def change(row: ActionRow) -> None:
            standing(row)
            states.check_step(f"action {row.title!r}", ActionState(row.state), wanted, reason)
            row.state, row.state_reason = wanted.value, reason

        return Action.model_validate(self._save_over(ActionRow, action_id, version, "moved", change))

    def measure_action(self, action_id: str, version: int, *, holds: bool, measured: str) -> Action:
        """Save that a done action's success metric was measured; it becomes verified when it ``holds``, else failed.

        Args:
            action_id: the action.
            version: the version that was measured.
            holds: whether the metric reached its target.
            measured: what was measured, from when to when, and the value: for those who ask how one knows.

        Raises:
            UnknownError, ConflictError: as for an edit.
            InvalidError: what was measured is missing.
            RecordError: the action isn't done.
        """
        measured = valid(Text, measured, "action", "reason")

        def change(row: ActionRow) -> None:
            standing(row)
            states.check_measured(f"action {row.title!r}", ActionState(row.state), measured)
            row.state = (ActionState.VERIFIED if holds else ActionState.FAILED).value
            row.state_reason = measured

        return Action.model_validate(self._save_over(ActionRow, action_id, version, "measured", change))

    def withdraw_action(self, action_id: str, version: int, reason: str) -> Action:
        """Take an action back that should never have been there, with a reason, and return it; it stays in the record.

        Raises:
            UnknownError, ConflictError: as for an edit.
            InvalidError: the reason is missing.
            RecordError: it was withdrawn before.
        """
        return Action.model_validate(self._withdraw(ActionRow, action_id, version, reason))

    def action(self, action_id: str) -> Action:
        """Return an action, withdrawn or not.

        Raises:
            UnknownError: there is none with this id.
        """
        return self.database.read(lambda session: told(found(session, ActionRow, action_id), Action))

    def actions(self, incident_id: str | None = None, withdrawn: bool = False) -> list[Action]:
        """Return the actions of an incident or of all, the soonest due first, with the withdrawn ones if asked for.

        Raises:
            UnknownError: there is no such incident.
        """
        query = select(ActionRow).order_by(ActionRow.due, ActionRow.created_at, ActionRow.id)
        if incident_id is not None:
            query = query.where(ActionRow.incident_id == incident_id)
        if not withdrawn:
            query = query.where(ActionRow.withdrawn_reason.is_(None))

        def ask(session: Session) -> list[Action]:
            if incident_id is not None:
                found(session, IncidentRow, incident_id)
            return [told(row, Action) for row in session.scalars(query)]

        return self.database.read(ask)
