"""A query asks a database for one frame's rows: the window, the services and the columns are part of its SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from workbench.errors import SourceError
from workbench.telemetry.columns import UNIX_UNITS, Columns, Resolved
from workbench.telemetry.schema import FRAMES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Query
from workbench.telemetry.sources.sql.ibis import compiled, compiler, ibis

__all__ = ["EXTRA", "RowsOf", "Table"]

EXTRA = "extra_"
"""What columns that go into ``attributes`` are called in a query, with a number: their own names may be anything."""

_TO_JSON = {
    "duckdb": "to_json",
    "postgres": "to_json",
    "clickhouse": "toJSONString",
    "trino": "json_format",
    "snowflake": "to_json",
    "bigquery": "to_json_string",
    "pyspark": "to_json",
}
_MICROSECONDS = 6  # digits of a second
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Table:
    """What the settings name for a frame: a table by the parts of its name, or a SELECT as text."""

    frame: FrameName
    parts: tuple[str, ...] = ()
    select: str = ""

    @property
    def origin(self) -> str:
        """What it is called in errors and notes."""
        return f"table {'.'.join(self.parts)}" if self.parts else f"the select of {self.frame}"

    def everything(self, dialect: str) -> str:
        """Return a SELECT of all its columns; a table's name is quoted, part by part."""
        spoken = compiler(dialect).dialect
        sqlglot = ibis("sqlglot")
        if not self.select:
            name = sqlglot.table(*reversed(self.parts), quoted=True)
            return str(sqlglot.select("*").from_(name).sql(dialect=spoken))
        try:
            parsed = sqlglot.parse(self.select, dialect=spoken)
        except sqlglot.errors.SqlglotError:
            parsed = []
        if len(parsed) != 1 or not isinstance(parsed[0], sqlglot.exp.Query):
            raise SourceError(
                f"{self.origin} is not one SELECT of {dialect}", do="Correct [sources.NAME.select] in workbench.toml"
            )
        return str(sqlglot.select("*").from_(parsed[0].subquery("asked")).sql(dialect=spoken))

    def rows(self, types: Mapping[str, Any]) -> Any:
        """Return it as a table of Ibis."""
        schema = ibis().schema(dict(types))
        if self.select:
            return ibis("ibis.expr.operations").SQLQueryResult(self.select, schema, None).to_expr()
        *above, name = self.parts
        catalog, database = (None, None, *above)[-2:]
        return ibis().table(schema, name=name, catalog=catalog, database=database)


