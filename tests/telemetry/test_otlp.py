"""The otlp source reads the Collector's files, keeps what is good in bad ones, and names what it left out."""

from __future__ import annotations

import gc
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import otlp_written as written
import pytest

from workbench.errors import SourceError
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Query, Reading
from workbench.telemetry.sources.otlp.source import OtlpSource
from workbench.window import Window

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
NS = int(written.nanoseconds(START))
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"

# Lines as the Collector's file exporter writes them (opentelemetry-collector-contrib v0.150, exporter/fileexporter, its
# README), in the encoding of the OTLP specification 1.9, "JSON Protobuf Encoding": ids in hexadecimal, 64 bits as text
# or number, enumerations as numbers; fields that a later version adds are to be ignored.
SPANS = {
    "resourceSpans": [
        {
            "resource": {
                "attributes": written.pairs({"service.name": "cart", "host.name": "node-3", "zone": "b"}),
                "droppedAttributesCount": 0,
                "entityRefs": [{"type": "host"}],
            },
            "scopeSpans": [
                {
                    "scope": {"name": "shop.tracing", "attributes": written.pairs({"team": "blue"})},
                    "spans": [
                        {
                            "traceId": TRACE.upper(),
                            "spanId": SPAN.upper(),
                            "parentSpanId": "",
                            "flags": 257,
                            "name": "GET /cart",
                            "kind": 2,
                            "startTimeUnixNano": NS,
                            "endTimeUnixNano": str(NS + 1_500),
                            "attributes": written.pairs({"zone": "c", "http.response.status_code": 500}),
                            "droppedEventsCount": 2,
                            "status": {"message": "no stock", "code": 2},
                            "laterField": {"a": [1]},
                        }
                    ],
                    "schemaUrl": "https://opentelemetry.io/schemas/1.37.0",
                }
            ],
        }
    ]
}
METRICS = {
    "resourceMetrics": [
        {
            "resource": {"attributes": written.pairs({"service.name": "cart", "k8s.pod.name": "cart-7", "unit": "u"})},
            "scopeMetrics": [
                {
                    "scope": {},
                    "metrics": [
                        {
                            "name": "rpc.duration",
                            "unit": "ms",
                            "summary": {
                                "dataPoints": [
                                    {
                                        "timeUnixNano": str(NS),
                                        "count": "4",
                                        "sum": 10.5,
                                        "quantileValues": [{"quantile": 0.5, "value": 2}, {"quantile": 1, "value": 6}],
                                    }
                                ]
                            },
                        },
                        {
                            "name": "gone",
                            "gauge": {"dataPoints": [{"timeUnixNano": str(NS), "flags": 1}]},
                        },
                        {
                            "name": "size",
                            "histogram": {
                                "aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA",
                                "dataPoints": [{"timeUnixNano": NS, "count": 3, "sum": 9}],
                            },
                        },
                        {
                            "name": "wait",
                            "exponentialHistogram": {
                                "aggregationTemporality": 2,
                                "dataPoints": [
                                    {
                                        "timeUnixNano": NS,
                                        "count": "10",
                                        "scale": 0,
                                        "zeroCount": "1",
                                        "positive": {"offset": 1, "bucketCounts": ["2", "3"]},
                                        "negative": {"offset": 0, "bucketCounts": ["4"]},
                                    }
                                ],
                            },
                        },
                    ],
                }
            ],
        }
    ]
}


def reading(folder: Path, frame: FrameName, window: Window = WINDOW, **settings: object) -> Reading:
    """Read a frame of the file that the tests write, or of what the settings name."""
    return OtlpSource.from_settings("shop", settings or {"files": "otel.jsonl"}, folder).read(frame, Query(window))


def rows(folder: Path, frame: FrameName, *lines: object, **settings: object) -> tuple[list[dict[str, Any]], list[Any]]:
    """Write lines, read a frame of them, and return its rows and its notes as kind, count and text."""
    told = [one if isinstance(one, bytes) else written.line(one) for one in lines]  # type: ignore[arg-type]
    (folder / "otel.jsonl").write_bytes(b"".join(told))
    found = reading(folder, frame, **settings)
    made = found.data.collect().to_dicts()
    return made, [(problem.kind, problem.rows, problem.text) for problem in found.problems]


