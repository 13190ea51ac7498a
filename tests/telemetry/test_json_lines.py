"""The jsonl source keeps every value of every line, or says which line it could not read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from conformance import SourceConformance
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import SourceError
from workbench.telemetry.columns import ALIASES
from workbench.telemetry.conventions import SEMANTIC
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query, Reading
from workbench.telemetry.sources.files.json_lines import JsonlSource
from workbench.window import Window

START = datetime(2023, 1, 29, 9, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
AT = "2023-01-29T09:05:00Z"


def source(root: Path, **table: Any) -> JsonlSource:
    """Return a source over files in a folder."""
    return JsonlSource.from_settings("shop", table, root)


def reading(root: Path, *rows: object, frame: FrameName = "logs", **table: Any) -> Reading:
    """Write lines, as they are or as JSON, and return what the source reads of them, read once to its end."""
    texts = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (root / "rows.jsonl").write_text("\n".join(texts), encoding="utf-8")
    found = source(root, **{frame: "rows.jsonl"}, **table).read(frame, Query(WINDOW))
    return Reading(frame, found.data.collect().lazy(), found.asked, found.tally)


def noticed(found: Reading) -> list[tuple[str, int]]:
    """Return the kinds and counts of what was noticed."""
    return [(problem.kind, problem.rows) for problem in found.problems]


def written(value: object) -> object:
    """Return a value that JSON has no number for as text."""
    return str(value) if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value  # noqa: PLR0124 - only NaN is not itself


class TestJsonl(SourceConformance):
    """The jsonl source, over one file for each frame."""

    refused: ClassVar[Mapping[str, object]] = {"metrics": 3}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> JsonlSource:
        """Return a source over a file of these rows, as Python writes them."""
        lines = [
            json.dumps({k: v.isoformat() if isinstance(v, datetime) else written(v) for k, v in row.items()})
            for row in rows.iter_rows(named=True)
        ]
        (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
        return source(folder, **{frame: "rows.jsonl"})

    def broken(self, folder: Path, frame: FrameName) -> JsonlSource:
        """Return a source over a file that is no text."""
        (folder / "rows.jsonl.gz").write_bytes(b"\x1f\x8b\x08 and no more")
        return source(folder, **{frame: "rows.jsonl.gz"})


class TestJsonlCompact(TestJsonl):
    """The same rows as polars writes them, packed, in two files, with numbers for times and nested attributes."""

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> JsonlSource:
        """Return a source over a glob."""
        numbers = pl.when(pl.selectors.float().is_finite()).then(pl.selectors.float())
        stored = rows.with_columns(pl.selectors.datetime().dt.epoch("us"))
        if frame == "metrics":
            odd = ~pl.col("value").is_finite()
            stored = stored.with_columns(text=pl.when(odd).then(pl.col("value").cast(pl.String)), value=numbers)
        lines = stored.select(pl.struct(pl.all()).struct.json_encode()).to_series().to_list()
        if frame == "metrics":
            lines = [self.with_odd(line) for line in lines]
        for half in (0, 1):
            text = "\n".join(lines[half::2]).encode()
            (folder / f"rows-{half}.jsonl.gz").write_bytes(gzip.compress(text))
        return source(folder, **{frame: "rows-*.jsonl.gz"}, time_format="unix_us")

    @staticmethod
    def with_odd(line: str) -> str:
        """Return a line of metrics with NaN and infinity as texts, which JSON has no numbers for."""
        row = json.loads(line)
        text = row.pop("text")
        return json.dumps(row | ({"value": text} if text is not None else {}), separators=(",", ":"))


def test_keys_are_found_by_their_usual_names(tmp_path: Path) -> None:
    """Elastic's, OpenTelemetry's and loggers' names; what is left goes into attributes, whole."""
    found = reading(
        tmp_path,
        {
            "@timestamp": AT,
            "message": "slow",
            "log": {"level": "WARN", "logger": "a.b"},
            "service": {"name": "cart"},
            "traceId": "t1",
            "pod": "cart-1",
            "labels": {"n": 1, "x": [1, "a", None]},
            "big": 12345678901234567890123,
        },
        columns={"logs": {"service": "service.name"}},
    )
    row = found.data.collect().row(0, named=True)
    assert (row["time"], row["body"], row["severity"]) == (datetime(2023, 1, 29, 9, 5, tzinfo=UTC), "slow", "WARN")
    assert (row["service"], row["instance"], row["trace_id"]) == ("cart", "cart-1", "t1")
    left = json.loads(row["attributes"])
    assert left["log"] == {"level": "WARN", "logger": "a.b"}
    assert left["labels"] == {"n": 1, "x": [1, "a", None]}
    assert left["big"] == 12345678901234567890123


