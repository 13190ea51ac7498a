"""The record is where incidents, timeline entries and actions are kept, with the history of every change to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sqlalchemy import URL
from sqlalchemy.orm import Session

from workbench.errors import RecordError
from workbench.record import history, refusals, revisions, verify
from workbench.record.actions import Actions
from workbench.record.database import Database
from workbench.record.fields import RequiredLine
from workbench.record.incidents import Incidents
from workbench.record.ledger import found, valid
from workbench.record.model import HistoryEntry, HistoryHead
from workbench.record.snapshots import Snapshots
from workbench.record.tables import IncidentRow
from workbench.record.timeline import Timeline

__all__ = ["Record"]


class Record(Incidents, Timeline, Actions, Snapshots):
    """An open record: everything is read and saved through it, and every save says who and when.

    Made by `Record.open`; use it in a ``with`` statement or close it. It may be used by several threads, and by as many
    processes as open it: each change is one transaction together with its entry in the history. A change is refused
    when the row has a newer version than the one that was edited (`ConflictError`, with theirs). Nothing is deleted.
    """

    @classmethod
    def create(cls, url: str | URL) -> None:
        """Make an empty record.

        Raises:
            RecordError: there is one already.
            StorageError: it can't be written there; nothing is left behind.
        """
        revisions.create(url)

    @classmethod
    def migrate(cls, url: str | URL) -> list[str]:
        """Bring an older record to this version's format; return the formats it went through, none if it was there.

        Raises:
            RecordError: it is missing, damaged, newer than this version, or no record.
            StorageError: it can't be written; it stays as it was.
        """
        return revisions.migrate(url)

    @classmethod
    def open(
        cls,
        url: str | URL,
        *,
        author: str = "",
        read_only: bool = False,
        wait: float = 30.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Self:
        """Open a record that is there.

        Args:
            url: its SQLAlchemy URL, such as ``sqlite:////desk/records.db``.
            author: who every save will name; only a record that is read only does without.
            read_only: nothing can be written through it, whatever is asked.
            wait: seconds to queue while others write.
            clock: what time it is, in UTC.

        Raises:
            RecordError: it is missing, damaged, older or newer than this version, or no record.
            InvalidError: there is no author.
            StorageError: it can't be read.
        """
        if not read_only:
            author = valid(RequiredLine, author, "change", "author")
        database = Database(url, read_only=read_only, wait=wait)
        try:
            revisions.check_current(database)
        except BaseException:
            database.close()
            raise
        return cls(database, author, clock)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def history(self, incident_id: str | None = None) -> list[HistoryEntry]:
        """Return every change in order, of one incident and all that belongs to it, or of all.

        Raises:
            UnknownError: there is no such incident.
        """

        def ask(session: Session) -> list[HistoryEntry]:
            if incident_id is not None:
                found(session, IncidentRow, incident_id)
            return history.entries(session, incident_id)

        return self.database.read(ask)

    def head(self) -> HistoryHead:
        """Return how long the history is and how it ends; noted elsewhere, it shows if anything was rewritten."""

        def ask(session: Session) -> HistoryHead:
            end = history.head(session)
            if end is None:
                raise refusals.damaged(self.database.where, "its history has no end")
            return HistoryHead(count=end.count, hash=end.hash)

        return self.database.read(ask)

    def data_version(self) -> int:
        """Return a number that grows with every change: the length of the history."""
        return self.head().count

    def verify(self, known: Mapping[int, str] | None = None) -> list[str]:
        """Return a sentence for each thing that isn't as it was written; empty when all is whole.

        Args:
            known: hashes of history entries noted elsewhere, by their number, as `head` gave them.
        """
        try:
            return self.database.integrity() + self.database.read(lambda session: verify.broken(session, known))
        except RecordError as error:
            return [str(error)]
