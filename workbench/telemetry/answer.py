"""An answer is what one source gives for one frame while it comes: kept to its limits, on the common clock, checked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta

import polars as pl

from workbench.errors import LimitError, SourceError
from workbench.telemetry.schema import FRAMES, SERIES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Limits, Problem, Reading, Tally
from workbench.telemetry.stream import pages_of
from workbench.telemetry.watch import Overdue, Stopped, watched
from workbench.window import format_duration

__all__ = ["Answer"]

_ENOUGH = 10_000  # rows: smaller pages are taken together,
_WAIT = 0.2  # seconds: unless they come slowly
_KEPT = "what came before it was kept"


class Answer:
    """One frame of one source, not asked for yet.

    Args:
        source: its name.
        frame: which frame.
        read: asks the source, and gets an event that is set when the answer is no longer wanted.
        limits: what it may cost.
        ahead: how much the source's clock is ahead of the others.
        stop: set when the person who asked has gone.
    """

    def __init__(
        self,
        source: str,
        frame: FrameName,
        read: Callable[[threading.Event], Reading],
        *,
        limits: Limits,
        ahead: timedelta,
        stop: threading.Event,
    ) -> None:
        self.source = source
        self.frame: FrameName = frame
        self.tally = Tally()
        """What was noticed so far; final after the last batch."""
        self.asked = ""
        """The query as the backend gets it, known once it was asked."""
        self.rows = 0
        """How many came so far."""
        self._read = read
        self._limits = limits
        self._ahead = ahead
        self._stop = stop

    def batches(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they come, until the answer ends, breaks, hangs, reaches a limit or is stopped.

        What is lost after some rows came is left out, and the tally says so; so is what lies beyond a limit.

        Raises:
            SourceError: nothing at all came, because the source can't be read or doesn't answer in time.
        """
        gone = threading.Event()
        self.rows = 0
        try:
            yield from self._within_limits(gone)
        except Stopped:
            self.tally.cut(f"Reading was stopped; {_KEPT}.", kind="incomplete")
        except LimitError as error:
            self._over(f"{_sentence(error.what)}; {_KEPT}.")
        except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - a third party's source raises anything
            told = error if isinstance(error, SourceError) else self._broken(error)
            if not self.rows:
                raise told from (None if told is error else error)
            self.tally.cut(f"{_sentence(told.what)}; {_KEPT}.")
        finally:
            gone.set()

    def _within_limits(self, gone: threading.Event) -> Iterator[pl.DataFrame]:
        limits, series = self._limits, _Series(self._limits.series)
        try:
            with closing(watched(lambda: self._given(gone), seconds=limits.seconds, stop=self._stop)) as given:
                for whole in _joined(given):
                    batch = series.kept(whole, self.tally) if self.frame == "metrics" else whole
                    room = limits.rows - self.rows
                    self.rows += min(batch.height, room)
                    if batch.height > room:
                        self._over(f"It holds more than {limits.rows:,} rows, its limit; the others were left out.")
                        yield batch.head(room)
                        return
                    yield batch
                    if self.tally.bytes > limits.bytes:
                        self._over(f"It sent more than {limits.bytes:,} bytes, its limit; {_KEPT}.")
                        return
        except Overdue:
            if not self.rows:
                raise SourceError(
                    f"source {self.source!r} gave no {self.frame} within {limits.seconds:g} s, its limit",
                    do="See whether it hangs, or raise limits.seconds",
                ) from None
            self._over(f"It took longer than {limits.seconds:g} s, its limit; what had come by then was kept.")

    def _given(self, gone: threading.Event) -> Iterator[pl.DataFrame]:
        """Ask the source, and yield its batches with their times moved to the common clock."""
        reading, schema = self._read(gone), FRAMES[self.frame]
        self.tally = reading.tally
        if reading.data.collect_schema() != schema:
            raise self.defect()
        self.asked = reading.asked
        if self._ahead:
            self.tally.note(_moved(self._ahead))
        for batch in pages_of(reading.data):
            if batch.schema != schema:
                raise self.defect()
            yield batch.with_columns(pl.col(TIME_COLUMN[self.frame]) - self._ahead) if self._ahead else batch

    def defect(self) -> SourceError:
        """Return the error for rows that don't have the frame's columns."""
        return SourceError(
            f"source {self.source!r} answered {self.frame} with other columns or types than the frame has",
            do="This is a defect of the source's adapter: report it to its authors",
        )

    def _over(self, text: str) -> None:
        self.tally.cut(text, kind="limit")

    def _broken(self, error: BaseException) -> SourceError:
        data = isinstance(error, (pl.exceptions.PolarsError, OSError))
        return SourceError(
            f"source {self.source!r} could not be read for {self.frame}: {_reason(error)}",
            do="Look at its data, then pull again"
            if data
            else "This is a defect of the source's adapter: report it to its authors",
        )


class _Series:
    """The series of metrics that came so far, of which there may only be so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows = 0
        self._waiting: list[pl.DataFrame] = []
        self._known = pl.DataFrame(schema=dict.fromkeys(SERIES, pl.String))

    def kept(self, batch: pl.DataFrame, tally: Tally) -> pl.DataFrame:
        """Return the batch without the series beyond the limit, which are noted."""
        self._rows += batch.height
        if self._rows <= self._most:  # no need to look: there can't be more series than rows
            self._waiting.append(batch.select(SERIES))
            return batch
        if self._waiting:
            self._known, self._waiting = pl.concat(self._waiting).unique(), []
        new = (
            batch.select(SERIES).unique(maintain_order=True).join(self._known, on=SERIES, how="anti", nulls_equal=True)
        )
        room = self._most - self._known.height
        self._known = pl.concat([self._known, new.head(room)])
        if new.height <= room:
            return batch
        left = batch.join(self._known, on=SERIES, how="semi", nulls_equal=True, maintain_order="left")
        tally.cut(
            f"It holds more than {self._most:,} series, its limit; the others were left out.",
            kind="limit",
            rows=batch.height - left.height,
        )
        return left


def _joined(pages: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield pages, several small ones as one; before an error is raised, what came before it."""
    held: list[pl.DataFrame] = []
    rows, since = 0, -_WAIT  # the first is not held back
    try:
        for page in pages:
            held.append(page)
            rows += page.height
            if rows >= _ENOUGH or time.monotonic() - since >= _WAIT:
                yield pl.concat(held)
                held, rows, since = [], 0, time.monotonic()
    except (Exception, pl.exceptions.PanicException):
        if held:
            yield pl.concat(held)
        raise
    if held:
        yield pl.concat(held)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reason(error: BaseException) -> str:
    said = str(error).partition("\n")[0]
    if isinstance(error, (pl.exceptions.PolarsError, OSError)) and said:
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _moved(ahead: timedelta) -> Problem:
    told = format_duration(abs(ahead))
    direction = "back" if ahead > timedelta(0) else "on"
    return Problem("clock-corrected", 0, f"Its times were moved {direction} by {told}, as clock_ahead is set.")
