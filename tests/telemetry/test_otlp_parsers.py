"""Whatever stands in a file, the otlp source gives rows or a SourceError; what was written comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import otlp_written as written
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_otlp import METRICS, NS, SPANS, log

from workbench.errors import SourceError
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query
from workbench.telemetry.sources.otlp.source import OtlpSource
from workbench.window import Window

WINDOW = Window(datetime(1971, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC))
START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
RECORD = log(severityNumber=13, traceId="1" * 32, attributes=written.pairs({"a": {"b": [1, "x", True]}, "c": 0.5}))
SAMPLES: dict[FrameName, dict[str, Any]] = {"metrics": METRICS, "logs": RECORD, "spans": SPANS}
EVERY = st.sampled_from(sorted(SAMPLES))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the one file that every example writes anew."""
    return tmp_path_factory.mktemp("otlp")


def read(folder: Path, frame: FrameName, body: bytes) -> list[dict[str, Any]] | None:
    """Read a frame of a file of these bytes; null when the source refuses it in words."""
    (folder / "otel").write_bytes(body)
    source = OtlpSource.from_settings("shop", {"files": "otel"}, folder)
    try:
        found = source.read(frame, Query(WINDOW)).data.collect()
    except SourceError:
        return None
    assert found.schema == FRAMES[frame]
    return found.to_dicts()


@st.composite
def other_values(draw: st.DrawFn) -> tuple[FrameName, dict[str, Any]]:
    """Return a request in which one value, anywhere, is another."""
    frame = draw(EVERY)
    message = json.loads(json.dumps(SAMPLES[frame]))
    place = message
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(list(keys)))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner or draw(st.booleans()):
            place[key] = draw(values)
            return frame, message
        place = inner


@st.composite
def mutated(draw: st.DrawFn, body: bytes) -> bytes:
    """Return bytes of which a few are others, are gone, or stand twice."""
    made = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(made) - 1, 0)))
        end = start + draw(st.integers(0, 8))
        made[start:end] = draw(st.binary(max_size=8) | st.just(bytes(made[start:end]) * 2))
    return bytes(made)


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=200), frame=EVERY)
@example(body=b"\x0a", frame="logs")
@example(body=b"\x00\x00\x00\x02{}", frame="logs")
@example(body=b"\xff\xff\xff\xff", frame="spans")
@example(body=b"\x1f\x8b\x08", frame="metrics")
@example(body=b"\x28\xb5\x2f\xfd", frame="metrics")
@example(body=b"\xef\xbb\xbf{}", frame="spans")
@example(body=b'{"resourceLogs":' + b"[" * 2000, frame="logs")
def test_any_bytes_are_rows_or_refused(folder: Path, body: bytes, frame: FrameName) -> None:
    """And never another error."""
    read(folder, frame, body)


@settings(max_examples=150, deadline=None)
@given(changed=other_values())
def test_any_value_in_any_place_costs_only_its_own_record(folder: Path, changed: tuple[FrameName, Any]) -> None:
    """The lines before and after it are read as ever."""
    frame, message = changed
    whole = written.line(SAMPLES[frame])
    alone = read(folder, frame, whole)
    odd = json.dumps(message).encode() + b"\n"
    found = read(folder, frame, whole + odd + whole)
    assert alone
    assert found is not None
    assert found[: len(alone)] == alone
    assert found[-len(alone) :] == alone


@settings(max_examples=200, deadline=None)
@given(data=st.data(), frame=EVERY, form=st.sampled_from(["lines", "framed", "request", "zstd"]))
def test_any_change_of_a_message_is_rows_or_refused(
    folder: Path, packed: bytes, data: st.DataObject, frame: FrameName, form: str
) -> None:
    """In lines of JSON, packed or not, in framed Protobuf, and in a request of Protobuf."""
    body = written.to_protobuf(frame, PLAIN[frame])
    forms = {
        "lines": written.line(SAMPLES[frame]) * 2,
        "framed": (len(body).to_bytes(4, "big") + body) * 2,
        "request": body,
        "zstd": packed,
    }
    read(folder, frame, data.draw(mutated(forms[form])))


@pytest.fixture(scope="module")
def packed(folder: Path) -> bytes:
    """Return a log record's line that zstd packed."""
    written.pack([log()], folder / "packed")
    return (folder / "packed").read_bytes()


def _protobuf_only(value: Any) -> Any:
    """Return a request without what Protobuf's classes don't know."""
    if isinstance(value, dict):
        return {key: _protobuf_only(one) for key, one in value.items() if key not in {"laterField", "entityRefs"}}
    return [_protobuf_only(one) for one in value] if isinstance(value, list) else value


PLAIN: dict[FrameName, dict[str, Any]] = {frame: _protobuf_only(message) for frame, message in SAMPLES.items()}

words = st.text(st.characters(codec="utf-8"), max_size=8)
ids = st.binary(min_size=16, max_size=16).filter(any)
attributes = st.dictionaries(
    words.map("own.".__add__),
    st.recursive(
        words | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@settings(max_examples=120, deadline=None)
@given(
    offset=st.integers(-(10**15), 10**15),
    length=st.integers(0, 2**40),
    body=words,
    trace=ids,
    own=attributes,
    service=words.filter(bool),
    number=st.floats(allow_nan=False),
)
def test_what_was_written_comes_back(
    folder: Path, offset: int, length: int, body: str, trace: bytes, own: dict[str, Any], service: str, number: float
) -> None:
    """Through JSON, and through the real classes of Protobuf, in every frame."""
    at = str(NS + offset * 1000)
    resource = {"attributes": written.pairs({"service.name": service})}
    shared = {"attributes": written.pairs(own)}
    told = {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(number, number)
    point = {"timeUnixNano": at, "asDouble": told, **shared}
    record = {"timeUnixNano": at, "body": {"stringValue": body}, "traceId": trace.hex(), **shared}
    span = {
        "startTimeUnixNano": at,
        "endTimeUnixNano": str(int(at) + length),
        "traceId": trace.hex(),
        "kind": 3,
        **shared,
    }
    messages: dict[FrameName, dict[str, Any]] = {
        "metrics": {"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]},
        "logs": {"scopeLogs": [{"logRecords": [record]}]},
        "spans": {"scopeSpans": [{"spans": [span]}]},
    }
    time = START + timedelta(microseconds=offset)
    wanted: dict[FrameName, dict[str, object]] = {
        "metrics": {"time": time, "value": number, "metric": "m"},
        "logs": {"time": time, "body": body, "trace_id": trace.hex()},
        "spans": {"start_time": time, "duration_ns": length, "trace_id": trace.hex(), "kind": "CLIENT"},
    }
    for frame, within in messages.items():
        message = {f"resource{frame.title()}": [{"resource": resource, **within}]}
        for file in (written.line(message), written.to_protobuf(frame, message)):
            found = read(folder, frame, file)
            assert found is not None
            (row,) = found
            assert (row["service"], json.loads(row["attributes"] or "{}")) == (service, own)
            assert {key: row[key] for key in wanted[frame]} == wanted[frame]
