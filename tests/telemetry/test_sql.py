"""The sql source asks a database for what the window needs and no more; here DuckDB, which is a file."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from conformance import START, WINDOW
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_conformance import SqlConformance

from workbench.errors import LimitError, SourceError
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Limits, Query, Reading
from workbench.telemetry.sources.sql.source import SqlSource
from workbench.window import Window


def holding(folder: Path, *statements: str, file: str = "t.duckdb", **frames: pl.DataFrame) -> None:
    """Write a DuckDB file with these frames as tables, then run statements in it."""
    with duckdb.connect(str(folder / file)) as database:
        database.execute("SET TimeZone = 'Asia/Kolkata'")
        for name, rows in frames.items():
            database.register("rows_", rows.to_arrow())
            database.execute(f'CREATE OR REPLACE TABLE "{name}" AS FROM rows_')
        for statement in statements:
            database.execute(statement)


def source(folder: Path, **table: object) -> SqlSource:
    """Return a source over the file in a folder."""
    return SqlSource.from_settings("shop", {"url": "duckdb://t.duckdb", **table}, folder)


def read(folder: Path, frame: FrameName = "logs", window: Window = WINDOW, **table: object) -> Reading:
    """Return a reading of one frame, consumed by nobody yet."""
    return source(folder, **{frame: frame, **table}).read(frame, Query(window))


def attributes(reading: Reading) -> list[Any]:
    """Return the attributes of all rows, in the order of time."""
    found = reading.data.collect().sort("time")["attributes"].to_list()
    return [None if text is None else json.loads(text) for text in found]


class TestDuckDB(SqlConformance):
    """Everything that is asked of every source."""

    refused: ClassVar = {"url": "duckdb://t.duckdb", "log": "logs"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> SqlSource:
        """Return a source over a file with one table."""
        holding(folder, **{frame: rows})
        return source(folder, **{frame: frame})

    def broken(self, folder: Path, frame: FrameName) -> SqlSource:
        """Return a source over a file that is gone."""
        return source(folder, **{frame: frame})


# What is asked


def test_window_services_columns_and_limit_are_in_the_sql(tmp_path: Path) -> None:
    """What the database can leave out never comes here; the text is the query as it is sent."""
    holding(tmp_path, "CREATE TABLE logs (ts TIMESTAMPTZ, service TEXT, body TEXT)")
    query = Query(WINDOW, ("cart", "it's"), Limits(rows=7))
    asked = source(tmp_path, logs="logs").read("logs", query).asked
    assert asked == (
        'SELECT "t0"."ts" AS "time", "t0"."service", "t0"."body" FROM "logs" AS "t0" '
        'WHERE "t0"."ts" >= CAST(\'2024-02-28 23:55:00+00:00\' AS TIMESTAMPTZ) '
        'AND "t0"."ts" < CAST(\'2024-02-29 00:05:00+00:00\' AS TIMESTAMPTZ) '
        "AND \"t0\".\"service\" IN ('cart', 'it''s') LIMIT 8"
    )


def test_reading_asks_nothing_before_it_is_consumed(tmp_path: Path) -> None:
    """Neither making a source nor reading it opens the file, which isn't even there."""
    reading = read(tmp_path)
    holding(tmp_path, "CREATE TABLE logs (ts TIMESTAMPTZ, body TEXT)")
    assert reading.data.collect().height == 0


def test_a_file_is_closed_again_and_never_written_to(tmp_path: Path) -> None:
    """Whoever writes to it can, once a reading has ended, broken off or failed."""
    holding(tmp_path, logs=pl.DataFrame({"time": [START] * 200_000, "body": ["x"] * 200_000}))
    before = (tmp_path / "t.duckdb").read_bytes()
    read(tmp_path).data.collect()
    read(tmp_path).data.head(1).collect()
    with pytest.raises(SourceError):
        read(tmp_path, columns={"logs": {"body": "gone"}}).data.collect()
    assert (tmp_path / "t.duckdb").read_bytes() == before
    holding(tmp_path, "DROP TABLE logs")