class RowsOf:
    """The rows of one table in one window, as an expression of Ibis, and what is in which of its columns.

    A query brings the frame's columns by their names, and the others as ``extra_0`` and so on: ``labels`` says what
    those are called, ``nested`` which columns come as JSON text, ``unused`` what can't come at all.
    """

    def __init__(self, table: Table, types: Mapping[str, Any], columns: Columns, dialect: str) -> None:
        self.table = table
        self.dialect = dialect
        self.columns = columns
        self._types = types
        self._all = table.rows(types)
        leaves = dict(_leaves(self._all, types))
        nested = [path for path in leaves if path not in types]
        self.resolved: Resolved = columns.resolve(table.frame, types, nested, origin=table.origin)
        self._stored = {column: leaves[path] for column, path in self.resolved.stored.items()}
        self.labels: dict[str, str] = {}
        self.nested: set[str] = set()
        self.unused: dict[str, str] = {}
        self._selected = self._select()

    @property
    def time_type(self) -> Any:
        """Ibis's type of the time's column."""
        return self._stored[TIME_COLUMN[self.table.frame]].type()

    @property
    def zone_is_assumed(self) -> bool:
        """Whether the times carry no zone, and the settings tell none."""
        return self._is_local and not self.columns.zone_is_set

    @property
    def _is_local(self) -> bool:
        # ClickHouse keeps moments and no local times: a zone is only how it shows them.
        return bool(self.time_type.is_timestamp() and not self.time_type.timezone and self.dialect != "clickhouse")

    def within(self, query: Query) -> Any:
        """Return all columns of the rows of the query's window and services, as they are stored."""
        rows = self._all.filter(*self._window(query))
        service = self._stored.get("service")
        if query.services and service is not None:
            rows = rows.filter(_text(service).isin(query.services))
        return rows

    def asked(self, query: Query) -> Any:
        """Return the rows with the columns that are read; one row more than the limit, so that a cut is noticed."""
        return self.within(query).select(**self._selected).limit(query.limits.rows + 1)

    def different(self, column: str, query: Query) -> Any:
        """Return the different values of a column of the frame in the query's window, or None where it isn't stored."""
        if column not in self._stored:
            return None
        return self.within(query).select(value=_text(self._stored[column])).distinct().limit(query.limits.series)

    def sql(self, query: Query) -> str:
        """Return `asked` as the database gets it."""
        return compiled(self.asked(query), self.dialect)

    # What is asked

    def _window(self, query: Query) -> list[Any]:
        """Return the conditions on the time, in its column's own type, so that indexes and partitions serve."""
        column, type_ = self._stored[TIME_COLUMN[self.table.frame]], self.time_type
        start, end = query.window.start, query.window.end
        if type_.is_integer():
            # The first whole step at or after a moment: what lies before it is before the moment.
            step = UNIX_UNITS[self.columns.time_format or ""]
            return [column >= -(-_nanoseconds(start) // step), column < -(-_nanoseconds(end) // step)]
        if not self._is_local:
            return [column >= self._moment(start), column < self._moment(end)]
        zone = ZoneInfo(self.columns.time_zone)
        first, last = start.astimezone(zone), end.astimezone(zone)
        # An hour that the clock shows twice is read as the first of the two. The second ends later than it shows.
        last += last.replace(fold=0).utcoffset() - last.utcoffset()  # type: ignore[operator]
        return [column >= self._moment(first.replace(tzinfo=None)), column < self._moment(last.replace(tzinfo=None))]

    def _moment(self, at: datetime) -> Any:
        """Return a moment, exact to the microsecond, in the type of the time's column."""
        if self.dialect == "clickhouse":
            return ibis().literal(at)
        if self.time_type.is_unknown():
            return ibis().literal(at.isoformat(" ")).cast(self.time_type)
        scale = self.time_type.scale or 0
        # Trino's own default is milliseconds; a coarser column is compared in microseconds all the same.
        exact = scale if scale > _MICROSECONDS else _MICROSECONDS if self.dialect == "trino" else None
        type_ = ibis("ibis.expr.datatypes").Timestamp(timezone="UTC" if at.tzinfo else None, scale=exact)
        return ibis().literal(at.isoformat(" ")).cast(type_)

    def _select(self) -> dict[str, Any]:
        frame = self.table.frame
        made = {name: self._read(name, column) for name, column in self._stored.items()}
        for place, (stored, label) in enumerate(self.resolved.extra.items()):
            name, column = f"{EXTRA}{place}", self._all[stored]
            read = self._any(name, column)
            if read is None:
                self.unused[stored] = _named(column.type())
                continue
            self.labels[name] = label
            made[name] = read
        return {name: made[name] for name in (*FRAMES[frame], *self.labels) if name in made}

    def _read(self, name: str, column: Any) -> Any:
        """Return a column of the frame, of one of the few types that `workbench.telemetry.sources.sql.rows` reads."""
        type_ = column.type()
        if name == TIME_COLUMN[self.table.frame]:
            return self._time(column)
        if name == "attributes":
            if type_.is_string():
                return column
            if not _is_nested(type_):
                raise self._refused(name, column, "text, JSON, a map or a struct")
            return self._json(column)
        if name == "value":
            if not type_.is_numeric():
                raise self._refused(name, column, "a number")
            return column if type_.is_float64() else column.cast("float64")
        if name == "duration_ns":
            return self._duration(column)
        if type_.is_geospatial() or _is_nested(type_):
            raise self._refused(name, column, "text")
        return column if type_.is_binary() else _text(column)

    def _time(self, column: Any) -> Any:
        type_ = column.type()
        if type_.is_integer() and self.columns.time_format in UNIX_UNITS:
            return column
        if type_.is_integer():
            raise SourceError(
                f"the times in column {column.get_name()!r} of {self.table.origin} are whole numbers, whose unit is "
                "not known",
                do=f'Say it in workbench.toml: time_format = "unix_ms", or another of {", ".join(UNIX_UNITS)}',
            )
        if _is_duckdbs_own(type_):
            return column.cast("timestamp('UTC')")
        if not type_.is_timestamp():
            raise self._refused(TIME_COLUMN[self.table.frame], column, "a timestamp, or whole numbers since 1970")
        return column.cast("timestamp('UTC', 6)") if self.dialect == "clickhouse" else column

    def _duration(self, column: Any) -> Any:
        type_ = column.type()
        if not type_.is_numeric():
            raise self._refused("duration_ns", column, "a number")
        if self.resolved.duration_unit is None:
            raise SourceError(
                f"the unit of the durations in column {column.get_name()!r} of {self.table.origin} is not known",
                do='Say it in workbench.toml: duration_unit = "ms", or another of ns, us, ms, s',
            )
        whole = type_.is_integer() or (type_.is_decimal() and type_.scale == 0)
        return column.cast("int64" if whole else "float64")

    def _any(self, name: str, column: Any) -> Any:
        """Return a column that becomes a part of ``attributes``, or None where its type has no place in JSON."""
        type_ = column.type()
        if type_.is_geospatial():
            return None
        if type_.is_binary():
            return column
        if _is_nested(type_):
            self.nested.add(name)
            return self._json(column)
        if type_.is_integer() or type_.is_floating() or type_.is_boolean():
            return column
        if type_.is_decimal():
            return column.cast("float64")
        return _text(column)

    def _json(self, column: Any) -> Any:
        """Return a column of JSON, maps, lists or structs as JSON text, by the database's own function."""
        name = _TO_JSON[self.dialect]
        if self.dialect == "trino" and not column.type().is_json():
            column = column.cast("json")

        def call(value: Any) -> Any:
            """Stand for the database's function."""

        # What DuckDB and PostgreSQL give is JSON, which a driver would take apart.
        returned = "json" if self.dialect in {"duckdb", "postgres"} else "string"
        made = ibis().udf.scalar.builtin(call, name=name, signature=((column.type(),), returned))(column)
        return made if made.type().is_string() else made.cast("string")

    def _refused(self, name: str, column: Any, wanted: str) -> SourceError:
        return SourceError(
            f"the column {column.get_name()!r} of {self.table.origin} has the type {_named(column.type())}, and {name} "
            f"of {self.table.frame} needs {wanted}",
            do=f"Convert it in a SELECT under [sources.NAME.select], or name another in [sources.NAME.columns."
            f"{self.table.frame}]",
        )


def _leaves(rows: Any, types: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the columns by their names, and what lies in structs by dotted paths."""
    for name in types:
        waiting = [(name, rows[name])]
        while waiting:
            path, column = waiting.pop()
            yield path, column
            if column.type().is_struct():
                waiting += [(f"{path}.{field}", column[field]) for field in column.type().names]


def _text(column: Any) -> Any:
    return column if column.type().is_string() else column.cast("string")


def _is_nested(type_: Any) -> bool:
    return bool(type_.is_json() or type_.is_map() or type_.is_struct() or type_.is_array())


def _named(type_: Any) -> str:
    return "that Ibis doesn't know" if type_.is_unknown() else str(type_)


def _is_duckdbs_own(type_: Any) -> bool:
    """Return whether a type is DuckDB's moment in nanoseconds, which Ibis 12 doesn't know yet."""
    return bool(type_.is_unknown() and str(type_.raw_type) == "TIMESTAMPTZ_NS")


def _nanoseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000
