"""What a team sets for any source holds whatever the source does: limits, clock, retention."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import LimitError, SourceError
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Limits, Query, Reading, Tally
from workbench.telemetry.stream import stream, table
from workbench.window import Window

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))


def logs(count: int, first: int = 0) -> pl.DataFrame:
    """Return log records, one a second."""
    return table("logs", [{"time": START + timedelta(seconds=first + n), "body": f"{first + n}"} for n in range(count)])


class Paged:
    """A source that gives the pages a test makes, and remembers what it was asked."""

    kind = "paged"

    def __init__(
        self, pages: Callable[[Tally], Iterator[pl.DataFrame]], frame: FrameName = "logs", hang: float = 0.0
    ) -> None:
        self.name = "paged"
        self.frames = (frame,)
        self.pages = pages
        self.asked: list[Query] = []
        self.hang = hang

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the pages."""
        self.asked.append(query)
        query.stop.wait(self.hang)
        tally = Tally()
        return Reading(frame, stream(frame, lambda: self.pages(tally)), "paged", tally)


def both(pages: Callable[[Tally], Iterator[pl.DataFrame]], frame: FrameName = "logs", **limits: Any) -> Tally:
    """Read the pages in both ways, and return the tally, which must be the same of either."""
    source = ConfiguredSource(Paged(pages, frame), Policy(Limits(**limits)))
    reading = source.read(frame, Query(WINDOW))
    data = reading.data.collect()
    answer = source.answer(frame, Query(WINDOW))
    assert pl.concat([data.clear(), *answer.batches()]).equals(data)
    assert (answer.tally.problems, answer.tally.complete) == (reading.problems, reading.complete)
    assert answer.rows == data.height
    answer.tally.rows = data.height  # type: ignore[attr-defined] - for the tests to compare
    return answer.tally


def refusal(source: ConfiguredSource, frame: FrameName = "logs") -> str:
    """Return the error of a source that gives nothing."""
    with pytest.raises(SourceError) as caught:
        list(source.answer(frame, Query(WINDOW)).batches())
    return str(caught.value)


def test_a_limit_on_rows_keeps_what_came_before() -> None:
    """As many rows as allowed, and a note; exactly as many are no reason for one."""
    tally = both(lambda _: iter([logs(3), logs(3, 3)]), rows=5)
    assert tally.rows == 5  # type: ignore[attr-defined]
    assert [one.kind for one in tally.problems] == ["limit"]
    assert not tally.complete
    assert both(lambda _: iter([logs(3), logs(2, 3)]), rows=5).complete


def test_a_limit_on_bytes_keeps_what_came_before() -> None:
    """Counted as the backend sends them."""

    def pages(tally: Tally) -> Iterator[pl.DataFrame]:
        for n in range(5):
            tally.received(100)
            yield logs(20_000, n * 20_000)

    tally = both(pages, bytes=250)
    assert not tally.complete
    assert "more than 250 bytes" in tally.problems[0].text
    assert 20_000 <= tally.rows < 100_000  # type: ignore[attr-defined]


def test_a_limit_on_series_keeps_the_first_ones_whole() -> None:
    """A series that is in stays in, also in later pages."""

    def pages(_: Tally) -> Iterator[pl.DataFrame]:
        for n in range(3):
            yield table(
                "metrics",
                [{"time": START, "metric": "m", "service": one, "value": n} for one in ("a", None, "c", "d")] * 3000,
            )

    tally = both(pages, "metrics", series=2)
    assert tally.rows == 3 * 3000 * 2  # type: ignore[attr-defined]
    assert [(one.kind, one.rows) for one in tally.problems] == [("limit", 3 * 3000 * 2)]


def test_a_source_that_hangs_is_left_behind() -> None:
    """What came is kept and marked; the source is told that nobody waits for it any more."""

    def pages(_: Tally) -> Iterator[pl.DataFrame]:
        yield logs(2)
        forever.wait(60)

    forever = threading.Event()
    source = Paged(pages)
    answer = ConfiguredSource(source, Policy(Limits(seconds=0.3))).answer("logs", Query(WINDOW))
    assert pl.concat(list(answer.batches())).height == 2
    assert [one.kind for one in answer.tally.problems] == ["limit"]
    assert source.asked[0].stop.is_set()
    forever.set()


@pytest.mark.parametrize("where", ["while it is asked", "before its first page"])
def test_a_source_that_never_answers_is_an_error(where: str) -> None:
    """Nothing came, so there is nothing to mark."""

    def pages(_: Tally) -> Iterator[pl.DataFrame]:
        forever.wait(60)
        yield logs(1)

    forever = threading.Event()
    hang = 60.0 if where == "while it is asked" else 0.0
    source = ConfiguredSource(Paged(pages, hang=hang), Policy(Limits(seconds=0.3)))
    assert "gave no logs within 0.3 s" in refusal(source)
    forever.set()


