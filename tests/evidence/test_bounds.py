"""A pull stays bounded and ends when it is told to, whatever its sources do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from workbench.errors import EvidenceError, SourceError
from workbench.evidence import Snapshot
from workbench.evidence.pin import pin
from workbench.evidence.progress import Progress
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Limits, Query, Reading, Tally
from workbench.telemetry.stream import stream, table
from workbench.versions import versions
from workbench.window import Window

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
Pages = Callable[[Tally], Iterator[pl.DataFrame]]


def logs(*seconds: int) -> pl.DataFrame:
    """Return log records at these seconds of the window."""
    return table("logs", [{"time": START + timedelta(seconds=at), "body": f"at {at}"} for at in seconds])


class Given:
    """A source that gives the pages a test makes."""

    kind = "given"

    def __init__(self, name: str, pages: Pages, frames: tuple[FrameName, ...] = ("logs",)) -> None:
        self.name = name
        self.frames = frames
        self.pages = pages

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the pages."""
        tally = Tally()
        return Reading(frame, stream(frame, lambda: self.pages(tally)), f"{self.name} {frame}", tally)


def pulled(
    folder: Path, *sources: Given, limits: Limits | None = None, tell: Callable[[Progress], None] = lambda _: None
) -> Snapshot:
    """Pull from sources, all with the same limits."""
    policy = Policy(limits or Limits())
    made = [ConfiguredSource(one, policy) for one in sources]
    return pin(made, incident="slow", window=WINDOW, baseline=None, folder=folder, tell=tell)


def good(_: Tally) -> Iterator[pl.DataFrame]:
    """Give three records, out of order."""
    yield logs(3, 1)
    yield logs(2)


def test_rows_are_pinned_in_order_of_time(tmp_path: Path) -> None:
    """Whatever order they came in, and also when several sources give the same frame."""
    made = pulled(tmp_path, Given("a", good), Given("b", good))
    assert [table.rows for table in made.manifest.tables] == [3, 3]
    for one in ("a", "b"):
        assert pl.read_parquet(made.path / f"{one}.logs.parquet").equals(logs(1, 2, 3))
    both = made.frame("logs").collect()
    assert both.schema == FRAMES["logs"]
    assert both.sort("time").equals(logs(1, 1, 2, 2, 3, 3))


def test_a_table_says_what_it_cost(tmp_path: Path) -> None:
    """Seconds, and bytes as the backend counted them; also where the source broke, and where nothing came."""

    def counted(tally: Tally) -> Iterator[pl.DataFrame]:
        tally.received(1234)
        yield logs(1)

    def dead(tally: Tally) -> Iterator[pl.DataFrame]:
        tally.received(56)
        raise SourceError("it broke")
        yield logs(1)

    made = pulled(tmp_path, Given("a", counted), Given("b", dead)).manifest
    assert made.tables[0].received_bytes == 1234
    assert made.tables[0].seconds is not None
    assert made.tables[0].asked == "a logs"
    (lost,) = made.unanswered
    assert (lost.received_bytes, lost.asked, lost.error) == (56, "b logs", "it broke")
    assert lost.seconds is not None


def test_a_source_that_breaks_midway_is_pinned_and_marked(tmp_path: Path) -> None:
    """What came is kept, the cause is in a note, and the others are whole."""

    def breaks(_: Tally) -> Iterator[pl.DataFrame]:
        yield logs(1)
        raise SourceError("the connection broke")

    made = pulled(tmp_path, Given("a", breaks), Given("b", good)).manifest
    assert [(table.rows, table.complete) for table in made.tables] == [(1, False), (3, True)]
    assert made.tables[0].notes[0].text == "The connection broke; what came before it was kept."


def test_an_adapter_that_is_broken_costs_only_itself(tmp_path: Path) -> None:
    """A third party's source may raise anything, or give other columns."""

    def defect(_: Tally) -> Iterator[pl.DataFrame]:
        raise RuntimeError("not implemented")
        yield logs(1)

    def other(_: Tally) -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"message": ["x"]})

    made = pulled(tmp_path, Given("a", defect), Given("b", good), Given("c", other)).manifest
    assert [table.source for table in made.tables] == ["b"]
    assert ["RuntimeError" in made.unanswered[0].error, "c" in made.unanswered[1].source] == [True, True]


