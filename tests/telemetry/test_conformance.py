"""Our own sources do what every source must do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import polars as pl
from conformance import SourceConformance

from workbench.telemetry.names import FrameName
from workbench.telemetry.sources.files.parquet import ParquetSource


class TestParquet(SourceConformance):
    """The parquet source, over one file for each frame."""

    refused: ClassVar[Mapping[str, object]] = {"metrics": 3}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> ParquetSource:
        """Return a source over a file of these rows."""
        rows.write_parquet(folder / "rows.parquet")
        return ParquetSource.from_settings("shop", {frame: "rows.parquet"}, folder)

    def broken(self, folder: Path, frame: FrameName) -> ParquetSource:
        """Return a source over a file that was cut short."""
        (folder / "rows.parquet").write_bytes(b"PAR1 and no more")
        return ParquetSource.from_settings("shop", {frame: "rows.parquet"}, folder)


class TestParquetByDay(TestParquet):
    """The same rows spread over many files of a folder, stored in nanoseconds."""

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> ParquetSource:
        """Return a source over a glob."""
        stored = rows.with_columns(pl.selectors.datetime().dt.cast_time_unit("ns"))
        for place in range(stored.height):
            day = folder / f"day={place}"
            day.mkdir(exist_ok=True)
            stored[place].write_parquet(day / "rows.parquet")
        return ParquetSource.from_settings("shop", {frame: "day=*/rows.parquet"}, folder)
