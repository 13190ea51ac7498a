"""Snapshots are noted with their manifest's hash, so that the history vouches for the pinned evidence."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.record import refusals
from workbench.record.ledger import Ledger, found
from workbench.record.model import SnapshotNote
from workbench.record.tables import HeadRow, IncidentRow, SnapshotRow

__all__ = ["Snapshots"]


class Snapshots(Ledger):
    """Noting and reading pinned snapshots."""

    def note_snapshot(self, incident_id: str, version: str, manifest_sha256: str) -> SnapshotNote:
        """Note a pinned snapshot and its manifest's hash, so that the chain vouches for the evidence; return the note.

        Noting the same again changes nothing.

        Raises:
            UnknownError: there is no such incident.
            RecordError: this version is noted with another hash.
        """

        def change(session: Session, end: HeadRow) -> SnapshotNote:
            values = {"version": version, "manifest_sha256": manifest_sha256, "at": self._now(), "author": self.author}
            note = SnapshotNote.of(values)
            found(session, IncidentRow, incident_id)
            row = session.get(SnapshotRow, (incident_id, note.version))
            if row is not None:
                if row.manifest_sha256 != note.manifest_sha256:
                    raise refusals.already(f"snapshot {note.version} of {incident_id}", f"hash {row.manifest_sha256}")
                return SnapshotNote.model_validate(row.told())
            row = SnapshotRow(incident_id=incident_id, **note.model_dump())
            session.add(row)
            self._append(session, end, row, note.at, incident_id, "pinned", None)
            return SnapshotNote.model_validate(row.told())

        return self.database.write("noting a snapshot", change)

    def snapshots(self, incident_id: str) -> list[SnapshotNote]:
        """Return the snapshots noted for an incident, in the order of their versions.

        Raises:
            UnknownError: there is no such incident.
        """
        query = select(SnapshotRow).where(SnapshotRow.incident_id == incident_id).order_by(SnapshotRow.version)

        def ask(session: Session) -> list[SnapshotNote]:
            found(session, IncidentRow, incident_id)
            return [SnapshotNote.model_validate(row.told()) for row in session.scalars(query)]

        return self.database.read(ask)