def test_a_source_that_hangs_is_left_behind(tmp_path: Path) -> None:
    """What it gave is marked; what never answered is named; both say so in words."""

    def hangs(_: Tally) -> Iterator[pl.DataFrame]:
        yield logs(1)
        forever.wait(60)

    def never(_: Tally) -> Iterator[pl.DataFrame]:
        forever.wait(60)
        yield logs(1)

    forever = threading.Event()
    made = pulled(tmp_path, Given("a", hangs), Given("b", never), Given("c", good), limits=Limits(seconds=0.5)).manifest
    forever.set()
    assert [(table.source, table.rows, table.complete) for table in made.tables] == [("a", 1, False), ("c", 3, True)]
    assert "took longer than 0.5 s" in made.tables[0].notes[0].text
    assert "gave no logs within 0.5 s" in made.unanswered[0].error


def test_when_all_hang_nothing_appears(tmp_path: Path) -> None:
    """And the reason is told."""

    def never(_: Tally) -> Iterator[pl.DataFrame]:
        forever.wait(60)
        yield logs(1)

    forever = threading.Event()
    with pytest.raises(EvidenceError, match=r"gave no logs within 0\.3 s"):
        pulled(tmp_path, Given("a", never), limits=Limits(seconds=0.3))
    forever.set()
    assert versions(tmp_path) == []


def test_every_source_is_read_at_once(tmp_path: Path) -> None:
    """Twenty that wait for each other all answer."""
    barrier = threading.Barrier(20, timeout=30)

    def waits(_: Tally) -> Iterator[pl.DataFrame]:
        barrier.wait()
        yield logs(1)

    made = pulled(tmp_path, *(Given(f"s{n}", waits) for n in range(20)))
    assert [table.source for table in made.manifest.tables] == [f"s{n}" for n in range(20)]


def test_of_one_source_only_so_many_frames_are_read_at_once(tmp_path: Path) -> None:
    """As many as its concurrency allows."""
    running, most, lock = 0, 0, threading.Lock()

    def counts(_: Tally) -> Iterator[pl.DataFrame]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        yield from ()

    frames: tuple[FrameName, ...] = ("metrics", "logs", "spans", "events")
    pulled(tmp_path, Given("a", counts, frames), limits=Limits(concurrency=2))
    assert most == 2


def test_progress_is_told_while_a_frame_is_read(tmp_path: Path) -> None:
    """Rows and bytes so far, and how many of all frames have ended."""
    seen = threading.Event()

    def slow(tally: Tally) -> Iterator[pl.DataFrame]:
        tally.received(99)
        yield logs(*range(100))
        seen.wait(30)

    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if progress.source == "slow" and progress.rows:
            seen.set()

    pulled(tmp_path, Given("slow", slow), Given("quick", good), tell=tell)
    reading = [one for one in told if not one.ended and one.rows]
    assert (reading[0].source, reading[0].rows, reading[0].bytes) == ("slow", 100, 99)
    assert (reading[0].done, reading[0].total) == (1, 2)
    assert sorted(one.source for one in told if one.ended) == ["quick", "slow"]


