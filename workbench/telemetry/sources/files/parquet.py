"""The parquet source reads telemetry from Parquet files: a path, a glob, or a list of them for each frame."""

from __future__ import annotations

from collections.abc import Iterator
from glob import has_magic
from typing import ClassVar

import polars as pl

from workbench.telemetry.conform import conform, flattened, resolved
from workbench.telemetry.impossible import impossible, impossible_times, unreadable_rows
from workbench.telemetry.moments import moments
from workbench.telemetry.schema import FRAMES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Estimate, Problem, Query, Tally
from workbench.telemetry.sources.files.paths import Place, partition
from workbench.telemetry.sources.files.source import FileSource
from workbench.telemetry.sources.files.storage import is_remote

__all__ = ["ParquetSource"]


class ParquetSource(FileSource):
    """Parquet files, scanned lazily: only the row groups and columns that the window needs are read."""

    kind: ClassVar[str] = "parquet"
    format: ClassVar[str] = "Parquet"

    def _pages(self, place: Place, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        for scan, name in self._scans(place):
            data, problems = conform(scan, frame, query, origin=name, columns=self._columns)
            for problem in (*problems, *self._odd(scan, frame, name)):
                tally.note(problem)
            yield pl.DataFrame(schema=FRAMES[frame])
            # No size is asked for: rows held back until they fill a page would be lost when a later one can't be read.
            yield from data.collect_batches(maintain_order=True)

    def _scans(self, place: Place) -> Iterator[tuple[pl.LazyFrame, str]]:
        """Yield each file of a place, unread, with its name."""
        reached = self._reached(place)
        addresses = [place.address]
        if is_remote(place.address) and has_magic(place.address):
            # The bucket is listed by the scan itself; of each file no more than its footer is read.
            listed = pl.scan_parquet(
                place.address,
                schema={},
                include_file_paths="path",
                missing_columns="insert",
                extra_columns="ignore",
                **reached,
            )
            addresses = listed.select(pl.col("path").unique().sort()).collect(engine="streaming")["path"].to_list()
        for address in addresses:
            scan = pl.scan_parquet(address, glob=False, hive_partitioning=False, **reached)
            keys = partition(address) if is_remote(address) else place.keys
            stored = scan.collect_schema()
            added = [pl.lit(value, dtype=pl.String).alias(key) for key, value in keys.items() if key not in stored]
            yield (scan.with_columns(added) if added else scan), address.rpartition("/")[2]

    def _odd(self, scan: pl.LazyFrame, frame: FrameName, name: str) -> list[Problem]:
        """Return what is odd about the times of a whole file: those that can't be right are in no window.

        The time column alone is read, and of it the row groups only whose statistics don't rule it out.
        """
        schema = scan.collect_schema()
        found = resolved(schema, frame, self._columns, origin=name).stored[TIME_COLUMN[frame]]
        stored, dtype = flattened(schema)[found]
        made = moments(stored, dtype, self._columns, called=found, origin=name)
        wrong = scan.filter(impossible(stored, dtype, made, self._columns))
        told = wrong.select(
            pl.len().alias("rows"),
            made.min().alias("first"),
            (stored.is_not_null() & made.is_null()).sum().alias("unread"),
        )
        rows, first, unread = told.collect(engine="streaming").row(0)
        return [
            *impossible_times(rows - unread, first, origin=name),
            *unreadable_rows(unread, None, f"{found!r} can't be read as a time", origin=name),
        ]

    def _estimate(self, frame: FrameName, query: Query) -> Estimate:
        """Return the rows in the window, by the files' statistics and the times they don't settle."""
        rows = 0
        for place in self._paths.places(frame, query.window):
            try:
                for scan, name in self._scans(place):
                    data, _ = conform(scan, frame, query, origin=name, columns=self._columns)
                    rows += data.select(pl.len()).collect(engine="streaming").item()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
                raise self._unreadable(place, error) from None
        return Estimate(rows=rows, bytes=super()._estimate(frame, query).bytes)
