"""A pull pins what the sources answer: whole or not at all, the dead ones named, nothing changed afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from workbench.errors import EvidenceError, SourceError, StorageError
from workbench.evidence import Snapshot
from workbench.evidence.manifest import FORMAT
from workbench.evidence.pin import Progress, pin
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Query, Reading, Source
from workbench.telemetry.sources.files.parquet import ParquetSource
from workbench.versions import only_one, versions
from workbench.window import Window

FAULT = datetime(2023, 1, 29, 9, 12, 30, tzinfo=UTC)
WINDOW = Window(FAULT, FAULT + timedelta(minutes=3, seconds=30))
BASELINE = WINDOW.baseline(timedelta(hours=1))


@pytest.fixture
def shop(sample: Path) -> ParquetSource:
    """Return a source over the licensed sample."""
    return ParquetSource.from_settings(
        "shop", {name: f"{name}.parquet" for name in ("metrics", "logs", "spans")}, sample
    )


def pinned(folder: Path, *sources: Source, window: Window = WINDOW, baseline: Window | None = BASELINE) -> Snapshot:
    """Pull from sources into an incident's folder."""
    return pin(
        [ConfiguredSource(one) for one in sources], incident="slow", window=window, baseline=baseline, folder=folder
    )


class Asked:
    """A source that gives, or raises, what a test says."""

    kind = "asked"

    def __init__(self, answer: pl.LazyFrame | Exception, name: str = "asked", frame: FrameName = "logs") -> None:
        self.name = name
        self.frames = (frame,)
        self.answer = answer

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Source:
        """Return nothing in particular: no settings lead here."""
        return cls(pl.LazyFrame(schema=FRAMES["logs"]), name)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the answer, or raise it."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return Reading(frame, self.answer, "asked")


def test_every_point_of_window_and_baseline_is_pinned_once(tmp_path: Path, shop: ParquetSource, sample: Path) -> None:
    """What is pinned is what the recording has in [baseline start, window end), no point twice."""
    snapshot = pinned(tmp_path, shop)
    for name, column in (("metrics", "time"), ("logs", "time"), ("spans", "start_time")):
        whole = pl.scan_parquet(sample / f"{name}.parquet").with_columns(pl.col(column).dt.cast_time_unit("us"))
        span = Window(BASELINE.start, WINDOW.end)
        expected = whole.filter(span.holds(column)).select(pl.len()).collect().item()
        table = next(table for table in snapshot.manifest.tables if table.frame == name)
        found = snapshot.frame(name).collect()  # type: ignore[arg-type]
        assert found.schema == FRAMES[name]  # type: ignore[index]
        assert table.rows == found.height == expected > 0
        assert table.rows_in_window == found.filter(WINDOW.holds(column)).height


def test_the_manifest_says_where_everything_came_from(tmp_path: Path, shop: ParquetSource) -> None:
    """A person can read it, and it names source, query, window, rows, columns, hash, version and time."""
    snapshot = pinned(tmp_path, shop)
    facts = json.loads((snapshot.path / "manifest.json").read_text())
    assert facts["format"] == FORMAT
    assert facts["incident"] == "slow"
    assert facts["window"] == {"start": "2023-01-29T09:12:30Z", "end": "2023-01-29T09:16:00Z"}
    table = facts["tables"][0]
    assert table["source"] == "shop"
    assert "2023-01-29T08:12:30" in table["asked"]
    assert table["columns"]["time"].startswith("Datetime")
    assert len(table["sha256"]) == 64
    assert facts["tool_version"]
    assert facts["pulled_at"].endswith("Z")


def test_odd_values_are_pinned_as_they_are_and_counted(tmp_path: Path) -> None:
    """NaN and infinities are kept, because they were recorded, and told."""
    rows = [{"time": FAULT, "metric": "cpu", "value": value} for value in (1.0, float("nan"), float("inf"), None)]
    data = pl.LazyFrame([{c: row.get(c) for c in FRAMES["metrics"]} for row in rows], schema=FRAMES["metrics"])
    snapshot = pinned(tmp_path, Asked(data, frame="metrics"))
    assert [(note.kind, note.rows) for note in snapshot.manifest.tables[0].notes] == [("not-a-number", 3)]
    assert snapshot.frame("metrics").collect().height == 4


