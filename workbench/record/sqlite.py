"""SQLite is the database of a record that is a file: how it is opened, and what it means when it refuses.

A writer takes its place in the queue when it begins (BEGIN IMMEDIATE), not when it first writes, so that two can't both
read the old state and save over each other. ``synchronous=FULL`` waits for the disk at every commit: a form says
"saved" only when it is so, and a record has few writes.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, NullPool, QueuePool, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from workbench.errors import WorkbenchError
from workbench.record import refusals

__all__ = ["file_of", "integrity", "make_engine", "sidecars", "stamp", "translate"]


def file_of(url: URL) -> Path:
    """Return the file a SQLite URL names.

    Raises:
        RecordError: it names none.
    """
    if not url.database or url.database == ":memory:":
        raise refusals.no_file(str(url))
    return Path(url.database).absolute()


def sidecars(path: Path) -> tuple[Path, Path]:
    """Return the two files SQLite keeps beside an open record: the log of what was written, and the log's index."""
    return Path(f"{path}-wal"), Path(f"{path}-shm")


def make_engine(path: Path, *, read_only: bool, frozen: bool, wait: float) -> Engine:
    """Return an engine on a file that is there.

    Args:
        path: the file.
        read_only: nothing may be written through it.
        frozen: not even SQLite may write in the folder; then every transaction looks anew at what is there.
        wait: how many seconds it queues behind another writer.
    """

    def connect() -> sqlite3.Connection:
        mode = "ro" if read_only else "rw"
        # A log without anybody writing can't be opened where it can't be made; then the file alone is the whole record.
        alone = "&immutable=1" if frozen and not sidecars(path)[0].exists() else ""
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}{alone}",
            uri=True,
            timeout=wait,
            check_same_thread=False,
            isolation_level=None,  # the driver begins nothing by itself: we say BEGIN, see `_begin`
        )
        try:
            _prepare(connection, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return connection

    if frozen:
        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    else:  # without a limit: those who wait for their turn to write each hold a connection
        engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, max_overflow=-1)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, *, read_only: bool) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
        return
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def stamp(path: Path) -> tuple[Any, ...]:
    """Return what changes when somebody writes to the file; read before and after, it shows that nobody did between."""
    try:
        about = path.stat()
    except OSError:
        return ()
    return about.st_mtime_ns, about.st_size, about.st_ino, sidecars(path)[0].exists()


def integrity(session: Session) -> list[str]:
    """Return what SQLite itself finds broken in its file, in its words."""
    found = [str(row[0]) for row in session.execute(text("PRAGMA integrity_check(20)"))]
    return [] if found == ["ok"] else [f"the database file: {line}" for line in found]


def translate(error: BaseException | None, where: str, wait: float) -> WorkbenchError | None:
    """Return what SQLite's error means to a person; None when it says enough itself."""
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF  # the higher bits only refine it
    why = str(error)
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return refusals.busy(where, wait)
    if primary == sqlite3.SQLITE_FULL:
        return refusals.full(where, why)
    if primary in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return refusals.damaged(where, why)
    if primary == sqlite3.SQLITE_IOERR:
        return refusals.disk(where, why)
    return None