def test_a_limit_of_rows_is_a_mark_and_no_crash(tmp_path: Path) -> None:
    """The database gives one row more than the limit, and what is kept is marked."""
    holding(tmp_path, logs=pl.DataFrame({"time": [START] * 50, "body": ["x"] * 50}))
    reading = ConfiguredSource(source(tmp_path, logs="logs"), Policy(Limits(rows=20))).read("logs", Query(WINDOW))
    assert reading.data.collect().height == 20
    assert not reading.complete


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """By this side, where the database has no time-out of its own."""
    slow = "SELECT make_timestamp(i) AS time, 'x' AS body FROM range(1_000_000_000_000) AS r(i) WHERE sqrt(i) < 0"
    holding(tmp_path, "SELECT 1")
    one = source(tmp_path, select={"logs": slow})
    with pytest.raises(LimitError, match=r"longer than 0\.3 s"):
        one.read("logs", Query(WINDOW, limits=Limits(seconds=0.3))).data.collect()
    stop = threading.Event()
    reading = one.read("logs", Query(WINDOW, stop=stop))
    threading.Timer(0.3, stop.set).start()
    assert reading.data.collect().height == 0


def test_bytes_and_rows_are_told(tmp_path: Path) -> None:
    """How much came, and beforehand how much would."""
    holding(tmp_path, logs=pl.DataFrame({"time": [START, WINDOW.end], "body": ["x", "y"]}))
    reading = read(tmp_path)
    assert reading.estimate().rows == 1
    assert reading.data.collect().height == 1
    assert reading.tally.bytes > 0


# Names


def test_names_are_quoted_whatever_they_are(tmp_path: Path) -> None:
    """A table, a schema and a column may be called anything, and are never read as SQL."""
    odd = 'x"; DROP TABLE logs; --'
    quoted = '"' + odd.replace('"', '""') + '"'
    holding(
        tmp_path,
        "CREATE TABLE logs (i INT)",
        f"CREATE SCHEMA {quoted}",
        f'CREATE TABLE {quoted}.{quoted} ({quoted} TIMESTAMPTZ, "se.lect" TEXT)',
        f"INSERT INTO {quoted}.{quoted} VALUES ('2024-02-28 23:56:00+00', 'b')",  # noqa: S608 - that is the test
    )
    one = source(tmp_path, logs=f"{odd}.{odd}", columns={"logs": {"time": odd, "body": "se.lect"}})
    assert one.read("logs", Query(WINDOW)).data.collect()["body"].to_list() == ["b"]
    assert read(tmp_path, columns={"logs": {"time": "i", "body": "i"}}, time_format="unix_s").data.collect().height == 0


def test_a_select_is_a_table_too(tmp_path: Path) -> None:
    """The window is put around it, so that whatever it joins is narrowed as well."""
    holding(
        tmp_path,
        "CREATE TABLE l AS SELECT TIMESTAMPTZ '2024-02-28 23:56:00+00' AS at, 7 AS shop, 'b' AS body",
        "CREATE TABLE s AS SELECT 7 AS id, 'cart' AS service",
    )
    text = "SELECT l.at AS time, l.body, s.service -- joined\nFROM l JOIN s ON s.id = l.shop;\n"
    one = source(tmp_path, select={"logs": text})
    reading = one.read("logs", Query(WINDOW, ("cart",)))
    assert reading.data.collect()["service"].to_list() == ["cart"]
    assert "\n" not in reading.asked
    assert " JOIN " in reading.asked


@pytest.mark.parametrize("text", ["DROP TABLE logs", "SELECT 1) ; DROP TABLE logs; --", "SELECT 1; SELECT 2", "SELEC"])
def test_a_select_is_one_select(tmp_path: Path, text: str) -> None:
    """Nothing else is run, and the error names the place."""
    holding(tmp_path, "CREATE TABLE logs (i INT)")
    with pytest.raises(SourceError, match=r"select"):
        source(tmp_path, select={"logs": text}).read("logs", Query(WINDOW)).data.collect()
    with duckdb.connect(str(tmp_path / "t.duckdb")) as database:
        assert database.sql("SELECT count(*) FROM logs").fetchall() == [(0,)]


# Times