def test_an_error_while_telling_stops_the_pull(tmp_path: Path) -> None:
    """Such as a terminal that was closed: sources are told to stop, and nothing half-made stays."""
    stops: list[threading.Event] = []

    class Watching(Given):
        def read(self, frame: FrameName, query: Query) -> Reading:
            stops.append(query.stop)
            return super().read(frame, query)

    def slow(_: Tally) -> Iterator[pl.DataFrame]:
        stops[0].wait(60)
        yield logs(1)

    def gone(progress: Progress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        pulled(tmp_path, Watching("a", slow), tell=gone)
    assert stops[0].is_set()
    assert versions(tmp_path) == []
    assert not list(tmp_path.glob(".partial-*"))


HANGING = textwrap.dedent("""
    import sys, time
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from workbench.evidence.pin import pin
    from workbench.telemetry.configured import ConfiguredSource
    from workbench.telemetry.source import Reading
    from workbench.telemetry.stream import stream, table
    from workbench.window import Window

    start = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)

    class Hanging:
        kind, frames = "hanging", ("logs", "spans", "events")

        def __init__(self, name):
            self.name = name

        def read(self, frame, query):
            def pages():
                if frame == "logs":
                    yield table("logs", [{"time": start, "body": "x"}])
                time.sleep(600)
                yield table(frame, [])

            if frame == "events":
                time.sleep(600)
            return Reading(frame, stream(frame, pages), "hanging")

    pin(
        [ConfiguredSource(Hanging("a")), ConfiguredSource(Hanging("b"))],
        incident="slow",
        window=Window(start, start + timedelta(minutes=3)),
        baseline=None,
        folder=Path(sys.argv[1]),
        tell=lambda progress: print("reading", flush=True),
    )
""")


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_pull_whose_sources_hang_ends_when_it_is_told_to(tmp_path: Path, signal_: signal.Signals) -> None:
    """Long before they would wake up; nothing half-pinned is left, but for a kill, whose litter goes with the next."""
    running = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "reading\n"
        running.send_signal(signal_)
        assert running.wait(timeout=60) != 0
        said = running.stderr.read()
    assert versions(tmp_path) == []
    assert bool(list(tmp_path.glob(".partial-*"))) == (signal_ == signal.SIGKILL)
    assert ("KeyboardInterrupt" in said) == (signal_ != signal.SIGKILL)
    assert "Fatal" not in said
    assert pulled(tmp_path, Given("a", good)).manifest.tables
    assert not list(tmp_path.glob(".partial-*"))


MANY = textwrap.dedent("""
    import hashlib, json, sys
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    import polars as pl
    from workbench.evidence.pin import pin
    from workbench.telemetry.configured import ConfiguredSource
    from workbench.telemetry.source import Reading
    from workbench.telemetry.stream import stream, table
    from workbench.window import Window

    start = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
    rows = 200_000

    class Many:
        name, kind, frames = "many", "many", ("metrics", "logs")

        def pages(self, frame):
            for n in range(4):
                if frame == "metrics":
                    at = pl.int_range(n, rows * 4, 4, eager=True).shuffle(seed=n)
                else:
                    at = pl.int_range(n * rows, (n + 1) * rows, eager=True)
                columns = {"time": pl.select(pl.lit(start) + pl.duration(microseconds=at * 1000)).to_series()}
                columns |= {"service": pl.Series([f"s{k}" for k in range(10)] * (rows // 10))}
                if frame == "metrics":
                    columns |= {"metric": pl.Series(["m"] * rows), "value": at.cast(pl.Float64)}
                else:
                    columns |= {"body": at.cast(pl.String)}
                yield table(frame, columns)

        def read(self, frame, query):
            return Reading(frame, stream(frame, lambda: self.pages(frame)), "many")

    made = pin([ConfiguredSource(Many())], incident="slow", window=Window(start, start + timedelta(hours=1)),
               baseline=None, folder=Path(sys.argv[1]))
    print(json.dumps([[one.rows, one.sha256, [note.kind for note in one.notes]] for one in made.manifest.tables]))
""")


def test_large_tables_are_the_same_bytes_whatever_the_number_of_threads(tmp_path: Path) -> None:
    """Larger than what is held in memory, in order and mixed: evidence doesn't hang on the machine it was pulled on."""
    found = []
    for threads in ("1", "3"):
        told = subprocess.run(
            [sys.executable, "-c", MANY, str(tmp_path / threads)],
            env={**os.environ, "POLARS_MAX_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(json.loads(told.stdout))
        for frame in ("metrics", "logs"):
            (file,) = (tmp_path / threads).glob(f"*/many.{frame}.parquet")
            assert pl.read_parquet(file)["time"].is_sorted()
            assert [one.name for one in file.parent.iterdir() if one.is_dir()] == []
    assert found[0] == found[1]
    assert [one[0] for one in found[0]] == [800_000, 800_000]


def test_a_disk_that_fills_up_while_a_large_table_is_written_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk; the error says so in words."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n{MANY}"
    told = subprocess.run([sys.executable, "-c", limited, str(tmp_path)], capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "there is no room left" in told.stderr
    assert versions(tmp_path) == []
    assert not list(tmp_path.glob(".partial-*"))