def test_a_bad_line_costs_itself_only(tmp_path: Path) -> None:
    """It is counted, with the number of the first; a cut-off last line is one."""
    good = {"time": AT, "body": "x"}
    found = reading(tmp_path, good, "", "no json", good, "[1]", "null", good, '{"time": "2023-01-29T09:0')
    assert found.data.collect().height == 3
    assert noticed(found) == [("unreadable-row", 4)]
    assert "first at line 3" in found.problems[0].text


def test_a_wrong_type_costs_its_row_only(tmp_path: Path) -> None:
    """Named by key; a number written as text is a number."""
    rows = [{"time": AT, "metric": "m", "value": value} for value in (1, "2.5", "high", True, [1], None, "NaN")]
    found = reading(tmp_path, *rows, frame="metrics")
    values = found.data.collect()["value"].to_list()
    assert values[:3] == [1.0, 2.5, None]
    assert len(values) == 4
    assert noticed(found) == [("unreadable-row", 3)]
    assert "'value' can't be read as a number (first at line 3)" in found.problems[0].text


def test_times_that_cannot_be_read_or_be_are_told(tmp_path: Path) -> None:
    """Apart: what is no time, what is none at all, and what carries no zone."""
    times = ["soon", None, "0001-01-01T00:00:00Z", "2023-01-29 09:01:00", AT]
    found = reading(tmp_path, *({"time": time, "body": "x"} for time in times))
    assert found.data.collect().height == 2
    assert sorted(noticed(found)) == [("impossible-time", 2), ("time-without-zone", 0), ("unreadable-row", 1)]


def test_numbers_for_times_need_a_format(tmp_path: Path) -> None:
    """Their unit would be a guess."""
    row = {"ts": 1674983100123, "body": "x"}
    with pytest.raises(SourceError, match=r"nothing tells what it counts.*time_format"):
        reading(tmp_path, row)
    found = reading(tmp_path, row, time_format="unix_ms")
    assert found.data.collect()["time"].to_list() == [datetime(2023, 1, 29, 9, 5, 0, 123000, tzinfo=UTC)]


def test_a_missing_required_key_is_named(tmp_path: Path) -> None:
    """With the keys there are."""
    with pytest.raises(SourceError, match=r"rows\.jsonl has no column 'body', which logs need; it has time, note"):
        reading(tmp_path, {"time": AT, "note": "x"})


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    """And that is an answer."""
    assert reading(tmp_path).data.collect().height == 0


def test_bytes_that_are_no_text_are_replaced_and_told(tmp_path: Path) -> None:
    """One bad byte doesn't cost a file."""
    line = b'{"time":"%s","body":"%s"}\n'
    texts = [line % (AT.encode(), body) for body in (b"a", b"b\xff", b"c")]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(texts))
    found = source(tmp_path, logs="rows.jsonl").read("logs", Query(WINDOW))
    assert found.data.collect()["body"].to_list() == ["a", "b\ufffd", "c"]
    assert noticed(found) == [("replaced-bytes", 1)]


def test_keys_that_come_late_are_kept(tmp_path: Path) -> None:
    """After the lines that the keys were learned from, and of another type."""
    rows: list[dict[str, object]] = [{"time": AT, "body": "x", "n": n} for n in range(30_000)]
    rows[25_000] |= {"n": "many", "trace_id": "t", "new": 1}
    found = reading(tmp_path, *rows).data.collect()
    assert found.height == 30_000
    assert json.loads(found["attributes"][24_999]) == {"n": 24_999}
    assert json.loads(found["attributes"][25_000]) == {"n": "many", "new": 1}
    assert found["trace_id"][25_000] == "t"