@pytest.mark.parametrize(
    ("type_", "settings_"),
    [
        ("TIMESTAMPTZ", {}),
        ("TIMESTAMP", {}),
        ("TIMESTAMP_NS", {}),
        ("TIMESTAMPTZ_NS", {}),
        ("TIMESTAMP_MS", {}),
        ("TIMESTAMP_S", {}),
        ("BIGINT", {"time_format": "unix_us"}),
        ("UBIGINT", {"time_format": "unix_ns"}),
        ("BIGINT", {"time_format": "unix_ms"}),
        ("INTEGER", {"time_format": "unix_s"}),
    ],
)
def test_any_kind_of_time_becomes_utc(tmp_path: Path, type_: str, settings_: dict[str, object]) -> None:
    """Its window is half-open, and compared in the column's own type."""
    unit = {"unix_s": 10**6, "unix_ms": 10**3, "unix_us": 1, "unix_ns": 0.001}.get(str(settings_.get("time_format")))
    moments = [START - timedelta(seconds=1), START, WINDOW.end - timedelta(seconds=1), WINDOW.end]
    values = [f"{int(at.timestamp() * 10**6 / unit)}" if unit else f"'{at:%Y-%m-%d %H:%M:%S+00}'" for at in moments]
    rows = ", ".join(f"(CAST({value} AS {type_}), 'b')" for value in values)
    holding(tmp_path, f"CREATE TABLE logs AS FROM (VALUES {rows}) AS t(time, body)")
    reading = read(tmp_path, **settings_)
    assert reading.data.collect()["time"].to_list() == moments[1:3]
    told = [problem.kind for problem in reading.problems]
    assert told == (["time-without-zone"] if type_.startswith("TIMESTAMP") and "TZ" not in type_ else [])
    where = reading.asked.partition(" WHERE ")[2]
    assert where.startswith('"t0"."time" >= ')


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(-7200, 7200), min_size=1, max_size=200),
    st.integers(-7200, 7200),
    st.integers(3, 7200),
    st.sampled_from([datetime(2023, 3, 26, 1, tzinfo=UTC), datetime(2023, 10, 29, 1, tzinfo=UTC)]),
)
def test_local_times_are_read_once_when_clocks_change(
    tmp_path_factory: pytest.TempPathFactory, offsets: list[int], start: int, length: int, change: datetime
) -> None:
    """However a window is cut, a row is in one slice: an hour that came twice is read as the first of the two."""
    folder, zone = tmp_path_factory.mktemp("zone"), ZoneInfo("Europe/Berlin")
    shown = [(change + timedelta(seconds=n)).astimezone(zone).replace(tzinfo=None, fold=0) for n in offsets]
    holding(folder, logs=pl.DataFrame({"time": shown, "body": [str(n) for n in range(len(shown))]}))
    whole = Window(change + timedelta(seconds=start), change + timedelta(seconds=start + length))
    parts = whole.split(whole.duration / 3)
    found = [read(folder, window=part, time_zone="Europe/Berlin").data.collect() for part in parts]
    truth = [local.replace(tzinfo=zone).astimezone(UTC) for local in shown]
    kept = sorted(body for part in found for body in part["body"])
    assert kept == sorted(str(n) for n, moment in enumerate(truth) if moment in whole)
    assert all(moment in whole for part in found for moment in part["time"])


def test_a_time_that_never_was_is_counted(tmp_path: Path) -> None:
    """An hour that the clock was put forward over."""
    holding(tmp_path, logs=pl.DataFrame({"time": [datetime(2023, 3, 26, 2, 30)], "body": ["x"]}))  # noqa: DTZ001
    day = Window(datetime(2023, 3, 26, tzinfo=UTC), datetime(2023, 3, 27, tzinfo=UTC))
    reading = read(tmp_path, window=day, time_zone="Europe/Berlin")
    assert reading.data.collect().height == 0
    assert [(problem.kind, problem.rows) for problem in reading.problems] == [("impossible-time", 1)]


# Values


@pytest.mark.parametrize(
    ("type_", "value", "unit", "nanoseconds"),
    [
        ("BIGINT", 7, "ms", 7_000_000),
        ("UBIGINT", 7, "ns", 7),
        ("DOUBLE", 1.5, "us", 1500),
        ("DECIMAL(18, 3)", 1.5, "s", 1_500_000_000),
        ("DECIMAL(18, 0)", 2**53 + 1, "ns", 2**53 + 1),
    ],
)
def test_durations_become_nanoseconds(tmp_path: Path, type_: str, value: float, unit: str, nanoseconds: int) -> None:
    """By the unit that the settings tell."""
    holding(
        tmp_path,
        "CREATE TABLE spans AS SELECT TIMESTAMPTZ '2024-02-28 23:56:00+00' AS start, "
        f"CAST({value} AS {type_}) AS duration",
    )
    found = read(tmp_path, "spans", duration_unit=unit).data.collect()
    assert found["duration_ns"].to_list() == [nanoseconds]


