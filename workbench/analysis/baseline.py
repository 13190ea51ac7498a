"""A baseline is the stretch before an incident, cut into slices so that an earlier fault fills only a few."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from workbench.window import Window

__all__ = ["FEW", "PER_MAD", "SLICE", "slice_length", "sliced", "weighted_median"]

SLICE = "slice"
"""Null for a row of the window, 0 for the slice just before it, 1 for the one before that, and so on."""

FEW = 5
"""So many points, minutes or slices of a baseline make what is compared with it count half; more, more."""

PER_MAD = 1.4826
"""Makes the median absolute deviation of normal noise equal to its standard deviation."""

_SLICES = 60  # in a baseline: minutes of an hour, so that an earlier fault fills few of them


def slice_length(baseline: Window) -> timedelta:
    """Return how long a slice of this baseline is: a sixtieth."""
    return baseline.duration / _SLICES


def sliced(time: str, *, window: Window, baseline: Window) -> pl.Expr:
    """Return the slice of each row of the window or the baseline, counted back from the baseline's end."""
    back = (pl.lit(baseline.end) - pl.col(time)).dt.total_microseconds() - 1
    number = back // max(1, slice_length(baseline) // timedelta(microseconds=1))
    return pl.when(window.holds(time)).then(None).otherwise(number).cast(pl.Int64).alias(SLICE)


def weighted_median(value: str, weight: str) -> pl.Expr:
    """Return the value below which half of the weight lies, to aggregate by."""
    weights = pl.col(weight).sort_by(value).cast(pl.Float64)
    return pl.col(value).sort().filter(weights.cum_sum() * 2 >= weights.sum()).first()