def log(**fields: object) -> dict[str, Any]:
    """Return a request of one log record."""
    made = {"timeUnixNano": str(NS), "body": {"stringValue": "x"}} | fields
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [made]}]}]}


def test_a_span_of_the_collector_is_read_as_documented(tmp_path: Path) -> None:
    """Ids in small letters; both attributes of one name; what has no column stands in the attributes."""
    (found,), notes = rows(tmp_path, "spans", SPANS)
    told = json.loads(found.pop("attributes"))
    assert found == {
        "start_time": START, "duration_ns": 1_500, "service": "cart", "instance": "node-3", "name": "GET /cart",
        "kind": "SERVER", "status": "ERROR", "trace_id": TRACE, "span_id": SPAN, "parent_span_id": None,
    }  # fmt: skip
    assert told == {
        "zone": "c", "http.response.status_code": 500, "otel.status_description": "no stock",
        "otel.dropped_events_count": 2, "team": "blue", "otel.scope.name": "shop.tracing", "host.name": "node-3",
        "otel.outer.zone": "b",
    }  # fmt: skip
    assert notes == []


def test_metrics_that_are_several_numbers_become_several_series(tmp_path: Path) -> None:
    """Summaries by quantile, histograms with and without buckets, points without a value."""
    found, notes = rows(tmp_path, "metrics", METRICS)
    told = [(row["metric"], json.loads(row["attributes"]), row["value"]) for row in found]
    shared = {"k8s.pod.name": "cart-7", "otel.outer.unit": "u"}
    ms, own = {"unit": "ms", **shared}, {"k8s.pod.name": "cart-7", "unit": "u"}
    delta, cumulative = {"temporality": "delta", **own}, {"temporality": "cumulative", **own}
    assert told == [
        ("rpc.duration_count", ms, 4.0), ("rpc.duration_sum", ms, 10.5),
        ("rpc.duration", {"quantile": "0.5", **ms}, 2.0), ("rpc.duration", {"quantile": "1.0", **ms}, 6.0),
        ("gone", own, None),
        ("size_count", delta, 3.0), ("size_sum", delta, 9.0),
        ("wait_count", cumulative, 10.0),
        *(("wait_bucket", {"le": le, **cumulative}, value)
          for le, value in (("-1.0", 4.0), ("0.0", 5.0), ("4.0", 7.0), ("8.0", 10.0), ("+Inf", 10.0))),
    ]  # fmt: skip
    assert {row["instance"] for row in found} == {"cart-7"}
    assert notes == []


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"severityText": "Information", "severityNumber": 9}, "Information"),
        ({"severityNumber": 9}, "INFO"),
        ({"severityNumber": "SEVERITY_NUMBER_FATAL4"}, "FATAL"),
        ({"severityNumber": 99}, "99"),
        ({"severityNumber": 0, "severityText": ""}, None),
    ],
)
def test_severities_come_from_text_else_from_number(
    tmp_path: Path, fields: dict[str, object], severity: str | None
) -> None:
    """A number between two names has the lower one's."""
    (found,), _ = rows(tmp_path, "logs", log(**fields))
    assert found["severity"] == severity


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (TRACE.upper(), TRACE),
        ("W47/95gDgQPSabYzgT/GDA==", TRACE),
        ("0" * 32, None),
        ("", None),
        ("abc", "abc"),
    ],
)
def test_ids_are_small_hexadecimal_letters(tmp_path: Path, given: str, told: str | None) -> None:
    """Those of exporters that write base64 too; what is no id stays as it came."""
    (found, _), _ = rows(tmp_path, "logs", log(traceId=given), log(traceId="1" * 32))
    assert found["trace_id"] == told


def test_values_that_json_has_no_word_for_are_told_as_text(tmp_path: Path) -> None:
    """What isn't finite, and bytes; null where a value is empty."""
    values = [
        {"key": "a", "value": {"doubleValue": "NaN"}}, {"key": "b", "value": {"doubleValue": "-Infinity"}},
        {"key": "c", "value": {"bytesValue": "AQI="}}, {"key": "d", "value": {}}, {"key": "e"},
        {"key": "f", "value": {"intValue": -(2**63)}}, {"key": "g", "value": {"doubleValue": 1}},
    ]  # fmt: skip
    (found,), _ = rows(tmp_path, "logs", log(attributes=values))
    assert found["attributes"] == (
        '{"a":"NaN","b":"-Infinity","c":"AQI=","d":null,"e":null,"f":-9223372036854775808,"g":1.0}'
    )


