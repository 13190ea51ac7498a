"""Rows of frames as requests of OTLP, in JSON and Protobuf, for tests to read back."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from workbench.telemetry.names import FrameName

REQUESTS: dict[str, type[Message]] = {
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
    "spans": ExportTraceServiceRequest,
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
IDS = {"traceId", "spanId", "parentSpanId"}


def nanoseconds(moment: datetime) -> str:
    """Return a time as OTLP/JSON has it: as text, so that 64 bits survive."""
    return str((moment - EPOCH) // timedelta(microseconds=1) * 1000)


def any_value(value: object) -> dict[str, object]:
    """Return a value as an any-value."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    return {"stringValue": value}


def pairs(attributes: dict[str, object]) -> list[dict[str, object]]:
    """Return attributes as a list of keys and any-values."""
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def record(frame: FrameName, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a record of its signal; what is null is left out."""
    own = pairs(json.loads(row["attributes"] or "{}"))
    if frame == "metrics":
        number = row["value"]
        told = {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, "NaN" if number != number else number)  # noqa: PLR0124 - only NaN isn't itself
        point = {"timeUnixNano": nanoseconds(row["time"]), "asDouble": told, "attributes": own}
        return {"name": row["metric"], "gauge": {"dataPoints": [point]}}
    if frame == "logs":
        made = {"timeUnixNano": nanoseconds(row["time"]), "severityText": row["severity"], "attributes": own}
        made["body"] = any_value(row["body"])
    else:
        start = nanoseconds(row["start_time"])
        made = {"startTimeUnixNano": start, "endTimeUnixNano": str(int(start) + row["duration_ns"])}
        made["status"] = {"code": row["status"]} if row["status"] else {}
        made |= {"name": row["name"], "kind": row["kind"], "parentSpanId": row["parent_span_id"], "attributes": own}
    made |= {"traceId": row["trace_id"], "spanId": row["span_id"]}
    return {key: value for key, value in made.items() if value is not None}


def request(frame: FrameName, rows: pl.DataFrame) -> dict[str, Any]:
    """Return rows as one request in JSON shape, each of a resource of its own."""
    signal, one = {"metrics": ("Metrics", "metrics"), "logs": ("Logs", "logRecords"), "spans": ("Spans", "spans")}[
        frame
    ]
    resources = []
    for row in rows.iter_rows(named=True):
        named = {"service.name": row["service"], "service.instance.id": row["instance"]}
        resource = {"attributes": pairs({key: value for key, value in named.items() if value is not None})}
        resources.append({"resource": resource, f"scope{signal}": [{"scope": {}, one: [record(frame, row)]}]})
    return {f"resource{signal}": resources}


def to_protobuf(frame: FrameName, message: dict[str, Any]) -> bytes:
    """Return a request in Protobuf, made by the real classes."""
    return json_format.ParseDict(_ids(message, _to_base64), REQUESTS[frame]()).SerializeToString()


def to_json(frame: FrameName, body: bytes, *, numbers: bool = True) -> dict[str, Any]:
    """Return a request in Protobuf as OTLP/JSON has it: Protobuf's own JSON, but for ids in hexadecimal.

    Args:
        frame: which signal.
        body: the request.
        numbers: whether enumerations are numbers (as OTLP wants them) or names (as Protobuf's JSON has them).
    """
    message = REQUESTS[frame].FromString(body)
    made: dict[str, Any] = json_format.MessageToDict(message, use_integers_for_enums=numbers)
    return _ids(made, _to_hex)


def line(message: dict[str, Any]) -> bytes:
    """Return a request as a line of the Collector's file exporter."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def pack(messages: list[dict[str, Any]], path: Path) -> None:
    """Write requests of one signal as lines, packed by zstd."""
    (signal,) = messages[0]
    column = pl.LazyFrame({signal: [message[signal] for message in messages]})
    column.sink_ndjson(path, compression="zstd", check_extension=False)


def _to_base64(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()


def _to_hex(text: str) -> str:
    return base64.b64decode(text).hex()


def _ids(value: Any, change: Any) -> Any:
    if isinstance(value, list):
        return [_ids(one, change) for one in value]
    if isinstance(value, dict):
        return {
            key: change(inner) if key in IDS and isinstance(inner, str) else _ids(inner, change)
            for key, inner in value.items()
        }
    return value
