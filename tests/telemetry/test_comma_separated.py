"""The csv source keeps every value of every row, or says which row it could not read."""

from __future__ import annotations

import csv
import gzip
import io
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
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Query, Reading
from workbench.telemetry.sources.files.comma_separated import CsvSource
from workbench.window import Window

START = datetime(2023, 1, 29, 9, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
AT = "2023-01-29T09:05:00Z"


def source(root: Path, **table: Any) -> CsvSource:
    """Return a source over files in a folder."""
    return CsvSource.from_settings("shop", table, root)


def reading(root: Path, text: str | bytes, frame: FrameName = "logs", **table: Any) -> Reading:
    """Write a file and return what the source reads of it, read once to its end."""
    (root / "rows.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    found = source(root, **{frame: "rows.csv"}, **table).read(frame, Query(WINDOW))
    return Reading(frame, found.data.collect().lazy(), found.asked, found.tally)


def noticed(found: Reading) -> list[tuple[str, int]]:
    """Return the kinds and counts of what was noticed."""
    return [(problem.kind, problem.rows) for problem in found.problems]


class TestCsv(SourceConformance):
    """The csv source, over one file for each frame, as polars writes it."""

    refused: ClassVar[Mapping[str, object]] = {"metrics": "a.csv", "separator": ";;"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> CsvSource:
        """Return a source over a file of these rows."""
        rows.write_csv(folder / "rows.csv")
        return source(folder, **{frame: "rows.csv"})

    def broken(self, folder: Path, frame: FrameName) -> CsvSource:
        """Return a source over a packed file that was cut short."""
        (folder / "rows.csv.gz").write_bytes(b"\x1f\x8b\x08 and no more")
        return source(folder, **{frame: "rows.csv.gz"})


class TestCsvOtherwise(TestCsv):
    """The same rows packed, in two files, with another separator and quote, no first line, and numbers for times."""

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> CsvSource:
        """Return a source over a glob."""
        stored = rows.with_columns(pl.selectors.datetime().dt.epoch("ns"))
        for half in (0, 1):
            text = stored[half::2].write_csv(separator="\t", quote_char="'", include_header=False)
            (folder / f"rows-{half}.tsv.gz").write_bytes(gzip.compress(text.encode()))
        table = {"separator": "\t", "quote": "'", "column_names": rows.columns, "time_format": "unix_ns"}
        return source(folder, **{frame: "rows-*.tsv.gz"}, **table)


def test_columns_are_found_by_their_usual_names(tmp_path: Path) -> None:
    """What is left goes into attributes; an empty value is none."""
    found = reading(tmp_path, f"timestamp,level,msg,host,region\n{AT},WARN,slow,h1,\n{AT},INFO,quick,h2,eu\n")
    rows = found.data.collect()
    assert rows["body"].to_list() == ["slow", "quick"]
    assert rows["severity"].to_list() == ["WARN", "INFO"]
    assert [json.loads(text) for text in rows["attributes"]] == [
        {"host.name": "h1"},
        {"host.name": "h2", "cloud.region": "eu"},
    ]


def test_a_bad_row_costs_itself_only(tmp_path: Path) -> None:
    """Too few values, too many, a stray quote, a last line that is cut off: counted, with the first one's line."""
    rows = [
        f"{AT},a",
        f'{AT},"two\nlines, ""quoted"""',
        AT,
        f"{AT},b,c",
        "",
        f'{AT},"x',
        f"{AT},d",
        f'{AT},5" disk',
        AT[:9],
    ]
    found = reading(tmp_path, "time,body\n" + "\n".join(rows))
    assert found.data.collect()["body"].to_list() == ["a", 'two\nlines, "quoted"', "d", '5" disk']
    assert noticed(found) == [("unreadable-row", 4)]
    assert "don't have the 2 values of the first line (first at line 5)" in found.problems[0].text


def test_a_wrong_type_costs_its_row_only(tmp_path: Path) -> None:
    """Named by column, with the first one's line."""
    found = reading(tmp_path, f"time,metric,value\n{AT},m,1\n{AT},m,high\n{AT},m,\nsoon,m,1\n", "metrics")
    assert found.data.collect()["value"].to_list() == [1.0, None]
    assert noticed(found) == [("unreadable-row", 1), ("unreadable-row", 1)]
    assert "'time' can't be read as a time (first at line 5)" in found.problems[0].text
    assert "'value' can't be read as a number (first at line 3)" in found.problems[1].text


@pytest.mark.parametrize(
    ("table", "text", "said"),
    [
        ({"separator": ";;"}, "", "separator of"),
        ({"quote": ","}, "", "are both ','"),
        ({"column_names": ["a", "a"]}, "", "has 'a' twice"),
        ({"column_names": "time"}, "", "column_names of"),
        ({"colums": {}}, "", "has the key 'colums'"),
        ({}, "time,body,time\n", "names the column 'time' twice"),
        ({}, "time,note\n", r"no column 'body', which logs need; it has time, note"),
        ({"columns": {"logs": {"body": "text"}}}, "time,note\n", "no column 'text', which the settings name for body"),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, table: dict[str, Any], text: str, said: str) -> None:
    """In the settings and in the first line."""
    with pytest.raises(SourceError, match=said):
        reading(tmp_path, text, **table)


@pytest.mark.parametrize("text", ["", "time,body\n", "\ufefftime,body\r\n"])
def test_a_file_without_rows_holds_nothing(tmp_path: Path, text: str) -> None:
    """And that is an answer."""
    found = reading(tmp_path, text)
    assert (found.data.collect().height, found.problems) == (0, ())


@pytest.mark.parametrize(
    ("time", "table"),
    [
        ("2023-01-29 10:05:00", {"time_zone": "Europe/Berlin"}),
        ("2023-01-29T10:05:00+01:00", {}),
        ("29/Jan/2023:10:05:00 +0100", {"time_format": "%d/%b/%Y:%H:%M:%S %z"}),
        ("29.01.2023 10:05", {"time_format": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin"}),
        ("1674983100", {"time_format": "unix_s"}),
        ("1674983100.000", {"time_format": "unix_s"}),
        ("1674983100000", {"time_format": "unix_ms"}),
        ("1674983100000000", {"time_format": "unix_us"}),
        ("1674983100000000999", {"time_format": "unix_ns"}),
    ],
)
def test_times_are_read_as_they_are_written(tmp_path: Path, time: str, table: dict[str, Any]) -> None:
    """In every format, to UTC."""
    found = reading(tmp_path, f'time,body\n"{time}",x\n', **table)
    assert found.data.collect()["time"].to_list() == [datetime(2023, 1, 29, 9, 5, tzinfo=UTC)]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("column", "unit", "value", "nanoseconds"),
    [
        ("duration_ns", None, "5", 5),
        ("duration_ms", None, "1.5", 1_500_000),
        ("duration", "s", "0.25", 250_000_000),
        ("duration", "us", "9007199254740993", 9_007_199_254_740_993_000),
    ],
)
def test_durations_have_a_unit(tmp_path: Path, column: str, unit: str | None, value: str, nanoseconds: int) -> None:
    """By the column's name or by the settings; whole numbers stay whole."""
    table = {} if unit is None else {"duration_unit": unit}
    found = reading(tmp_path, f"start,{column}\n{AT},{value}\n", "spans", **table)
    assert found.data.collect()["duration_ns"].to_list() == [nanoseconds]


def test_a_duration_without_a_unit_is_refused(tmp_path: Path) -> None:
    """A guess would be wrong by a factor of a thousand."""
    with pytest.raises(SourceError, match=r"nothing tells the unit of 'duration'.*duration_unit"):
        reading(tmp_path, f"start,duration\n{AT},5\n", "spans")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_every_value_of_every_row_arrives(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], separator: str, every: bool
) -> None:
    """Whatever signs it is made of, as Python's own writer writes it."""
    folder = tmp_path_factory.mktemp("csv")
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerows([("time", "body", "note"), *((AT, body, note) for body, note in cells)])
    (folder / "rows.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    found = source(folder, logs="rows.csv", separator=separator).read("logs", Query(WINDOW))
    rows = found.data.collect()
    assert rows["body"].to_list() == [body for body, _ in cells]
    assert [json.loads(text)["note"] for text in rows["attributes"]] == [note for _, note in cells]
    assert found.problems == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_arbitrary_bytes_never_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes, headed: bool) -> None:
    """They are rows, or notes, or a SourceError."""
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "rows.csv").write_bytes(b"time,body\n" * headed + content)
    with suppress(SourceError):
        source(folder, logs="rows.csv").read("logs", Query(WINDOW)).data.collect()
