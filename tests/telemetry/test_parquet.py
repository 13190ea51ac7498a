"""The parquet source reads what the window needs, conforms it to the frames, and names what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Problem, Query, Source
from workbench.telemetry.sources.files.parquet import ParquetSource
from workbench.telemetry.stream import pages_of
from workbench.window import Window

START = datetime(2023, 1, 29, 9, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))


def source(root: Path, **files: object) -> ParquetSource:
    """Return a source over files in a folder."""
    return ParquetSource.from_settings("shop", files, root)


def write(path: Path, **columns: object) -> None:
    """Write a Parquet file of these columns."""
    pl.DataFrame(columns).write_parquet(path)


def times(unit: str = "us", zone: str | None = "UTC", *, minutes: tuple[float, ...] = (0, 5, 10)) -> pl.Series:
    """Return moments after the start of the window as a column of one unit and zone."""
    moments = [START + timedelta(minutes=m) for m in minutes]
    column = pl.Series("time", moments, dtype=pl.Datetime("us", "UTC")).dt.cast_time_unit(unit)  # type: ignore[arg-type]
    return column.dt.convert_time_zone(zone) if zone else column.dt.replace_time_zone(None)


def read(root: Path, frame: FrameName = "metrics", window: Window = WINDOW, **files: object) -> pl.DataFrame:
    """Read one frame of one window."""
    return source(root, **files).read(frame, Query(window)).data.collect()


def noticed(source_: ParquetSource, frame: FrameName) -> tuple[Problem, ...]:
    """Read one frame of the window and return what was noticed."""
    reading = source_.read(frame, Query(WINDOW))
    reading.data.collect()
    return reading.problems


def test_it_is_a_source() -> None:
    """Ours keeps to the protocol that everybody's keeps to."""
    assert isinstance(source(Path(), metrics="a.parquet"), Source)


@pytest.mark.parametrize("frame", ["metrics", "logs", "spans"])
def test_real_telemetry_gets_the_frames_columns(sample: Path, frame: FrameName) -> None:
    """Every column is there with its type; those the recording lacks are null."""
    fault = datetime(2023, 1, 29, 9, 12, 56, tzinfo=UTC)
    found = read(sample, frame, Window(fault, fault + timedelta(minutes=3)), **{frame: f"{frame}.parquet"})
    assert found.schema == FRAMES[frame]
    assert found.height > 100
    assert found["attributes"].null_count() == found.height


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", None])
def test_any_unit_and_zone_becomes_utc_microseconds(tmp_path: Path, unit: str, zone: str | None) -> None:
    """The window is half-open whatever the file's own unit: its end is not in it."""
    write(tmp_path / "m.parquet", time=times(unit, zone), metric=["a"] * 3, value=[1.0, 2.0, 3.0])
    found = read(tmp_path, metrics="m.parquet")
    assert found["value"].to_list() == [1.0, 2.0]
    assert found["time"].to_list() == [START, START + timedelta(minutes=5)]


def test_a_zoneless_column_is_read_as_utc_and_said(tmp_path: Path) -> None:
    """Nothing is assumed in silence."""
    write(tmp_path / "m.parquet", time=times(zone=None), metric=["a"] * 3, value=[1.0, 2.0, 3.0])
    problems = noticed(source(tmp_path, metrics="m.parquet"), "metrics")
    assert [problem.kind for problem in problems] == ["time-without-zone"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-2_000_000, 602_000_000), min_size=1, max_size=30),
    st.integers(0, 600_000_000),
    st.integers(3, 600_000_000),
    st.sampled_from(["ns", "us", "ms"]),
)
def test_slices_of_a_window_give_each_point_once(
    tmp_path_factory: pytest.TempPathFactory, offsets: list[int], start: int, length: int, unit: str
) -> None:
    """However a window is cut, and whatever the file's unit, no point is lost and none is read twice."""
    folder = tmp_path_factory.mktemp("slices")
    moments = pl.Series("time", [START + timedelta(microseconds=n) for n in offsets], dtype=pl.Datetime("us", "UTC"))
    stored = moments.dt.cast_time_unit(unit)  # type: ignore[arg-type]
    write(folder / "m.parquet", time=stored, metric=["a"] * len(offsets), value=[float(n) for n in range(len(offsets))])
    whole = Window(START + timedelta(microseconds=start), START + timedelta(microseconds=start + length))
    parts = [read(folder, window=part, metrics="m.parquet") for part in whole.split(whole.duration / 3)]
    kept = sorted(value for part in parts for value in part["value"])
    truth = stored.dt.cast_time_unit("us")
    assert kept == [float(n) for n, moment in enumerate(truth) if moment in whole]


