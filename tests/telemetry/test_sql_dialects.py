"""The SQL that is compiled for databases which can't be had in a test, looked at where it matters.

Trino reads a moment from text by the pattern in its class DateTimes (release 470): a space before the hour, and no T.
"""

from __future__ import annotations

import re
from typing import Any

import ibis.expr.datatypes as dt
import pytest
import sqlglot
from conformance import WINDOW
from sqlglot import exp

from workbench.errors import SourceError
from workbench.telemetry.columns import Columns
from workbench.telemetry.source import Limits, Query
from workbench.telemetry.sources.sql.ibis import compiler
from workbench.telemetry.sources.sql.query import RowsOf, Table

DIALECTS = ("clickhouse", "trino", "snowflake", "bigquery", "pyspark", "duckdb", "postgres")
EDGES = ("2024-02-28 23:55:00+00:00", "2024-02-29 00:05:00+00:00")
HOSTILE = "x' OR 1=1 --\\"
QUERY = Query(WINDOW, ("cart", HOSTILE), Limits(rows=7))
TYPES = {"ts": "timestamp('UTC')", "app": "string", "message": "string", "labels": "map<string, string>", "raw": "json"}
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def rows(dialect: str, types: dict[str, str] | None = None, table: Table | None = None, **settings: object) -> RowsOf:
    """Return the rows of a table with such columns."""
    columns, _ = Columns.from_settings("shop", settings)
    stored = {name: dt.dtype(type_) for name, type_ in (types or TYPES).items()}
    return RowsOf(table or Table("logs", ("lake", "app", "logs")), stored, columns, dialect)


def parsed(sql: str, dialect: str) -> Any:
    """Return SQL as a tree, read as the database would."""
    return sqlglot.parse_one(sql, dialect=compiler(dialect).dialect)


@each_dialect
def test_the_window_is_half_open_and_on_the_column_itself(dialect: str) -> None:
    """At or after the start, before the end, and nothing is done to the column, so that partitions serve."""
    tree = parsed(rows(dialect).sql(QUERY), dialect)
    (where,) = tree.find_all(exp.Where)
    (first,) = where.find_all(exp.GTE)
    (last,) = where.find_all(exp.LT)
    for comparison, edge in ((first, EDGES[0]), (last, EDGES[1])):
        assert isinstance(comparison.this, exp.Column)
        assert comparison.this.name == "ts"
        assert edge in comparison.expression.sql().replace("T", " ")
    assert not list(where.find_all(exp.Or))


@each_dialect
def test_services_limit_and_columns_are_in_it(dialect: str) -> None:
    """Services are literals, the limit is one more than is kept, and what JSON has no place for isn't asked for."""
    tree = parsed(rows(dialect, {**TYPES, "place": "point"}).sql(QUERY), dialect)
    (among,) = tree.find_all(exp.In)
    assert (among.this.name, [one.this for one in among.expressions]) == ("app", ["cart", HOSTILE])
    assert [limit.expression.this for limit in tree.find_all(exp.Limit)] == ["8"]
    assert tree.named_selects == ["time", "service", "body", "extra_0", "extra_1"]


@each_dialect
def test_names_are_quoted(dialect: str) -> None:
    """A table's name can't be more than a name, and keeps its case."""
    table = Table("logs", ("app", "Lo gs; DROP TABLE x"))
    for sql in (rows(dialect, table=table).sql(QUERY), table.everything(dialect)):
        tree = parsed(sql, dialect)
        (found,) = tree.find_all(exp.Table)
        assert (found.name, found.db) == ("Lo gs; DROP TABLE x", "app")
        assert found.this.quoted
        assert all(one.this.quoted for one in tree.find_all(exp.Column))


@each_dialect
def test_a_select_is_narrowed_from_outside(dialect: str) -> None:
    """It stands in brackets, with the window around it."""
    table = Table("logs", select="SELECT a AS ts, b AS message, c AS app FROM t WHERE d = 'x' OR e -- all of it")
    tree = parsed(
        rows(dialect, {"ts": "timestamp('UTC')", "message": "string", "app": "string"}, table).sql(QUERY), dialect
    )
    (inner,) = tree.find_all(exp.Subquery)
    assert list(inner.find_all(exp.Or))
    assert inner.find(exp.Where) is not tree.args.get("where")
    with pytest.raises(SourceError, match="is not one SELECT"):
        Table("logs", select="DELETE FROM t").everything(dialect)


@pytest.mark.parametrize(
    ("dialect", "function"),
    [
        ("clickhouse", 'toJSONString("t1"."labels")'),
        ("trino", 'JSON_FORMAT(CAST("t1"."labels" AS JSON))'),
        ("snowflake", 'TO_JSON("t1"."labels")'),
        ("bigquery", "TO_JSON_STRING(`t1`.`labels`)"),
        ("pyspark", "TO_JSON(`t1`.`labels`)"),
    ],
)
def test_maps_become_json_in_the_database(dialect: str, function: str) -> None:
    """By its own function, because drivers give maps in many ways."""
    assert function in rows(dialect).sql(QUERY)


@pytest.mark.parametrize(
    ("dialect", "start"),
    [
        ("trino", "CAST('2024-02-29 00:55:00' AS TIMESTAMP(6))"),
        ("snowflake", "CAST('2024-02-29 00:55:00' AS TIMESTAMP)"),
        ("bigquery", "CAST('2024-02-29 00:55:00' AS DATETIME)"),
        ("clickhouse", "parseDateTimeBestEffort('2024-02-28T23:55:00+00:00', 'UTC')"),
    ],
)
def test_local_times_are_compared_as_local_times(dialect: str, start: str) -> None:
    """But ClickHouse has none: what carries no zone there is a moment all the same."""
    types = {"ts": "timestamp", "message": "string"}
    assert f'ts" >= {start}' in rows(dialect, types, time_zone="Europe/Berlin").sql(QUERY).replace("`", '"')


@each_dialect
def test_whole_numbers_are_compared_with_whole_numbers(dialect: str) -> None:
    """The first step at or after each edge."""
    sql = rows(dialect, {"ts": "int64", "message": "string"}, time_format="unix_ms").sql(QUERY)
    assert re.search(r"ts[\"`] >= 1709164500000 AND .*ts[\"`] < 1709165100000", sql)


def test_trino_compares_microseconds() -> None:
    """Its types hold milliseconds unless they are told otherwise."""
    assert "AS TIMESTAMP(6) WITH TIME ZONE)" in rows("trino").sql(QUERY)
    assert "AS TIMESTAMP(9) WITH TIME ZONE)" in rows("trino", {**TYPES, "ts": "timestamp('UTC', 9)"}).sql(QUERY)
