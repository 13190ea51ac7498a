"""An arrival is a frame's rows on their way into a file, and what is learnt of them in passing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import cast

import polars as pl

from workbench.telemetry.schema import SERIES, TIME_COLUMN, FrameName
from workbench.window import Window

__all__ = ["Arrival"]

_TOGETHER = 100_000  # samples


class Arrival:
    """The rows of one frame as their source delivers them.

    Args:
        frame: which frame.
        span: what was asked for; a row outside of it is left out and counted.
    """

    def __init__(self, frame: FrameName, span: Window) -> None:
        self.frame: FrameName = frame
        self.rows = 0
        """That lie in the span."""
        self.size = 0
        """Of these rows in memory, in bytes, about."""
        self.outside = 0
        """Rows that a source gave though they were not asked for, or that have no time."""
        self.ordered = True
        """Whether no row came after a later one."""
        self.first: datetime | None = None
        self.last: datetime | None = None
        self._span = span
        self._covered = 0.0
        self._late = 0
        self._waiting: list[pl.DataFrame] = []
        self._newest = pl.DataFrame(schema={**dict.fromkeys(SERIES, pl.String), "newest": pl.Datetime("us", "UTC")})

    @property
    def late(self) -> int:
        """How many samples of metrics came after a later one of their series."""
        if self.ordered:
            return 0
        self._note_late()
        return self._late

    @property
    def depth(self) -> float:
        """How many batches cover a moment on the average: 1 for what came in order, more for what came mixed."""
        if self.first is None or self.last is None or self.first == self.last:
            return 1.0
        return self._covered / (self.last - self.first).total_seconds()

    def passing(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the batches, without rows outside of the span, and look at each."""
        column = TIME_COLUMN[self.frame]
        for whole in batches:
            batch = whole.filter(self._span.holds(column))
            self.outside += whole.height - batch.height
            if batch.is_empty():
                continue
            times = batch[column]
            first, last = cast("datetime", times.min()), cast("datetime", times.max())
            in_order = times.is_sorted() and (self.last is None or first >= self.last)
            if self.frame == "metrics":
                self._waiting.append(batch.select(*SERIES, "time"))
                if sum(waiting.height for waiting in self._waiting) >= _TOGETHER:
                    self._note_late()
            self.ordered = self.ordered and in_order
            self.first = first if self.first is None else min(first, self.first)
            self.last = last if self.last is None else max(last, self.last)
            self._covered += (last - first).total_seconds()
            self.rows += batch.height
            self.size += int(batch.estimated_size())
            yield batch

    def _note_late(self) -> None:
        """Compare the samples that wait with those before them; many at a time, because each look has its cost."""
        if not self._waiting:
            return
        samples, self._waiting = pl.concat(self._waiting), []
        if not self.ordered:
            before = pl.col("time").cum_max().shift(1).over(SERIES)
            seen = samples.with_columns(before=before).join(self._newest, on=SERIES, how="left", nulls_equal=True)
            self._late += seen.select((pl.col("time") < pl.max_horizontal("before", "newest")).sum()).item()
        newest = samples.group_by(SERIES).agg(newest=pl.col("time").max())
        self._newest = pl.concat([self._newest, newest]).group_by(SERIES).agg(pl.col("newest").max())
