"""Silence is an instance that stops reporting, as one does that crashed or was replaced, while the others go on."""

from __future__ import annotations

import polars as pl

from workbench.window import Window

__all__ = ["silent_instances"]

_KEY = ["service", "instance"]
_FEWEST = 5  # moments before, that tell how often an instance reports
_LATE = 2.5  # intervals without a point: one may be lost on the way, two are not


def silent_instances(metrics: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return the instances that stopped before the window's end, the surest first; none where more than half stopped.

    Then it is the recording that ended. The weight of evidence is how seldom any instance was silent so long in the
    baseline: minus the logarithm of the share of such gaps among all stretches of that length.

    Returns:
        service, instance, n_before, n_during (moments at which it reported), last_seen (the last of them), interval_s
        (its usual seconds between two), silent_s (seconds from last_seen to the window's end), nats.
    """
    gap = pl.col("time").diff().dt.total_microseconds().over(_KEY) / 1e6
    moments = (
        metrics.filter(window.holds() | baseline.holds(), pl.col("service").is_not_null())
        .select("time", *_KEY)
        .unique()
        .sort(*_KEY, "time")
        .with_columns(gap=gap, inside=window.holds())
        .collect()
    )
    instances = (
        moments.group_by(_KEY)
        .agg(
            n_before=(~pl.col("inside")).sum(),
            n_during=pl.col("inside").sum(),
            last_seen=pl.col("time").max(),
            interval_s=pl.col("gap").median(),
            longest_s=pl.col("gap").max(),
        )
        .with_columns(silent_s=(pl.lit(window.end) - pl.col("last_seen")).dt.total_microseconds() / 1e6)
        .filter(pl.col("n_before") >= _FEWEST)
    )
    late = (pl.col("silent_s") > _LATE * pl.col("interval_s")) & (pl.col("silent_s") > pl.col("longest_s"))
    silent = instances.filter(late)
    if 2 * silent.height > instances.height:
        silent = silent.clear()
    gaps = moments.filter(~pl.col("inside"))["gap"].drop_nulls().sort()
    as_long = len(gaps) - gaps.search_sorted(silent["silent_s"])
    stretches = instances.height * baseline.duration.total_seconds() / pl.col("silent_s")
    return (
        silent.with_columns(as_long=as_long)
        .with_columns(nats=-((pl.col("as_long") + 1) / (stretches + 1)).clip(upper_bound=1.0).log())
        .drop("as_long", "longest_s")
        .sort("nats", *_KEY, descending=[True, False, False])
    )