def test_one_bad_line_among_many_costs_itself_only(tmp_path: Path) -> None:
    """Also where the others are read many at a time: they keep their order, and its number is told."""
    rows: list[object] = [{"time": AT, "body": f"line {n}", "n": n} for n in range(1, 5_001)]
    rows[3_210] = '{"time": "2023-01-29T09:0'
    rows[7] = " "
    rows[4_000] = f"{json.dumps(rows[0])} {json.dumps(rows[1])}"
    found = reading(tmp_path, *rows)
    expected = [f"line {n}" for n in range(1, 5_001) if n not in {8, 3_211, 4_001}]
    assert found.data.collect()["body"].to_list() == expected
    assert noticed(found) == [("unreadable-row", 2)]
    assert "first at line 3,211" in found.problems[0].text


def test_what_lies_outside_is_left_out_and_counted_in_bytes(tmp_path: Path) -> None:
    """Whether times are looked at first or not, and whatever else a line says of the key."""
    late = "2023-01-29T11:00:00Z"
    rows: list[object] = [{"time": late, "body": "x"} for _ in range(25_000)]
    rows[20_000] = f'{{"time": "{late}", "body": "twice", "time": "{AT}"}}'
    rows[24_000:] = [{"time": AT, "body": "y"} for _ in range(30_000)]
    rows[30_000] = {"time": late, "body": "z"}
    found = reading(tmp_path, *rows)
    bodies = found.data.collect()["body"].to_list()
    assert bodies == ["twice", *["y"] * 29_999]
    assert found.tally.bytes == (tmp_path / "rows.jsonl").stat().st_size + 1


def test_the_limit_of_bytes_is_held(tmp_path: Path) -> None:
    """What came before it is the policy's to keep."""
    (tmp_path / "rows.jsonl").write_text(f'{{"time": "{AT}", "body": "x"}}\n' * 10)
    found = source(tmp_path, logs="rows.jsonl").read("logs", Query(WINDOW, limits=Limits(bytes=100)))
    with pytest.raises(SourceError, match="more than 100 bytes"):
        found.data.collect()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
TAKEN = {*SEMANTIC} | {
    name.casefold() for name in [*FRAMES["logs"], *(alias for all_ in ALIASES["logs"].values() for alias in all_)]
}
KEYS = st.text(min_size=1).filter(lambda key: key.casefold() not in TAKEN)
PLAIN = st.sampled_from(["a", "b", "colour", "count"])


def without_nulls(value: Any) -> Any:
    """Return a value without the keys of objects that say null."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(KEYS | PLAIN, VALUES, max_size=4), min_size=1, max_size=8),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.booleans(),
)
def test_every_value_of_every_line_arrives(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], separators: tuple[str, str], ascii_: bool
) -> None:
    """Whatever types its neighbours have, and however it was written; a key that says null says nothing."""
    folder = tmp_path_factory.mktemp("jsonl")
    lines = [
        json.dumps({"time": AT, "body": str(n), **row}, separators=separators, ensure_ascii=ascii_)
        for n, row in enumerate(rows)
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8", newline="")
    table = {"logs": "rows.jsonl", "columns": {"logs": {}}, "names": {}}
    found = JsonlSource.from_settings("shop", table, folder).read("logs", Query(WINDOW)).data.collect()
    assert found["body"].to_list() == [str(n) for n in range(len(rows))]
    for row, text in zip(rows, found["attributes"].to_list(), strict=True):
        # Compared as text, because Python takes 1, 1.0 and True for the same.
        assert json.dumps(json.loads(text or "{}"), sort_keys=True) == json.dumps(without_nulls(row), sort_keys=True)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """They are rows, or notes, or a SourceError."""
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "rows.jsonl").write_bytes(content)
    with suppress(SourceError):
        source(folder, logs="rows.jsonl").read("logs", Query(WINDOW)).data.collect()
