"""An answer of the Prometheus API becomes columns, the same as if each sample were read on its own, or is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.errors import SourceError
from workbench.telemetry.sources.prometheus.answers import Series, series_of
from workbench.telemetry.web.client import Answer

NUMBERS = st.one_of(
    st.floats().map(lambda value: repr(value).replace("inf", "Inf").replace("nan", "NaN")),
    st.sampled_from(["NaN", "+Inf", "-Inf", "-0", "0", "1e+21", "5e-324", "1.7976931348623157e+308"]),
)
TIMES = st.one_of(st.integers(0, 7_000_000_000), st.integers(0, 7_000_000_000_000).map(lambda ms: ms / 1000))
SAMPLES = st.lists(st.tuples(TIMES, NUMBERS).map(list), max_size=6)
TEXT = st.text(max_size=8) | st.sampled_from(['"values":[[1,"2"]]', "]]", "\\", '"', '\\"values":[['])
LABELS = st.dictionaries(st.sampled_from(["__name__", "values", "service", "a"]), TEXT)
SERIES = st.fixed_dictionaries({"metric": LABELS, "values": SAMPLES})
MATRIX = st.lists(SERIES, max_size=5)
WRITERS: list[Callable[[Any], str]] = [
    lambda told: json.dumps(told, separators=(",", ":"), ensure_ascii=False),
    json.dumps,
    lambda told: json.dumps(told, indent=1),
]


def answer(body: str | bytes) -> Answer:
    """Return an answer with this body."""
    content = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return Answer("http://127.0.0.1/api/v1/query_range", {}, content)


def told(result: Any, kind: str = "matrix", **more: Any) -> dict[str, Any]:
    """Return what the API says around a result."""
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def rows(series: Series) -> list[tuple[dict[str, str], int, str]]:
    """Return the samples one by one with their labels; NaN by its name, so that it equals itself."""
    labels = [one for one, count in zip(series.labels, series.counts, strict=True) for _ in range(count)]
    return [(one, time, repr(value)) for one, (time, value) in zip(labels, series.samples.iter_rows(), strict=True)]


def plainly(result: list[dict[str, Any]]) -> list[tuple[dict[str, str], int, str]]:
    """Return the same by the shortest way there is."""
    return [
        (series["metric"], round(time * 1000), repr(float(value)))
        for series in result
        for time, value in series["values"]
    ]


def attempt(body: str | bytes) -> Series | None:
    """Return the series of an answer, or nothing where it is refused in words."""
    try:
        return series_of(answer(body))
    except SourceError as error:
        return None if error.do else pytest.fail("it doesn't say what to do")


@pytest.mark.parametrize("write", WRITERS)
@settings(max_examples=30, deadline=None)
@given(MATRIX)
@example([{"metric": {"values": '"values":[[1,"2"]]'}, "values": [[1, "2"]]}])
def test_every_sample_arrives_as_it_was(write: Callable[[Any], str], result: list[dict[str, Any]]) -> None:
    """However the JSON is laid out, and whatever stands in labels."""
    assert rows(series_of(answer(write(told(result))))) == plainly(result)


@settings(max_examples=150, deadline=None)
@given(MATRIX, st.data())
def test_a_damaged_answer_is_refused_or_read_rightly(result: list[dict[str, Any]], data: st.DataObject) -> None:
    """Cut short, or with a piece overwritten: an error in words, or exactly what plain JSON says it is."""
    body = WRITERS[0](told(result)).encode()
    place = data.draw(st.integers(0, len(body) - 1))
    piece = data.draw(st.sampled_from([b"", b"]", b"[", b'"', b",", b"null", b"x", b"[]", b"],[", b"9", b" "]))
    broken = body[:place] + (piece + body[place + data.draw(st.integers(0, 3)) :] if piece else b"")
    found = attempt(broken)
    if found is None:
        return
    # Of a time it isn't asked that it be spelled as JSON wants it: 007 is read as 7.
    spelled = re.sub(rb'\[([^][,"]+),"', lambda time: b"[%r," % float(time[1]) + b'"', broken)
    assert rows(found) == plainly(json.loads(spelled)["data"]["result"])


@settings(max_examples=30, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(TEXT, one)
    )
)
def test_any_other_json_is_refused_in_words(value: object) -> None:
    """As the whole answer, as its data, as its result, as a series, and as samples."""
    for body in (
        value,
        {"status": "success", "data": value},
        told(value),
        told([value]),
        told([{"metric": value, "values": value}]),
        told([{"metric": {}, "values": [value]}]),
        told([{"metric": {}, "value": value}], "vector"),
        told(value, "scalar"),
    ):
        found = attempt(json.dumps(body))
        assert found is None or found.samples.schema == {"time": pl.Int64, "value": pl.Float64}


@pytest.mark.parametrize(
    ("result", "kind", "wanted"),
    [
        ([{"metric": {"a": "b"}, "value": [1.5, "3"]}], "vector", [({"a": "b"}, 1500, "3.0")]),
        ([1.5, "+Inf"], "scalar", [({}, 1500, "inf")]),
        ([], "vector", []),
        ([], "matrix", []),
    ],
)
def test_an_instant_is_a_series_of_one_sample(result: Any, kind: str, wanted: list[Any]) -> None:
    """A vector has labels, a scalar none."""
    assert rows(series_of(answer(json.dumps(told(result, kind))))) == wanted


def test_what_the_server_says_beside_the_data_is_kept() -> None:
    """Warnings and partial answers mean that something is missing; infos only that something is odd."""
    body = told([], warnings=["store is down"], infos=["not a counter"], isPartial=True)
    found = series_of(answer(json.dumps(body)))
    assert found.warnings == ("store is down", "the answer is partial")
    assert found.remarks == ("not a counter",)


def test_native_histograms_are_counted() -> None:
    """They have no single value."""
    histogram = [[1, {"count": "3", "sum": "4", "buckets": [[0, "1", "2", "3"]]}]]
    result = [
        {"metric": {"a": "1"}, "histograms": histogram},
        {"metric": {"a": "2"}, "values": [[1, "2"]], "histograms": histogram},
    ]
    found = series_of(answer(json.dumps(told(result), separators=(",", ":"))))
    assert (found.left_out, rows(found)) == (2, [({"a": "2"}, 1000, "2.0")])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>", "isn't JSON"),
        ('{"status":"success","data":{"result', "cut short"),
        ('{"status":"error","errorType":"execution","error":"too many samples"}', "too many samples"),
        ('{"hello":"world"}', "did not answer as the Prometheus API"),
        (json.dumps(told([], "string")), "can't be read"),
        (json.dumps(told([{"metric": {}, "values": [[1, "high"]]}])), "can't be read"),
        (json.dumps(told([{"metric": {}, "values": [[1, None]]}])), "can't be read"),
        (json.dumps(told([{"metric": {}, "values": [[1, "2"], [3]]}])), "can't be read"),
        (json.dumps(told([{"metric": {}, "values": [[1e300, "2"]]}])), "can't be read"),
        (json.dumps(told([{"metric": {}, "values": 0}]), separators=(",", ":")), "can't be read"),
        (json.dumps(told([{"metric": {"a": 1}, "values": []}])), "can't be read"),
    ],
)
def test_what_can_not_be_read_is_told_in_words(body: str, said: str) -> None:
    """With what to do."""
    with pytest.raises(SourceError, match=said) as error:
        series_of(answer(body))
    assert error.value.do


def test_the_plain_way_agrees_about_what_is_not_a_number() -> None:
    """The words Prometheus has for them."""
    series = series_of(answer(WRITERS[0](told([{"metric": {}, "values": [[1, "NaN"], [2, "-Inf"], [3, "-0"]]}]))))
    nan, infinite, zero = series.samples["value"]
    assert math.isnan(nan)
    assert (infinite, math.copysign(1, zero)) == (-math.inf, -1)
