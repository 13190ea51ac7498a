"""The sql source on a real PostgreSQL: streamed through a cursor, read only, and bounded."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import polars as pl
import psycopg
import pytest
from conformance import START, WINDOW
from postgres import PASSWORD, Postgres
from sql_conformance import SqlConformance

from workbench.errors import LimitError, SourceError
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query
from workbench.telemetry.sources.sql.source import SqlSource
from workbench.window import Window

AROUND = Window(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1))
_TYPES = {pl.String: "TEXT", pl.Int64: "BIGINT", pl.Float64: "DOUBLE PRECISION"}


@pytest.fixture
def server(postgres: Postgres) -> Postgres:
    """Return the PostgreSQL of all tests."""
    return postgres


@pytest.fixture
def owner(server: Postgres) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Return the owner's connection to an empty schema ``app``."""
    with server.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS app CASCADE")
        connection.execute("CREATE SCHEMA app")
        yield connection


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER_PASSWORD", PASSWORD)


def source(server: Postgres, **table: object) -> SqlSource:
    """Return a source as the reader."""
    settings = {"url": server.url(), "password_env": "READER_PASSWORD", **table}
    return SqlSource.from_settings("shop", settings, Path())


def fill(owner: psycopg.Connection[tuple[Any, ...]], frame: FrameName, rows: pl.DataFrame) -> None:
    """Make a table of a frame's own columns and types, with these rows."""
    types = {
        name: _TYPES.get(type(dtype) if isinstance(dtype, pl.DataType) else dtype)
        for name, dtype in FRAMES[frame].items()
    }
    columns = ", ".join(f'"{name}" {type_ or "TIMESTAMPTZ"}' for name, type_ in types.items())
    owner.execute(f"DROP TABLE IF EXISTS app.{frame}; CREATE TABLE app.{frame} ({columns})")
    with owner.cursor().copy(f"COPY app.{frame} FROM STDIN") as copy:
        for row in rows.iter_rows():
            copy.write_row(row)


def rows(owner: psycopg.Connection[tuple[Any, ...]], count: int) -> None:
    """Make a table of logs that are all alike, a minute after the start of the window."""
    made = "SELECT TIMESTAMPTZ '2024-02-28 23:56Z' AS time, 'b' AS body FROM generate_series(1, %s)"
    owner.execute("CREATE TABLE app.logs AS " + made, (count,))


