"""Blame is what other services' warnings and errors say about a service: that it didn't answer, or wasn't there."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from workbench.analysis.baseline import FEW, slice_length
from workbench.window import Window

__all__ = ["blame_changes"]

_MINUTE = "minute"


def blame_changes(records: pl.DataFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return the services that others complained about for longer than usual, the surest first.

    Complaints come in bursts, so minutes are counted and not complaints: of the minutes (sixtieths of the baseline)
    that hold any records, those in which another service's warning or error names this one. The weight of evidence is a
    binomial log-likelihood ratio of the window's share against the baseline's, lessened where few minutes can show it.

    Returns:
        service (complained about), caller (who complained most in the window), name (the template most complained in),
        n_before, odd_before, n_during, odd_during (minutes with records, and those with a complaint), first_odd (time
        of the first complaint in the window), nats (weight of evidence).
    """
    length = slice_length(baseline) // timedelta(microseconds=1)
    since = (pl.col("time") - pl.lit(window.start)).dt.total_microseconds()
    timed = records.with_columns((since // max(1, length)).alias(_MINUTE), inside=window.holds())
    seen = timed.select(_MINUTE, "inside").unique()
    n_during = int(seen["inside"].sum())
    n_before = seen.height - n_during
    blaming = timed.filter(pl.col("blames").is_not_null()).rename({"service": "caller", "blames": "service"})
    minutes = pl.col(_MINUTE)
    found = (
        blaming.group_by("service")
        .agg(
            caller=pl.col("caller").filter("inside").sort().mode(maintain_order=True).first(),
            name=pl.col("template").filter("inside").sort().mode(maintain_order=True).first(),
            n_before=pl.lit(n_before),
            odd_before=minutes.filter(~pl.col("inside")).n_unique(),
            n_during=pl.lit(n_during),
            odd_during=minutes.filter("inside").n_unique(),
            first_odd=pl.col("time").filter("inside").min(),
        )
        .filter(pl.col("odd_during") > 0, pl.col("n_before") > 0)
        .with_columns(usual=(pl.col("odd_before") + 0.5) / (pl.col("n_before") + 1))
    )
    share = pl.col("odd_during") / pl.col("n_during")
    rest = pl.when(share < 1).then(((1 - share) / (1 - pl.col("usual"))).log()).otherwise(0.0) * (1 - share)
    trust = pl.col("n_before") / (pl.col("n_before") + FEW)
    ratio = trust * pl.col("n_during") * (share * (share / pl.col("usual")).log() + rest)
    return (
        found.with_columns(nats=pl.when(share > pl.col("usual")).then(ratio).otherwise(0.0))
        .drop("usual")
        .sort("nats", "service", descending=[True, False])
    )
