"""Clocks differ where one source, or one service, stamps its times with another clock than the others.

Three things show it. A call lies within the call that waits for it; a log record lies within the span it was written
in; a page comes after its alert, and an alert after what it watches. Each gives bounds between which the difference
must lie; how far these are apart is its slack. Of a pair's observations those with the least slack are taken, as NTP's
clock filter does (RFC 5905, section 10), and the middle between their bounds, which assumes that both ways took as long
(as Jaeger's clock skew adjuster does). Events have a bound on one side only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import polars as pl

from workbench.analysis.baseline import PER_MAD

__all__ = ["FEWEST", "LEAST", "Difference", "of_events", "of_logs", "of_spans"]

LEAST = timedelta(milliseconds=10)
"""Less isn't told from a tracer's own delays: it is neither reported nor is any difference known more closely."""

FEWEST = 10
"""So many observations make a difference significant, at least; of events, which are few, three."""

_FEWEST_EVENTS = 3
_SAME_ALERT_US = 60_000_000  # evaluation, steps and grouping: two systems tell of one alert within a minute
_MATCHED_US = 30 * 60_000_000  # an alert farther away than half an hour is another time that it fired
_TIGHT = 0.25  # of the observations, those with the least slack
_ASYNC = ("PRODUCER", "CONSUMER")  # a message is handled when nobody waits any more
Side = Literal["service", "source"]


@dataclass(frozen=True)
class Difference:
    """How far ahead the clock of ``other`` is of the clock of ``one``, both of them services or sources.

    ``ahead`` is the median, negative when it is behind; it may be ``spread`` more or less. ``n`` is from how many
    observations. It is ``significant`` when at least half of these can't be true with equal clocks, all in the same
    direction, by more than `LEAST`; and there are enough of them (`FEWEST`, of events three). ``measure`` says what was
    compared: calls, records, alerts.
    """

    side: Side
    one: str
    other: str
    ahead: timedelta
    spread: timedelta
    n: int
    significant: bool
    measure: Literal["calls", "records", "alerts"]


def of_spans(spans: Mapping[str, pl.LazyFrame], *, side: Side = "service") -> tuple[Difference, ...]:
    """Return the differences between services, or sources, that call each other, the largest first.

    A call whose duration doesn't fit into its caller's was not waited for, and says nothing; nor does a message.

    Args:
        spans: frames of spans by source; what they cost is bounded by their rows, so that a caller cuts them.
        side: whether services or sources are compared.
    """
    rows = _joined(spans, ["trace_id", "span_id", "parent_span_id", "start_time", "duration_ns", "kind"])
    if rows is None:
        return ()
    waits = ~pl.col("kind").str.to_uppercase().str.contains_any(list(_ASYNC)).fill_null(value=False)
    start = pl.col("start_time").dt.epoch("us")
    timed = rows.filter(waits).with_columns(start=start, end=start + pl.col("duration_ns") // 1000)
    above = timed.select(
        "trace_id", pl.col("span_id").alias("parent_span_id"), one=side, begin="start", done="end"
    ).unique(["trace_id", "parent_span_id"], keep="none")
    pairs = timed.join(above, on=["trace_id", "parent_span_id"]).select(
        "one", pl.col(side).alias("other"), lo=pl.col("end") - pl.col("done"), hi=pl.col("start") - pl.col("begin")
    )
    return _differences(pairs, side, "calls")


def of_logs(
    logs: Mapping[str, pl.LazyFrame], spans: Mapping[str, pl.LazyFrame], *, side: Side = "source"
) -> tuple[Difference, ...]:
    """Return how far ahead the clocks of logs are of the clocks of the spans that their records were written in."""
    records, rows = (
        _joined(logs, ["trace_id", "span_id", "time"]),
        _joined(spans, ["trace_id", "span_id", "start_time", "duration_ns"]),
    )
    if records is None or rows is None:
        return ()
    start = pl.col("start_time").dt.epoch("us")
    within = (
        rows.with_columns(begin=start, done=start + pl.col("duration_ns") // 1000)
        .select("trace_id", "span_id", "begin", "done", one=side)
        .unique(["trace_id", "span_id"], keep="none")
    )
    time = pl.col("time").dt.epoch("us")
    pairs = records.join(within, on=["trace_id", "span_id"]).select(
        "one", pl.col(side).alias("other"), lo=time - pl.col("done"), hi=time - pl.col("begin")
    )
    return _differences(pairs, side, "records")


def of_events(events: pl.DataFrame, moved: pl.DataFrame | None = None) -> tuple[Difference, ...]:
    """Return the differences between sources that tell of the same alert.

    Two sources tell of an alert of the same name within a minute; a page comes after its alert; an alert comes no
    sooner than one step before the first bad point of its service's metrics.

    Args:
        events: as `workbench.analysis.events.read` gives them.
        moved: the first bad point of services, if it is known: service, time, step (µs between its points), pinned
            (the source of its metrics).
    """
    told = events.filter(pl.col("pinned").is_not_null()).select(
        "kind", "name", "service", "state", source="pinned", time=pl.col("time").dt.epoch("us")
    )
    begun = told.filter(pl.col("state").is_in(["firing", "triggered"]))
    alerts, pages = begun.filter(kind="alert"), begun.filter(kind="page")
    delta, within = pl.col("delta"), _SAME_ALERT_US
    never = pl.lit(None, dtype=pl.Int64)
    twice = _matched(alerts, alerts, ["name"]).filter(pl.col("one") < pl.col("other"))
    called = _matched(alerts, pages, ["name"])
    found = [
        twice.select("one", "other", mid="delta", lo=delta - within, hi=delta + within),
        called.select("one", "other", mid="delta", lo=never, hi="delta"),
    ]
    if moved is not None and not moved.is_empty():
        crossed = moved.select("service", "step", source="pinned", time=pl.col("time").dt.epoch("us"))
        seen = _matched(crossed, alerts.filter(pl.col("service").is_not_null()), ["service"], "step")
        found.append(
            seen.select(
                "one", "other", mid="delta", lo=pl.lit(None, dtype=pl.Int64), hi=pl.col("delta") + pl.col("step")
            )
        )
    return _differences(pl.concat(found, how="vertical_relaxed"), "source", "alerts", fewest=_FEWEST_EVENTS)


def _matched(first: pl.DataFrame, second: pl.DataFrame, on: list[str], *kept: str) -> pl.DataFrame:
    """Return for each row of the second the nearest of the first, of another source: one, other, delta (µs)."""
    both = second.with_row_index("row").join(first, on=on, suffix="_first")
    near = both.with_columns(delta=pl.col("time") - pl.col("time_first")).filter(
        pl.col("source") != pl.col("source_first"), pl.col("delta").abs() <= _MATCHED_US
    )
    nearest = near.sort(pl.col("delta").abs(), "time_first", "source_first").unique(
        ["row", "source_first"], keep="first", maintain_order=True
    )
    return nearest.select(pl.col("source_first").alias("one"), pl.col("source").alias("other"), "delta", *kept)


def _joined(frames: Mapping[str, pl.LazyFrame], columns: list[str]) -> pl.DataFrame | None:
    """Return the rows that carry a trace and a span, with their source; None where there are none."""
    kept = ["service", *columns]
    found = [
        rows.filter(pl.col("trace_id").is_not_null(), pl.col("span_id").is_not_null())
        .select(*kept, source=pl.lit(source))
        .collect()
        for source, rows in frames.items()
    ]
    rows = pl.concat(found) if found else None
    return None if rows is None or rows.is_empty() else rows


def _differences(
    pairs: pl.DataFrame, side: Side, measure: Literal["calls", "records", "alerts"], *, fewest: int = FEWEST
) -> tuple[Difference, ...]:
    """Return what each pair's observations say: one, other, lo and hi (bounds, in µs), mid where it isn't between."""
    if "mid" not in pairs.columns:
        pairs = pairs.filter(pl.col("hi") >= pl.col("lo")).with_columns(mid=(pl.col("lo") + pl.col("hi")) / 2)
    apart = pairs.filter(pl.col("one").is_not_null(), pl.col("other").is_not_null())
    if measure == "calls":
        apart = apart.filter(pl.col("one") != pl.col("other"))
    least = LEAST // timedelta(microseconds=1)
    slack = (pl.col("hi") - pl.col("lo")).fill_null(0)
    off = (pl.col("mid") - pl.col("mid").median()).abs().median() * PER_MAD
    told = (
        apart.with_columns(
            n=pl.len().over("one", "other"),
            sooner=(pl.col("lo") > least).fill_null(value=False).mean().over("one", "other"),
            later=(pl.col("hi") < -least).fill_null(value=False).mean().over("one", "other"),
            tight=slack <= slack.quantile(_TIGHT).over("one", "other"),
        )
        .filter("tight")
        .group_by("one", "other", "n", "sooner", "later")
        .agg(ahead=pl.col("mid").median(), spread=slack.median() / 2 + off)
        .sort(pl.col("ahead").abs(), "one", "other", descending=[True, False, False])
    )
    return tuple(
        Difference(
            side=side,
            one=row["one"],
            other=row["other"],
            ahead=timedelta(microseconds=round(row["ahead"])),
            spread=max(LEAST, timedelta(microseconds=round(row["spread"]))),
            n=row["n"],
            significant=row["n"] >= fewest and max(row["sooner"], row["later"]) >= 0.5,  # noqa: PLR2004 - half of them
            measure=measure,
        )
        for row in told.iter_rows(named=True)
    )
