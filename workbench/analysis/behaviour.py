"""Behaviour is what a service does for a call of one of its operations: the spans, calls and log records it makes.

A fault shows where a service, given the same call, does something else than usual: a record is missing because the code
returned early, a call is repeated, an error appears. Counting per call and not per minute leaves out what only load or
the callers changed.
"""

from __future__ import annotations

import polars as pl

from workbench.analysis.baseline import SLICE, sliced
from workbench.analysis.shares import share_changes
from workbench.analysis.traces import Traces
from workbench.window import Window

__all__ = ["behaviour_changes"]

_CALL = ["service", "operation"]
_WHAT = ["kind", "name", "callee", "severe"]
_KEY = [*_CALL, *_WHAT, "usual", "direction"]
_USUAL = 0.5  # of an operation's visits: what happens in more is how it works
_NULL = pl.lit(None, dtype=pl.String)


def behaviour_changes(
    traces: Traces, records: pl.DataFrame, *, window: Window, baseline: Window
) -> tuple[pl.DataFrame, int]:
    """Return what services did more or less often for a call than usual, and how many operations were looked at.

    ``records`` are those of `workbench.analysis.logs.records`. A record counts for the visit its span belongs to; a
    trace without any record is taken as one whose records were not kept, not as one that said nothing. Records of no
    known span are compared by their share of their service's records. A visit that says another service failed it, and
    every visit that waited for that one, did as it should, and is left out.

    Returns:
        service, operation (null for records of no span), kind ("span" or "log"), name (a span's name, a called
        operation's, or a template), callee (service, for a called operation), severe (the span failed, the record is a
        warning or worse), usual (its median count in a visit), direction ("more" or "less"), n_before, odd_before,
        n_during, odd_during (visits, and those with more or less than usual), usual_share (of odd visits), first_odd
        (start of the first such visit in the window), nats (weight of evidence, see `share_changes`).
    """
    placed = records.join(
        traces.spans.select("trace_id", "span_id", "service", "visit").unique(["trace_id", "span_id", "service"]),
        on=["trace_id", "span_id", "service"], how="left", maintain_order="left",
    )  # fmt: skip
    visits = traces.visits.filter(~pl.col("visit").is_in(_excused(traces.visits, placed).implode()))
    kept = records["trace_id"].drop_nulls().unique()
    counts = _counts(traces, placed)
    found = [
        _compared(counts.filter(kind="span"), visits),
        _compared(counts.filter(kind="log"), visits.filter(pl.col("trace").is_in(kept.implode()))),
        _loose(placed.filter(pl.col("visit").is_null(), pl.col("blames").is_null()), window, baseline),
    ]
    changed = pl.concat(found).sort(["nats", *_KEY], descending=[True, *[False] * len(_KEY)], nulls_last=True)
    looked_at = visits.select(_CALL).n_unique() + found[-1]["service"].n_unique()
    return changed, looked_at


def _excused(visits: pl.DataFrame, placed: pl.DataFrame) -> pl.Series:
    """Return the visits another service failed, as they say or as its visit shows, and those that waited for them.

    Where half of an operation's visits are so in the baseline, it is the usual thing and excuses nothing.
    """
    above = visits.select("visit", "parent_visit")
    named = placed.filter(pl.col("blames").is_not_null()).select("visit")
    seen = visits.filter("failed").select(pl.col("parent_visit").alias("visit"))
    first = pl.concat([named, seen]).drop_nulls().unique()
    usual = (
        visits.filter(pl.col(SLICE).is_not_null())
        .group_by(_CALL)
        .agg(share=pl.col("visit").is_in(first["visit"].implode()).mean())
        .filter(pl.col("share") > _USUAL)
    )
    reached = first.join(visits.join(usual, on=_CALL, how="anti").select("visit"), on="visit")
    found = reached
    while not reached.is_empty():
        reached = reached.join(above, on="visit").select(pl.col("parent_visit").alias("visit")).drop_nulls().unique()
        reached = reached.join(found, on="visit", how="anti")
        found = pl.concat([found, reached])
    return found["visit"]


def _counts(traces: Traces, placed: pl.DataFrame) -> pl.DataFrame:
    """Return visit, kind, name, callee, severe and how often each was seen in the visit."""
    mild = pl.lit(value=False)
    inner = traces.spans.filter(~pl.col("entry")).select(
        "visit", "name", kind=pl.lit("span"), callee=_NULL, severe=mild
    )
    failed = traces.spans.filter("failed").select("visit", "name", kind=pl.lit("span"), callee=_NULL, severe=~mild)
    outer = traces.visits.filter(pl.col("parent_visit").is_not_null()).select(
        pl.col("parent_visit").alias("visit"),
        pl.col("operation").alias("name"),
        kind=pl.lit("span"), callee="service", severe=mild,
    )  # fmt: skip
    said = placed.filter(pl.col("visit").is_not_null()).select(
        "visit", pl.col("template").alias("name"), kind=pl.lit("log"), callee=_NULL, severe="severe"
    )
    return pl.concat([inner, failed, outer, said]).group_by("visit", *_WHAT).agg(count=pl.len())


