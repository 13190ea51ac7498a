"""Windows are half-open, in UTC, and their slices meet exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.errors import TimeError
from workbench.window import Window, format_duration, format_time, parse_duration, parse_time

zones = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-12 * 60, 14 * 60))
times = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=zones)  # noqa: DTZ001 - the zone is drawn apart
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=3))
windows = st.builds(lambda start, length: Window(start, start + length), times, lengths)


@given(times)
def test_a_time_survives_being_written_and_read(time: datetime) -> None:
    """What is printed is read back as the same moment, to the microsecond."""
    assert parse_time(format_time(time)) == time
    assert parse_time(format_time(time)).tzinfo is UTC


@given(windows, lengths)
def test_slices_meet_and_cover_the_window(window: Window, step: timedelta) -> None:
    """Splitting loses no moment and doubles none."""
    assume(window.duration / step < 500)
    slices = list(window.split(step))
    assert slices[0].start == window.start
    assert slices[-1].end == window.end
    assert all(one.end == other.start for one, other in pairwise(slices))
    assert all(one.duration <= step for one in slices)


@given(windows, lengths)
def test_the_baseline_ends_where_the_window_starts(window: Window, length: timedelta) -> None:
    """No moment is in both, and none between them is in neither."""
    baseline = window.baseline(length)
    assert baseline.end == window.start
    assert window.start in window
    assert window.start not in baseline
    assert window.end not in window


@given(windows, st.lists(st.integers(-5, 5), min_size=1, max_size=20))
def test_the_expression_keeps_what_the_window_holds(window: Window, offsets: list[int]) -> None:
    """The filter pushed into a scan agrees with the window itself, at both borders."""
    moments = [border + timedelta(microseconds=n) for n in offsets for border in (window.start, window.end)]
    kept = (
        pl.Series("time", moments, dtype=pl.Datetime("us", "UTC")).to_frame().filter(window.holds())["time"].to_list()
    )
    assert kept == [moment for moment in moments if moment in window]


@pytest.mark.parametrize("text", ["2023-01-29T09:12:30", "2023-01-29", "2023-01-29 09:12"])
def test_a_time_without_zone_is_refused(text: str) -> None:
    """Guessing a zone would move everything, so it has to be said."""
    with pytest.raises(TimeError, match="no time zone"):
        parse_time(text, "--started-at")


@pytest.mark.parametrize(
    "text", ["", "soon", "2023-13-01T00:00:00Z", "1754-08-30T22:43:41Z", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    """The error names the place and shows how a time is written."""
    with pytest.raises(TimeError, match="--started-at is"):
        parse_time(text, "--started-at")


def test_empty_and_backward_windows_are_told_apart() -> None:
    """A person sees which of the two mistakes it was."""
    with pytest.raises(TimeError, match="holds nothing"):
        Window.parse("2023-01-29T09:00:00Z", "2023-01-29T10:00:00+01:00")
    with pytest.raises(TimeError, match="Swap the two"):
        Window.parse("2023-01-29T09:00:01Z", "2023-01-29T09:00:00Z")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("2d", 172800), ("0s", 0), ("10 min", 600)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """A number and a unit."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "5", "-5m", "1e9d", "nan s", "5 weeks", "1000000d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The error shows how one is written."""
    with pytest.raises(TimeError, match="Write it like 90s"):
        parse_duration(text, "baseline")


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=402), "402 ms"),
        (timedelta(minutes=5, seconds=12), "5 min 12 s"),
        (timedelta(hours=1, minutes=4, seconds=59), "1 h 4 min"),
        (timedelta(days=2), "2 d"),
        (timedelta(seconds=-90), "−1 min 30 s"),
    ],
)
def test_durations_are_told_as_a_person_says_them(length: timedelta, told: str) -> None:
    """Two units at most, glued by no-break spaces."""
    assert format_duration(length).replace("\u00a0", " ") == told