def test_impossible_times_are_counted_and_named(tmp_path: Path) -> None:
    """A zero date is in no window, but a reader hears of it."""
    odd = pl.Series("time", [datetime(1754, 8, 30, tzinfo=UTC), None, START], dtype=pl.Datetime("ns", "UTC"))
    write(tmp_path / "l.parquet", time=odd, body=["x", "y", "z"])
    reading = source(tmp_path, logs="l.parquet").read("logs", Query(WINDOW))
    assert reading.data.collect()["body"].to_list() == ["z"]
    assert [(problem.kind, problem.rows) for problem in reading.problems] == [("impossible-time", 2)]
    assert "1754" in reading.problems[0].text


def test_the_full_recordings_zero_dates_are_all_counted(recordings: Path) -> None:
    """The recording's 45 log records without a time are told in every pull."""
    folder = recordings / "trainticket-2023-01-29"
    problems = noticed(source(folder, logs="logs.parquet"), "logs")
    assert [(problem.kind, problem.rows) for problem in problems] == [("impossible-time", 45)]


def test_globs_and_lists_are_read_together(tmp_path: Path) -> None:
    """A frame may lie in many files with different columns."""
    (tmp_path / "day=1").mkdir()
    write(tmp_path / "day=1" / "a.parquet", time=times(), metric=["a"] * 3, value=[1, 2, 3])
    write(tmp_path / "b.parquet", time=times("ns"), metric=["b"] * 3, value=[4.0, 5.0, 6.0], service=["s"] * 3)
    found = read(tmp_path, metrics=["day=*/*.parquet", "b.parquet"])
    assert found.sort("value")["value"].to_list() == [1.0, 2.0, 4.0, 5.0]
    assert found.filter(metric="a")["service"].to_list() == [None, None]


def test_one_large_row_group_comes_in_pages(tmp_path: Path) -> None:
    """However a file was written, limits and whoever writes the rows down get them piece by piece, in order."""
    rows = 300_000
    seconds = [f"2023-01-29T09:00:{n:02}Z" for n in range(60)]
    file = pl.DataFrame({"time": seconds * (rows // 60), "value": range(rows)}).with_columns(metric=pl.lit("a"))
    file.write_parquet(tmp_path / "m.parquet", row_group_size=rows)
    pages = list(pages_of(source(tmp_path, metrics="m.parquet").read("metrics", Query(WINDOW)).data))
    assert max(page.height for page in pages) <= 200_000
    assert pl.concat(pages)["value"].equals(pl.Series("value", range(rows), dtype=pl.Float64))


def test_a_struct_of_attributes_survives_as_json(tmp_path: Path) -> None:
    """Attributes are kept whole, never flattened into lost columns."""
    write(
        tmp_path / "m.parquet", time=times(), metric=["a"] * 3, value=[1.0] * 3, attributes=[{"zone": "b", "n": 1}] * 3
    )
    assert read(tmp_path, metrics="m.parquet")["attributes"][0] == '{"zone":"b","n":1}'


def test_columns_without_a_place_become_attributes(tmp_path: Path) -> None:
    """Under OpenTelemetry's names, beside what the stored attributes say; a null is no key."""
    write(
        tmp_path / "m.parquet",
        time=times(),
        metric=["a"] * 3,
        value=[1.0] * 3,
        colour=["red", None, "blue"],
        namespace=["shop"] * 3,
        attributes=['{"zone":"b"}', None, None],
    )
    found = read(tmp_path, metrics="m.parquet")["attributes"].to_list()
    assert [json.loads(text) for text in found] == [
        {"zone": "b", "colour": "red", "k8s.namespace.name": "shop"},
        {"k8s.namespace.name": "shop"},
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"metric": ["a"], "value": [1.0]}, "no column 'time'"),
        ({"time": times(minutes=(0,)), "metric": ["a"]}, "no column 'value'"),
        ({"time": [True], "metric": ["a"], "value": [1.0]}, "has the type Boolean, not a time"),
        ({"time": [1674983000], "metric": ["a"], "value": [1.0]}, "has the type Int64, and nothing tells what"),
        ({"time": times(minutes=(0,)), "metric": ["a"], "value": ["high"]}, "'value' of m.parquet has the type String"),
        ({"time": times(minutes=(0,)), "metric": [[1]], "value": [1.0]}, "'metric' of m.parquet has the type List"),
    ],
)
def test_other_columns_or_types_are_refused_by_name(tmp_path: Path, columns: dict[str, object], said: str) -> None:
    """The error names file, column and type."""
    write(tmp_path / "m.parquet", **columns)
    with pytest.raises(SourceError, match=said):
        read(tmp_path, metrics="m.parquet")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path, a glob and a folder in a file's place are told apart."""
    (tmp_path / "folder").mkdir()
    for pattern, said in (
        ("gone.parquet", "does not exist"),
        ("*.parquet", "matches no file"),
        ("folder", "is a folder"),
    ):
        with pytest.raises(SourceError, match=said):
            read(tmp_path, metrics=pattern)


