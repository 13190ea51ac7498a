"""Facts are the findings of every question, each turned into one weighed reason against one service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from workbench.analysis.behaviour import behaviour_changes
from workbench.analysis.blame import blame_changes
from workbench.analysis.changes import SERIES, moved_series
from workbench.analysis.delays import delay_changes
from workbench.analysis.reasons import Reason, behaves, blamed, delayed, moved, silent
from workbench.analysis.silence import silent_instances
from workbench.analysis.traces import Traces
from workbench.window import Window

__all__ = ["Fact", "Kind", "behaviour_facts", "delay_facts", "metric_facts"]

_LEAST = 1.0  # nats: a fact that chance explains once in three times is none
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Fact(NamedTuple):
    """A reason against a service with its weight in nats; facts with the same ``like`` are one, told twice."""

    service: str
    nats: float
    like: str
    reason: Reason


class Kind(NamedTuple):
    """All facts of one kind, and in how many places they were looked for."""

    facts: list[Fact]
    places: int


def metric_facts(metrics: pl.LazyFrame, series: pl.DataFrame, *, window: Window, baseline: Window) -> Kind:
    """Return the series that stayed off their level, and instances that fell silent; ``series`` is `series_changes`."""
    weights = moved_series(metrics, window=window, baseline=baseline)
    rows = weights.join(series, on=SERIES, nulls_equal=True, maintain_order="left")
    facts = [
        Fact(row["service"], row["nats"], _family(row["metric"]), moved(row))
        for row in _weighty(rows.filter(pl.col("service").is_not_null()))
    ]
    gone = silent_instances(metrics, window=window, baseline=baseline)
    facts += [Fact(row["service"], row["nats"], "silence", silent(row)) for row in _weighty(gone)]
    looked_at = {(name, _family(metric)) for name, metric in series.select("service", "metric").unique().iter_rows()}
    return Kind(facts, len(looked_at))


def behaviour_facts(traces: Traces, records: pl.DataFrame, *, window: Window, baseline: Window) -> Kind:
    """Return what services did for a call that they usually don't, or didn't, and who was complained about."""
    changed, operations = behaviour_changes(traces, records, window=window, baseline=baseline)
    # What is odd in the same calls is told once: by a log record before a span, by what appears before what is missing.
    order = ["nats", "severe", "kind", "direction", "name"]
    rows = changed.sort(order, descending=[True, True, False, True, False], nulls_last=True).unique(
        ["service", "operation", "n_during", "odd_during", "odd_before"], keep="first", maintain_order=True
    )
    facts = [Fact(row["service"], row["nats"], row["operation"] or "", behaves(row)) for row in _weighty(rows)]
    complaints = blame_changes(records, window=window, baseline=baseline)
    facts += [Fact(row["service"], row["nats"], "blame", blamed(row)) for row in _weighty(complaints)]
    return Kind(facts, operations)


def delay_facts(traces: Traces) -> Kind:
    """Return which services' own work got slower, and which calls' gaps, whose evidence both ends share."""
    slower, places = delay_changes(traces)
    facts = []
    for row in slower.iter_rows(named=True):
        ends = [(row["service"], row["caller"], row["part"])]
        if row["kind"] == "gap":
            ends.append((row["caller"], row["service"], 1 - row["part"]))
        for service, peer, part in ends:
            nats = row["nats"] * part
            if nats >= _LEAST:
                like = f"{row['kind']} {row['operation']} {peer or ''}"
                facts.append(Fact(service, nats, like, delayed({**row, "nats": nats}, peer)))
    return Kind(facts, places)


def _family(metric: str) -> str:
    """Return the first two words of a metric's name: ``CpuUsage(m)`` and ``CpuUsageRate(%)`` tell the same."""
    return " ".join(_WORD.findall(metric)[:2]).lower()


def _weighty(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    yield from rows.filter(pl.col("nats") >= _LEAST).iter_rows(named=True)