def test_who_stops_is_heard_at_once() -> None:
    """Although the source hangs."""

    def pages(_: Tally) -> Iterator[pl.DataFrame]:
        yield logs(1)
        forever.wait(60)

    forever, query = threading.Event(), Query(WINDOW)
    answer = ConfiguredSource(Paged(pages)).answer("logs", query)
    threading.Timer(0.3, query.stop.set).start()
    began = time.monotonic()
    list(answer.batches())
    assert time.monotonic() - began < 30  # not a speed: the source would have hung for twice as long
    assert not answer.tally.complete
    forever.set()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SourceError("paged broke off"), "Paged broke off; what came before it was kept."),
        (LimitError("paged has 9 series too many"), "Paged has 9 series too many; what came before it was kept."),
        (KeyError("result"), "KeyError"),
        (pl.exceptions.ComputeError("bad bytes\nin a long story"), "bad bytes"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_an_error_midway_keeps_what_came_before(error: Exception, told: str) -> None:
    """Whatever a third party's adapter raises; before the first row it is the source's error."""

    def pages(_: Tally) -> Iterator[pl.DataFrame]:
        yield logs(2)
        raise error

    tally = both(pages)
    assert tally.rows == 2  # type: ignore[attr-defined]
    assert not tally.complete
    assert told in tally.problems[0].text
    assert "long story" not in tally.problems[0].text


def test_an_error_at_once_is_the_sources() -> None:
    """A defect of an adapter says so."""

    def pages(_: Tally) -> Iterator[pl.DataFrame]:
        raise KeyError("result")
        yield logs(1)

    said = refusal(ConfiguredSource(Paged(pages)))
    assert "could not be read for logs: KeyError: 'result'" in said
    assert "defect of the source's adapter" in said


@pytest.mark.parametrize(
    "page",
    [
        pl.DataFrame({"body": ["x"]}),
        logs(1).with_columns(pl.col("time").dt.cast_time_unit("ns")),
        logs(1).with_columns(pl.lit(5).alias("body")),
    ],
)
def test_pages_of_another_schema_are_refused(page: pl.DataFrame) -> None:
    """Though the frame promised the right one: not a wrong row is handed on, and nothing panics."""
    said = refusal(ConfiguredSource(Paged(lambda _: iter([page]))))
    assert "source 'paged' could not be read for logs" in said


def test_columns_come_in_the_frames_order() -> None:
    """Whatever order a page has them in."""
    turned = logs(1).select(list(reversed(FRAMES["logs"])))
    answer = ConfiguredSource(Paged(lambda _: iter([turned]))).answer("logs", Query(WINDOW))
    assert pl.concat(list(answer.batches())).equals(logs(1))


@settings(deadline=None, max_examples=30)
@given(seconds=st.integers(-86400, 86400))
def test_a_clock_that_is_ahead_is_moved_back(seconds: int) -> None:
    """The backend is asked for its own window, its times are moved, and the tally says so."""
    ahead = timedelta(seconds=seconds)
    source = Paged(lambda _: iter([logs(2).with_columns(pl.col("time") + ahead)]))
    answer = ConfiguredSource(source, Policy(clock_ahead=ahead)).answer("logs", Query(WINDOW))
    assert pl.concat(list(answer.batches())).equals(logs(2))
    assert source.asked[0].window == Window(WINDOW.start + ahead, WINDOW.end + ahead)
    assert [one.kind for one in answer.tally.problems] == ["clock-corrected"] * bool(seconds)
    assert answer.tally.complete


def test_a_reading_may_be_consumed_again() -> None:
    """A first look at some rows takes nothing away."""
    source = ConfiguredSource(Paged(lambda _: iter([logs(3), logs(3, 3)])))
    reading = source.read("logs", Query(WINDOW))
    assert reading.data.head(2).collect().height == 2
    assert reading.data.collect().height == 6
    assert reading.complete


@pytest.mark.parametrize(
    ("table_", "said"),
    [
        ({"retention": 15}, "retention of [sources.shop] in workbench.toml is 15, not a length of time"),
        ({"retention": "15 days"}, "retention of [sources.shop]"),
        ({"retention": "-15d"}, "retention of [sources.shop]"),
        ({"retention": True}, "not a length of time"),
        ({"clock_ahead": "soon"}, "clock_ahead of [sources.shop]"),
        ({"clock_ahead": "--5s"}, "clock_ahead of [sources.shop]"),
        ({"clock_ahead": 2.5}, "not a length of time"),
        ({"limits": 5}, "is 5, not a table"),
        ({"limits": {"row": 5}}, "has the key 'row'"),
        ({"limits": {"rows": 0}}, "rows of [sources.shop.limits]"),
        ({"limits": {"rows": 1.5}}, "rows of [sources.shop.limits]"),
        ({"limits": {"rows": True}}, "rows of [sources.shop.limits]"),
        ({"limits": {"seconds": -1}}, "seconds of [sources.shop.limits]"),
        ({"limits": {"seconds": float("nan")}}, "seconds of [sources.shop.limits]"),
        ({"limits": {"bytes": "5 parsecs"}}, "bytes of [sources.shop.limits]"),
        ({"limits": {"concurrency": "many"}}, "concurrency of [sources.shop.limits]"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(table_: dict[str, object], said: str) -> None:
    """The key, its value and the place are in the sentence."""
    with pytest.raises(SourceError) as caught:
        Policy.from_settings("shop", table_)
    assert said in str(caught.value)


def test_a_policy_is_read_and_the_backends_own_keys_are_left() -> None:
    """A clock may be behind; bytes may be written with a unit."""
    written = {"url": "x", "retention": "15d", "clock_ahead": "-90s", "limits": {"bytes": "5 MB", "seconds": 2.5}}
    policy, own = Policy.from_settings("shop", written)
    assert own == {"url": "x"}
    assert policy == Policy(
        replace(Limits(), bytes=5_000_000, seconds=2.5), timedelta(seconds=-90), retention=timedelta(days=15)
    )
    assert Policy.from_settings("shop", {}) == (Policy(), {})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["retention", "clock_ahead", "limits"]), st.text() | st.integers()))
def test_any_text_is_a_policy_or_a_source_error(written: dict[str, object]) -> None:
    """Nothing else comes out."""
    told = []
    try:
        Policy.from_settings("shop", written)
    except SourceError as error:
        told.append(str(error))
    assert all("[sources.shop" in one for one in told)