def test_other_columns_survive_in_attributes(tmp_path: Path) -> None:
    """Under OpenTelemetry's names, whatever type they have; what is null isn't there."""
    holding(
        tmp_path,
        """CREATE TABLE logs AS SELECT TIMESTAMPTZ '2024-02-28 23:56:00+00' AS time, 'b' AS body, 'it''s "x"' AS env,
        1 AS "n", 2.5 AS f, 'nan'::DOUBLE AS nan, 1.25::DECIMAL(9, 2) AS money, true AS yes, NULL::INT AS nothing,
        DATE '2024-01-02' AS day, TIME '01:02:03' AS clock, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS seen,
        INTERVAL 90 SECONDS AS wait, [1, 2] AS list, {'a': {'b': 1}} AS struct, MAP {'k': 'v'} AS map,
        '{"j": [1, null]}'::JSON AS json, 'a'::ENUM ('a', 'b') AS word, '\\xAB'::BLOB AS bytes,
        '8d3c5b9e-0d5e-4a43-8b9d-000000000000'::UUID AS id, 2::UTINYINT AS "we""ird\\né" """,
    )
    reading = read(tmp_path)
    (found,) = attributes(reading)
    seen = found.pop("seen")
    assert seen.startswith("2024-01-01")
    assert found == {
        "deployment.environment.name": 'it\'s "x"',
        "n": 1,
        "f": 2.5,
        "money": 1.25,
        "yes": True,
        "day": "2024-01-02",
        "clock": "01:02:03",
        "wait": "00:01:30",
        "list": [1, 2],
        "struct": {"a": {"b": 1}},
        "map": {"k": "v"},
        "json": {"j": [1, None]},
        "word": "a",
        "id": "8d3c5b9e-0d5e-4a43-8b9d-000000000000",
        'we"ird\\né': 2,
        "nan": "NaN",
        "bytes": "ab",
    }
    assert reading.problems == ()


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("""'{"a": 1, "b": 2}'""", {"a": 1, "b": 2, "more": "x"}),
        ("""'{"more": "mine"}'::JSON""", {"more": "mine"}),
        ("MAP {'a': 1}", {"a": 1, "more": "x"}),
        ("{'a': NULL}", {"a": None, "more": "x"}),
        ("NULL::TEXT", {"more": "x"}),
        ("'free text'", {"attributes": "free text", "more": "x"}),
    ],
)
def test_stored_attributes_win_over_other_columns(tmp_path: Path, stored: str, wanted: dict[str, object]) -> None:
    """Both are kept in one object."""
    holding(
        tmp_path,
        f"CREATE TABLE logs AS SELECT TIMESTAMPTZ '2024-02-28 23:56:00+00' AS time, 'b' AS body, "
        f"{stored} AS attributes, 'x' AS more",
    )
    assert attributes(read(tmp_path)) == [wanted]


def test_bytes_are_hexadecimal_digits(tmp_path: Path) -> None:
    """As identifiers of traces are often stored."""
    holding(
        tmp_path,
        "CREATE TABLE logs AS SELECT TIMESTAMPTZ '2024-02-28 23:56Z' AS time, 'b' AS body, '\\x0A\\xFF'::BLOB AS trace",
    )
    assert read(tmp_path).data.collect()["trace_id"].to_list() == ["0aff"]


