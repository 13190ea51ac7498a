"""A connection is one open way into a database: it tells what a table holds, and streams the rows of a query."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlunsplit

from workbench.errors import SourceError
from workbench.telemetry.source import Estimate
from workbench.telemetry.sources.sql.address import Address
from workbench.telemetry.sources.sql.ibis import INSTALL, compiled, ibis, type_of

__all__ = ["Connection", "connect"]

_BATCH = 50_000
_CONNECT_SECONDS = 10


class Connection(ABC):
    """An open connection that only reads. Errors of the driver pass through it; who holds it puts them into words."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    @abstractmethod
    def types(self, select: str) -> dict[str, Any]:
        """Return the columns of a SELECT with Ibis's types; no row of it is read."""

    @abstractmethod
    def batches(self, query: Any) -> Iterator[Any]:
        """Yield the rows of an Ibis expression as record batches of Arrow, in bounded memory where the driver can."""

    def estimate(self, query: Any) -> Estimate:
        """Return how many rows a query brings: counted, unless the database has a cheaper way."""
        counted = [batch.to_pylist() for batch in self.batches(query.count().as_table())]
        return Estimate(rows=int(next(iter(counted[0][0].values()))))

    @abstractmethod
    def cancel(self) -> None:
        """End the statement that runs, from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Close it."""


class _DuckDB(Connection):
    def __init__(self, address: Address) -> None:
        super().__init__("duckdb")
        if not address.file.is_file():
            raise SourceError(
                f"source {address.source!r}: the DuckDB file {address.parts.netloc + address.parts.path!r} does not "
                "exist",
                do="Correct the url in workbench.toml, or bring the file back",
            )
        self._ibis = _backend("duckdb").connect(address.file, **address.options, read_only=True)
        # It would be drawn into whatever the command prints.
        self._ibis.con.execute("SET enable_progress_bar = false")

    def types(self, select: str) -> dict[str, Any]:
        described = self._ibis.con.sql(f"DESCRIBE {select}").fetchall()
        return {name: type_of(stored, self.dialect) for name, stored, *_ in described}

    def batches(self, query: Any) -> Iterator[Any]:
        yield from self._ibis.con.sql(compiled(query, self.dialect)).to_arrow_reader(_BATCH)

    def cancel(self) -> None:
        self._ibis.con.interrupt()

    def close(self) -> None:
        self._ibis.disconnect()


class _PostgreSQL(Connection):
    def __init__(self, address: Address, seconds: float) -> None:
        super().__init__("postgres")
        parts, options = address.parts, address.options
        limits = f"-c default_transaction_read_only=on -c statement_timeout={max(1, int(seconds * 1000))}"
        options["options"] = f"{options.get('options', '')} {limits}".strip()
        options.setdefault("connect_timeout", str(_CONNECT_SECONDS))
        named = {
            "host": parts.hostname,
            "port": parts.port,
            "user": unquote(parts.username) if parts.username else None,
            "password": address.secret,
            "database": unquote(parts.path.strip("/")),
        }
        self._ibis = _backend("postgres").connect(**{**options, **{key: one for key, one in named.items() if one}})
        self._ibis.con.read_only = True  # Every transaction says so too, whatever the session is set to.

    def types(self, select: str) -> dict[str, Any]:
        # Ibis would make a view to learn this, which a session that only reads may not.
        asked = """
            SELECT CASE found.typtype WHEN 'e' THEN 'enum' ELSE pg_catalog.format_type(one.type, one.modifier) END
            FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS one(type, modifier, place)
            JOIN pg_catalog.pg_type AS found ON found.oid = one.type ORDER BY one.place
        """
        with self._ibis.con.transaction(), self._ibis.con.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({select}) AS t LIMIT 0")  # noqa: S608 - it was made by sqlglot
            columns, result = cursor.description or [], cursor.pgresult
            modifiers = [result.fmod(place) for place in range(len(columns))]
            told = cursor.execute(asked, ([column.type_code for column in columns], modifiers)).fetchall()
        return {column.name: type_of(stored, self.dialect) for column, (stored,) in zip(columns, told, strict=True)}

    def batches(self, query: Any) -> Iterator[Any]:
        # Ibis reads through a cursor at the server, so that no more than a batch is here at a time.
        with closing(self._ibis.to_pyarrow_batches(query, chunk_size=_BATCH)) as reader:
            yield from reader

    def estimate(self, query: Any) -> Estimate:
        with self._ibis.con.transaction():
            row = self._ibis.con.execute(f"EXPLAIN (FORMAT JSON) {compiled(query, self.dialect)}").fetchone()
        plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
        top = plan[0]["Plan"]
        return Estimate(rows=int(top["Plan Rows"]), bytes=int(top["Plan Rows"] * top["Plan Width"]))

    def cancel(self) -> None:
        self._ibis.con.cancel_safe(timeout=_CONNECT_SECONDS)

    def close(self) -> None:
        self._ibis.disconnect()