class TestPostgreSQL(SqlConformance):
    """Everything that is asked of every source."""

    refused: ClassVar = {"url": "postgres://reader@127.0.0.1/x", "log": "logs"}

    @pytest.fixture(autouse=True)
    def _server(self, server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
        self.server, self.owner = server, owner

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> SqlSource:
        """Return a source over one table."""
        fill(self.owner, frame, rows)
        return source(self.server, **{frame: f"app.{frame}"})

    def broken(self, folder: Path, frame: FrameName) -> SqlSource:
        """Return a source at a port where nobody listens."""
        return source(self.server, url="postgres://reader@127.0.0.1:1/postgres", **{frame: f"app.{frame}"})


# What is asked


def test_the_server_gets_what_asked_says(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Word for word, through a cursor at the server, in a transaction that only reads."""
    owner.execute("CREATE TABLE app.logs (ts TIMESTAMPTZ, service TEXT, message TEXT)")
    reading = source(server, logs="app.logs").read("logs", Query(WINDOW, ("it's",), Limits(rows=9)))
    reading.data.collect()
    log = server.log.read_text(encoding="utf-8")
    assert re.search(rf'DECLARE "\w+" CURSOR FOR {re.escape(reading.asked)}\n', log)
    assert "BEGIN READ ONLY" in log
    assert reading.asked == (
        'SELECT "t0"."ts" AS "time", "t0"."service", "t0"."message" AS "body" FROM "app"."logs" AS "t0" '
        'WHERE "t0"."ts" >= CAST(\'2024-02-28 23:55:00+00:00\' AS TIMESTAMPTZ) '
        'AND "t0"."ts" < CAST(\'2024-02-29 00:05:00+00:00\' AS TIMESTAMPTZ) '
        "AND \"t0\".\"service\" IN ('it''s') LIMIT 10"
    )


@pytest.mark.parametrize(
    ("type_", "settings_"),
    [("TIMESTAMPTZ", {}), ("TIMESTAMP", {"time_zone": "Europe/Berlin"}), ("BIGINT", {"time_format": "unix_ns"})],
)
def test_an_index_on_the_time_is_used(
    server: Postgres, owner: psycopg.Connection[tuple[Any, ...]], type_: str, settings_: dict[str, object]
) -> None:
    """The window is compared in the column's own type, so that the database needn't look at every row."""
    made = (
        "n * 1000000000::BIGINT" if type_ == "BIGINT" else "TIMESTAMPTZ '2024-02-28 00:00Z' + n * INTERVAL '1 second'"
    )
    selected = f"SELECT CAST({made} AS {type_}) AS time, 'b' AS body FROM generate_series(1, 50000) n"  # noqa: S608
    owner.execute(f"CREATE TABLE app.logs AS {selected}")
    owner.execute("CREATE INDEX ON app.logs (time); ANALYZE app.logs")
    asked = source(server, logs="app.logs", **settings_).read("logs", Query(WINDOW)).asked
    plan = "\n".join(row[0] for row in owner.execute(f"EXPLAIN {asked}"))
    assert "Index" in plan
    assert "Filter" not in plan


def test_the_estimate_is_the_planners(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Nothing is counted, so that it costs nothing."""
    rows(owner, 5000)
    owner.execute("ANALYZE app.logs")
    estimate = source(server, logs="app.logs").read("logs", Query(WINDOW)).estimate()
    assert estimate.rows == 5000
    assert estimate.bytes


# Values


def test_types_of_its_own_arrive(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Enumerations, JSON, arrays, domains, ranges, addresses; what has no place in JSON is named."""
    owner.execute("""
        CREATE TYPE app.level AS ENUM ('INFO', 'ERROR');
        CREATE DOMAIN app.name AS VARCHAR(20);
        CREATE TABLE app.logs AS SELECT TIMESTAMP '2024-02-29 00:56' AS ts, 'ERROR'::app.level AS level,
            'cart'::app.name AS service, 'b'::CHAR(3) AS message, '{"z": 1, "a": {"b": [null]}}'::JSONB AS labels,
            '{"k" : "v"}'::JSON AS raw, ARRAY['x', NULL] AS list, 1.5::NUMERIC(9, 2) AS money, 7::SMALLINT AS small,
            '10.0.0.1'::INET AS ip, INTERVAL '90 seconds' AS wait, DATE '2024-01-02' AS day, int4range(1, 5) AS span,
            'NaN'::FLOAT8 AS nan, '8d3c5b9e-0d5e-4a43-8b9d-000000000000'::UUID AS id, '\\xab'::BYTEA AS bytes,
            TIMESTAMPTZ '2024-01-01 00:00Z' AS seen, 'a'::TSVECTOR AS words,
            1.5::NUMERIC::MONEY AS price, 'text'::REGTYPE AS kind_of, point(1, 2) AS place
    """)
    one = source(server, logs="app.logs", time_zone="Europe/Berlin", columns={"logs": {"attributes": "labels"}})
    reading = one.read("logs", Query(WINDOW, ("cart",)))
    row = reading.data.collect().row(0, named=True)
    assert row["time"] == START + timedelta(minutes=1)
    assert (row["severity"], row["service"], row["body"]) == ("ERROR", "cart", "b  ")
    found = json.loads(row["attributes"])
    assert found.pop("seen").startswith("2024-01-01")
    assert found == {
        "z": 1,
        "a": {"b": [None]},
        "raw": {"k": "v"},
        "list": ["x", None],
        "money": 1.5,
        "small": 7,
        "ip": "10.0.0.1/32",
        "wait": "00:01:30",
        "day": "2024-01-02",
        "span": "[1,5)",
        "id": "8d3c5b9e-0d5e-4a43-8b9d-000000000000",
        "words": "'a'",
        "price": "$1.50",
        "kind_of": "text",
        "nan": "NaN",
        "bytes": "ab",
    }
    assert [(one.kind, "place (" in one.text) for one in reading.problems] == [("unused-columns", True)]


def test_an_enumeration_may_be_asked_for_a_word_it_lacks(
    server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """A service that the table has never heard of is no error."""
    owner.execute(
        "CREATE TYPE app.shop AS ENUM ('cart'); CREATE TABLE app.logs (time TIMESTAMPTZ, body TEXT, service app.shop)"
    )
    assert source(server, logs="app.logs").read("logs", Query(WINDOW, ("pay",))).data.collect().height == 0


def test_times_that_are_none_are_in_no_window(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Infinite and very old ones are PostgreSQL's own."""
    owner.execute("CREATE TABLE app.logs (time TIMESTAMPTZ, body TEXT)")
    owner.execute(
        "INSERT INTO app.logs VALUES ('infinity', 'a'), ('-infinity', 'b'), ('0044-03-15 BC', 'c'), (NULL, 'd')"
    )
    assert source(server, logs="app.logs").read("logs", Query(WINDOW)).data.collect().height == 0


def test_a_select_needs_no_right_to_write(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Its columns are learnt without a view, and the window is put around it."""
    owner.execute(
        "CREATE TABLE app.l AS SELECT TIMESTAMPTZ '2024-02-28 23:56Z' AS at, '{\"app\": \"cart\"}'::JSONB AS j"
    )
    text = "SELECT at AS time, j->>'app' AS service, 'a % sign' AS body FROM app.l -- all of it"
    found = source(server, select={"logs": text}).read("logs", Query(WINDOW, ("cart",))).data.collect()
    assert found.select("service", "body").rows() == [("cart", "a % sign")]


# Bounds


def test_it_cannot_write(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Not even where its role might, through a function that a SELECT calls."""
    owner.execute("""
        CREATE TABLE app.kept (n INT);
        CREATE FUNCTION app.write() RETURNS TEXT LANGUAGE sql SECURITY DEFINER AS
            'INSERT INTO app.kept VALUES (1); SELECT ''done''';
        GRANT USAGE ON SCHEMA app TO reader
    """)
    one = source(server, select={"logs": "SELECT TIMESTAMPTZ '2024-02-28 23:56Z' AS time, app.write() AS body"})
    with pytest.raises(SourceError, match="read-only transaction"):
        one.read("logs", Query(WINDOW)).data.collect()
    assert owner.execute("SELECT count(*) FROM app.kept").fetchone() == (0,)


def connections(owner: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Return how many of the reader's connections the server has, once those that end have ended."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'"
    for _ in range(50):
        (found,) = owner.execute(asked).fetchone() or (0,)
        if not found:
            return 0
        time.sleep(0.02)
    return int(found)


def test_connections_are_open_only_while_rows_are_read(
    server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """Neither a reading nor one that was broken off keeps one."""
    rows(owner, 200_000)
    one = source(server, logs="app.logs")
    reading = one.read("logs", Query(WINDOW))
    assert connections(owner) == 0
    assert reading.data.head(5).collect().height == 5
    assert connections(owner) == 0
    limited = ConfiguredSource(one, Policy(Limits(rows=10))).read("logs", Query(WINDOW))
    assert limited.data.collect().height == 10
    assert not limited.complete
    assert connections(owner) == 0
    reading.asked, reading.estimate(), one.discover(Query(WINDOW))
    assert connections(owner) == 0


def test_rows_are_streamed(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """A cursor at the server hands out a part at a time."""
    rows(owner, 120_000)
    before = server.log.stat().st_size
    assert source(server, logs="app.logs").read("logs", Query(WINDOW)).data.collect().height == 120_000
    fetched = re.findall(r"FETCH FORWARD (\d+)", server.log.read_text(encoding="utf-8")[before // 2 :])
    assert fetched[-3:] == ["50000"] * 3


def test_what_takes_too_long_is_ended_at_the_server(server: Postgres) -> None:
    """The limit is the statement's time-out, and a limit is no failure of the source."""
    one = source(server, select={"logs": "SELECT clock_timestamp() AS time, pg_sleep(20)::TEXT AS body"})
    with pytest.raises(LimitError, match=r"longer than 0\.5 s"):
        one.read("logs", Query(AROUND, limits=Limits(seconds=0.5))).data.collect()
    assert "canceling statement due to" in server.log.read_text(encoding="utf-8")


def test_the_server_knows_the_bounds(server: Postgres) -> None:
    """The session only reads, and no statement may run longer than the limit."""
    shown = "current_setting('statement_timeout') || ' ' || current_setting('default_transaction_read_only') AS body"
    one = source(server, select={"logs": f"SELECT clock_timestamp() AS time, {shown}"})
    found = one.read("logs", Query(AROUND, limits=Limits(seconds=90))).data.collect()
    assert found["body"].to_list() == ["90s on"]


def test_whoever_asked_may_go(server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]) -> None:
    """The statement is ended at the server too."""
    stop = threading.Event()
    one = source(server, select={"logs": "SELECT clock_timestamp() AS time, pg_sleep(20)::TEXT AS body"})
    reading = one.read("logs", Query(AROUND, stop=stop))
    threading.Timer(0.3, stop.set).start()
    assert reading.data.collect().height == 0
    assert connections(owner) == 0


# Secrets and errors


def errors_of(server: Postgres, caplog: pytest.LogCaptureFixture, **table: object) -> str:
    """Return all that is said of a source that can't be read."""
    caplog.set_level(logging.DEBUG)
    one = SqlSource.from_settings("shop", {"logs": "app.gone", **table}, Path())
    reading = one.read("logs", Query(WINDOW))
    with pytest.raises(SourceError) as told:
        reading.data.collect()
    shown = [told.value, told.value.__cause__, reading, one, vars(one), told.getrepr()]
    return "\n".join([*map(str, shown), *map(repr, shown), caplog.text])


@pytest.mark.parametrize("database", ["postgres", "nowhere"])
@pytest.mark.parametrize("way", ["password_env", "password_command", "url_env", "wrong"])
def test_a_password_is_never_shown(
    server: Postgres,
    database: str,
    way: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Neither where it is right and the table is missing, nor where it is wrong."""
    url = server.url(database=database)
    wrong = "hunter2/ß"
    (tmp_path / "word").write_text(PASSWORD, encoding="utf-8")
    tables: dict[str, dict[str, object]] = {
        "password_env": {"url": url, "password_env": "READER_PASSWORD"},
        "password_command": {"url": url, "password_command": ["cat", str(tmp_path / "word")]},
        "url_env": {"url_env": "WHOLE"},
        "wrong": {"url": url, "password_env": "WRONG"},
    }
    monkeypatch.setenv("WRONG", wrong)
    monkeypatch.setenv("WHOLE", url.replace("reader@", f"reader:{quote(PASSWORD, safe='')}@"))
    said = errors_of(server, caplog, **tables[way])
    for word in (PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), wrong, quote(wrong)):
        assert word not in said
    assert "source 'shop'" in said


def test_the_whole_address_may_come_from_the_environment(
    server: Postgres, owner: psycopg.Connection[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the password in it."""
    owner.execute("CREATE TABLE app.logs AS SELECT TIMESTAMPTZ '2024-02-28 23:56Z' AS time, 'b' AS body")
    monkeypatch.setenv("WHOLE", server.url().replace("reader@", f"reader:{quote(PASSWORD, safe='')}@"))
    one = SqlSource.from_settings("shop", {"url_env": "WHOLE", "logs": "app.logs"}, Path())
    assert one.read("logs", Query(WINDOW)).data.collect().height == 1


def test_options_of_the_driver_stand_in_the_address(
    server: Postgres, owner: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """Such as the folder of a socket."""
    rows(owner, 1)
    url = f"postgres:///postgres?host={server.log.parent}&port={server.port}&user=reader&application_name=workbench"
    assert source(server, url=url, logs="app.logs").read("logs", Query(WINDOW)).data.collect().height == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"logs": "app.gone"}, 'relation "app.gone" does not exist'),
        ({"logs": "gone.logs"}, 'relation "gone.logs" does not exist'),
        ({"logs": 'app.x"; DROP TABLE logs; --'}, r"DROP TABLE logs; --\" does not exist"),
        ({"logs": "l", "url": "postgres://reader@127.0.0.1:1/postgres"}, "port 1 failed"),
        ({"logs": "l", "url": "postgres://nobody@127.0.0.1:{port}/postgres"}, "authentication failed"),
    ],
)
def test_what_the_server_says_is_one_line(server: Postgres, table: dict[str, str], said: str) -> None:
    """With the source's name in front."""
    table = {key: value.replace("{port}", str(server.port)) for key, value in table.items()}
    with pytest.raises(SourceError) as told:
        source(server, **table).read("logs", Query(WINDOW)).data.collect()
    assert re.search(said.replace('\\"', '"'), str(told.value).replace('""', '"'))
    assert str(told.value).startswith("source 'shop': table ")
    assert "\n" not in str(told.value)
