"""chDB is ClickHouse's engine inside this process, over a folder of its tables; there is no server and no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from workbench.errors import SourceError
from workbench.telemetry.sources.sql.address import Address
from workbench.telemetry.sources.sql.backends import Connection
from workbench.telemetry.sources.sql.ibis import compiled, type_of

__all__ = ["Chdb"]


class Chdb(Connection):
    """A folder that chDB wrote. Ibis compiles for it, and it runs what Ibis compiled; it has no driver of Ibis's.

    One process can have one folder open at a time: that is chDB's own limit.
    """

    def __init__(self, address: Address) -> None:
        super().__init__("clickhouse")
        if not address.file.is_dir():
            raise SourceError(
                f"source {address.source!r}: the chDB folder {address.parts.netloc + address.parts.path!r} does not "
                "exist",
                do="Correct the url in workbench.toml, or bring the folder back",
            )
        try:
            session = import_module("chdb.session").Session
        except ImportError:
            raise SourceError(
                "addresses with chdb:// need chDB, which is not installed", do="pip install chdb"
            ) from None
        self._session = session(str(address.file))
        self._running: Any = None

    def types(self, select: str) -> dict[str, Any]:
        """Return the columns of a SELECT with Ibis's types."""
        lines = str(self._session.query(f"DESCRIBE TABLE ({select})", "JSONCompactEachRow")).splitlines()
        return {name: type_of(stored, self.dialect) for name, stored, *_ in map(json.loads, lines)}

    def batches(self, query: Any) -> Iterator[Any]:
        """Yield the rows as record batches, as the engine makes them."""
        # Text that isn't UTF-8 can't be told from bytes otherwise.
        asked = f"{compiled(query, self.dialect)} SETTINGS output_format_arrow_string_as_string = 1, readonly = 2"
        self._running = self._session.send_query(asked, "Arrow")
        try:
            yield from self._running.record_batch()
        finally:
            self._running.close()
            self._running = None

    def cancel(self) -> None:
        """End the query that runs."""
        if self._running is not None:
            self._running.cancel()

    def close(self) -> None:
        """Let go of the folder."""
        self._session.close()
