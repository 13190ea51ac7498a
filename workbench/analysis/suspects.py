"""Suspects are all services in order of how likely each is the broken one, with reasons that can be recomputed.

Three kinds of evidence are weighed, each in nats (minus the logarithm of how likely it is by chance): metric series
that stayed off their usual level, calls handled otherwise than usual, and time spent. Of each kind a service's
strongest fact counts whole, the next half, the one after a quarter, because facts of one cause go together. What chance
would give the best of so many places looked at is taken off (the look-elsewhere effect), and the logarithms of what is
left are added up: two kinds that agree say more than one that shouts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from workbench.analysis.changes import series_changes
from workbench.analysis.facts import Kind, behaviour_facts, delay_facts, metric_facts
from workbench.analysis.logs import records
from workbench.analysis.reasons import Reason, Suspect
from workbench.analysis.traces import read
from workbench.window import Window

__all__ = ["Reason", "Suspect", "rank"]

_MOST_REASONS = 5
_STANDS_OUT = 3.0  # nats left after all places looked at: by chance once in twenty times
_AHEAD = 1.3  # times the score of the next


def rank(
    metrics: pl.LazyFrame, logs: pl.LazyFrame, spans: pl.LazyFrame, *, window: Window, baseline: Window
) -> list[Suspect]:
    """Return every service of the frames, the likeliest broken one first; no rows give no services.

    A service known only from series without an instance, where others have instances, is a measurement from outside: a
    symptom, listed after all services. ``stands_out`` is true for the first alone, where its evidence is more than
    chance and well ahead of the next one's.
    """
    traces = read(spans, window=window, baseline=baseline)
    series = series_changes(metrics, window=window, baseline=baseline)
    said = records(logs, _names(series, traces.visits), window=window, baseline=baseline)
    kinds = [
        metric_facts(metrics, series, window=window, baseline=baseline),
        behaviour_facts(traces, said, window=window, baseline=baseline),
        delay_facts(traces),
    ]
    names = _names(series, traces.visits, said)
    inside = _names(series.filter(pl.col("instance").is_not_null()), traces.visits, said)
    return _ordered(kinds, names, names - inside if series["instance"].count() else set())


def _names(*frames: pl.DataFrame) -> set[str]:
    return {name for frame in frames for name in frame["service"].unique() if name is not None}


def _ordered(kinds: list[Kind], names: set[str], outside: set[str]) -> list[Suspect]:
    scores: dict[str, float] = defaultdict(float)
    surest: dict[str, float] = defaultdict(float)
    reasons: dict[str, list[Reason]] = defaultdict(list)
    for facts, places in kinds:
        best: dict[str, dict[str, float]] = defaultdict(dict)
        for fact in facts:
            best[fact.service][fact.like] = max(fact.nats, best[fact.service].get(fact.like, 0.0))
            reasons[fact.service].append(fact.reason)
        for service, weights in best.items():
            told = sum(weight / 2**place for place, weight in enumerate(sorted(weights.values(), reverse=True)))
            left = _beyond_chance(told, places)
            scores[service] += math.log1p(left)
            surest[service] = max(surest[service], left)
    order = sorted(names, key=lambda name: (name in outside, -scores[name], name))
    following = max((scores[name] for name in order[1:]), default=0.0)
    return [
        Suspect(
            service=name,
            rank=place,
            score=round(scores[name], 4),
            stands_out=(
                place == 1
                and name not in outside
                and surest[name] >= _STANDS_OUT
                and scores[name] >= _AHEAD * following
            ),
            reasons=_foremost(reasons[name]),
        )
        for place, name in enumerate(order, start=1)
    ]


def _foremost(found: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return the few reasons to tell, the weightiest first: the first of each kind in any case, then the rest.

    Kinds agree or disagree, and a reader has to see that; five slow calls are one thing told five times.
    """
    weighed = sorted(found, key=lambda why: (-why.weight, why.kind, why.name))
    first_of_kind = {why.kind: place for place, why in reversed(list(enumerate(weighed)))}.values()
    others = [place for place in range(len(weighed)) if place not in first_of_kind]
    kept = [*sorted(first_of_kind), *others][:_MOST_REASONS]
    return tuple(weighed[place] for place in sorted(kept))


def _beyond_chance(nats: float, places: int) -> float:
    """Return what is left of the evidence when the best of so many places shows some by chance; smooth at nought."""
    left = nats - math.log(max(places, 1))
    return max(left, 0.0) + math.log1p(math.exp(-abs(left)))
