"""What every source must do, as tests to inherit: columns, types, UTC, window edges, empty answers, errors, pinning.

A source's test inherits `SourceConformance`, says how its backend gets some rows and how it breaks, and has them all::

    class TestMine(SourceConformance):
        frames = ("metrics",)
        refused = {"adress": "http://127.0.0.1"}

        def holding(self, folder, frame, rows): ...

        def broken(self, folder, frame): ...

It needs pytest, polars and the workbench only, so that it may be copied beside another project's tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from workbench.errors import SourceError
from workbench.evidence.pin import pin
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES, REQUIRED, TIME_COLUMN
from workbench.telemetry.source import Query, Reading, Source
from workbench.window import Window

__all__ = ["START", "WINDOW", "SourceConformance", "rows_at"]

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
"""Five minutes before midnight, in a leap year."""

WINDOW = Window(START, START + timedelta(minutes=10))
_SERVICES = ("cart", "Zahlung·支付", "cart")
_ODD = (float("nan"), float("inf"), -0.0)


def rows_at(frame: FrameName, times: list[datetime], *, lacks: frozenset[str] = frozenset()) -> pl.DataFrame:
    """Return one row of a frame for each time; all its columns are there, those the backend lacks are null.

    Services take turns, so that some rows are another's; text holds quotes, line ends and other scripts; metrics also
    hold what isn't a number; every third optional value is null.
    """
    schema = FRAMES[frame]
    made = []
    for place, at in enumerate(times):
        row: dict[str, Any] = {name: _value(name, dtype, place, frame) for name, dtype in schema.items()}
        row |= {TIME_COLUMN[frame]: at, **dict.fromkeys(lacks)}
        made.append(row)
    return pl.DataFrame(made, schema=schema)


def _value(name: str, dtype: pl.DataType, place: int, frame: FrameName) -> object:
    if name == "service":
        return _SERVICES[place % len(_SERVICES)]
    if dtype == pl.Float64:
        return _ODD[place % 5] if place % 5 < len(_ODD) else place / 3
    if dtype == pl.Int64:
        return 2**40 + place
    if name == "attributes":
        return f'{{"zone":"b","n":{place}}}'
    if name not in REQUIRED[frame] and place % 3 == 2:
        return None
    return f'{name} "{place}", näher\nzweite Zeile'


class SourceConformance(ABC):
    """The tests. A subclass is named ``Test…`` and answers for one kind of source."""

    frames: ClassVar[tuple[FrameName, ...]] = ("metrics", "logs", "spans", "events")
    """The frames this kind of source can answer with."""
    lacks: ClassVar[frozenset[str]] = frozenset()
    """Columns that this kind of backend has no place for; they must come back null."""
    resolution: ClassVar[timedelta] = timedelta(microseconds=1)
    """The least distance of two times that the backend tells apart."""
    refused: ClassVar[Mapping[str, object]] = {}
    """A table of settings with a mistake in it, such as an unknown key."""

    @abstractmethod
    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> Source:
        """Return a source named "shop" whose backend holds these rows of a frame, and nothing else."""

    @abstractmethod
    def broken(self, folder: Path, frame: FrameName) -> Source:
        """Return a source named "shop" whose backend can't answer: its file is gone, its server is down."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Ask every question about every frame."""
        if "frame" in metafunc.fixturenames:
            metafunc.parametrize("frame", self.frames)

    # Small words for the tests below

    def read(self, folder: Path, frame: FrameName, times: list[datetime], window: Window = WINDOW) -> pl.DataFrame:
        """Return what the source answers for a window, of rows at these times, in their order."""
        source = self.holding(folder, frame, rows_at(frame, times, lacks=self.lacks))
        return source.read(frame, Query(window)).data.sort(TIME_COLUMN[frame]).collect()

    def spread(self, count: int) -> list[datetime]:
        """Return moments spread over the window, the first at its start."""
        return [WINDOW.start + n * (WINDOW.duration / count) for n in range(count)]

    # What is asked

    def test_it_keeps_to_the_protocol(self, tmp_path: Path, frame: FrameName) -> None:
        """It has a name, a kind, the frames it is set up for, and the two methods."""
        source = self.holding(tmp_path, frame, rows_at(frame, [START], lacks=self.lacks))
        assert isinstance(source, Source)
        assert source.name == "shop"
        assert source.kind
        assert frame in source.frames

    def test_an_answer_is_lazy_and_says_what_was_asked(self, tmp_path: Path, frame: FrameName) -> None:
        """Nothing is read until it is written to disk, and the manifest gets the query as the backend got it."""
        reading = self.holding(tmp_path, frame, rows_at(frame, [START], lacks=self.lacks)).read(frame, Query(WINDOW))
        assert isinstance(reading, Reading)
        assert isinstance(reading.data, pl.LazyFrame)
        assert reading.frame == frame
        assert reading.asked.strip()

    def test_every_value_arrives_as_it_was(self, tmp_path: Path, frame: FrameName) -> None:
        """Exactly the frame's columns and types, times in UTC, text and numbers unchanged, null where nothing is."""
        times = self.spread(9)
        found = self.read(tmp_path, frame, times)
        assert found.schema == FRAMES[frame]
        wanted = rows_at(frame, times, lacks=self.lacks).sort(TIME_COLUMN[frame])
        assert found.equals(wanted), f"{found}\n{wanted}"

    def test_a_window_holds_its_start_and_not_its_end(self, tmp_path: Path, frame: FrameName) -> None:
        """To the smallest step the backend knows, on either side of either edge."""
        step = self.resolution
        edges = [START - step, START, START + step, WINDOW.end - step, WINDOW.end, WINDOW.end + step]
        found = self.read(tmp_path, frame, edges)
        assert found[TIME_COLUMN[frame]].to_list() == edges[1:4]

    def test_slices_of_a_window_give_each_row_once(self, tmp_path: Path, frame: FrameName) -> None:
        """Windows that meet share no row and lose none."""
        times = self.spread(20)
        source = self.holding(tmp_path, frame, rows_at(frame, times, lacks=self.lacks))
        slices = [source.read(frame, Query(part)).data.collect() for part in WINDOW.split(WINDOW.duration / 4)]
        assert all(part.height for part in slices)
        assert sorted(pl.concat(slices)[TIME_COLUMN[frame]].to_list()) == times

    def test_an_empty_answer_is_an_answer(self, tmp_path: Path, frame: FrameName) -> None:
        """A window in which nothing was recorded gives the columns without a row, and it is complete."""
        source = self.holding(tmp_path, frame, rows_at(frame, self.spread(3), lacks=self.lacks))
        reading = source.read(frame, Query(Window(START - timedelta(days=2), START - timedelta(days=1))))
        found = reading.data.collect()
        assert (found.height, found.schema) == (0, FRAMES[frame])
        assert reading.complete

    def test_services_narrow_the_answer(self, tmp_path: Path, frame: FrameName) -> None:
        """Only the services asked for come back; none named means all."""
        if "service" in self.lacks:
            pytest.skip("this backend knows no services")
        times = self.spread(9)
        source = self.holding(tmp_path, frame, rows_at(frame, times, lacks=self.lacks))
        found = source.read(frame, Query(WINDOW, services=(_SERVICES[1], "nobody"))).data.collect()
        assert sorted(found[TIME_COLUMN[frame]].to_list()) == times[1::3]
        assert set(found["service"]) == {_SERVICES[1]}

    def test_asking_twice_gives_the_same(self, tmp_path: Path, frame: FrameName) -> None:
        """A reading changes nothing at the backend, and a source may be used again."""
        source = self.holding(tmp_path, frame, rows_at(frame, self.spread(5), lacks=self.lacks))
        first, second = (source.read(frame, Query(WINDOW)).data.collect() for _ in range(2))
        assert first.sort(TIME_COLUMN[frame]).equals(second.sort(TIME_COLUMN[frame]))

    def test_a_backend_that_cannot_answer_is_told_in_words(self, tmp_path: Path, frame: FrameName) -> None:
        """A SourceError that says what is wrong and what to do, and no error of a third party."""
        source = self.broken(tmp_path, frame)
        with pytest.raises(SourceError) as told:
            source.read(frame, Query(WINDOW)).data.collect()
        assert told.value.what
        assert told.value.do
        assert "Traceback" not in str(told.value)

    def test_settings_with_a_mistake_are_refused_by_name(self, tmp_path: Path) -> None:
        """The error names the table, so that a person finds the line."""
        source = self.holding(tmp_path, self.frames[0], rows_at(self.frames[0], [START], lacks=self.lacks))
        with pytest.raises(SourceError, match=r"\[sources\.shop\]"):
            type(source).from_settings("shop", dict(self.refused), tmp_path)

    def test_what_it_answers_can_be_pinned(self, tmp_path: Path, frame: FrameName) -> None:
        """A snapshot of it holds the window and the baseline, and is whole."""
        times = [START - timedelta(minutes=2), START, START + timedelta(minutes=1), WINDOW.end]
        source = self.holding(tmp_path, frame, rows_at(frame, times, lacks=self.lacks))
        baseline = WINDOW.baseline(timedelta(minutes=5))
        snapshot = pin(
            [ConfiguredSource(source)], incident="slow", window=WINDOW, baseline=baseline, folder=tmp_path / "pinned"
        )
        table = next(table for table in snapshot.manifest.tables if table.frame == frame)
        assert (table.rows, table.rows_in_window, table.complete) == (3, 2, True)
        assert snapshot.frame(frame).collect().schema == FRAMES[frame]
        assert snapshot.verify(snapshot.manifest_sha256) == []
