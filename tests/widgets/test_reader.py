"""What a person types becomes the value they meant, and is shown back as they would have typed it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.reader import Clock, Day, Number, Words, day_words, time_words

START = datetime(2023, 1, 29, 14, 49, 57, tzinfo=UTC)
AFTERNOON = Clock(START, datetime(2023, 1, 29, 14, 55, 9, tzinfo=UTC))
MIDNIGHT = Clock(datetime(2023, 1, 29, 23, 50, tzinfo=UTC), datetime(2023, 1, 30, 0, 20, tzinfo=UTC))
LONG = Clock(datetime(2023, 1, 28, 9, tzinfo=UTC), datetime(2023, 1, 30, 17, tzinfo=UTC))

TIMES = st.datetimes(datetime(1980, 1, 1), datetime(2190, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("clock", "typed", "meant"),
    [
        (AFTERNOON, "14:51:10", "2023-01-29T14:51:10+00:00"),
        (AFTERNOON, " 14:51 ", "2023-01-29T14:51:00+00:00"),
        (AFTERNOON, "14:51:10.25", "2023-01-29T14:51:10.250000+00:00"),
        (AFTERNOON, "14:51:10,25", "2023-01-29T14:51:10.250000+00:00"),
        (AFTERNOON, "15:51:10+01:00", "2023-01-29T14:51:10+00:00"),
        (AFTERNOON, "09:51:10 -0500", "2023-01-29T14:51:10+00:00"),
        (AFTERNOON, "14:51:10 UTC", "2023-01-29T14:51:10+00:00"),
        (AFTERNOON, "14:51:10z", "2023-01-29T14:51:10+00:00"),
        (AFTERNOON, "2023-01-28T09:12:30Z", "2023-01-28T09:12:30+00:00"),
        (AFTERNOON, "2023-01-28 9:12", "2023-01-28T09:12:00+00:00"),
        (AFTERNOON, "2023-01-28 10:12:30 +01:00", "2023-01-28T09:12:30+00:00"),
        (MIDNIGHT, "23:55", "2023-01-29T23:55:00+00:00"),
        (MIDNIGHT, "0:05", "2023-01-30T00:05:00+00:00"),
        (MIDNIGHT, "01:05+01:00", "2023-01-30T00:05:00+00:00"),
        (MIDNIGHT, "23:30", "2023-01-29T23:30:00+00:00"),
    ],
)
def test_a_time_is_read_on_the_day_that_was_meant(clock: Clock, typed: str, meant: str) -> None:
    """A clock time goes to the day nearest to the incident, in UTC unless a zone is written."""
    assert clock.read(typed).isoformat() == meant


@pytest.mark.parametrize(
    ("clock", "typed", "said"),
    [
        (AFTERNOON, "half past two", "is not a time. Write 14:51:10"),
        (AFTERNOON, "14:5", "is not a time"),
        (AFTERNOON, "25:00", "There is no time “25:00”"),
        (AFTERNOON, "14:61", "There is no time"),
        (AFTERNOON, "2023-02-30 10:00", "There is no time"),
        (AFTERNOON, "10:00 +25:00", "There is no time"),
        (AFTERNOON, "1901-01-01 10:00", "There is no time"),
        (LONG, "12:00", "write the date too"),
    ],
)
def test_a_time_that_can_not_be_meant_is_refused_in_words(clock: Clock, typed: str, said: str) -> None:
    """Each refusal says what to write instead."""
    with pytest.raises(ValueError, match=said):
        clock.read(typed)


@given(st.text(max_size=60))
def test_any_text_is_a_time_or_a_sentence(text: str) -> None:
    """Nothing that can be typed breaks the form."""
    try:
        value = AFTERNOON.read(text)
    except ValueError:
        return
    assert value.tzinfo is UTC


@given(start=TIMES, length=st.timedeltas(timedelta(0), timedelta(days=20)), moment=TIMES)
def test_a_time_that_is_shown_is_read_back(start: datetime, length: timedelta, moment: datetime) -> None:
    """Editing an entry without touching its time leaves the time as it is, to the microsecond."""
    clock = Clock(start, start + length)
    assert clock.read(clock.show(moment)) == moment


@given(st.integers(-(10**14), 10**14))
def test_a_number_that_is_shown_is_read_back(number: int) -> None:
    """Also with commas between its thousands."""
    assert Number().read(Number().show(number)) == number
    assert Number().read(f"{number:,}") == number


@pytest.mark.parametrize("typed", ["", "1.5", "ten", "1e3", "--1", "9" * 40])
def test_what_is_no_whole_number_is_refused(typed: str) -> None:
    """With words for a person."""
    with pytest.raises(ValueError, match="whole number"):
        Number().read(typed)


def test_a_day_is_written_year_month_day() -> None:
    """Nobody mixes up day and month."""
    assert Day().read(" 2026-12-23 ") == date(2026, 12, 23)
    assert Day().show(date(2026, 12, 23)) == "2026-12-23"
    with pytest.raises(ValueError, match="year-month-day"):
        Day().read("23/12/2026")
    with pytest.raises(ValueError, match="year-month-day"):
        Day().read("2026-02-30")


def test_words_are_kept_without_the_blanks_around_them() -> None:
    """Any script is text; ten thousand characters are enough."""
    assert Words().read("  שלום, 世界 🚒 \n") == "שלום, 世界 🚒"
    with pytest.raises(ValueError, match="Shorten"):
        Words().read("x" * 10_001)


def test_days_and_times_are_told_the_same_on_every_machine() -> None:
    """Month names don't follow the machine's language."""
    assert day_words(START.date()) == "29\u00a0Jan\u00a02023"
    assert time_words(START) == "14:49:57"
    assert time_words(START + timedelta(microseconds=1500)) == "14:49:57.0015"
