"""The database is one door to where the record rests: transactions that read, and transactions that queue to write."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from workbench.errors import ReadOnlyError, RecordError, StorageError
from workbench.record import history, refusals, sqlite
from workbench.record.tables import HeadRow

__all__ = ["Database"]

T = TypeVar("T")
_TRIES = 10
_ONE_STATE = "REPEATABLE READ"


class Database:
    """An open database.

    Args:
        url: an SQLAlchemy URL of something that is there.
        read_only: open it so that nothing can be written.
        wait: seconds to queue behind another writer.

    Raises:
        RecordError: there is nothing at that address.
    """

    def __init__(self, url: str | URL, *, read_only: bool = False, wait: float = 30.0) -> None:
        self.url = _parsed(url)
        self.read_only = read_only
        self._wait = wait
        self.path: Path | None = None
        self._frozen = False
        if self.url.get_backend_name() == "sqlite":
            self.path = sqlite.file_of(self.url)
            if not self.path.exists():
                raise refusals.missing(str(self.path))
            if not self.path.is_file():
                raise refusals.not_a_record(str(self.path))
            # A served kernel may write nowhere, and asking the file system about it wouldn't tell.
            guarded = os.environ.get("WORKBENCH_READ_ONLY") == "1"
            self._frozen = read_only and (guarded or not os.access(self.path.parent, os.W_OK))
            self.engine = sqlite.make_engine(self.path, read_only=read_only, frozen=self._frozen, wait=wait)
        else:
            try:
                self.engine = create_engine(self.url, pool_pre_ping=True)
            except (NoSuchModuleError, ModuleNotFoundError) as error:
                raise refusals.no_driver(self.where, str(error)) from error
        # A writer waits for the head before it looks at anything, so it sees what was committed last; a reader sees
        # one state of everything (SQLite does so by itself).
        self._writer: Engine = self.engine.execution_options(writes=True)
        self._reader: Engine = self.engine if self.path else self.engine.execution_options(isolation_level=_ONE_STATE)

    @property
    def where(self) -> str:
        """What a person calls it: the file, or the address without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def read(self, ask: Callable[[Session], T]) -> T:
        """Return what ``ask`` finds in one transaction that sees one state of the whole record."""
        for _ in range(_TRIES):
            before = self._stamp()
            try:
                with self._translated(), Session(self._reader) as session:
                    answer = ask(session)
            except (RecordError, StorageError):
                if before == self._stamp():
                    raise
                continue
            if before == self._stamp():
                return answer
        raise refusals.busy(self.where, self._wait)

    def write(self, doing: str, change: Callable[[Session, HeadRow], T]) -> T:
        """Return what ``change`` made, when all of it is on the disk; on any error nothing of it is.

        Raises:
            ReadOnlyError: this door only reads.
            StorageError: the disk is full, the record busy or gone.
            RecordError: it is damaged, or ``change`` refused.
        """
        if self.read_only:
            raise ReadOnlyError.refused(doing)
        with self._translated(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            end = history.head(session, lock=True)
            if end is None:
                raise refusals.damaged(self.where, "its history has no end")
            answer = change(session, end)
            session.flush()
            return answer

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give the bare connection in one transaction that writes, for those who change tables."""
        if self.read_only:
            raise ReadOnlyError.refused("changing tables")
        with self._translated(), self._writer.begin() as connection:
            yield connection

    def revisions(self) -> list[str]:
        """Return the formats it says it has: one for a record, none for another database."""

        def ask(session: Session) -> list[str]:
            if not inspect(session.connection()).has_table("alembic_version"):
                return []
            return [str(row[0]) for row in session.execute(text("SELECT version_num FROM alembic_version"))]

        return self.read(ask)

    def integrity(self) -> list[str]:
        """Return what the database itself finds broken in its file, if it has one."""
        return self.read(sqlite.integrity) if self.path else []

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def _stamp(self) -> object:
        # Only where no lock can be taken does somebody else's write have to be noticed by hand.
        return sqlite.stamp(self.path) if self.path and self._frozen else None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else None
            known = sqlite.translate(cause, self.where, self._wait)
            why = str(cause or error).partition("\n")[0]
            raise known or refusals.unreachable(self.where, why) from error
        except (ValueError, TypeError) as error:
            # a column that holds what its type never wrote: the file was edited by something else
            why = f"something in it can't be read: {error}".partition("\n")[0]
            raise refusals.damaged(self.where, why) from error


def _parsed(url: str | URL) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise refusals.missing(repr(str(url))) from None
