"""OTLP's log records and spans as rows of the frames.

The messages are those of ``logs.proto`` and ``trace.proto`` of opentelemetry-proto, in their JSON shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import polars as pl

from workbench.telemetry.sources.otlp.values import (
    Enumeration,
    Shared,
    Unreadable,
    attributes_of,
    integer,
    listed,
    nanoseconds,
    one_id,
    plain,
    record_of,
    text_of,
)

__all__ = ["IDS", "LOG_COLUMNS", "SPAN_COLUMNS", "ids", "log_row", "log_time", "span_row"]

LOG_COLUMNS = ("time", "service", "instance", "severity", "body", "trace_id", "span_id", "attributes")
SPAN_COLUMNS = (
    *("start_time", "duration_ns", "service", "instance", "name", "kind", "status"),
    *("trace_id", "span_id", "parent_span_id", "attributes"),
)

IDS: Mapping[str, int] = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
"""The columns that are ids, with how many bytes they have. In rows they are as they came (`ids`)."""

_KINDS = Enumeration((None, "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"), "SPAN_KIND_")
_STATUSES = Enumeration((None, "OK", "ERROR"), "STATUS_CODE_")
_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_SEVERITY_NAMES = (None, *(f"{name}{step or ''}" for name in _SEVERITIES for step in (0, 2, 3, 4)))
_STEPS = Enumeration(_SEVERITY_NAMES, "SEVERITY_NUMBER_")
_LONGEST_NS = 2**63
_DROPPED = {"droppedAttributesCount": "otel.dropped_attributes_count"}
"""How much the sender left out, by the names that OpenTelemetry has for formats without a place for it."""
_DROPPED_OF_SPANS = _DROPPED | {
    "droppedEventsCount": "otel.dropped_events_count",
    "droppedLinksCount": "otel.dropped_links_count",
}


def log_time(record: Mapping[str, Any]) -> tuple[int, bool]:
    """Return when a record was written, in nanoseconds, and whether that is only when it was observed."""
    time = nanoseconds(record.get("timeUnixNano"))
    return (time, False) if time else (nanoseconds(record.get("observedTimeUnixNano")), True)


def log_row(record: Mapping[str, Any], time: int, shared: Shared) -> tuple[object, ...]:
    """Return a log record as a row (`LOG_COLUMNS`), its time in microseconds.

    The severity is its text, else the name of its number's range; a number between (``INFO2``) stays in the attributes
    as ``severity_number``. A body that isn't a text is told as JSON. The name of an event is the attribute
    ``event.name``.

    Raises:
        Unreadable: it isn't a log record.
    """
    value = record.get("body")
    body = value.get("stringValue") if value is not None else None
    if type(body) is not str:
        body = plain(value)
    own = attributes_of(record.get("attributes"), shared.renames)
    severity = text_of(record.get("severityText"))
    if severity is None and (step := _STEPS[record.get("severityNumber")]):
        severity = step.rstrip("234") or step
        if severity != step:
            own["severity_number"] = _SEVERITY_NAMES.index(step) if step in _SEVERITY_NAMES else step
    name = text_of(record.get("eventName"))
    if name is not None:
        own["event.name"] = name
    if dropped := record.get("droppedAttributesCount"):
        own["otel.dropped_attributes_count"] = integer(dropped)
    return (
        time // 1000,
        shared.service,
        shared.instance,
        severity,
        body if type(body) is str or body is None else orjson.dumps(body).decode(),
        text_of(record.get("traceId")),
        text_of(record.get("spanId")),
        shared.attributed(own),
    )


def span_row(span: Mapping[str, Any], start: int, shared: Shared) -> tuple[object, ...]:
    """Return a span as a row (`SPAN_COLUMNS`), its start in microseconds and its length in nanoseconds.

    Kind and status have OpenTelemetry's names (``SERVER``, ``ERROR``); an unspecified kind and an
    unset status are null. A span without an
    end has no length. The words beside a status are the attribute ``otel.status_description``, events and links the
    attributes ``span.events`` and ``span.links``.

    Raises:
        Unreadable: it isn't a span.
    """
    own = attributes_of(span.get("attributes"), shared.renames)
    status = record_of(span.get("status"))
    end = nanoseconds(span.get("endTimeUnixNano"))
    if not -_LONGEST_NS <= end - start < _LONGEST_NS:
        raise Unreadable("a time is too large")
    if said := status.get("message"):
        own["otel.status_description"] = text_of(said)
    if state := span.get("traceState"):
        own["trace_state"] = text_of(state)
    if events := span.get("events"):
        own["span.events"] = [_event(event) for event in listed(events)]
    if links := span.get("links"):
        own["span.links"] = [_link(link) for link in listed(links)]
    _dropped(own, span, _DROPPED_OF_SPANS)
    return (
        start // 1000,
        end - start if end else None,
        shared.service,
        shared.instance,
        text_of(span.get("name")),
        _KINDS[span.get("kind")],
        _STATUSES[status.get("code")],
        text_of(span.get("traceId")),
        text_of(span.get("spanId")),
        text_of(span.get("parentSpanId")),
        shared.attributed(own),
    )


def ids(column: pl.Series) -> pl.Series:
    """Return a column of ids in small hexadecimal letters (`one_id`)."""
    size = IDS[column.name]
    odd = ~column.str.contains(rf"^[0-9a-f]{{{2 * size}}}$") | (column == "0" * 2 * size)
    if not odd.any():
        return column
    told = column.filter(odd).unique()
    return column.replace(told, pl.Series([one_id(text, size) for text in told], dtype=pl.String))


def _event(event: Mapping[str, Any]) -> dict[str, object]:
    """Return a span's event; its time stays in nanoseconds since 1970."""
    made: dict[str, object] = {"time_unix_nano": nanoseconds(event.get("timeUnixNano"))}
    made["name"] = text_of(event.get("name"))
    return made | _rest(event)


def _link(link: Mapping[str, Any]) -> dict[str, object]:
    made: dict[str, object] = {"trace_id": one_id(text_of(link.get("traceId")) or "", IDS["trace_id"])}
    made["span_id"] = one_id(text_of(link.get("spanId")) or "", IDS["span_id"])
    if state := text_of(link.get("traceState")):
        made["trace_state"] = state
    return made | _rest(link)


def _rest(part: Mapping[str, Any]) -> dict[str, object]:
    own = attributes_of(part.get("attributes"))
    made: dict[str, object] = {"attributes": own} if own else {}
    _dropped(made, part, _DROPPED)
    return made


def _dropped(own: dict[str, object], record: Mapping[str, Any], counts: Mapping[str, str]) -> None:
    for count, name in counts.items():
        if number := record.get(count):
            own[name] = integer(number)
