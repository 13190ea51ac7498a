"""Changes are the metric series that moved: their points in the window against their own baseline."""

from __future__ import annotations

import re

import polars as pl

from workbench.analysis.baseline import FEW, PER_MAD
from workbench.window import Window

__all__ = ["MOVED", "SERIES", "deviations", "moved_series", "series_changes", "unit_of"]

SERIES = ["service", "instance", "metric", "attributes"]
"""The columns that tell one series from another."""

MOVED = 3.0
"""A value this many deviations off its median has moved (the usual three sigma)."""

_RELATIVE_FLOOR = 0.05  # a wobble below a twentieth of the level is never a finding
_SMALLEST = 1e-9  # a deviation can't be nought: a series that never changed still has the resolution of a float
_RUNS = (
    20  # runs of points in a baseline: long enough to outlast a single spike, short enough to have many to compare with
)
_TAIL = 0.95  # beyond this quantile of the baseline's own runs the tail is extrapolated
_ENOUGH = 1000.0  # deviations: farther says no more, least of all where a series was flat
_HIGH_IS_BAD = re.compile(
    r"latenc|duration|delay|error|fail|fault|timeout|exception|retr(y|ies)|drop|reject", re.IGNORECASE
)
_LOW_IS_BAD = re.compile(r"success|availab|health|ready|uptime", re.IGNORECASE)
_UNITS = {"seconds": "s", "milliseconds": "ms", "ms": "ms", "microseconds": "µs", "bytes": "B", "percent": "%"}