def test_good_records_of_a_bad_file_are_kept(tmp_path: Path) -> None:
    """Cut-off lines, lines of something else, records of another shape: all are counted, and the first is placed."""
    mixed = log()
    mixed["resourceLogs"][0]["scopeLogs"][0]["logRecords"] += [
        {"timeUnixNano": {}}, 5, {"timeUnixNano": str(NS), "attributes": "none"},
        {"timeUnixNano": str(NS), "body": {"intValue": str(2**70)}},
    ]  # fmt: skip
    lines = (log(), b"\n", b'{"level":"info"}\n', mixed, b"[1]\n", b'{"resourceLogs":7}\n', written.line(log())[:-9])
    found, notes = rows(tmp_path, "logs", *lines)
    assert len(found) == 2
    assert [(kind, count) for kind, count, _ in notes] == [("unreadable-row", 8)]
    assert "line 3" in notes[0][2]
    assert "otel.jsonl" in notes[0][2]


@pytest.mark.parametrize(
    "data",
    [
        {"gauge": {"dataPoints": [{"timeUnixNano": NS, "asInt": "9" * 400}]}},
        {"exponentialHistogram": {"dataPoints": [{"timeUnixNano": NS, "count": 1, "scale": -5000}]}},
        {"histogram": {"dataPoints": [{"timeUnixNano": NS, "count": 1, "bucketCounts": [1], "explicitBounds": [1]}]}},
    ],
)
def test_numbers_beyond_reason_cost_only_their_point(tmp_path: Path, data: dict[str, Any]) -> None:
    """Those that no float holds, and buckets without borders."""
    good = {"name": "g", "gauge": {"dataPoints": [{"timeUnixNano": NS, "asInt": "3"}]}}
    metrics = [{"name": "m", **data}, good]
    found, notes = rows(tmp_path, "metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})
    assert [(row["metric"], row["value"]) for row in found] == [("g", 3.0)]
    assert [(kind, count) for kind, count, _ in notes] == [("unreadable-row", 1)]


def test_another_signals_bad_lines_are_not_counted_twice(tmp_path: Path) -> None:
    """A line that was cut off in a span is a matter of the spans."""
    lines = (log(), written.line(SPANS)[:-9])
    assert rows(tmp_path, "logs", *lines)[1] == []
    with pytest.raises(SourceError, match="cut off"):
        rows(tmp_path, "spans", lines[1])


def test_times_that_cannot_be_right_are_told(tmp_path: Path) -> None:
    """A record without any time is in no window; one that was only observed has that time."""
    lines = (log(timeUnixNano="0"), log(timeUnixNano=2**64 - 1), log(timeUnixNano=0, observedTimeUnixNano=str(NS)))
    found, notes = rows(tmp_path, "logs", *lines)
    assert [row["time"] for row in found] == [START]
    assert [(kind, count) for kind, count, _ in notes] == [("impossible-time", 2), ("observed-time", 1)]


def test_a_span_without_an_end_has_no_length(tmp_path: Path) -> None:
    """It wasn't over when it was sent."""
    span = {"startTimeUnixNano": str(NS), "name": "x"}
    (found,), _ = rows(tmp_path, "spans", {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert found["duration_ns"] is None
    assert found["attributes"] is None


def test_attributes_are_renamed_as_the_settings_say(tmp_path: Path) -> None:
    """Those of the resource too, so that another name may become the service's."""
    names = {"zone": "cloud.availability_zone", "host.name": "service.name"}
    (found,), _ = rows(tmp_path, "spans", SPANS, files="otel.jsonl", names=names)
    assert found["service"] == "node-3"
    assert json.loads(found["attributes"])["cloud.availability_zone"] == "c"


def test_framed_messages_after_a_broken_one_are_given_up(tmp_path: Path) -> None:
    """What came before is kept, and it is said where it ends."""
    body = written.to_protobuf("logs", log())
    framed = len(body).to_bytes(4, "big") + body
    (tmp_path / "otel.jsonl").write_bytes(framed * 2 + framed[:-3])
    found = reading(tmp_path, "logs")
    assert found.data.collect().height == 2
    assert "message 3" in found.problems[0].text


def test_zstd_of_json_is_read_and_of_protobuf_is_named(tmp_path: Path) -> None:
    """A packed file of lines, and messages that are packed each for itself."""
    path = tmp_path / "otel.jsonl"
    written.pack([log()] * 3, path)
    assert reading(tmp_path, "logs").data.collect().height == 3
    written.pack([log()], path)
    packed = path.read_bytes()
    path.write_bytes((len(packed).to_bytes(4, "big") + packed) * 2)
    assert reading(tmp_path, "logs").data.collect().height == 2
    protobuf = b"\x28\xb5\x2f\xfd and so on"
    path.write_bytes((len(packed).to_bytes(4, "big") + packed) + (len(protobuf).to_bytes(4, "big") + protobuf))
    found = reading(tmp_path, "logs")
    assert found.data.collect().height == 1
    assert "zstd" in found.problems[0].text


def test_each_signal_may_have_files_of_its_own(tmp_path: Path) -> None:
    """A source is then set up for those signals only."""
    (tmp_path / "logs-2024-02-28.jsonl").write_bytes(written.line(log()))
    source = OtlpSource.from_settings("shop", {"logs": "logs-%Y-%m-%d.jsonl", "spans": ["*.jsonl"]}, tmp_path)
    assert source.frames == ("logs", "spans")
    assert source.read("logs", Query(WINDOW)).data.collect().height == 1
    assert source.read("spans", Query(WINDOW)).data.collect().height == 0
    assert source.read("logs", Query(WINDOW)).estimate().bytes == (tmp_path / "logs-2024-02-28.jsonl").stat().st_size


def test_what_nobody_waits_for_is_not_read(tmp_path: Path) -> None:
    """Once whoever asked has gone."""
    (tmp_path / "otel.jsonl").write_bytes(written.line(log()))
    query = Query(WINDOW)
    query.stop.set()
    source = OtlpSource.from_settings("shop", {"files": "otel.jsonl"}, tmp_path)
    assert source.read("logs", query).data.collect().height == 0


def test_pythons_garbage_collector_runs_again(tmp_path: Path) -> None:
    """It is paused while a batch is read, and no longer."""
    assert gc.isenabled()
    rows(tmp_path, "logs", log(), b"[")
    assert gc.isenabled()


def test_an_empty_file_is_no_mistake(tmp_path: Path) -> None:
    """The Collector makes one before it writes."""
    assert rows(tmp_path, "logs") == ([], [])


@pytest.mark.parametrize("text", [b"%PDF-1.7\n...", b'{"level":"info"}\n', b"\x01\x02\x03\x04\x05", b"\x0a\xff\xff"])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, text: bytes) -> None:
    """With what is to be done."""
    with pytest.raises(SourceError, match=r"otel\.jsonl can't be read as OTLP"):
        rows(tmp_path, "logs", text)


def test_protobuf_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON does without it."""
    monkeypatch.setitem(sys.modules, "opentelemetry.proto.logs.v1.logs_pb2", None)
    assert len(rows(tmp_path, "logs", log())[0]) == 1
    (tmp_path / "otel.jsonl").write_bytes(written.to_protobuf("logs", log()))
    with pytest.raises(SourceError, match=r"incident-review-workbench\[otlp\]"):
        reading(tmp_path, "logs").data.collect()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "names no files"),
        ({"events": "a.jsonl"}, "has the key 'events'"),
        ({"files": 5}, "files of .* is 5"),
        ({"files": []}, "files of .* is"),
        ({"files": "a", "logs": "b"}, "both files and logs"),
        ({"logs": "s3://bucket/otel.jsonl"}, "names a bucket"),
        ({"logs": "a", "names": 3}, "names of"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], said: str) -> None:
    """The error names the table in workbench.toml and the key."""
    with pytest.raises(SourceError, match=said):
        OtlpSource.from_settings("shop", settings, Path())
