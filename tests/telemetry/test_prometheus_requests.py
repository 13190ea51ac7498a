"""A window becomes requests that cover it exactly: each point once, on multiples of the step, under the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.telemetry.sources.prometheus.requests import (
    POINTS,
    instant_request,
    milliseconds,
    range_requests,
    ranges,
    stored,
    stored_requests,
)
from workbench.window import Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STARTS = st.datetimes(datetime(1970, 1, 2), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - of a zone given
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(days=3))
STEPS = st.sampled_from([1500, 15_000, 60_000, 3_600_000, 86_400_000]) | st.integers(5000, 10_000_000)


@settings(max_examples=40, deadline=None)
@given(STARTS, LENGTHS, STEPS)
def test_slices_have_every_step_of_the_window_once(start: datetime, length: timedelta, step: int) -> None:
    """No other point, none twice, none of the window's end, and none shifted."""
    window = Window(start, start + length)
    slices = [*ranges(window, step)]
    points = [point for first, last in slices for point in range(first, last + 1, step)]
    assert all(last >= first and (last - first) // step < POINTS < 11_000 for first, last in slices)
    first = -(-milliseconds(window.start - EPOCH) // step) * step
    assert points == [*range(first, milliseconds(window.end - EPOCH), step)]
    assert all(EPOCH + timedelta(milliseconds=point) in window for point in points)


@settings(max_examples=40, deadline=None)
@given(STARTS, LENGTHS, st.data())
def test_stretches_have_every_millisecond_of_the_window_once(
    start: datetime, length: timedelta, data: st.DataObject
) -> None:
    """Whatever the server does with the oldest millisecond: it is filtered away where it isn't meant."""
    window = Window(start, start + length)
    stretches = [(end - back + 1, end) for end, back in stored(window)]
    moment = milliseconds(start - EPOCH) + data.draw(st.integers(-2, milliseconds(length) + 2))
    seen = sum(first <= moment <= last for first, last in stretches)
    assert seen == (EPOCH + timedelta(milliseconds=moment) in window)
    assert all(after[0] == before[1] + 1 for before, after in pairwise(stretches))


def test_requests_are_what_the_server_gets() -> None:
    """As text, for the manifest and for a dry run."""
    window = Window(datetime(2024, 1, 1, 0, 0, 30, tzinfo=UTC), datetime(2024, 1, 1, 0, 3, tzinfo=UTC))
    (ranged,) = range_requests("up", window, 60_000)
    (kept,) = stored_requests("up", window)
    assert str(ranged) == "query_range query=up start=1704067260.000 end=1704067320.000 step=60.000"
    assert str(kept) == "query query=up[150s] time=1704067379.999"
    assert str(instant_request("up", window)) == "query query=up time=1704067379.999"


def test_a_window_between_two_steps_asks_nothing() -> None:
    """No point lies in it."""
    window = Window(datetime(2024, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 59, tzinfo=UTC))
    assert [*range_requests("up", window, 60_000)] == []
