"""To settle is to bring rows that have arrived into the order of time, each once, in pieces that fit in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from workbench.evidence.arrival import Arrival
from workbench.telemetry.schema import SERIES, TIME_COLUMN, FrameName
from workbench.telemetry.watch import Stopped

__all__ = ["ONCE", "PIECE", "Settling"]

PIECE = 192_000_000
"""How many bytes of rows are sorted at a time."""

ONCE: frozenset[FrameName] = frozenset({"metrics", "spans", "events"})
"""The frames in which the same row twice says no more than once. Two log records may well be alike."""

_MIXED = 4.0  # batches that cover a moment: from here on it is cheaper to sort runs first
_BUCKETS = 4096
_RUN_GROUP = 16_384  # rows: a piece takes some of every run, and shouldn't read much beside them


class Settling:
    """One frame's rows on their way into the order of time, and what is learnt of them there.

    Rows of the same time keep the order they came in.
    """

    def __init__(self, frame: FrameName, stop: threading.Event) -> None:
        self.duplicates = 0
        """Rows left out because another one is alike to the last value; of metrics, spans and events."""
        self.conflicts: Counter[str] = Counter()
        """Points of a series for which there are several values, by metric."""
        self._frame: FrameName = frame
        self._column = TIME_COLUMN[frame]
        self._stop = stop

    def small(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows that fit in memory in order, each once."""
        ordered = rows.sort(self._column, maintain_order=True)
        if self._frame not in ONCE:
            return ordered
        single = ordered.unique(maintain_order=True, keep="first")
        self.duplicates += ordered.height - single.height
        if self._frame == "metrics":
            told = single.filter(pl.col("value").is_finite()).select(*SERIES, "time")
            self.conflicts.update(told.filter(told.is_duplicated())["metric"].drop_nulls().to_list())
        return single

    def large(self, file: Path, arrival: Arrival) -> Iterator[pl.DataFrame]:
        """Yield the rows of a file in order, each once, a piece at a time.

        Args:
            file: Parquet, with its rows in the order they came; runs of them are written beside it.
            arrival: what was learnt when they came.

        Raises:
            Stopped: in between, when nobody wants it any more.
        """
        if arrival.first is None or arrival.last is None:
            return
        rows = pl.scan_parquet(file, glob=False)
        most = max(1, arrival.rows * PIECE // max(1, arrival.size))
        mixed = arrival.depth >= _MIXED and arrival.rows > most
        files = list(self._runs(rows, file, most)) if mixed else [file]
        for start, end in _cuts(rows.select(self._column), self._column, arrival.first, arrival.last, most):
            self._go_on()
            inside = (pl.col(self._column) >= start) & (pl.col(self._column) < end)
            parts = [pl.scan_parquet(one, glob=False).filter(inside) for one in files]
            yield self.small(pl.concat(parts).collect(engine="streaming"))

    def _runs(self, rows: pl.LazyFrame, file: Path, most: int) -> Iterator[Path]:
        """Write the rows into files that are each in order, and yield their paths."""
        for place, batch in enumerate(rows.collect_batches(chunk_size=most, maintain_order=True)):
            self._go_on()
            run = file.with_suffix(f".{place}.run")
            batch.sort(self._column, maintain_order=True).write_parquet(
                run, compression="lz4", row_group_size=_RUN_GROUP
            )
            yield run

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped


def _cuts(
    times: pl.LazyFrame, column: str, first: datetime, last: datetime, most: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield half-open spans of time that meet, cover all rows, and hold at most so many, where times differ at all."""
    span = (last - first) // timedelta(microseconds=1) + 1
    width = -(-span // _BUCKETS)
    bucket = (pl.col(column) - pl.lit(first)).dt.total_microseconds() // width
    inside = (pl.col(column) >= first) & (pl.col(column) <= last)
    counted = times.filter(inside).group_by(bucket.alias("bucket")).len().collect(engine="streaming").sort("bucket")
    step, begin, held = timedelta(microseconds=width), first, 0
    for place, rows in counted.iter_rows():
        start = first + place * step
        if held and held + rows > most:
            yield begin, start
            begin, held = start, 0
        if rows > most and width > 1:
            end = min(start + step, last + timedelta(microseconds=1))
            yield from _cuts(times, column, start, end - timedelta(microseconds=1), most)
            begin = end
            continue
        held += rows
    if held:
        yield begin, last + timedelta(microseconds=1)