def test_a_source_with_nothing_to_say_is_pinned_with_no_rows(tmp_path: Path, shop: ParquetSource) -> None:
    """An empty answer is an answer."""
    long_ago = Window(FAULT - timedelta(days=300), FAULT - timedelta(days=299))
    snapshot = pinned(tmp_path, shop, window=long_ago, baseline=None)
    assert [table.rows for table in snapshot.manifest.tables] == [0, 0, 0]
    assert all(table.complete for table in snapshot.manifest.tables)
    assert snapshot.frame("metrics").collect().schema == FRAMES["metrics"]


def test_a_dead_source_is_named_and_costs_the_others_nothing(tmp_path: Path, shop: ParquetSource) -> None:
    """Each frame of each source may fail alone."""
    told: list[Progress] = []
    dead = Asked(SourceError("nobody answers at example:9090", do="Start it"), name="dead")
    broken = Asked(pl.LazyFrame({"body": ["other columns"]}), name="broken")
    snapshot = pin(
        [ConfiguredSource(one) for one in (dead, shop, broken)],
        incident="slow",
        window=WINDOW,
        baseline=BASELINE,
        folder=tmp_path,
        tell=told.append,
    )
    assert [table.source for table in snapshot.manifest.tables] == ["shop"] * 3
    assert [(one.source, one.frame) for one in snapshot.manifest.unanswered] == [("dead", "logs"), ("broken", "logs")]
    assert "nobody answers" in snapshot.manifest.unanswered[0].error
    assert sorted(one.done for one in told if one.ended) == [1, 2, 3, 4, 5]
    assert {one.total for one in told} == {5}


def test_when_no_source_answers_nothing_appears(tmp_path: Path) -> None:
    """An incident doesn't get an empty snapshot that looks like evidence."""
    with pytest.raises(EvidenceError, match="nobody answers"):
        pinned(tmp_path, Asked(SourceError("nobody answers")))
    assert versions(tmp_path) == []


def test_a_new_pull_is_a_new_snapshot(tmp_path: Path, shop: ParquetSource) -> None:
    """The one before stays as it was, and the newest sorts last."""
    first = pinned(tmp_path, shop)
    before = {file.name: file.read_bytes() for file in first.path.iterdir()}
    second = pinned(tmp_path, shop)
    assert versions(tmp_path) == [first.version, second.version]
    assert {file.name: file.read_bytes() for file in first.path.iterdir()} == before
    assert [t.sha256 for t in first.manifest.tables] == [t.sha256 for t in second.manifest.tables]


def test_a_clock_set_back_does_not_hide_the_newest(tmp_path: Path, shop: ParquetSource) -> None:
    """A snapshot made later always sorts later."""
    first = pinned(tmp_path, shop)
    future = first.path.rename(tmp_path / "29990101T000000.000000Z")
    assert pinned(tmp_path, shop).version > future.name


def test_when_the_history_refuses_the_snapshot_goes_again(tmp_path: Path, shop: ParquetSource) -> None:
    """Evidence that the record doesn't know is no evidence."""

    def refuse(_: Snapshot) -> None:
        raise EvidenceError("the record is locked")

    with pytest.raises(EvidenceError, match="locked"):
        pin([ConfiguredSource(shop)], incident="slow", window=WINDOW, baseline=None, folder=tmp_path, keep=refuse)
    assert versions(tmp_path) == []


def test_two_pulls_at_once_are_refused(tmp_path: Path, shop: ParquetSource) -> None:
    """The second says so, and the first is not disturbed."""
    with only_one(tmp_path, "a pull of slow"), pytest.raises(StorageError, match="running already"):
        pinned(tmp_path, shop)
    assert pinned(tmp_path, shop).manifest.tables


