"""OTLP's Protobuf encoding, brought to the shape of its JSON encoding.

The classes are those of the package opentelemetry-proto; the shape is that of the OTLP specification, "JSON Protobuf
Encoding": names in lowerCamelCase, ids in hexadecimal, other bytes in base64. What a message leaves out stays out.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import SourceError
from workbench.telemetry.schema import FrameName
from workbench.telemetry.sources.otlp.values import Unreadable

if TYPE_CHECKING:
    from google.protobuf.message import Message  # type: ignore[import-untyped]

__all__ = ["Decoder"]

_NOT_OTLP = "it is not a message of OTLP"
_IDS = frozenset({"trace_id", "span_id", "parent_span_id"})


class Decoder:
    """Reads one signal's messages.

    Raises:
        SourceError: the package opentelemetry-proto isn't installed.
    """

    def __init__(self, frame: FrameName) -> None:
        self._frame = frame
        self._classes = _classes()

    def read(self, body: bytes) -> Mapping[str, Any] | None:
        """Return a message in its JSON shape; null when it is another signal's.

        A message doesn't say which signal it is of; it is told by what only a span, a log record or a metric has.

        Raises:
            Unreadable: it is no message of OTLP, or cut off.
        """
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with the extra otlp

        for frame, made in self._classes.items():
            message = made()
            try:
                message.ParseFromString(body)
            except DecodeError:
                continue
            if _is(frame, message):
                return _shaped(message) if frame == self._frame else None
        raise Unreadable(_NOT_OTLP)


def _classes() -> dict[FrameName, type[Message]]:
    try:
        from opentelemetry.proto.logs.v1.logs_pb2 import LogsData  # noqa: PLC0415 - the extra otlp
        from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData  # noqa: PLC0415 - the extra otlp
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData  # noqa: PLC0415 - the extra otlp
    except ImportError as error:
        raise SourceError(
            "OTLP in Protobuf can't be read, because opentelemetry-proto isn't installed",
            do="Install it: pip install 'incident-review-workbench[otlp]'",
        ) from error
    return {"spans": TracesData, "logs": LogsData, "metrics": MetricsData}


def _is(frame: FrameName, message: Any) -> bool:
    """Return whether a message, parsed as one signal's, is of that signal; one without any record is of any.

    The times of spans and log records are of a size that other signals have under no such number, so that these two
    are sure; a metric is what has a name and data, and is neither.
    """
    if frame == "spans":
        spans = [one for part in message.resource_spans for scope in part.scope_spans for one in scope.spans]
        return not spans or any(one.start_time_unix_nano or one.end_time_unix_nano for one in spans)
    if frame == "logs":
        logs = [one for part in message.resource_logs for scope in part.scope_logs for one in scope.log_records]
        return not logs or any(one.time_unix_nano or one.observed_time_unix_nano for one in logs)
    metrics = [one for part in message.resource_metrics for scope in part.scope_metrics for one in scope.metrics]
    return not metrics or any(one.name and one.WhichOneof("data") for one in metrics)


def _shaped(message: Message) -> dict[str, Any]:
    return {field.json_name: _value(field, value) for field, value in message.ListFields()}


def _value(field: Any, value: Any) -> Any:
    if field.type == field.TYPE_MESSAGE:
        return [_shaped(one) for one in value] if field.is_repeated else _shaped(value)
    if field.type == field.TYPE_BYTES:
        return value.hex() if field.name in _IDS else base64.b64encode(value).decode()
    return list(value) if field.is_repeated else value