def test_a_part_of_a_struct_may_be_a_column(tmp_path: Path) -> None:
    """By its dotted path; the struct as a whole stays in the attributes."""
    holding(
        tmp_path,
        "CREATE TABLE logs AS SELECT TIMESTAMPTZ '2024-02-28 23:56:00+00' AS time, 'b' AS body, "
        "{'service': {'name': 'cart'}} AS resource",
    )
    reading = source(tmp_path, logs="logs").read("logs", Query(WINDOW, ("cart",)))
    assert attributes(reading) == [{"resource": {"service": {"name": "cart"}}}]
    assert reading.data.collect()["service"].to_list() == ["cart"]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 599_999_999),
            st.floats() | st.none(),
            texts | st.none(),
            st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=3),
            texts | st.none(),
        ),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[0],
    )
)
def test_values_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]]) -> None:
    """Times to the microsecond, any number, any text, any attributes."""
    folder = tmp_path_factory.mktemp("values")
    rows = sorted(rows, key=lambda row: row[0])
    made = pl.DataFrame(
        {
            "time": [START + timedelta(microseconds=row[0]) for row in rows],
            "metric": ["m"] * len(rows),
            "value": [row[1] for row in rows],
            "service": [row[2] for row in rows],
            "attributes": [json.dumps(row[3]) for row in rows],
            "colour": [row[4] for row in rows],
        },
        schema_overrides={"value": pl.Float64, "service": pl.String, "colour": pl.String},
    )
    holding(folder, metrics=made)
    reading = read(folder, "metrics")
    found = reading.data.collect().sort("time")
    assert found.select("time", "value", "service").equals(made.select("time", "value", "service"))
    wanted = [({} if row[4] is None else {"colour": row[4]}) | row[3] for row in rows]
    assert attributes(reading) == wanted


# What is refused


@pytest.mark.parametrize(
    ("columns", "settings_", "said"),
    [
        ("'b' AS body", {}, "has no column 'time'"),
        ("'2024' AS time, 'b' AS body", {}, "'time' of table logs has the type string"),
        ("5 AS time, 'b' AS body", {}, "unit is not known"),
        ("now() AS time, [1] AS body", {}, "body of logs needs text"),
        ("now() AS time, 'b' AS body, 5 AS attributes", {}, "attributes of logs needs text, JSON"),
        ("now() AS time, 'b' AS body", {"columns": {"logs": {"service": "app"}}}, "no column 'app'"),
    ],
)
def test_columns_that_cannot_be_are_refused_by_name(
    tmp_path: Path, columns: str, settings_: dict[str, object], said: str
) -> None:
    """The error names table and column, and says what to do."""
    holding(tmp_path, f"CREATE TABLE logs AS SELECT {columns}")
    with pytest.raises(SourceError, match=said) as told:
        read(tmp_path, **settings_).data.collect()
    assert told.value.do


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("now() AS start, 5 AS duration", "unit of the durations"),
        ("now() AS start, INTERVAL 5 SECONDS AS duration", "duration_ns of spans needs a number"),
    ],
)
def test_durations_without_a_unit_are_refused(tmp_path: Path, columns: str, said: str) -> None:
    """Nothing is guessed."""
    holding(tmp_path, f"CREATE TABLE spans AS SELECT {columns}")
    with pytest.raises(SourceError, match=said):
        read(tmp_path, "spans").data.collect()


