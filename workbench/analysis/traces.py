"""Traces as visits: a visit is one service handling one call, from its first span to the calls it makes in turn."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from workbench.analysis.baseline import sliced
from workbench.window import Window

__all__ = ["Traces", "failed", "operations", "read"]

_SERVER_ERROR = r'"http\.(?:response\.)?status_code"\s*:\s*"?5\d\d\b'
_COLUMNS = ["trace_id", "span_id", "parent_span_id", "service", "name", "start_time", "duration_ns"]
_DEEPEST = 32  # doublings while looking for a visit's first span: enough for any trace, and an end for a looped one


@dataclass(frozen=True)
class Traces:
    """Spans of the window and the baseline, each once, and the visits they make.

    ``spans`` has trace_id, span_id, parent_span_id, service, name, start_time, duration_ns and: span (row number),
    visit (that of its visit's first span), entry (it is that first span), failed (its status is an error, or its HTTP
    status 500 or more), self_ns (its duration without its children's, at least 0), slice.

    ``visits`` has: visit, service, operation (the first span's name), start_time, failed, trace, caller (service, null
    at the edge), parent_visit, own_ns (self time of its spans but those that only wait for another service), gap_ns
    (how much longer the caller's span lasted than this visit: network and queues), slice.
    """

    spans: pl.DataFrame
    visits: pl.DataFrame


def read(spans: pl.LazyFrame, *, window: Window, baseline: Window) -> Traces:
    """Return the traces of the window and the baseline.

    Left out are spans without a service, spans delivered twice, and visits that lasted beyond the end of the window:
    what they did there is not known.
    """
    rows = _linked(
        spans.with_columns(failed=failed())
        .select(*_COLUMNS, "failed")
        .filter(window.holds("start_time") | baseline.holds("start_time"), pl.col("service").is_not_null())
        .with_columns(sliced("start_time", window=window, baseline=baseline))
        .unique()
        .collect()
    )
    first = _first_spans(rows)
    above = pl.when(pl.col("parent").is_not_null()).then(first.gather(rows["parent"].fill_null(0)))
    children = (
        rows.filter(pl.col("parent").is_not_null())
        .group_by("parent")
        .agg(children_ns=pl.col("duration_ns").sum(), waits=pl.col("entry").any() & (pl.len() == 1))
    )
    rows = (
        rows.with_columns(visit=first, parent_visit=above)
        .join(children, left_on="span", right_on="parent", how="left", maintain_order="left")
        .with_columns(
            pl.col("waits").fill_null(value=False),
            self_ns=(pl.col("duration_ns") - pl.col("children_ns").fill_null(0)).clip(lower_bound=0),
        )
    )
    own = rows.filter(~pl.col("waits")).group_by("visit").agg(own_ns=pl.col("self_ns").sum())
    waiting = rows.select(
        pl.when(pl.col("parent").is_not_null()).then(rows["waits"].gather(rows["parent"].fill_null(0)))
    )
    gap = (pl.col("waited") - pl.col("duration_ns")).clip(lower_bound=0)
    visits = (
        rows.with_columns(waiting=waiting.to_series())
        .filter("entry", pl.col("start_time") + pl.duration(nanoseconds="duration_ns") <= window.end)
        .select(
            *("visit", "service", "start_time", "slice", "failed", "parent_visit"),
            operation=pl.col("name").fill_null(""),
            trace=pl.coalesce("trace_id", pl.col("span").cast(pl.String)),
            caller=pl.when(pl.col("parent").is_not_null()).then("caller"),
            gap_ns=pl.when("waiting").then(gap),
        )
        .join(own, on="visit", how="left", maintain_order="left")
        .with_columns(pl.col("own_ns").fill_null(0))
    )
    return Traces(rows.select(*_COLUMNS, "span", "visit", "entry", "failed", "self_ns", "slice"), visits)


def _linked(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the spans numbered, each with its parent's number, service (caller) and duration (waited)."""
    key = pl.col("trace_id").hash(0) ^ pl.col("span_id").hash(1)
    above = pl.col("trace_id").hash(0) ^ pl.col("parent_span_id").hash(1)
    rows = rows.with_columns(
        key=pl.when(pl.all_horizontal(pl.col("trace_id", "span_id").is_not_null())).then(key),
        above=pl.when(pl.all_horizontal(pl.col("trace_id", "parent_span_id").is_not_null())).then(above),
        span=pl.int_range(pl.len(), dtype=pl.Int64),
    )
    # Two spans of one id: which is the parent must not depend on the order of rows.
    parents = rows.filter(pl.col("key").is_not_null()).select(
        "key", parent="span", caller="service", waited="duration_ns"
    )
    twice = parents.filter(pl.col("key").is_duplicated()).sort("key", "caller", "waited")
    parents = parents.filter(pl.col("key").is_unique()).vstack(twice.unique("key", keep="first", maintain_order=True))
    return (
        rows.join(parents, left_on="above", right_on="key", how="left", maintain_order="left")
        .with_columns(entry=(pl.col("caller") != pl.col("service")).fill_null(value=True))
        .drop("key", "above")
    )


def _first_spans(rows: pl.DataFrame) -> pl.Series:
    """Return for each span the number of its visit's first one."""
    first = rows.select(pl.when("entry").then("span").otherwise("parent"))["span"]
    for _ in range(_DEEPEST):
        further = first.gather(first)
        if further.equals(first):
            break
        first = further
    return first


def failed() -> pl.Expr:
    """Return whether a span failed, by the semantic conventions of OpenTelemetry."""
    status = pl.col("status").str.to_uppercase()
    http = pl.col("attributes").str.contains(_SERVER_ERROR)
    return ((status.str.ends_with("ERROR") | (status == "2")).fill_null(value=False)) | http.fill_null(value=False)


def operations(spans: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return how often each service's operations were called and how long they worked themselves, before and during.

    Returns:
        One row for each service and operation, in that order: service, operation, n_before, n_during (calls),
        own_before, own_during (median milliseconds of own work), gap_before, gap_during (median milliseconds the caller
        waited longer than the call took).
    """
    visits = read(spans, window=window, baseline=baseline).visits
    during, before = pl.col("slice").is_null(), pl.col("slice").is_not_null()
    return (
        visits.group_by("service", "operation")
        .agg(
            n_before=before.sum(),
            n_during=during.sum(),
            own_before=pl.col("own_ns").filter(before).median() / 1e6,
            own_during=pl.col("own_ns").filter(during).median() / 1e6,
            gap_before=pl.col("gap_ns").filter(before).median() / 1e6,
            gap_during=pl.col("gap_ns").filter(during).median() / 1e6,
        )
        .sort("service", "operation")
    )
