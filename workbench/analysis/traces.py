"""What each service did itself: spans with the time of their children taken off, by operation, and who calls whom."""

from __future__ import annotations

import polars as pl

from workbench.window import Window

__all__ = ["calls", "operations", "self_times"]

_KEY = ["service", "name"]


def self_times(spans: pl.LazyFrame) -> pl.LazyFrame:
    """Return the spans with ``self_ns``: their duration without their children's, never below zero, in nanoseconds."""
    children = spans.group_by("trace_id", "parent_span_id").agg(
        children_ns=pl.col("duration_ns").sum(), children=pl.len()
    )
    return spans.join(
        children, left_on=["trace_id", "span_id"], right_on=["trace_id", "parent_span_id"], how="left"
    ).with_columns(
        self_ns=(pl.col("duration_ns") - pl.col("children_ns").fill_null(0)).clip(lower_bound=0),
        children=pl.col("children").fill_null(0),
    )


def operations(spans: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return each operation's self time and number of children before and during the incident.

    Returns:
        One row for each service and span name: service, name, n_before, n_during, self_before and self_during (median self time, ms),
        p90_before and p90_during (its ninth decile, ms), children_before and children_during (mean number of child spans),
        first_slow (start of the first span in the window slower than the ninth decile before).
    """
    inside = window.holds("start_time")
    timed = (
        self_times(spans.filter(inside | baseline.holds("start_time")))
        .filter(pl.col("service").is_not_null())
        .with_columns(inside=inside, self_ms=pl.col("self_ns") / 1e6)
        .with_columns(p90_before=pl.col("self_ms").filter(~pl.col("inside")).quantile(0.9).over(_KEY))
    )
    during, before = pl.col("inside"), ~pl.col("inside")
    return (
        timed.group_by(_KEY)
        .agg(
            n_before=before.sum(),
            n_during=during.sum(),
            self_before=pl.col("self_ms").filter(before).median(),
            self_during=pl.col("self_ms").filter(during).median(),
            p90_before=pl.col("p90_before").first(),
            p90_during=pl.col("self_ms").filter(during).quantile(0.9),
            children_before=pl.col("children").filter(before).mean(),
            children_during=pl.col("children").filter(during).mean(),
            first_slow=pl.col("start_time").filter(during & (pl.col("self_ms") > pl.col("p90_before"))).min(),
        )
        .sort(_KEY)
        .collect()
    )


def calls(spans: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return who called whom: caller, callee (different services), before and during (number of calls)."""
    inside = window.holds("start_time")
    near = spans.filter(inside | baseline.holds("start_time"))
    parents = near.select("trace_id", pl.col("span_id").alias("parent_span_id"), pl.col("service").alias("caller"))
    return (
        near.join(parents, on=["trace_id", "parent_span_id"], how="inner")
        .filter(pl.col("service") != pl.col("caller"))
        .with_columns(inside=inside)
        .group_by("caller", pl.col("service").alias("callee"))
        .agg(before=(~pl.col("inside")).sum(), during=pl.col("inside").sum())
        .sort("caller", "callee")
        .collect()
    )
