"""Long series are thinned without losing a spike, and silence stays silence."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from workbench.charts.thin import samples
from workbench.window import Window

START = datetime(2023, 1, 29, 9, tzinfo=UTC)


def _series(values: list[float | None], step: float = 10.0) -> pl.LazyFrame:
    times = [START + timedelta(seconds=step * place) for place in range(len(values))]
    return pl.LazyFrame(
        {"s": ["a"] * len(values), "time": times, "value": values},
        schema={"s": pl.String, "time": pl.Datetime("us", "UTC"), "value": pl.Float64},
    )


def _window(count: int, step: float = 10.0) -> Window:
    return Window(START, START + timedelta(seconds=step * count))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=600), st.sampled_from([8, 40, 320]))
def test_every_extreme_stays(values: list[float], points: int) -> None:
    """However far a series is thinned, its lowest, highest, first and last samples are still drawn."""
    kept = samples(_series(values), ["s"], _window(len(values)), points=points)
    assert kept["value"].max() == max(values)
    assert kept["value"].min() == min(values)
    assert kept["value"][0] == values[0]
    assert kept["value"][-1] == values[-1]
    assert len(kept) <= max(points + 4, 8)
    assert kept["time"].is_sorted()


def test_nothing_is_made_up() -> None:
    """Every sample that is drawn was measured."""
    values = [math.sin(place / 7) for place in range(5000)]
    kept = samples(_series(values), ["s"], _window(5000))
    assert set(kept["value"]) <= set(values)


def test_a_gap_stays_a_gap() -> None:
    """A line must not cross an hour in which nothing was measured, or samples that aren't numbers."""
    early, late = _series([1.0] * 30), _series([1.0] * 30).with_columns(pl.col("time") + pl.duration(hours=1))
    kept = samples(pl.concat([early, late]), ["s"], Window(START, START + timedelta(hours=2)))
    assert kept["value"].null_count() == 1
    broken = samples(_series([1.0, math.nan, math.inf, None, 2.0]), ["s"], _window(5))
    assert broken["value"].to_list()[0] == 1.0
    assert broken["value"].to_list()[-1] == 2.0
    assert broken["value"].null_count() >= 1
    assert broken["value"].drop_nulls().is_finite().all()


def test_series_are_thinned_each_by_itself() -> None:
    """One series' spike isn't hidden by a higher one beside it."""
    low = _series([0.0] * 99 + [1.0])
    high = _series([100.0] * 100).with_columns(s=pl.lit("b"))
    kept = samples(pl.concat([low, high]), ["s"], _window(100), points=8)
    assert kept.filter(pl.col("s") == "a")["value"].max() == 1.0


def test_the_window_is_half_open() -> None:
    """A sample at its end belongs to the next window."""
    assert samples(_series([1.0, 2.0]), ["s"], Window(START, START + timedelta(seconds=10)))["value"].to_list() == [1.0]


def test_nothing_gives_nothing() -> None:
    """An empty frame is an answer too."""
    assert samples(_series([]), ["s"], _window(1)).is_empty()
