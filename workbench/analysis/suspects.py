"""Suspects are all services in order of how likely each is the broken one, with reasons that can be recomputed.

Three kinds of evidence are weighed, each in nats (minus the logarithm of how likely it is by chance): metric series that stayed off
their usual level, calls handled otherwise than usual, and time spent. Of each kind a service's strongest fact counts whole, the next
half, the one after a quarter, because facts of one cause go together. What chance would give the best of so many places looked at is
taken off (the look-elsewhere effect), and the logarithms of what is left are added up: two kinds that agree say more than one that shouts.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import polars as pl

from workbench.analysis.behaviour import behaviour_changes
from workbench.analysis.changes import SERIES, moved_series, series_changes
from workbench.analysis.delays import delay_changes
from workbench.analysis.logs import records
from workbench.analysis.reasons import Reason, Suspect, behaves, delayed, moved
from workbench.analysis.traces import Traces, read
from workbench.window import Window

__all__ = ["Reason", "Suspect", "rank"]

_MOST_REASONS = 5
_STANDS_OUT = 3.0  # nats left after all places looked at: by chance once in twenty times
_AHEAD = 1.3  # times the score of the next
_LEAST = 1.0  # nats: a fact more likely than not is none
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class _Fact(NamedTuple):
    service: str
    nats: float
    like: str  # facts that are likely one: same first words of a metric, same operation
    reason: Reason


def rank(
    metrics: pl.LazyFrame, logs: pl.LazyFrame, spans: pl.LazyFrame, *, window: Window, baseline: Window
) -> list[Suspect]:
    """Return every service of the frames, the likeliest broken one first; no rows give no services.

    A service known only from series without an instance, where others have instances, is a measurement from outside: a symptom,
    listed after all services.
    """
    traces = read(spans, window=window, baseline=baseline)
    series = series_changes(metrics, window=window, baseline=baseline)
    named = _names(series, traces.visits)
    said = records(logs, named, window=window, baseline=baseline)
    kinds = [
        (_metric_facts(moved_series(metrics, window=window, baseline=baseline), series), series.height),
        *_trace_facts(traces, said, window, baseline),
    ]
    outside = _names(series.filter(pl.col("instance").is_null())) - _names(
        series.filter(pl.col("instance").is_not_null()), traces.visits, said
    )
    if series["instance"].count() == 0:
        outside = set()
    return _ordered(kinds, _names(series, traces.visits, said), outside)


def _names(*frames: pl.DataFrame) -> set[str]:
    return {name for frame in frames for name in frame["service"].unique() if name is not None}


def _metric_facts(weights: pl.DataFrame, series: pl.DataFrame) -> Iterator[_Fact]:
    rows = weights.join(series, on=SERIES, nulls_equal=True, maintain_order="left")
    for row in rows.filter(pl.col("nats") >= _LEAST, pl.col("service").is_not_null()).iter_rows(named=True):
        like = " ".join(_WORD.findall(row["metric"])[:2]).lower()
        yield _Fact(row["service"], row["nats"], like, moved(row))


def _trace_facts(
    traces: Traces, said: pl.DataFrame, window: Window, baseline: Window
) -> Iterator[tuple[Iterable[_Fact], int]]:
    changed, operations = behaviour_changes(traces, said, window=window, baseline=baseline)
    # What is odd in the same calls is one fact told in several ways: a record at most, where it appears rather than is missing.
    order = ["nats", "kind", "direction", "name"]
    rows = changed.filter(pl.col("nats") >= _LEAST).sort(order, descending=[True, False, True, False], nulls_last=True)
    rows = rows.unique(
        ["service", "operation", "n_during", "odd_during", "odd_before"], keep="first", maintain_order=True
    )
    yield (
        [
            _Fact(row["service"], row["nats"], row["operation"] or "", behaves(row))
            for row in rows.iter_rows(named=True)
        ],
        operations,
    )
    slower, places = delay_changes(traces)
    facts = []
    for row in slower.iter_rows(named=True):
        ends = [(row["service"], row["caller"], row["part"]), (row["caller"], row["service"], 1 - row["part"])]
        for service, peer, part in ends[: 1 if row["kind"] == "own" else 2]:
            if row["nats"] * part >= _LEAST:
                like = f"{row['kind']} {row['operation']} {peer}"
                facts.append(
                    _Fact(service, row["nats"] * part, like, delayed({**row, "nats": row["nats"] * part}, peer))
                )
    yield facts, places


def _ordered(kinds: Iterable[tuple[Iterable[_Fact], int]], names: set[str], outside: set[str]) -> list[Suspect]:
    scores: dict[str, float] = defaultdict(float)
    sure: dict[str, float] = defaultdict(float)
    reasons: dict[str, list[Reason]] = defaultdict(list)
    for facts, places in kinds:
        best: dict[str, dict[str, float]] = defaultdict(dict)
        for fact in facts:
            best[fact.service][fact.like] = max(fact.nats, best[fact.service].get(fact.like, 0.0))
            reasons[fact.service].append(fact.reason)
        for service, weights in best.items():
            told = sum(weight / 2**place for place, weight in enumerate(sorted(weights.values(), reverse=True)))
            left = _beyond(told, places)
            scores[service] += math.log1p(left)
            sure[service] = max(sure[service], left)
    order = sorted(names, key=lambda name: (name in outside, -scores[name], name))
    suspects = []
    for place, name in enumerate(order, start=1):
        following = max((scores[other] for other in order[place:]), default=0.0)
        stands_out = (
            place == 1 and name not in outside and sure[name] >= _STANDS_OUT and scores[name] >= _AHEAD * following
        )
        why = sorted(reasons[name], key=lambda reason: (-reason.weight, reason.kind, reason.name))[:_MOST_REASONS]
        suspects.append(
            Suspect(service=name, rank=place, score=round(scores[name], 4), stands_out=stands_out, reasons=tuple(why))
        )
    return suspects


def _beyond(nats: float, places: int) -> float:
    """Return what is left of the evidence when the best of so many places would show some by chance; smooth at nought."""
    left = nats - math.log(max(places, 1))
    return left + math.log1p(math.exp(-left)) if left > 0 else math.log1p(math.exp(left))
