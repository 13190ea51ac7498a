"""Fifteen minutes out of a day of Parquet, and a file of JSON lines, beside the query by hand and pandas, in one run.

    python benchmarks/bench_files.py
    WORKBENCH_BENCH_ROWS=100_000_000 python benchmarks/bench_files.py      # the whole day; some 2.5 GB of disk

The day is made of real log records (the full recording where it is, else the sample of the tests), repeated and spread
over 24 hours, in one file sorted by time. Peers: polars' own scan with the same filter; pandas in the two ways that it
has, ``read_parquet(filters=…)``, for which pyarrow leaves out the row groups that can't hold the window, and plain
``read_parquet`` with a mask after it, which is measured on a smaller day, because pandas takes all of it into memory;
Python's ``json`` line by line into a pandas frame. Runs take turns, a different one first each time, and each figure is
the median, so that a busy machine slows all alike. It takes about two minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

import polars as pl

from workbench.telemetry.source import Query
from workbench.telemetry.sources.files.json_lines import JsonlSource
from workbench.telemetry.sources.files.parquet import ParquetSource
from workbench.window import Window

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT.parent / "shared" / "data" / "trainticket-2023-01-29" / "logs.parquet"
SAMPLE = ROOT / "tests" / "data" / "trainticket" / "logs.parquet"
ROWS = int(os.environ.get("WORKBENCH_BENCH_ROWS", "10_000_000"))
LINES = 170_000
PLAIN_ROWS = min(ROWS, 2_000_000)  # some 700 bytes each in memory, more than once while pandas reads and masks
MIDNIGHT = datetime(2023, 1, 29, tzinfo=UTC)
DAY = Window(MIDNIGHT, MIDNIGHT + timedelta(days=1))
QUARTER = Window(MIDNIGHT + timedelta(hours=12), MIDNIGHT + timedelta(hours=12, minutes=15))
TIME = pl.Datetime("ns", "UTC")


def recorded() -> pl.DataFrame:
    """Return the real log records, in the order of their times."""
    return pl.read_parquet(RECORDED if RECORDED.exists() else SAMPLE).sort("time")


def day(rows: int) -> pl.LazyFrame:
    """Return real records, repeated to so many and spread evenly over the day, in order."""
    real = recorded()
    step = 86_400 * 10**9 / rows

    def part(start: int) -> pl.LazyFrame:
        since = ((pl.int_range(pl.len()) + start) * step).cast(pl.Int64)
        times = (pl.lit(MIDNIGHT, dtype=TIME).cast(pl.Int64) + since).cast(TIME)
        return real.head(rows - start).lazy().with_columns(time=times)

    return pl.concat([part(start) for start in range(0, rows, real.height)])


def tell(what: str, ours: list[float], theirs: list[float], peer: str) -> None:
    """Print one line: our figure, the peer's, the ratio."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = f"{mine / other:6.2f} of it" if mine > other / 2 else f"{other / mine:6.1f} times faster"
    print(f"{what:<44} {mine:8.3f} s   {peer:<34} {other:8.3f} s   {ratio}", flush=True)


def side_by_side(runs: int, *steps: Callable[[], int]) -> list[list[float]]:
    """Return the seconds of so many runs of each step, taking turns, after one run that warms the disk."""
    if len({step() for step in steps}) != 1:
        sys.exit("they don't give the same rows")
    seconds: list[list[float]] = [[] for _ in steps]
    for run in range(runs):
        for turn in range(len(steps)):
            place = (run + turn) % len(steps)
            started = time.perf_counter()
            steps[place]()
            seconds[place].append(time.perf_counter() - started)
    return seconds


def parquet(folder: Path) -> None:
    """Measure fifteen minutes out of the day, and out of a day that fits into memory."""
    import pandas as pd

    def written(rows: int) -> Path:
        file = folder / f"day-{rows}.parquet"
        day(rows).sink_parquet(file, row_group_size=250_000, maintain_order=True)
        return file

    def ours(file: Path) -> int:
        source = ParquetSource.from_settings("day", {"logs": str(file)}, folder)
        return source.read("logs", Query(QUARTER)).data.collect().height

    def by_hand(file: Path) -> int:
        start, end = (pl.lit(moment, dtype=TIME) for moment in (QUARTER.start, QUARTER.end))
        return pl.scan_parquet(file).filter((pl.col("time") >= start) & (pl.col("time") < end)).collect().height

    def filtered(file: Path) -> int:
        return len(pd.read_parquet(file, filters=[("time", ">=", QUARTER.start), ("time", "<", QUARTER.end)]))

    def masked(file: Path) -> int:
        frame = pd.read_parquet(file)
        return len(frame[(frame["time"] >= QUARTER.start) & (frame["time"] < QUARTER.end)])

    def told(file: Path, rows: int) -> None:
        size = file.stat().st_size / 1e6
        print(f"Parquet: {rows:,} rows, {size:,.0f} MB, {by_hand(file):,} of them in 15 minutes of the day")

    print(f"pandas {pd.__version__} with pyarrow {version('pyarrow')}")
    file = written(ROWS)
    told(file, ROWS)
    mine, hand, theirs = side_by_side(15, partial(ours, file), partial(by_hand, file), partial(filtered, file))
    tell("15 minutes", mine, hand, "hand-written polars")
    tell("15 minutes", mine, theirs, "pandas, read_parquet(filters=…)")
    tell("the hand-written polars query, the floor", hand, theirs, "pandas, read_parquet(filters=…)")
    file.unlink()
    file = written(PLAIN_ROWS)
    told(file, PLAIN_ROWS)
    mine, theirs = side_by_side(5, partial(ours, file), partial(masked, file))
    tell("15 minutes", mine, theirs, "pandas, read_parquet, then a mask")
    file.unlink()


def jsonl(folder: Path) -> None:
    """Measure a file of JSON lines: fifteen minutes of it, and all of it."""
    import pandas as pd

    file = folder / "day.jsonl"
    written = pl.col("time").dt.strftime("%Y-%m-%dT%H:%M:%S%.9fZ")
    real = day(LINES).with_columns(written).rename({"instance": "pod", "body": "message", "severity": "level"})
    real.with_columns(thread=pl.lit("main"), sequence=pl.int_range(pl.len())).sink_ndjson(file)
    source = JsonlSource.from_settings("day", {"logs": str(file)}, folder)
    print(f"JSON lines: {LINES:,} lines, {file.stat().st_size / 1e6:,.0f} MB")
    for what, window in (("15 minutes of the day", QUARTER), ("all of it", DAY)):

        def ours(window: Window = window) -> int:
            return source.read("logs", Query(window)).data.collect().height

        def peer(window: Window = window) -> int:
            with file.open(encoding="utf-8") as lines:
                frame = pd.DataFrame([json.loads(line) for line in lines])
            frame["time"] = pd.to_datetime(frame["time"])
            return len(frame[(frame["time"] >= window.start) & (frame["time"] < window.end)])

        mine, theirs = side_by_side(3, ours, peer)
        tell(what, mine, theirs, f"json and pandas {pd.__version__}")
    file.unlink()


def main() -> None:
    """Measure both."""
    with tempfile.TemporaryDirectory() as name:
        parquet(Path(name))
        jsonl(Path(name))


if __name__ == "__main__":
    main()
