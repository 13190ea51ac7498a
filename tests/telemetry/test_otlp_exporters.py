"""What OpenTelemetry's own exporters send is read as it was meant, whatever the protocol and the encoding."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import otlp_written as written
import polars as pl
import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_logs
from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_metrics
from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_traces
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, set_span_in_context
from otlp_receiver import Received, over_grpc, over_http

from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES, TIME_COLUMN
from workbench.telemetry.source import Query
from workbench.telemetry.sources.otlp.source import OtlpSource
from workbench.window import Window

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
NS = int(written.nanoseconds(START))
RESOURCE = Resource(
    {"service.name": "cart", "service.instance.id": "cart-1", "k8s.namespace.name": "shop", "process.pid": 7}
)
EVERY: tuple[FrameName, ...] = ("metrics", "logs", "spans")


def spans(exporter: Any) -> None:
    """Send a span of a server with a failed one of a client in it."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shop.tracing", "1.2")
    outer = tracer.start_span("POST /cart", kind=SpanKind.SERVER, start_time=NS)
    inner = tracer.start_span(
        "SELECT cart",
        context=set_span_in_context(outer),
        kind=SpanKind.CLIENT,
        links=[Link(outer.get_span_context(), {"why": "batch"})],
        attributes={"db.system.name": "postgresql", "rows": 3, "share": 0.5, "cached": False, "ids": [1, 2]},
        start_time=NS + 1_000,
    )
    inner.add_event("retry", {"attempt": 2}, timestamp=NS + 1_500)
    inner.set_status(Status(StatusCode.ERROR, "connection refused"))
    inner.end(NS + 2_500)
    outer.end(NS + 4_000_000)
    provider.shutdown()


def logs(exporter: Any) -> None:
    """Send three log records: in words, as an object, and one whose own time isn't known."""
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("shop.logging")
    logger.emit(
        LogRecord(timestamp=NS, severity_text="error", severity_number=SeverityNumber.ERROR, body='no stock "é"\n')
    )
    body = {"code": 5, "parts": ["a", None, 1.5]}
    logger.emit(LogRecord(timestamp=NS + 1_000, severity_number=SeverityNumber.WARN2, body=body))
    logger.emit(LogRecord(observed_timestamp=NS + 2_000, body="late", attributes={"k": "v"}, event_name="shop.late"))
    provider.shutdown()


def metrics(exporter: Any) -> None:
    """Send one of each kind of instrument."""
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    view = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=RESOURCE, views=[view], shutdown_on_exit=False)
    meter = provider.get_meter("shop.metering", "3")
    meter.create_counter("orders", unit="{order}").add(4, {"shop.region": "north"})
    meter.create_up_down_counter("queue").add(-2)
    meter.create_gauge("temperature", unit="Cel").set(21.5)
    plain = meter.create_histogram("latency", unit="ms", explicit_bucket_boundaries_advisory=[10.0, 50.0])
    exponential = meter.create_histogram("exponential", unit="s")
    for value in (5, 20, 70):
        plain.record(value)
        exponential.record(value / 10)
    provider.shutdown()


@pytest.fixture(scope="module", params=["http", "grpc"])
def received(request: pytest.FixtureRequest) -> Iterator[Received]:
    """Receive what the exporters send, once over HTTP (spans packed by gzip), once over gRPC."""
    if request.param == "http":
        with over_http() as got:
            spans(http_traces.OTLPSpanExporter(f"{got.address}/v1/traces", compression=Compression.Gzip))
            logs(http_logs.OTLPLogExporter(f"{got.address}/v1/logs"))
            metrics(http_metrics.OTLPMetricExporter(f"{got.address}/v1/metrics"))
            yield got
    else:
        with over_grpc() as got:
            spans(grpc_traces.OTLPSpanExporter(got.address, insecure=True))
            logs(grpc_logs.OTLPLogExporter(got.address, insecure=True))
            metrics(grpc_metrics.OTLPMetricExporter(got.address, insecure=True))
            yield got


def window(frame: FrameName) -> Window:
    """Return the window of a frame's rows; metrics carry the time at which they were collected."""
    if frame == "metrics":
        return Window(datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(minutes=1))
    return Window(START, START + timedelta(minutes=1))


def read(folder: Path, frame: FrameName, **settings: object) -> pl.DataFrame:
    """Read a frame of all files in a folder, in the order of time."""
    source = OtlpSource.from_settings("shop", settings or {"files": "*"}, folder)
    return source.read(frame, Query(window(frame))).data.sort(TIME_COLUMN[frame], maintain_order=True).collect()


def bodies(folder: Path, received: Received, *frames: FrameName) -> Path:
    """Write each request as a file of its own."""
    for frame in frames or EVERY:
        for place, body in enumerate(received.bodies[frame]):
            (folder / f"{frame}-{place:03}.binpb").write_bytes(body)
    return folder


def test_spans_are_read_as_they_were_sent(tmp_path: Path, received: Received) -> None:
    """Kind, status, parent, length; events, links and the words beside the status in the attributes."""
    found = read(bodies(tmp_path, received), "spans")
    outer, inner = found.to_dicts()
    assert (outer["name"], outer["kind"], outer["status"], outer["duration_ns"]) == (
        "POST /cart", "SERVER", None, 4_000_000,
    )  # fmt: skip
    assert (inner["name"], inner["kind"], inner["status"], inner["duration_ns"]) == (
        "SELECT cart", "CLIENT", "ERROR", 1_500,
    )  # fmt: skip
    assert outer["start_time"] == START
    assert (outer["service"], outer["instance"]) == ("cart", "cart-1")
    assert (len(outer["trace_id"]), len(outer["span_id"]), outer["parent_span_id"]) == (32, 16, None)
    assert (inner["trace_id"], inner["parent_span_id"]) == (outer["trace_id"], outer["span_id"])
    told = json.loads(inner["attributes"])
    links = [{"trace_id": outer["trace_id"], "span_id": outer["span_id"], "attributes": {"why": "batch"}}]
    assert told == {
        "db.system.name": "postgresql", "rows": 3, "share": 0.5, "cached": False, "ids": [1, 2],
        "otel.status_description": "connection refused",
        "span.events": [{"time_unix_nano": NS + 1_500, "name": "retry", "attributes": {"attempt": 2}}],
        "span.links": links,
        "otel.scope.name": "shop.tracing", "otel.scope.version": "1.2",
        "k8s.namespace.name": "shop", "process.pid": 7,
    }  # fmt: skip


