"""Delays are where time goes: into a service's own work, or into the gap between a caller's wait and the answer."""

from __future__ import annotations

import polars as pl

from workbench.analysis.baseline import PER_MAD, SLICE, weighted_median
from workbench.analysis.shares import share_changes
from workbench.analysis.traces import Traces

__all__ = ["SLOW", "delay_changes"]

SLOW = 3.0
"""A call that takes this many times the usual median is slow."""

_FEWEST_CALLS = 3  # of which a median says something
_RESOLUTION_MS = 0.1  # differences below are the clock's and the tracer's own
_STEADY = 0.05  # a median that wanders by a twentieth has not changed
_MEDIAN_ERROR = 1.2533  # standard error of a median of normal noise, relative to that of its mean
_KEY = ["kind", "service", "caller", "operation"]


def delay_changes(traces: Traces) -> tuple[pl.DataFrame, int]:
    """Return which operations' own work and which calls' gaps got slower, and how many were looked at.

    Two views must agree. The median of logarithms, against its chance error and how far it wanders between the
    baseline's slices, shows a lasting shift and overlooks a burst. The share of slow calls (`share_changes`) shows a
    shift that fills a part of the window only, and overlooks a slight one. The weight of evidence is their geometric
    mean.

    A gap belongs to two services, and the one that shares it with more of its other calls is likelier to be the cause:
    of the evidence each gets the part that its own calls, all together, earn it.

    Returns:
        One row for each that got slower: kind ("own" or "gap"), service, caller (of a gap, else null), operation,
        n_before, n_during (calls), before, during (median milliseconds), odd_before, odd_during (slow calls), first_odd
        (start of the first slow call in the window), nats (weight of evidence), part (of it that falls to ``service``;
        the rest falls to ``caller``).
    """
    calls, gaps = _calls(traces.visits)
    middle = calls.group_by(*_KEY, SLICE).agg(
        n=pl.len(),
        level=pl.col("size").median(),
        spread=(pl.col("size") - pl.col("size").median()).abs().median() * PER_MAD,
    )
    usual = middle.filter(pl.col(SLICE).is_not_null()).group_by(_KEY).agg(usual=weighted_median("level", "n"))
    slow = pl.col("size") > pl.col("usual") + pl.lit(SLOW).log()
    calls = calls.join(usual, on=_KEY, nulls_equal=True).with_columns(slow=slow)
    sliced = calls.group_by(*_KEY, SLICE).agg(
        n=pl.len(),
        odd=pl.col("slow").sum(),
        independent=pl.col("trace").n_unique() / pl.len(),
    )
    more = share_changes(sliced, _KEY).drop("n_before", "n_during", "usual_share")
    before, during = pl.col(SLICE).is_not_null(), pl.col(SLICE).is_null()
    told = calls.group_by(_KEY).agg(
        n_before=before.sum(),
        n_during=during.sum(),
        before=pl.col("ms").filter(before).median(),
        during=pl.col("ms").filter(during).median(),
        first_odd=pl.col("start_time").filter(during & pl.col("slow")).min(),
    )
    both = _shifted(middle, usual).join(more, on=_KEY, nulls_equal=True).join(told, on=_KEY, nulls_equal=True)
    weight = ((1 + pl.col("shift")) * (1 + pl.col("nats"))).sqrt() - 1
    found = both.with_columns(nats=weight).drop("shift")
    return _parted(found, gaps).sort(["nats", *_KEY], descending=[True, *[False] * 4]), usual.height


def _calls(visits: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return all times with their logarithm, and who calls whom."""
    shared = [SLICE, "start_time", "trace", "service", "operation"]
    own = visits.select(*shared, caller=pl.lit(None, dtype=pl.String), kind=pl.lit("own"), ms=pl.col("own_ns") / 1e6)
    gap = visits.filter(pl.col("gap_ns").is_not_null(), pl.col("caller").is_not_null()).select(
        *shared, "caller", kind=pl.lit("gap"), ms=pl.col("gap_ns") / 1e6
    )
    return pl.concat([own, gap]).with_columns(size=(pl.col("ms") + _RESOLUTION_MS).log()), gap.select(
        "caller", "service"
    ).unique()


def _shifted(middle: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    """Return the key and ``shift``, the evidence in nats that the window's median rose."""
    enough = middle.filter(pl.col("n") >= _FEWEST_CALLS)
    past = (
        enough.filter(pl.col(SLICE).is_not_null())
        .join(usual, on=_KEY, nulls_equal=True)
        .group_by(_KEY)
        .agg(
            pl.col("usual").first(),
            wander=(pl.col("level") - pl.col("usual")).abs().median() * PER_MAD,
            spread_before=pl.col("spread").median(),
            per_slice=pl.col("n").median(),
            n_before=pl.col("n").sum(),
        )
    )
    now = enough.filter(pl.col(SLICE).is_null()).drop(SLICE).join(past, on=_KEY, nulls_equal=True)
    spread = pl.max_horizontal("spread", "spread_before") * _MEDIAN_ERROR
    chance = spread.pow(2) * (1 / pl.col("n") + 1 / pl.col("n_before"))
    drift = (pl.col("wander").pow(2) - spread.pow(2) / pl.col("per_slice")).clip(lower_bound=0)
    z = (pl.col("level") - pl.col("usual")) / (chance + drift + _STEADY**2).sqrt()
    return now.select(*_KEY, shift=z.clip(lower_bound=0).pow(2) / 2)


def _parted(found: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Add ``part``: how much of a gap's evidence falls to the called service, by what all calls of both say."""
    moved = found.filter(kind="gap").group_by("caller", "service").agg(moved=pl.col("nats").max().log1p())
    ends = links.join(moved, on=["caller", "service"], how="left").with_columns(pl.col("moved").fill_null(0.0))
    ends = pl.concat([ends.select("moved", end="service"), ends.select("moved", end="caller")])
    weight = ends.group_by("end").agg(weight=pl.col("moved").sum().pow(2) / pl.len())
    part = pl.when(kind="gap").then(pl.col("weight") / (pl.col("weight") + pl.col("other"))).otherwise(1.0)
    return (
        found.join(weight.rename({"end": "service"}), on="service", how="left")
        .join(weight.rename({"end": "caller", "weight": "other"}), on="caller", how="left")
        .with_columns(part=part.fill_nan(0.5).fill_null(0.5))
        .drop("weight", "other")
    )