def _compared(counts: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Return the changes among visits: which did more, and which less, than the baseline's median visit."""
    seen = visits.group_by(*_CALL, SLICE).agg(n=pl.len(), traces=pl.col("trace").n_unique())
    past = seen.filter(pl.col(SLICE).is_not_null()).group_by(_CALL).agg(n_before=pl.col("n").sum())
    now = seen.filter(pl.col(SLICE).is_null()).select(*_CALL, independent=pl.col("traces") / pl.col("n"))
    both = past.join(now, on=_CALL)
    counts = counts.join(visits.select("visit", *_CALL, SLICE), on="visit").join(both, on=_CALL)
    thing = [*_CALL, *_WHAT]
    usual = (
        counts.filter(pl.col(SLICE).is_not_null())
        .group_by(thing)
        .agg(usual=_median_with_noughts(pl.col("count"), pl.col("n_before").first()))
    )
    usual = usual.filter(~pl.col("severe"))  # of errors none is usual, and none that stays away is missed
    counts = counts.join(usual, on=thing, how="left", nulls_equal=True).with_columns(pl.col("usual").fill_null(0))
    per_slice = counts.group_by(*thing, "usual", SLICE).agg(
        more=(pl.col("count") > pl.col("usual")).sum(), enough=(pl.col("count") >= pl.col("usual")).sum()
    )
    grid = (
        counts.select(*thing, "usual", "independent")
        .unique()
        .join(seen.drop("traces"), on=_CALL)
        .join(per_slice, on=[*thing, "usual", SLICE], how="left", nulls_equal=True)
        .with_columns(
            pl.col("more").fill_null(0),
            less=pl.when(pl.col("usual") > 0).then(pl.col("n") - pl.col("enough").fill_null(0)).otherwise(0),
        )
        .unpivot(
            ["more", "less"],
            index=[*thing, "usual", SLICE, "n", "independent"],
            variable_name="direction",
            value_name="odd",
        )
    )
    return _with_first(share_changes(grid, _KEY), counts, visits.filter(pl.col(SLICE).is_null()))


def _median_with_noughts(count: pl.Expr, n: pl.Expr) -> pl.Expr:
    """Return the median of ``n`` visits' counts, of which only those above nought are given."""
    place = n // 2 - (n - pl.len())
    return (
        pl.when(n // 2 >= n - pl.len()).then(count.sort().gather(place.clip(0), null_on_oob=True).first()).otherwise(0)
    )


def _with_first(changed: pl.DataFrame, counts: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
    """Add when the first odd visit of the window started."""
    found = changed.with_row_index("row")
    each = (
        found.select("row", *_KEY)
        .join(visits.select("visit", "start_time", *_CALL), on=_CALL)
        .join(counts.select("visit", *_WHAT, "count"), on=["visit", *_WHAT], how="left", nulls_equal=True)
        .with_columns(pl.col("count").fill_null(0))
    )
    more = pl.col("direction") == "more"
    odd = (more & (pl.col("count") > pl.col("usual"))) | (~more & (pl.col("count") < pl.col("usual")))
    first = each.filter(odd).group_by("row").agg(first_odd=pl.col("start_time").min())
    return found.join(first, on="row", how="left", maintain_order="left").drop("row")


def _loose(records: pl.DataFrame, window: Window, baseline: Window) -> pl.DataFrame:
    """Return the changes among records of no known span: which templates make up more of their service's records."""
    told = records.with_columns(
        sliced("time", window=window, baseline=baseline),
        trace=pl.coalesce("trace_id", pl.int_range(pl.len()).cast(pl.String)),
    )
    seen = told.group_by("service", SLICE).agg(n=pl.len(), traces=pl.col("trace").n_unique())
    now = seen.filter(pl.col(SLICE).is_null()).select("service", independent=pl.col("traces") / pl.col("n"))
    odd = told.group_by("service", "template", "severe", SLICE).agg(odd=pl.len())
    grid = (
        odd.select("service", "template", "severe").unique()
        .join(now, on="service")
        .join(seen.drop("traces"), on="service")
        .join(odd, on=["service", "template", "severe", SLICE], how="left", nulls_equal=True)
        .select(
            "service", SLICE, "n", "independent", "severe", pl.col("odd").fill_null(0),
            operation=_NULL, kind=pl.lit("log"), name="template", callee=_NULL,
            usual=pl.lit(0, dtype=pl.UInt32), direction=pl.lit("more"),
        )
    )  # fmt: skip
    first = (
        told.filter(pl.col(SLICE).is_null())
        .group_by("service", pl.col("template").alias("name"))
        .agg(first_odd=pl.col("time").min())
    )
    return share_changes(grid, _KEY).join(first, on=["service", "name"], how="left")
