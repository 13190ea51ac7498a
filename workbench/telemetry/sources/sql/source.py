"""The sql source reads telemetry from tables of a database: a table, or a SELECT, for each frame."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import polars as pl

from workbench.errors import LimitError, SourceError
from workbench.telemetry.columns import Columns
from workbench.telemetry.discovery import Discovery
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Problem, Query, Reading, Tally
from workbench.telemetry.sources.sql.address import Address
from workbench.telemetry.sources.sql.backends import Connection, connect
from workbench.telemetry.sources.sql.query import RowsOf, Table
from workbench.telemetry.sources.sql.rows import page
from workbench.telemetry.sources.sql.tables import tables
from workbench.telemetry.stream import stream

__all__ = ["SqlSource"]

_LOOK = 0.2  # seconds between two looks at whether to go on
_LOOKED_AT = 10_000
_VALUES = 10


class SqlSource:
    """Tables of a database, asked through Ibis for the window and the columns of a frame.

    A connection is open only while it is needed, may only read, and is one for each frame that is being read.
    """

    kind = "sql"

    def __init__(self, name: str, address: Address, tables: dict[FrameName, Table], columns: Columns) -> None:
        self.name = name
        self.frames: tuple[FrameName, ...] = tuple(tables)
        self._address = address
        self._tables = tables
        self._columns = columns

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source; each of ``metrics``, ``logs``, ``spans``, ``events`` is a table, or stands in ``select``.

        Raises:
            SourceError: there is no address, it holds a secret, a key is unknown, or no table is named at all.
        """
        columns, own = Columns.from_settings(name, settings)
        address, own = Address.from_settings(name, own, root)
        return cls(name, address, tables(name, own), columns)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the window's rows, in no order; nothing is asked before they are consumed.

        Raises:
            SourceError: while they are consumed: the database or the table can't be read, or a column can't be used.
        """
        tally = Tally()
        reading = _Reading(self._address, self._tables[frame], self._columns, query, tally)
        return Reading(frame, stream(frame, reading.pages), reading.asked, tally, reading.estimate)

    def discover(self, query: Query) -> Discovery:
        """Return the services and metrics of the window, and some values of every other column.

        Raises:
            SourceError: the database or a table can't be read.
        """
        services: set[str] = set()
        metrics: set[str] = set()
        labels: dict[str, set[str]] = {}
        for frame, table in self._tables.items():
            reading = _Reading(self._address, table, self._columns, query, Tally())
            services |= reading.different("service")
            if frame == "metrics":
                metrics |= reading.different("metric")
            for label, values in reading.labels().items():
                labels.setdefault(label, set()).update(values)
        return Discovery(
            tuple(sorted(services)),
            tuple(sorted(metrics)),
            tuple((label, tuple(sorted(values)[:_VALUES])) for label, values in sorted(labels.items())),
            f"Values of labels come from the first {_LOOKED_AT:,} rows of each table.",
        )


class _Reading:
    """One table asked for one window; each method opens a connection of its own."""

    def __init__(self, address: Address, table: Table, columns: Columns, query: Query, tally: Tally) -> None:
        self._address = address
        self._table = table
        self._columns = columns
        self._query = query
        self._tally = tally
        self._text = ""

    def asked(self) -> str:
        """Return the SQL, for which the database is asked what columns the table has."""
        if not self._text:
            with self._open() as connection:
                self._text = self._rows(connection).sql(self._query)
        return self._text

    def pages(self) -> Iterator[pl.DataFrame]:
        """Yield the rows."""
        query, tally = self._query, self._tally
        with self._open() as connection:
            rows = self._rows(connection)
            self._text = rows.sql(query)
            self._note(rows)
            for batch in connection.batches(rows.asked(query)):
                tally.received(batch.nbytes)
                yield page(batch, rows, query, tally)

    def estimate(self) -> Estimate:
        """Return how many rows the database expects, or counts."""
        with self._open() as connection:
            return connection.estimate(self._rows(connection).asked(self._query))

    def different(self, column: str) -> set[str]:
        """Return the different values of a column of the frame."""
        with self._open() as connection:
            values = self._rows(connection).different(column, self._query)
            if values is None:
                return set()
            return {value for batch in connection.batches(values) for value in batch["value"].to_pylist() if value}

    def labels(self) -> dict[str, set[str]]:
        """Return some values of the columns that go into ``attributes``."""
        with self._open() as connection:
            rows = self._rows(connection)
            if not rows.labels:
                return {}
            some = rows.asked(self._query).select(*rows.labels).limit(_LOOKED_AT)
            found: dict[str, set[str]] = {label: set() for label in rows.labels.values()}
            for batch in connection.batches(some):
                for name, label in rows.labels.items():
                    found[label] |= {str(value) for value in batch[name].unique().to_pylist() if value is not None}
            return found

    def _rows(self, connection: Connection) -> RowsOf:
        types = connection.types(self._table.everything(connection.dialect))
        return RowsOf(self._table, types, self._columns, connection.dialect)

    def _note(self, rows: RowsOf) -> None:
        origin = self._table.origin
        if rows.zone_is_assumed:
            text = f"The times of {origin} carry no zone; they were read as UTC."
            self._tally.note(Problem("time-without-zone", 0, text))
        if rows.unused:
            listed = ", ".join(f"{name} ({type_})" for name, type_ in rows.unused.items())
            self._tally.note(Problem("unused-columns", 0, f"Columns of {origin} that were not pinned: {listed}."))

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        """Open a connection until the block ends, and put whatever its driver raises into words."""
        query, late = self._query, threading.Event()
        with self._in_words(late):
            connection = connect(self._address, query.limits.seconds)
            try:
                with _cancelled(connection, query, late):
                    yield connection
            finally:
                connection.close()

    @contextmanager
    def _in_words(self, late: threading.Event) -> Iterator[None]:
        address, name = self._address, self._address.source
        try:
            yield
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever driver it is from, its error stays here
            if self._query.stop.is_set():
                return
            if late.is_set() or _is_timeout(error):
                seconds = self._query.limits.seconds
                raise LimitError(
                    f"source {name!r}: {self._table.origin} took longer than {seconds:g} s, its limit",
                    do="Narrow the window, add an index on the time, or raise limits.seconds",
                ) from None
            reason = address.hide(next(iter(str(error).strip().splitlines()), "") or type(error).__name__)
            raise SourceError(
                f"source {name!r}: {self._table.origin} at {address.shown} can't be read ({reason})",
                do="Correct the source in workbench.toml, or ask who runs the database",
            ) from None


@contextmanager
def _cancelled(connection: Connection, query: Query, late: threading.Event) -> Iterator[None]:
    """End a statement that runs longer than it may, or that nobody waits for any more."""
    done, deadline = threading.Event(), time.monotonic() + query.limits.seconds

    def look() -> None:
        while not done.wait(_LOOK):
            if time.monotonic() > deadline:
                late.set()
            if late.is_set() or query.stop.is_set():
                with suppress(Exception):
                    connection.cancel()
                return

    watcher = threading.Thread(target=look, name="sql", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _is_timeout(error: Exception) -> bool:
    """Return whether PostgreSQL ended a statement for its time, and not because somebody there cancelled it."""
    return type(error).__name__ == "QueryCanceled" and "timeout" in str(error)
