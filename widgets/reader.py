"""A reader turns what a person typed into a value, and a value into what a person would have typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Protocol

from workbench.errors import TimeError
from workbench.window import parse_time

__all__ = ["Clock", "Day", "Number", "Reader", "Words", "day_words", "time_words"]

_TIME = re.compile(
    r"((?P<date>\d{4}-\d{2}-\d{2})(T|\s+))?"
    r"(?P<h>\d{1,2}):(?P<m>\d{2})(:(?P<s>\d{2})([.,](?P<f>\d{1,6}))?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
_LONGEST = 10_000


class Reader(Protocol):
    """How one kind of value is read and shown; ``read`` raises ValueError with words for the person who typed."""

    def read(self, text: str) -> object:
        """Return the value that was meant by a text that isn't empty."""
        ...

    def show(self, value: object) -> str:
        """Return the text that ``read`` turns into the same value."""
        ...


class Words:
    """Plain text, without the blanks around it."""

    def read(self, text: str) -> str:
        """Return the text; more than ten thousand characters are refused."""
        if len(text) > _LONGEST:
            raise ValueError(f"This has {len(text):,} characters. Shorten it to {_LONGEST:,}.")
        return text.strip()

    def show(self, value: object) -> str:
        """Return the text itself."""
        return str(value)


class Number:
    """A whole number, which may have blanks or commas between its thousands."""

    def read(self, text: str) -> int:
        """Return the number."""
        digits = re.sub(r"[\s,_\u00a0\u202f]", "", text)
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", digits):
            raise ValueError("Write a whole number, such as 60.")
        return int(digits)

    def show(self, value: object) -> str:
        """Return the digits."""
        return str(value)


class Day:
    """A day of the calendar, written year-month-day so that nobody mixes up day and month."""

    def read(self, text: str) -> date:
        """Return the day."""
        try:
            return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise ValueError("Write the day as year-month-day, such as 2026-12-23.") from None

    def show(self, value: object) -> str:
        """Return the day as ``2026-12-23``."""
        return value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True)
class Clock:
    """A time of an incident, written ``14:51:10`` or with its date, in UTC unless a zone is written.

    ``start`` and ``end`` are the first and last known times of the incident; a time without a date is put on the day
    that brings it nearest to that span, so that an incident over midnight needs no dates.
    """

    start: datetime
    end: datetime

    def read(self, text: str) -> datetime:
        """Return the time in UTC."""
        typed = text.strip()
        match = _TIME.fullmatch(typed)
        if match is None:
            raise ValueError(
                f"“{typed[:40]}” is not a time. Write 14:51:10, or with its date 2023-01-29 14:51:10. "
                "It is UTC unless you add a zone such as +01:00."
            )
        try:
            clock = time(int(match["h"]), int(match["m"]), int(match["s"] or 0), int((match["f"] or "").ljust(6, "0")))
            zone = _zone(match["zone"])
            days = [date.fromisoformat(match["date"])] if match["date"] else self._days()
            moments = [parse_time(datetime.combine(day, clock, zone)) for day in days]
        except (ValueError, TimeError):
            raise ValueError(f"There is no time “{typed}”. Correct the date, the hours or the minutes.") from None
        inside = [moment for moment in moments if self.start <= moment <= self.end]
        if len(inside) > 1:
            raise ValueError(f"The incident spans several days: write the date too, {inside[0]:%Y-%m-%d} {typed}.")
        return min(moments, key=lambda moment: max(self.start - moment, moment - self.end))

    def show(self, value: object) -> str:
        """Return the clock time, with the date where the clock time alone would be read as another day."""
        if not isinstance(value, datetime):
            return str(value)
        clock = time_words(value)
        try:
            if self.read(clock) == value:
                return clock
        except ValueError:
            pass
        return f"{value.astimezone(UTC).date().isoformat()} {clock}"

    def _days(self) -> list[date]:
        around = (self.end.date() - self.start.date()).days + 3
        return [self.start.date() + timedelta(days=number) for number in range(-2, around)]


def _zone(text: str | None) -> tzinfo:
    if not text or text.upper() in {"Z", "UTC"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


def day_words(day: date) -> str:
    """Return a day as a person reads it, ``29 Jan 2023``, the same in every language of the machine."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day.day}\u00a0{months[day.month - 1]}\u00a0{day.year}"


def time_words(moment: datetime) -> str:
    """Return the clock time in UTC to the second, or finer where it is finer: ``14:51:10``."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%H:%M:%S") + (f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else "")
