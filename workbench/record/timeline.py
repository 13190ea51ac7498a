"""The timeline is what happened in an incident, told entry by entry."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.record.ledger import Ledger, checked, found, new_id, standing, told
from workbench.record.model import TimelineEntry, TimelineEntryDraft
from workbench.record.tables import HeadRow, IncidentRow, TimelineEntryRow

__all__ = ["Timeline"]


class Timeline(Ledger):
    """Adding, editing, withdrawing and reading timeline entries."""

    def add_entry(self, incident_id: str, draft: TimelineEntryDraft) -> TimelineEntry:
        """Save a new timeline entry and return it.

        Raises:
            UnknownError: there is no such incident.
            InvalidError: a field needs correcting.
        """
        draft = checked(TimelineEntryDraft, draft)

        def change(session: Session, end: HeadRow) -> TimelineEntry:
            found(session, IncidentRow, incident_id)
            row = TimelineEntryRow(id=new_id("entry"), incident_id=incident_id)
            row.take(draft)
            return TimelineEntry.model_validate(self._save_new(session, end, row, incident_id))

        return self.database.write("adding a timeline entry", change)

    def edit_entry(self, entry_id: str, draft: TimelineEntryDraft, version: int) -> TimelineEntry:
        """Save a timeline entry over the version that was edited and return it.

        Raises:
            UnknownError: there is no such entry.
            ConflictError: somebody saved a newer version.
            InvalidError: a field needs correcting.
            RecordError: it was withdrawn.
        """
        draft = checked(TimelineEntryDraft, draft)

        def change(row: TimelineEntryRow) -> None:
            standing(row)
            row.take(draft)

        return TimelineEntry.model_validate(self._save_over(TimelineEntryRow, entry_id, version, "edited", change))

    def withdraw_entry(self, entry_id: str, version: int, reason: str) -> TimelineEntry:
        """Take a timeline entry back, with a reason that everybody can read, and return it; it stays in the record.

        Raises:
            UnknownError, ConflictError: as for an edit.
            InvalidError: the reason is missing.
            RecordError: it was withdrawn before.
        """
        return TimelineEntry.model_validate(self._withdraw(TimelineEntryRow, entry_id, version, reason))

    def entry(self, entry_id: str) -> TimelineEntry:
        """Return a timeline entry, withdrawn or not.

        Raises:
            UnknownError: there is none with this id.
        """
        return self.database.read(lambda session: told(found(session, TimelineEntryRow, entry_id), TimelineEntry))

    def entries(self, incident_id: str, withdrawn: bool = False) -> list[TimelineEntry]:
        """Return an incident's timeline in the order it happened, with the withdrawn entries if asked for.

        Raises:
            UnknownError: there is no such incident.
        """
        query = select(TimelineEntryRow).where(TimelineEntryRow.incident_id == incident_id)
        if not withdrawn:
            query = query.where(TimelineEntryRow.withdrawn_reason.is_(None))
        query = query.order_by(TimelineEntryRow.at, TimelineEntryRow.created_at, TimelineEntryRow.id)

        def ask(session: Session) -> list[TimelineEntry]:
            found(session, IncidentRow, incident_id)
            return [told(row, TimelineEntry) for row in session.scalars(query)]

        return self.database.read(ask)
