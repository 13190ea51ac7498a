"""To thin a series is to keep, of every stretch a screen can't part, its first, last, lowest and highest sample."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from workbench.window import Window

__all__ = ["POINTS", "samples"]

if TYPE_CHECKING:
    from collections.abc import Sequence

POINTS = 320
"""How many samples of one series are drawn at most, four in each stretch: more than a phone has pixels for."""

_GAP = 2.5  # a silence of more than so many usual steps is a gap, and a line doesn't cross it


def samples(frame: pl.LazyFrame, key: Sequence[str], window: Window, *, points: int = POINTS) -> pl.DataFrame:
    """Return the samples of each series in the window, thinned, with an empty one wherever the series has a gap.

    Every extreme stays, so a spike of one sample is never lost. NaN, infinite and null values become null: a gap.

    Returns:
        The columns of ``key``, then time and value (null in a gap), sorted by them.
    """
    columns = list(key)
    found = (
        frame.filter(window.holds())
        .select(*columns, "time", value=pl.when(pl.col("value").is_finite()).then(pl.col("value")))
        .sort(*columns, "time", "value", nulls_last=True)
        .collect()
    )
    if found.is_empty():
        return found
    after = pl.col("time").diff().over(columns)
    broken = found.with_columns(after=after, step=after.median().over(columns)).filter(
        pl.col("after") > pl.col("step") * _GAP
    )
    gaps = broken.select(*columns, time=pl.col("time") - pl.col("after") / 2, value=pl.lit(None, pl.Float64))
    both = pl.concat([found, gaps]).sort(*columns, "time", "value", nulls_last=True)
    width = max(window.duration // max(points // 4, 1), timedelta(microseconds=1)) // timedelta(microseconds=1)
    bucket = (pl.col("time") - window.start).dt.total_microseconds() // width
    group = [*columns, "bucket", "empty"]
    place = pl.int_range(pl.len()).over(group)
    value = pl.col("value")
    kept = (
        (place == 0)
        | (place == pl.len().over(group) - 1)
        | (place == value.arg_min().over(group))
        | (place == value.arg_max().over(group))
    )
    return both.with_columns(bucket=bucket, empty=value.is_null()).filter(kept).select(*columns, "time", "value")
