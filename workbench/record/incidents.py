"""Incidents are what everything else in the record belongs to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.errors import InvalidError
from workbench.record.ledger import Ledger, checked, found, told
from workbench.record.model import Incident, IncidentDraft, Milestones
from workbench.record.tables import HeadRow, IncidentRow

__all__ = ["Incidents"]


class Incidents(Ledger):
    """Adding, editing and reading incidents."""

    def add_incident(self, draft: IncidentDraft) -> Incident:
        """Save a new incident and return it.

        Raises:
            InvalidError: its id is taken, or a field needs correcting.
        """
        draft = checked(IncidentDraft, draft)

        def change(session: Session, end: HeadRow) -> Incident:
            if session.get(IncidentRow, draft.id) is not None:
                raise InvalidError.of("incident", {"id": f"{draft.id} is taken; choose another"})
            row = IncidentRow()
            row.take(draft)
            return Incident.model_validate(self._save_new(session, end, row, draft.id))

        return self.database.write("adding an incident", change)

    def edit_incident(self, incident_id: str, draft: IncidentDraft, version: int) -> Incident:
        """Save an incident over the version that was edited and return it.

        Raises:
            UnknownError: there is no such incident.
            ConflictError: somebody saved a newer version.
            InvalidError: a field needs correcting, or the id would change.
        """
        draft = checked(IncidentDraft, draft)

        def change(row: IncidentRow) -> None:
            if draft.id != row.id:
                raise InvalidError.of("incident", {"id": f"stays {row.id}, because evidence and reviews are under it"})
            row.take(draft)

        return Incident.model_validate(self._save_over(IncidentRow, incident_id, version, "edited", change))

    def set_milestones(self, incident_id: str, milestones: Milestones, version: int) -> Incident:
        """Save an incident's milestones over the version that was edited, all else as it is, and return the incident.

        Raises:
            UnknownError: there is no such incident.
            ConflictError: somebody saved a newer version.
            InvalidError: they aren't in order: started, detected, acknowledged, mitigated, resolved.
        """
        milestones = checked(Milestones, milestones)

        def change(row: IncidentRow) -> None:
            row.take_milestones(milestones)

        return Incident.model_validate(self._save_over(IncidentRow, incident_id, version, "edited", change))

    def incident(self, incident_id: str) -> Incident:
        """Return an incident.

        Raises:
            UnknownError: there is none with this id; names the nearest.
        """
        return self.database.read(lambda session: told(found(session, IncidentRow, incident_id), Incident))

    def incidents(self) -> list[Incident]:
        """Return all incidents, the latest first."""
        query = select(IncidentRow).order_by(IncidentRow.started_at.desc(), IncidentRow.id)
        return self.database.read(lambda session: [told(row, Incident) for row in session.scalars(query)])