@pytest.mark.parametrize("kept", [0, 3, 200, -10])
def test_a_truncated_file_is_named(tmp_path: Path, sample: Path, kept: int) -> None:
    """However much of it is left."""
    whole = (sample / "metrics.parquet").read_bytes()
    (tmp_path / "m.parquet").write_bytes(whole[:kept])
    with pytest.raises(SourceError, match=r"m\.parquet can't be read as Parquet"):
        read(tmp_path, metrics="m.parquet")


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({}, "names no files"),
        ({"metric": "m.parquet"}, "has the key 'metric'"),
        ({"metrics": 5}, "metrics of .* is 5"),
        ({"metrics": []}, "metrics of .* is"),
        ({"metrics": [""]}, "metrics of .* is"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings_: dict[str, object], said: str) -> None:
    """The error names the table in workbench.toml and the key."""
    with pytest.raises(SourceError, match=said):
        ParquetSource.from_settings("shop", settings_, Path())


PROBE = """
import resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import polars as pl
from workbench.telemetry.sources.files.parquet import ParquetSource
from workbench.telemetry.source import Query
from workbench.window import Window
start = datetime(2023, 1, 29, 9, 0, tzinfo=UTC)
data = resource.getrlimit(resource.RLIMIT_DATA)
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), data[1]))
window = Window(start + timedelta(hours=1), start + timedelta(hours=1, minutes=10))
reading = ParquetSource.from_settings("shop", {"logs": sys.argv[1]}, Path()).read("logs", Query(window))
reading.data.sink_parquet(sys.argv[1] + ".out")
print(pl.scan_parquet(sys.argv[1] + ".out").select(pl.len()).collect().item())
"""


def test_a_large_file_is_not_read_into_memory(tmp_path: Path) -> None:
    """Ten minutes come out of a file whose rows take 3 GB in memory, in a process that may use far less."""
    rows = 40_000
    body = "x" * 1000
    schema = {"time": pl.Datetime("us", "UTC"), "body": pl.String}
    path = tmp_path / "large.parquet"
    hours = [
        pl.LazyFrame(
            {"time": [START + timedelta(minutes=m, microseconds=n) for n in range(rows)]},
            schema={"time": schema["time"]},
        ).with_columns(body=pl.format("{} {}", pl.lit(body), pl.col("time").dt.epoch("us")))
        for m in range(75)
    ]
    pl.concat(hours).sink_parquet(path, row_group_size=rows, compression="zstd")
    limit = 1_500_000_000
    environment = os.environ | {"POLARS_MAX_THREADS": "2"}
    told = subprocess.run(
        [sys.executable, "-c", PROBE, str(path), str(limit)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-800:]
    assert int(told.stdout) == 10 * rows
