"""A table is written from what one source gives for one frame: in order of time, each row once, looked at, hashed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Literal

import polars as pl

from workbench.evidence.arrival import Arrival
from workbench.evidence.manifest import Note, Table
from workbench.evidence.quality import delivered, examined
from workbench.evidence.settle import ONCE, Settling
from workbench.evidence.snapshots import sha256_of
from workbench.telemetry.answer import Answer
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query
from workbench.telemetry.stream import stream
from workbench.telemetry.watch import Stopped
from workbench.versions import refused
from workbench.window import Window

__all__ = ["ARRIVING", "Writing"]

ARRIVING = "arriving"
"""The folder in a half-made snapshot for what is needed on the way; it is gone when the snapshot appears."""

_SMALL = 16_000_000  # bytes in memory: as much of every frame may be held at once
_GROUP = 131_072  # rows: large enough to compress, small enough for a window to skip most of them
_LEVEL = 6


class Writing:
    """One frame of one source on its way into its file.

    Args:
        answer: where the rows come from.
        query: what was asked.
        window: the incident's.
        file: the file that appears; what is needed on the way lies beside it in the folder ``arriving``.
        alone: held while much memory is needed, so that only one frame needs it at a time.
    """

    def __init__(self, answer: Answer, query: Query, window: Window, file: Path, alone: threading.Lock) -> None:
        self.answer = answer
        self._query = query
        self._window = window
        self.file = file
        self._arriving = file.parent / ARRIVING / file.name
        self._alone = alone
        self._arrival = Arrival(answer.frame, query.window)
        self._settling = Settling(answer.frame, query.stop)
        self._began = time.monotonic()

    @property
    def stop(self) -> threading.Event:
        """Set when nobody wants it any more."""
        return self._query.stop

    @property
    def rows(self) -> int:
        """How many have come so far."""
        return self._arrival.rows

    @property
    def bytes(self) -> int:
        """How much the backend has sent so far; 0 where it can't say."""
        return self.answer.tally.bytes

    @property
    def seconds(self) -> float:
        """How long it has been read so far."""
        return round(time.monotonic() - self._began, 3)

    def write(self) -> Table:
        """Read the source to the end, write the file, and return what the manifest says of it.

        Raises:
            SourceError: the source can't be read.
            StorageError: the disk refused.
            Stopped: nobody wants it any more.
        """
        self._began, pulled_at = time.monotonic(), datetime.now(UTC)
        try:
            rows = self._written()
            if self._query.stop.is_set():
                raise Stopped
            seconds = self.seconds
            with nullcontext() if self._small else self._alone:
                counted = examined(self.answer.frame, rows, window=self._window, now=datetime.now(UTC))
            sha256, size = sha256_of(self.file), self.file.stat().st_size
        except (pl.exceptions.PolarsError, OSError) as error:
            raise refused(self.file.parent.parent, error) from error
        arrival, settling, tally = self._arrival, self._settling, self.answer.tally
        odd = delivered(
            self.answer.frame,
            outside=arrival.outside,
            late=arrival.late,
            duplicates=settling.duplicates,
            conflicts=settling.conflicts,
        )
        return Table(
            source=self.answer.source,
            frame=self.answer.frame,
            path=self.file.name,
            asked=self.answer.asked,
            start=self._query.window.start,
            end=self._query.window.end,
            rows=counted.rows,
            rows_in_window=counted.inside,
            columns={name: str(dtype) for name, dtype in FRAMES[self.answer.frame].items()},
            bytes=size,
            sha256=sha256,
            complete=tally.complete,
            seconds=seconds,
            received_bytes=tally.bytes,
            pulled_at=pulled_at,
            notes=(*(Note(kind=p.kind, rows=p.rows, text=p.text) for p in tally.problems), *odd, *counted.notes),
        )

    @property
    def _small(self) -> bool:
        return self._arrival.size <= _SMALL

    def _written(self) -> pl.LazyFrame:
        """Write the file, and return its rows."""
        batches = self._arrival.passing(self.answer.batches())
        held: list[pl.DataFrame] = []
        for batch in batches:
            held.append(batch)
            if not self._small:
                self._large(chain(held, batches))
                return pl.scan_parquet(self.file, glob=False)
        rows = self._settling.small(pl.concat(held) if held else pl.DataFrame(schema=FRAMES[self.answer.frame]))
        self._sink(rows.lazy(), self.file, "zstd")
        return rows.lazy()

    def _large(self, batches: Iterator[pl.DataFrame]) -> None:
        """Write the rows as they come; then again in order of time, unless they came so and may be alike."""
        frame, arrival = self.answer.frame, self._arrival
        self._arriving.mkdir(parents=True)
        raw = self._arriving / "raw.parquet"
        # What may stay as it came is written as it is to stay.
        stays = frame not in ONCE
        self._sink(stream(frame, lambda: batches), raw, "zstd" if stays else "lz4")
        if stays and arrival.ordered:
            raw.replace(self.file)
        else:
            pieces = self._settling.large(raw, arrival)
            with self._alone:
                self._sink(stream(frame, lambda: pieces), self.file, "zstd")
        shutil.rmtree(self._arriving)

    @staticmethod
    def _sink(rows: pl.LazyFrame, file: Path, compression: Literal["zstd", "lz4"]) -> None:
        rows.sink_parquet(
            file,
            compression=compression,
            compression_level=_LEVEL if compression == "zstd" else None,
            row_group_size=_GROUP,
            statistics=True,
            mkdir=False,
        )
