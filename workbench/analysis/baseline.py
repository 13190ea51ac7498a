"""The baseline is the stretch before an incident, cut into slices, so that an earlier fault is one odd slice among several."""

from __future__ import annotations

import polars as pl

from workbench.window import Window

__all__ = ["PER_MAD", "SLICE", "sliced", "weighted_median"]

SLICE = "slice"
"""Null for a row of the window, 0 for the slice just before it, 1 for the one before that, and so on."""

PER_MAD = 1.4826
"""Makes the median absolute deviation of normal noise equal to its standard deviation."""

_FEWEST, _MOST = 6, 60  # slices in a baseline: fewer can't show what is usual, more hold too few points each


def sliced(time: str, *, window: Window, baseline: Window) -> pl.Expr:
    """Return the slice of each row, for rows that are in the window or in the baseline.

    A slice is as long as the window where the baseline gives 6 to 20 of them, else a sixth or a twentieth of it. Slices are counted
    back from the baseline's end.
    """
    whole = baseline.duration
    length = min(whole / _MOST, whole / _FEWEST)
    back = (pl.lit(baseline.end) - pl.col(time)).dt.total_microseconds() - 1
    number = back // int(length.total_seconds() * 1_000_000)
    return pl.when(window.holds(time)).then(None).otherwise(number).cast(pl.Int64).alias(SLICE)


def weighted_median(value: str, weight: str) -> pl.Expr:
    """Return the value below which half of the weight lies, for use in an aggregation."""
    weights = pl.col(weight).sort_by(value).cast(pl.Float64)
    return pl.col(value).sort().filter(weights.cum_sum() * 2 >= weights.sum()).first()