def test_what_the_database_says_is_one_line(tmp_path: Path) -> None:
    """With the source, the table and the address, and nothing of a driver's own."""
    holding(tmp_path, "SELECT 1")
    with pytest.raises(SourceError, match=r"source 'shop': table logs at duckdb://t\.duckdb can't be read") as told:
        read(tmp_path).data.collect()
    assert "\n" not in str(told.value)
    (tmp_path / "t.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(SourceError, match="can't be read"):
        read(tmp_path).data.collect()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": ""}, "url that is no address"),
        ({"url": 5, "logs": "l"}, "url that is no address"),
        ({"url": "mysql://h/d", "logs": "l"}, "begin with the name of a database"),
        ({"url": "t.duckdb", "logs": "l"}, "begin with the name of a database"),
        ({"url": "postgres://h:port/d", "logs": "l"}, "is no address"),
        ({"url": "duckdb://t.duckdb"}, "names no table"),
        ({"url": "duckdb://t.duckdb", "logs": "a..b"}, "logs of .* is 'a..b'"),
        ({"url": "duckdb://t.duckdb", "logs": ["a"]}, "logs of .* is"),
        ({"url": "duckdb://t.duckdb", "logs": "a.b.c.d"}, "logs of .* is"),
        ({"url": "duckdb://t.duckdb", "select": "SELECT 1"}, "not a table of SELECTs"),
        ({"url": "duckdb://t.duckdb", "select": {"log": "SELECT 1"}}, "has the key 'log'"),
        ({"url": "duckdb://t.duckdb", "logs": "l", "select": {"logs": "SELECT 1"}}, "both logs and a select"),
        ({"url": "duckdb://t.duckdb", "logs": "l", "url_env": "X"}, "beside url"),
        ({"url_env": "X", "password_env": "Y", "logs": "l"}, "beside url"),
        ({"logs": "l"}, "has no url"),
    ],
)
def test_settings_that_cannot_be_are_refused(table: dict[str, object], said: str) -> None:
    """The error names the table in workbench.toml and the key."""
    with pytest.raises(SourceError, match=said) as told:
        SqlSource.from_settings("shop", table, Path())
    assert "sources.shop" in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://reader:hunter2@db/telemetry",
        "postgres://reader@db/telemetry?password=hunter2",
        "snowflake://me@account/db?token=hunter2",
        "trino://:hunter2@db",
    ],
)
def test_a_password_in_the_settings_is_refused_and_not_shown(url: str) -> None:
    """With the way out."""
    with pytest.raises(SourceError, match="holds a password or token itself") as told:
        SqlSource.from_settings("shop", {"url": url, "logs": "l"}, Path())
    assert "hunter2" not in str(told.value)
    assert "password_env" in told.value.do


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("clickhouse://db/d", "ibis-framework[clickhouse]"),
        ("trino://db/d", "ibis-framework[trino]"),
        ("spark://db", "ibis-framework[pyspark]"),
        ("snowflake://account/d", "ibis-framework[snowflake]"),
        ("bigquery://project/d", "ibis-framework[bigquery]"),
    ],
)
def test_a_driver_that_is_missing_is_named(
    url: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what installs it."""
    for driver in ("clickhouse_connect", "trino", "pyspark", "snowflake", "google.cloud"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(SourceError) as told:
        SqlSource.from_settings("shop", {"url": url, "logs": "l"}, tmp_path).read("logs", Query(WINDOW)).data.collect()
    assert extra in told.value.do


WITHOUT = """
import sys
from pathlib import Path
sys.modules["ibis"] = None
from datetime import UTC, datetime, timedelta
from workbench.errors import SourceError
from workbench.telemetry.source import Query
from workbench.telemetry.sources.sql.source import SqlSource
from workbench.window import Window
start = datetime(2024, 1, 1, tzinfo=UTC)
Path(sys.argv[1], "t.duckdb").touch()
source = SqlSource.from_settings("shop", {"url": "duckdb://t.duckdb", "logs": "l"}, Path(sys.argv[1]))
try:
    source.read("logs", Query(Window(start, start + timedelta(hours=1)))).data.collect()
except SourceError as error:
    print(error.do)
"""


def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    """Ibis is needed only once somebody reads."""
    told = subprocess.run([sys.executable, "-c", WITHOUT, tmp_path], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "pip install 'incident-review-workbench[sql]'"


# Discovery


def test_nothing_is_printed_by_the_database(tmp_path: Path) -> None:
    """DuckDB would draw a bar of progress into what a command prints."""
    holding(tmp_path, "SELECT 1")
    text = "SELECT TIMESTAMPTZ '2024-02-28 23:56Z' AS time, current_setting('enable_progress_bar')::TEXT AS body"
    found = source(tmp_path, select={"logs": text}).read("logs", Query(WINDOW)).data.collect()
    assert found["body"].to_list() == ["false"]


def test_what_it_holds_can_be_listed(tmp_path: Path) -> None:
    """Services and metrics of the window, and values of the other columns."""
    rows = {
        "time": [START, START, WINDOW.end],
        "metric": ["rate", "errors", "later"],
        "value": [1.0] * 3,
        "service": ["cart", None, "gone"],
        "zone": ["b", "a", "c"],
    }
    holding(tmp_path, metrics=pl.DataFrame(rows), logs=pl.DataFrame({"time": [START], "body": ["x"], "app": ["pay"]}))
    found = source(tmp_path, metrics="metrics", logs="logs").discover(Query(WINDOW))
    assert found.services == ("cart", "pay")
    assert found.metrics == ("errors", "rate")
    assert found.labels == (("cloud.availability_zone", ("a", "b")),)
    assert "10,000" in found.note
