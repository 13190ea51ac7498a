"""The sql source on ClickHouse's engine, which chDB runs in this process; also on tables of OpenTelemetry's exporter.

What its ClickHouse exporter makes is told in ClickHouse's documentation, "Tables and schemas used by ClickStack"
(November 2026); the columns here are some of those.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from chdb.session import Session
from conformance import START, WINDOW
from sql_conformance import SqlConformance

from workbench.errors import SourceError
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query
from workbench.telemetry.sources.sql.source import SqlSource

LOGS = """
CREATE TABLE otel.otel_logs (
    Timestamp DateTime64(9), TraceId String, SpanId String, TraceFlags UInt8,
    SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String), Body String,
    ResourceAttributes Map(LowCardinality(String), String), LogAttributes Map(LowCardinality(String), String)
) ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, Timestamp)
"""
TRACES = """
CREATE TABLE otel.otel_traces (
    Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, SpanName LowCardinality(String),
    SpanKind LowCardinality(String), ServiceName LowCardinality(String), Duration UInt64,
    StatusCode LowCardinality(String), `Events.Timestamp` Array(DateTime64(9)), `Events.Name` Array(String)
) ENGINE = MergeTree ORDER BY Timestamp
"""
Run = Callable[..., None]


def _type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return "DateTime64(6, 'Asia/Kolkata')"
    return "Nullable(String)" if dtype == pl.String else str(dtype)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return how to run statements in the folder of a test."""

    def runs(*statements: str) -> None:
        with Session(str(tmp_path / "ch")) as session:
            for statement in statements:
                session.query(statement)

    return runs


def source(folder: Path, **table: object) -> SqlSource:
    """Return a source over the folder."""
    return SqlSource.from_settings("shop", {"url": "chdb://ch", **table}, folder)