def series_changes(metrics: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return how far each series went in the window, the farthest first.

    Deviations are robust: from the median, in units of the median absolute deviation, which is held up by half of what
    it is for most series of this name and by a twentieth of the level, so that a flat series doesn't make noise look
    large. Null, NaN and infinite values are left out and counted.

    Returns:
        One row a series: service, instance, metric, attributes, moved_at (time of the first point that moved, null when
        none did), before (the baseline's median), during (the window's value farthest from it), score (deviations of
        that value, at least 0, null without points on either side), direction ("up", "down" or "flat"), n_before,
        n_during, n_excluded. Values are in the metric's own unit.
    """
    points = _points(metrics, window, baseline)
    excluded = points.group_by(SERIES).agg(n_excluded=(~pl.col("finite")).sum())
    usual, inside = _measured(points.filter("finite"))
    during = (
        inside.sort("time", "value")
        .group_by(SERIES)
        .agg(
            n_during=pl.len(),
            moved_at=pl.col("time").filter(pl.col("off").abs() >= MOVED).first(),
            during=pl.col("value").sort_by(pl.col("off").abs(), "value").last(),
            score=pl.col("off").abs().max(),
        )
    )
    return (
        excluded.join(usual.drop("scale"), on=SERIES, how="left", nulls_equal=True)
        .join(during, on=SERIES, how="left", nulls_equal=True)
        .with_columns(
            direction=pl.when(pl.col("during") > pl.col("before")).then(pl.lit("up"))
            .when(pl.col("during") < pl.col("before")).then(pl.lit("down")).otherwise(pl.lit("flat")),
            n_before=pl.col("n_before").fill_null(0),
            n_during=pl.col("n_during").fill_null(0),
        )
        .select(*SERIES, "moved_at", "before", "during", "score", "direction", "n_before", "n_during", "n_excluded")
        .sort(["score", *SERIES], descending=[True, False, False, False, False], nulls_last=True)
    )  # fmt: skip


def deviations(metrics: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return every finite point of the window and the baseline with how far it is off its series' usual level.

    Returns:
        time, service, instance, metric, attributes, value, inside (it lies in the window), off (robust deviations from
        the baseline's median, as in `series_changes`), in order of time within a series. Series without a point in the
        baseline have no usual level and are left out.
    """
    points = _points(metrics, window, baseline).filter("finite")
    told = _off(points, _measured(points)[0])
    return told.select("time", *SERIES, "value", "inside", "off").sort(*SERIES, "time", "value")


def moved_series(metrics: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return the series that stayed off their level for a while, by how seldom any series of that name did so before.

    A run is a mean of a few points in a row. How far off the window's farthest run is, is compared with all runs of all
    series of the same metric in the baseline; the 5 % farthest are extrapolated as a power law. A change for the better
    (less latency, fewer errors) is left out, and so is a series that several services share to the digit: it describes
    their host.

    Returns:
        service, instance, metric, attributes, nats (weight of evidence: minus the logarithm of how often that happens).
    """
    points = _points(metrics, window, baseline).filter("finite")
    usual, inside = _measured(points)
    if inside.is_empty():
        return inside.select(*SERIES, nats="off")
    shape = points.group_by(SERIES).agg(shape=pl.col("value").hash().sum())
    alone = shape.filter(pl.col("service").n_unique().over("metric", "shape") == 1)
    moments = usual.select(pl.col("n_before").median()).item() // _RUNS
    run = int(max(1, min(moments, inside.group_by(SERIES).len().select(pl.col("len").median()).item())))
    off = pl.col("off").rolling_mean(run, min_samples=run).over(SERIES)
    both = _off(points, usual)
    before = both.filter(~pl.col("inside")).sort("time").with_columns(off=off).drop_nulls("off")
    reference = before.group_by("metric").agg(tail=pl.col("off").abs().quantile(_TAIL, "linear").clip(lower_bound=1.0))
    now = (
        inside.sort("time")
        .with_columns(off=off)
        .drop_nulls("off")
        .filter(_is_bad(pl.col("metric"), pl.col("off")))
        .group_by(SERIES)
        .agg(farthest=pl.col("off").abs().max(), tries=pl.len())
        .filter(pl.col("farthest") >= MOVED)
        .join(alone.select(SERIES), on=SERIES, nulls_equal=True, how="semi")
        .join(reference, on="metric")
    )
    farthest = pl.col("farthest").clip(upper_bound=_ENOUGH)
    rarer = pl.when(farthest > pl.col("tail")).then((1 - _TAIL) * pl.col("tail") / farthest).otherwise(1.0)
    nats = -(rarer * pl.col("tries")).clip(upper_bound=1.0).log() * pl.col("n_before") / (pl.col("n_before") + FEW)
    return (
        now.join(usual.select(*SERIES, "n_before"), on=SERIES, nulls_equal=True)
        .select(*SERIES, nats=nats)
        .filter(pl.col("nats") > 0)
        .sort(["nats", *SERIES], descending=[True, *[False] * 4])
    )


def unit_of(metric: str) -> str:
    """Return the unit a metric's name ends with, else "": ``CpuUsageRate(%)`` → ``%``, ``duration_seconds`` → ``s``."""
    name = metric.strip()
    if name.endswith(")") and "(" in name:
        return name[name.rindex("(") + 1 : -1]
    return _UNITS.get(re.split(r"[_.\s]", name.lower().removesuffix("_total"))[-1], "")


def _is_bad(metric: pl.Expr, off: pl.Expr) -> pl.Expr:
    high, low = metric.str.contains(f"(?i){_HIGH_IS_BAD.pattern}"), metric.str.contains(f"(?i){_LOW_IS_BAD.pattern}")
    return pl.when(high).then(off > 0).when(low).then(off < 0).otherwise(pl.lit(value=True))


def _level() -> pl.Expr:
    """Return what a series' noise is measured by: its level, but for a success rate how far it is from the top.

    A rate that falls from 100 % to 95 % is a few percent less success and many times as many failures.
    """
    level, highest = pl.col("before").abs(), pl.col("before").max().over("metric")
    top = pl.when(highest <= 1).then(1.0).when(highest <= 100).then(100.0)  # noqa: PLR2004 - shares and percents
    failures = pl.max_horizontal(pl.min_horizontal(level, top - level), top / 10)
    rate = pl.col("metric").str.contains(f"(?i){_LOW_IS_BAD.pattern}") & top.is_not_null()
    return pl.when(rate).then(failures).otherwise(level)


def _points(metrics: pl.LazyFrame, window: Window, baseline: Window) -> pl.DataFrame:
    finite = pl.col("value").is_finite().fill_null(value=False)
    near = metrics.select("time", *SERIES, "value").filter(window.holds() | baseline.holds())
    return near.with_columns(inside=window.holds(), finite=finite).sort("time", *SERIES, "value").collect()


def _measured(points: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return each series' before, n_before and scale, and the window's points with ``off``, their deviations."""
    past = points.filter(~pl.col("inside")).with_columns(before=pl.col("value").median().over(SERIES))
    usual = past.group_by(SERIES).agg(
        pl.col("before").first(), n_before=pl.len(), mad=(pl.col("value") - pl.col("before")).abs().median() * PER_MAD
    )
    usual = usual.with_columns(
        scale=pl.max_horizontal(
            "mad",
            pl.col("mad").median().over("metric") / 2,
            _level() * _RELATIVE_FLOOR,
            pl.lit(_SMALLEST),
        )
    ).drop("mad")
    return usual, _off(points.filter("inside"), usual)


def _off(points: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    both = points.join(usual, on=SERIES, nulls_equal=True)
    return both.with_columns(off=(pl.col("value") - pl.col("before")) / pl.col("scale"))