SLOW_PULL = textwrap.dedent("""
    import signal, sys, time
    # As in a terminal: where tests run in the background, Ctrl-C may be ignored or blocked, and a child inherits that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from workbench.evidence.pin import pin
    from workbench.telemetry.configured import ConfiguredSource
    from workbench.telemetry.sources.files.parquet import ParquetSource
    from workbench.window import Window
    start = datetime(2023, 1, 29, 9, 12, 30, tzinfo=UTC)
    files = {name: f"{name}.parquet" for name in ("metrics", "logs", "spans")}
    source = ParquetSource.from_settings("shop", files, Path(sys.argv[1]))
    def tell(progress):
        print("pinned one", flush=True)
        time.sleep(60 if sys.argv[3] == "slow" else 0)
    window = Window(start, start + timedelta(minutes=3))
    pin([ConfiguredSource(source)], incident="slow", window=window, baseline=None, folder=Path(sys.argv[2]), tell=tell)
""")


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_pull_leaves_no_half_snapshot(
    tmp_path: Path, shop: ParquetSource, sample: Path, signal_: signal.Signals
) -> None:
    """Whether asked to stop or killed; the next pull clears the litter and works."""
    command = [sys.executable, "-c", SLOW_PULL, str(sample), str(tmp_path), "slow"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "pinned one\n"
    running.send_signal(signal_)
    running.wait(timeout=30)
    running.stdout.close()
    assert versions(tmp_path) == []
    snapshot = pinned(tmp_path, shop)
    assert versions(tmp_path) == [snapshot.version]
    assert not list(tmp_path.glob(".partial-*"))


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, shop: ParquetSource, sample: Path) -> None:
    """A limit on the size of files stands in for the full disk; the error says so, and the old snapshot is whole."""
    first = pinned(tmp_path, shop)
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n{SLOW_PULL}"
    command = [sys.executable, "-c", limited, str(sample), str(tmp_path), "quick"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "there is no room left" in told.stderr
    assert versions(tmp_path) == [first.version]
    assert first.verify(first.manifest_sha256) == []
    assert not list(tmp_path.glob(".partial-*"))


def test_verify_names_what_was_changed(tmp_path: Path, shop: ParquetSource) -> None:
    """A byte in a table, an edit of the manifest, a file taken away or put in: each is found and named."""
    snapshot = pinned(tmp_path, shop)
    noted = snapshot.manifest_sha256
    assert snapshot.verify(noted) == []
    table, manifest = snapshot.path / "shop.logs.parquet", snapshot.path / "manifest.json"
    whole, said = table.read_bytes(), manifest.read_bytes()

    table.write_bytes(whole[:-9] + b"x" + whole[-8:])
    assert [line for line in snapshot.verify(noted) if "shop.logs.parquet was changed" in line]
    table.unlink()
    assert [line for line in snapshot.verify(noted) if "shop.logs.parquet is missing" in line]
    with pytest.raises(EvidenceError, match=r"shop\.logs\.parquet .* is missing"):
        snapshot.frame("logs")
    table.write_bytes(whole)
    (snapshot.path / "extra.parquet").write_bytes(b"")
    assert [line for line in snapshot.verify(noted) if "extra.parquet was added" in line]
    (snapshot.path / "extra.parquet").unlink()
    manifest.write_bytes(said.replace(b'"slow"', b'"slew"'))
    assert [line for line in Snapshot.open(snapshot.path).verify(noted) if "manifest.json was changed" in line]


def test_a_newer_format_is_refused_with_the_way_out(tmp_path: Path, shop: ParquetSource) -> None:
    """A snapshot written by a later version is not half-understood."""
    manifest = pinned(tmp_path, shop).path / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}'))
    with pytest.raises(EvidenceError, match="newer than this version reads"):
        Snapshot.open(manifest.parent)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": "x"}'])
def test_a_damaged_manifest_is_named(tmp_path: Path, content: str) -> None:
    """However it is damaged."""
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(EvidenceError, match=tmp_path.name):
        Snapshot.open(tmp_path)


def test_a_folder_nobody_may_write_is_named(tmp_path: Path, shop: ParquetSource) -> None:
    """The error names it and says what to check."""
    if os.geteuid() == 0:
        (tmp_path / "slow").write_text("a file stands where the folder should be")
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="can't be written"):
        pinned(tmp_path / "slow", shop)


def test_sources_are_read_side_by_side(tmp_path: Path) -> None:
    """Four sources that wait for each other all answer: none waits for its turn."""
    barrier = threading.Barrier(4, timeout=20)

    class Waiting(Asked):
        def read(self, frame: FrameName, query: Query) -> Reading:
            barrier.wait()
            return super().read(frame, query)

    empty = pl.LazyFrame(schema=FRAMES["logs"])
    snapshot = pinned(tmp_path, *(Waiting(empty, name=f"s{n}") for n in range(4)))
    assert len(snapshot.manifest.tables) == 4
