"""Which series moved: every metric's points in the window against its own baseline."""

from __future__ import annotations

import polars as pl

from workbench.window import Window

__all__ = ["series_changes", "unit_of"]

MOVED = 3.0
"""A point this many robust standard deviations off its median has moved (the usual three sigma)."""

_KEY = ["service", "instance", "metric", "attributes"]
_PER_MAD = 1.4826  # makes the median absolute deviation of normal noise equal its standard deviation
_RELATIVE_FLOOR = 0.05  # noise below a twentieth of the level is never a finding


def series_changes(metrics: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return how far each series went in the window, the farthest first.

    Null, NaN and infinite values are left out and counted in ``n_excluded``. A series without points in the baseline or
    in the window has a null ``score``.

    Returns:
        One row a series: service, instance, metric, attributes, moved_at (time of the first point that moved, null when none
        did), before (the baseline's median), during (the window's value farthest from it), score (robust standard
        deviations, at least 0), direction ("up", "down", "flat"), n_before, n_during, n_excluded. Values have the metric's unit.
    """
    finite = pl.col("value").is_finite().fill_null(value=False)
    points = (
        metrics.select("time", *_KEY, "value")
        .filter(window.holds() | baseline.holds())
        .with_columns(inside=window.holds(), ok=finite)
    )
    excluded = points.group_by(_KEY).agg(n_excluded=(~pl.col("ok")).sum())
    points = points.filter("ok")
    before = points.filter(~pl.col("inside")).with_columns(before=pl.col("value").median().over(_KEY))
    stats = before.group_by(_KEY).agg(
        pl.col("before").first(),
        n_before=pl.len(),
        mad=(pl.col("value") - pl.col("before")).abs().median() * _PER_MAD,
        wide=(pl.col("value").quantile(0.95) - pl.col("value").quantile(0.05)) / 3.29,
    )
    stats = stats.with_columns(
        scale=pl.max_horizontal("mad", "wide", pl.col("before").abs() * _RELATIVE_FLOOR, pl.lit(1e-9))
    )
    inside = (
        points.filter("inside")
        .join(stats, on=_KEY, how="left", nulls_equal=True)
        .with_columns(
            off=pl.col("value") - pl.col("before"), z=(pl.col("value") - pl.col("before")).abs() / pl.col("scale")
        )
        .sort("time", "value")
    )
    during = inside.group_by(_KEY).agg(
        n_during=pl.len(),
        moved_at=pl.col("time").filter(pl.col("z") >= MOVED).first(),
        during=pl.col("value").sort_by("z", "value").last(),
        score=pl.col("z").max(),
    )
    return (
        excluded.join(stats.drop("mad", "wide", "scale"), on=_KEY, how="left", nulls_equal=True)
        .join(during, on=_KEY, how="left", nulls_equal=True)
        .with_columns(
            direction=pl.when(pl.col("during") > pl.col("before"))
            .then(pl.lit("up"))
            .when(pl.col("during") < pl.col("before"))
            .then(pl.lit("down"))
            .otherwise(pl.lit("flat")),
            n_before=pl.col("n_before").fill_null(0),
            n_during=pl.col("n_during").fill_null(0),
        )
        .select(*_KEY, "moved_at", "before", "during", "score", "direction", "n_before", "n_during", "n_excluded")
        .sort(["score", *_KEY], descending=[True, False, False, False, False], nulls_last=True)
        .collect()
    )


def unit_of(metric: str) -> str:
    """Return the unit a metric's name ends with, ``CpuUsageRate(%)`` → ``%``, ``http_duration_seconds`` → ``s``, else ""."""
    name = metric.strip()
    if name.endswith(")") and "(" in name:
        return name[name.rindex("(") + 1 : -1]
    last = name.lower().replace(".", "_").rsplit("_", 1)[-1]
    return {"seconds": "s", "milliseconds": "ms", "bytes": "B", "percent": "%", "ratio": "", "ms": "ms"}.get(last, "")