class TestClickHouse(SqlConformance):
    """Everything that is asked of every source."""

    refused: ClassVar = {"url": "chdb://ch", "log": "logs"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> SqlSource:
        """Return a source over a folder with one table."""
        rows.write_parquet(folder / "rows.parquet")
        columns = ", ".join(f"`{name}` {_type(dtype)}" for name, dtype in FRAMES[frame].items())
        with Session(str(folder / "ch")) as session:
            session.query("CREATE DATABASE IF NOT EXISTS app ENGINE = Atomic")
            session.query(f"CREATE OR REPLACE TABLE app.{frame} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
            session.query(f"INSERT INTO app.{frame} FROM INFILE '{folder / 'rows.parquet'}' FORMAT Parquet")
        return source(folder, **{frame: f"app.{frame}"})

    def broken(self, folder: Path, frame: FrameName) -> SqlSource:
        """Return a source over a folder that is gone."""
        return source(folder, **{frame: f"app.{frame}"})


@pytest.fixture
def otel(run: Run) -> None:
    """Make the tables of OpenTelemetry's ClickHouse exporter, with a row in each."""
    run(
        "CREATE DATABASE otel ENGINE = Atomic",
        LOGS,
        TRACES,
        "INSERT INTO otel.otel_logs VALUES ('2024-02-28 23:56:00.123456789', 't', 's', 1, 'ERROR', 17, 'cart', "
        """'it''s', {'pod': 'a"b'}, {'k': 'v'})""",
        "INSERT INTO otel.otel_traces VALUES ('2024-02-28 23:56:00', 't', 's', 'p', 'GET /', 'SERVER', 'cart', 1500, "
        "'STATUS_CODE_OK', ['2024-02-28 23:56:00'], ['e'])",
    )


@pytest.mark.usefixtures("otel")
def test_logs_of_opentelemetrys_exporter_need_no_mapping(tmp_path: Path) -> None:
    """Its names are known; its maps become JSON."""
    reading = source(tmp_path, logs="otel.otel_logs").read("logs", Query(WINDOW, ("cart", "it's")))
    row = reading.data.collect().row(0, named=True)
    assert row["time"] == START + timedelta(minutes=1, microseconds=123456)
    assert [row[name] for name in ("service", "severity", "body", "trace_id")] == ["cart", "ERROR", "it's", "t"]
    assert json.loads(row["attributes"]) == {
        "TraceFlags": 1,
        "SeverityNumber": 17,
        "ResourceAttributes": {"pod": 'a"b'},
        "LogAttributes": {"k": "v"},
    }
    assert reading.problems == ()


@pytest.mark.usefixtures("otel")
def test_spans_of_opentelemetrys_exporter_need_a_unit(tmp_path: Path) -> None:
    """Its column Duration doesn't say that it is in nanoseconds."""
    with pytest.raises(SourceError, match="unit of the durations"):
        source(tmp_path, spans="otel.otel_traces").read("spans", Query(WINDOW)).data.collect()
    found = source(tmp_path, spans="otel.otel_traces", duration_unit="ns").read("spans", Query(WINDOW)).data.collect()
    assert found.select("duration_ns", "kind", "status", "parent_span_id").row(0) == (
        1500,
        "SERVER",
        "STATUS_CODE_OK",
        "p",
    )
    assert json.loads(found["attributes"][0])["Events.Name"] == ["e"]


@pytest.mark.usefixtures("otel")
def test_only_the_windows_partitions_are_read(tmp_path: Path) -> None:
    """The condition is on the column itself, so that the engine leaves out what can't hold the window."""
    with Session(str(tmp_path / "ch")) as session:
        session.query(
            "INSERT INTO otel.otel_logs (Timestamp) SELECT toDateTime('2024-01-01') + number * 86400 FROM numbers(40)"
        )
    asked = source(tmp_path, logs="otel.otel_logs").read("logs", Query(WINDOW)).asked
    with Session(str(tmp_path / "ch")) as session:
        plan = str(session.query(f"EXPLAIN indexes = 1 {asked}", "TSVRaw"))
    assert "Partition" in plan
    read, held = re.findall(r"Parts: (\d+)/(\d+)", plan)[0]
    assert int(read) <= 2
    assert int(held) >= 40


@pytest.mark.parametrize("type_", ["DateTime", "DateTime('America/New_York')", "DateTime64(3)", "DateTime64(9, 'UTC')"])
def test_a_moment_is_a_moment_however_it_is_shown(tmp_path: Path, run: Run, type_: str) -> None:
    """ClickHouse keeps moments: the zone of a column, or of the server, changes nothing."""
    edge = int(START.timestamp())
    run(
        "CREATE DATABASE app ENGINE = Atomic",
        f"CREATE TABLE app.logs (time {type_}, body String) ENGINE = MergeTree ORDER BY time",
        "INSERT INTO app.logs VALUES " + ", ".join(f"({edge + n}, '{n}')" for n in (-1, 0, 599, 600)),  # noqa: S608
    )
    reading = source(tmp_path, logs="app.logs", time_zone="Europe/Berlin").read("logs", Query(WINDOW))
    found = reading.data.collect().sort("time")
    assert found["body"].to_list() == ["0", "599"]
    assert found["time"].to_list() == [START, WINDOW.end - timedelta(seconds=1)]
    assert reading.problems == ()


def test_an_enumeration_may_be_asked_for_a_word_it_lacks(tmp_path: Path, run: Run) -> None:
    """And it comes as text."""
    run(
        "CREATE DATABASE app ENGINE = Atomic",
        "CREATE TABLE app.logs (time DateTime('UTC'), body String, service Enum8('cart' = 1)) ENGINE = MergeTree "
        "ORDER BY time",
        "INSERT INTO app.logs VALUES ('2024-02-28 23:56:00', 'b', 'cart')",
    )
    one = source(tmp_path, logs="app.logs")
    assert one.read("logs", Query(WINDOW, ("pay",))).data.collect().height == 0
    assert one.read("logs", Query(WINDOW, ("cart",))).data.collect()["service"].to_list() == ["cart"]


@pytest.mark.usefixtures("otel")
def test_it_only_reads_and_is_let_go(tmp_path: Path) -> None:
    """A select, an estimate and a list of what there is; the folder is free afterwards."""
    text = "SELECT Timestamp AS time, Body AS body, ServiceName AS service FROM otel.otel_logs"
    one = source(tmp_path, select={"logs": text})
    query = Query(WINDOW, limits=Limits(rows=5))
    assert one.read("logs", query).estimate().rows == 1
    assert one.discover(query).services == ("cart",)
    assert one.read("logs", query).data.collect()["body"].to_list() == ["it's"]
    with pytest.raises(SourceError, match="is not one SELECT"):
        source(tmp_path, select={"logs": "DROP TABLE otel.otel_logs"}).read("logs", query).data.collect()
    with Session(str(tmp_path / "ch")) as session:
        session.query("DROP TABLE otel.otel_logs")


def test_what_the_engine_says_is_one_line(tmp_path: Path, run: Run) -> None:
    """With the source's name in front."""
    run("SELECT 1")
    with pytest.raises(SourceError, match=r"source 'shop': table gone\.logs at chdb://ch can't be read") as told:
        source(tmp_path, logs="gone.logs").read("logs", Query(WINDOW)).data.collect()
    assert "\n" not in str(told.value)
