"""A window is the half-open span of time [start, end) that a question is about, in UTC to the microsecond."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from workbench.errors import TimeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

__all__ = ["Window", "format_duration", "format_time", "parse_duration", "parse_time"]

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_EARLIEST, _LATEST = 1970, 2200
_TOO_LONG = 100 * 366 * 86400.0


def parse_time(text: str | datetime, where: str = "the time") -> datetime:
    """Return an ISO 8601 time as UTC with microseconds.

    Args:
        text: such as ``2023-01-29T09:12:30Z`` or ``2023-01-29 10:12:30+01:00``, or an aware datetime.
        where: what a person calls this time, for the error ("--started-at", "started_at in incident.toml").

    Raises:
        TimeError: it isn't a time, has no zone, or lies outside the years 1970 to 2200.
    """
    if isinstance(text, datetime):
        value, shown = text, text.isoformat()
    else:
        shown = str(text)
        try:
            value = datetime.fromisoformat(shown.strip())
        except ValueError:
            raise TimeError.unreadable(shown, where) from None
    if value.tzinfo is None:
        raise TimeError.no_zone(shown, where)
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise TimeError.unreadable(shown, where) from None
    if not _EARLIEST <= value.year < _LATEST:
        raise TimeError.unreadable(shown, where)
    return value


def format_time(time: datetime) -> str:
    """Return the time as ISO 8601 in UTC with a ``Z``, without needless zeros."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_duration(text: str, where: str = "the duration") -> timedelta:
    """Return ``90s``, ``15m``, ``1h`` or ``2d`` as a timedelta; zero is allowed, less is not.

    Raises:
        TimeError: it has no number, no unit, or is negative.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|m|min|h|d)", text.strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else _TOO_LONG
    if seconds >= _TOO_LONG:
        raise TimeError(f"{where} is {text!r}, which is not a length of time", do="Write it like 90s, 15m, 1h or 2d")
    return timedelta(seconds=seconds)


def format_duration(length: timedelta) -> str:
    """Return a length as a person says it: ``5 min 12 s``, ``1 h 4 min``, ``402 ms``, with no-break spaces."""
    seconds = length.total_seconds()
    if seconds < 0:
        return f"−{format_duration(-length)}"
    if seconds < 1:
        return f"{round(seconds * 1000)}\u00a0ms" if seconds else "0\u00a0s"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    told = [f"{amount}\u00a0{unit}" for amount, unit in parts if amount]
    return "\u00a0".join(told[:2])


@dataclass(frozen=True, order=True)
class Window:
    """The half-open span [start, end): a point at ``start`` is in it, one at ``end`` is in the next.

    Raises:
        TimeError: a border has no zone, or the window would be empty or backwards.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", parse_time(self.start, "the start of the window"))
        object.__setattr__(self, "end", parse_time(self.end, "the end of the window"))
        if self.end <= self.start:
            raise TimeError.empty(format_time(self.start), format_time(self.end))

    @classmethod
    def parse(cls, start: str, end: str) -> Self:
        """Return the window between two ISO 8601 times with zones."""
        return cls(parse_time(start, "the start of the window"), parse_time(end, "the end of the window"))

    @property
    def duration(self) -> timedelta:
        """How long it is, always more than zero."""
        return self.end - self.start

    def pad(self, before: timedelta = timedelta(0), after: timedelta = timedelta(0)) -> Window:
        """Return the window widened on either side."""
        return Window(self.start - before, self.end + after)

    def baseline(self, length: timedelta) -> Window:
        """Return the window of ``length`` that ends where this one starts; the two meet and share no point."""
        return Window(self.start - length, self.start)

    def split(self, step: timedelta) -> Iterator[Window]:
        """Yield windows of at most ``step`` that meet exactly and cover this one."""
        if step <= timedelta(0):
            raise TimeError(f"a window can't be split into steps of {step}", do="Give a step longer than zero")
        start = self.start
        while start < self.end:
            end = min(start + step, self.end)
            yield Window(start, end)
            start = end

    def overlap(self, other: Window) -> Window | None:
        """Return what both hold, or None when they share no point."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Window(start, end) if start < end else None

    def without(self, others: Iterable[Window]) -> list[Window]:
        """Return what is left of this window once others are taken out, in order; the pieces touch none of them."""
        left, start = [], self.start
        for other in sorted(others):
            if start < other.start:
                left.append(Window(start, min(other.start, self.end)))
            start = max(start, other.end)
            if start >= self.end:
                return left
        return [*left, Window(start, self.end)]

    def __contains__(self, time: datetime) -> bool:
        return self.start <= time < self.end

    def holds(self, column: str = "time") -> pl.Expr:
        """Return the polars expression that is true for the rows of this window, fit to be pushed into a scan."""
        import polars as pl  # noqa: PLC0415 - the command line's help does without polars

        return (pl.col(column) >= self.start) & (pl.col(column) < self.end)

    def __str__(self) -> str:
        return f"[{format_time(self.start)}, {format_time(self.end)})"