def test_logs_are_read_as_they_were_sent(tmp_path: Path, received: Received) -> None:
    """Severities in words or numbers, bodies as texts or objects, and a time of observation where there is none."""
    bodies(tmp_path, received)
    found = read(tmp_path, "logs")
    assert found["severity"].to_list() == ["error", "WARN", None]
    assert found["body"].to_list() == ['no stock "é"\n', '{"code":5,"parts":["a",null,1.5]}', "late"]
    assert found["time"].to_list() == [START + timedelta(microseconds=n) for n in range(3)]
    told = [json.loads(text) for text in found["attributes"]]
    assert "severity_number" not in told[0]
    assert told[1]["severity_number"] == 14
    assert (told[2]["k"], told[2]["event.name"]) == ("v", "shop.late")
    reading = OtlpSource.from_settings("shop", {"files": "*"}, tmp_path).read("logs", Query(window("logs")))
    reading.data.collect()
    assert [(problem.kind, problem.rows) for problem in reading.problems] == [("observed-time", 1)]


def test_metrics_are_read_as_they_were_sent(tmp_path: Path, received: Received) -> None:
    """Numbers as they are; histograms as counts, sums, least, most and buckets; units beside the points' attributes."""
    found = read(bodies(tmp_path, received), "metrics")
    assert found.schema == FRAMES["metrics"]
    assert set(found["service"]) == {"cart"}
    rows = {(row["metric"], (told := json.loads(row["attributes"])).pop("le", "")): (row["value"], told)
            for row in found.to_dicts()}  # fmt: skip
    shared = {"otel.scope.name": "shop.metering", "otel.scope.version": "3", "k8s.namespace.name": "shop"}
    shared |= {"process.pid": 7}  # type: ignore[dict-item]
    assert rows["orders", ""] == (
        4.0, {"shop.region": "north", "unit": "{order}", "temporality": "cumulative", "monotonic": True, **shared},
    )  # fmt: skip
    assert rows["queue", ""] == (-2.0, {"temporality": "cumulative", "monotonic": False, **shared})
    assert rows["temperature", ""] == (21.5, {"unit": "Cel", **shared})
    histogram = {key: value for key, (value, _) in rows.items() if key[0].startswith("latency")}
    assert histogram == {
        ("latency_count", ""): 3.0, ("latency_sum", ""): 95.0, ("latency_min", ""): 5.0, ("latency_max", ""): 70.0,
        ("latency_bucket", "10.0"): 1.0, ("latency_bucket", "50.0"): 2.0, ("latency_bucket", "+Inf"): 3.0,
    }  # fmt: skip
    assert rows["latency_sum", ""][1] == {"unit": "ms", "temporality": "cumulative", **shared}


def test_an_exponential_histogram_keeps_its_buckets(tmp_path: Path, received: Received) -> None:
    """Each recorded value lies in a bucket whose border is above it, by as little as the histogram's scale allows."""
    found = read(bodies(tmp_path, received, "metrics"), "metrics").filter(pl.col("metric") == "exponential_bucket")
    borders = [json.loads(text)["le"] for text in found["attributes"]]
    assert borders[-1] == "+Inf"
    assert found["value"].to_list()[-1] == 3.0
    for place, value in enumerate((0.5, 2.0, 7.0), 1):
        reached = next(float(b) for b, count in zip(borders, found["value"], strict=True) if count >= place)
        assert value <= reached <= value * 1.2


@pytest.mark.parametrize("frame", EVERY)
@pytest.mark.parametrize("numbers", [True, False])
def test_json_and_protobuf_give_equal_frames(
    tmp_path: Path, received: Received, frame: FrameName, *, numbers: bool
) -> None:
    """The same requests in every form that the file exporter writes, enumerations as numbers and as names."""
    forms = [tmp_path / name for name in ("bodies", "framed", "lines")]
    for form in forms:
        form.mkdir()
    bodies(forms[0], received, frame)
    came = received.bodies[frame]
    (forms[1] / "all").write_bytes(b"".join(len(body).to_bytes(4, "big") + body for body in came))
    lines = [written.line(written.to_json(frame, body, numbers=numbers)) for body in came]
    (forms[2] / "all").write_bytes(b"".join(lines))
    first, *others = [read(form, frame) for form in forms]
    assert first.height >= 2
    for other in others:
        assert other.equals(first)


@pytest.mark.parametrize("frame", EVERY)
def test_signals_are_told_apart(tmp_path: Path, received: Received, frame: FrameName) -> None:
    """A request in Protobuf doesn't say of which signal it is; no row of another signal comes of it."""
    bodies(tmp_path, received, *(other for other in EVERY if other != frame))
    source = OtlpSource.from_settings("shop", {"files": "*"}, tmp_path)
    reading = source.read(frame, Query(Window(datetime(1971, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC))))
    assert reading.data.collect().height == 0
    assert reading.problems == ()