class _Server(Connection):
    """Any other database that Ibis has a driver for, by what Ibis itself offers."""

    def __init__(self, address: Address, seconds: float) -> None:
        super().__init__(address.dialect)
        driver, parts = _backend(address.dialect), address.parts
        options: dict[str, Any] = {**address.options, **_bounds(address.dialect, seconds)}
        if address.secret is not None and address.dialect == "trino":
            # Trino takes passwords over TLS only.
            basic = import_module("trino.auth").BasicAuthentication(unquote(parts.username or ""), address.secret)
            options |= {"auth": basic, "http_scheme": "https"}
        elif address.secret is not None:
            options["password"] = address.secret
        if address.dialect == "pyspark":
            session = import_module("pyspark.sql").SparkSession
            self._ibis = driver.connect(session.builder.remote(f"sc://{parts.netloc}{parts.path}").getOrCreate())
            return
        host = parts.netloc.rpartition("@")[2]
        bare = f"{parts.username}@{host}" if parts.username else host
        connect_to = ibis().connect
        self._ibis = connect_to(urlunsplit((parts.scheme, bare, parts.path, "", "")), **options)

    def types(self, select: str) -> dict[str, Any]:
        if self.dialect == "clickhouse":  # Ibis would make a view to learn this.
            columns = self._ibis.con.query(f"DESCRIBE TABLE ({select})").result_rows
            return {name: type_of(stored, self.dialect) for name, stored, *_ in columns}
        return dict(self._ibis.sql(select).schema().items())

    def batches(self, query: Any) -> Iterator[Any]:
        with closing(self._ibis.to_pyarrow_batches(query, chunk_size=_BATCH)) as reader:
            yield from reader

    def cancel(self) -> None:
        """Leave it to the time-out that the server was given: Ibis has no way for these."""

    def close(self) -> None:
        self._ibis.disconnect()


def connect(address: Address, seconds: float) -> Connection:
    """Return an open connection, to be closed by whoever asks for it.

    Args:
        address: where.
        seconds: how long a statement may run, where the server can be told.

    Raises:
        SourceError: a file or a driver is missing. Errors of a driver are raised as they are.
    """
    scheme = address.parts.scheme
    if scheme == "chdb":
        from workbench.telemetry.sources.sql.chdb import Chdb  # noqa: PLC0415 - it is rarely used

        return Chdb(address)
    if scheme == "duckdb":
        return _DuckDB(address)
    try:
        return _PostgreSQL(address, seconds) if address.dialect == "postgres" else _Server(address, seconds)
    except ModuleNotFoundError:
        raise _no_driver(address.dialect) from None


def _bounds(dialect: str, seconds: float) -> dict[str, Any]:
    """Return what keeps a session to reading, and to its time, in the words of a driver."""
    whole = max(1, int(seconds))
    bounds: dict[str, dict[str, Any]] = {
        "clickhouse": {"settings": {"readonly": 2, "max_execution_time": whole}},
        "trino": {"session_properties": {"query_max_run_time": f"{whole}s"}},
        "snowflake": {
            "create_object_udfs": False,
            "session_parameters": {"STATEMENT_TIMEOUT_IN_SECONDS": whole},
        },
    }
    return bounds.get(dialect, {})


def _backend(dialect: str) -> Any:
    """Return Ibis's backend, or say which of its extras brings the driver."""
    library = ibis()
    try:
        return getattr(library, dialect)
    except ImportError:
        raise _no_driver(dialect) from None


def _no_driver(dialect: str) -> SourceError:
    ours = dialect in {"duckdb", "postgres"}
    return SourceError(
        f"the driver for {dialect} is not installed", do=INSTALL if ours else f"pip install 'ibis-framework[{dialect}]'"
    )
