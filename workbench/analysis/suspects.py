"""Which service is the broken one: every service ranked by the evidence against it, with reasons that can be recomputed."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from workbench.analysis.changes import MOVED, series_changes, unit_of
from workbench.analysis.logs import templates
from workbench.analysis.traces import operations
from workbench.window import Window, format_time

__all__ = ["Reason", "Suspect", "rank"]

_MOST_REASONS = 5
_STANDS_OUT = 2.0
_SEVERITY = {"FATAL": 3.0, "CRITICAL": 3.0, "ERROR": 3.0, "WARN": 1.5, "WARNING": 1.5}


class Reason(BaseModel):
    """One recomputable fact that speaks against a service.

    ``before`` and ``during`` are in ``unit``; ``change`` is during − before; ``time`` is when it was first so in the window.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["metric", "log", "span"]
    name: str
    instance: str | None = None
    attributes: str | None = None
    time: datetime | None
    before: float | None
    during: float | None
    change: float | None
    unit: str
    text: str


class Suspect(BaseModel):
    """A service, its place in the order (1 is first), the weight of evidence, and whether it stands out from the others."""

    model_config = ConfigDict(frozen=True)

    service: str
    rank: int
    score: float
    stands_out: bool
    reasons: tuple[Reason, ...]


def rank(
    metrics: pl.LazyFrame, logs: pl.LazyFrame, spans: pl.LazyFrame, *, window: Window, baseline: Window
) -> list[Suspect]:
    """Return every service of the frames in order of suspicion, the likeliest first; empty frames give an empty list."""
    found: dict[str, list[tuple[float, Reason]]] = defaultdict(list)
    series = series_changes(metrics, window=window, baseline=baseline)
    words = templates(logs, window=window, baseline=baseline)
    steps = operations(spans, window=window, baseline=baseline)
    names = sorted({name for frame in (series, words, steps) for name in frame["service"].unique() if name is not None})
    outside = set(series.filter(pl.col("instance").is_null())["service"]) if series["instance"].count() else set()
    outside -= (
        set(series.filter(pl.col("instance").is_not_null())["service"]) | set(words["service"]) | set(steps["service"])
    )
    for row in series.filter((pl.col("score") >= MOVED) & pl.col("service").is_not_null()).iter_rows(named=True):
        unit = unit_of(row["metric"])
        text = (
            f"{row['metric']} went from {row['before']:.4g} to {row['during']:.4g} {unit}".rstrip()
            + f" at {format_time(row['moved_at'])}"
        )
        reason = Reason(
            kind="metric",
            name=row["metric"],
            instance=row["instance"],
            attributes=row["attributes"],
            time=row["moved_at"],
            before=row["before"],
            during=row["during"],
            change=row["during"] - row["before"],
            unit=unit,
            text=text,
        )
        found[row["service"]].append((math.log(row["score"] / MOVED), reason))
    for row in words.filter(pl.col("is_new") & pl.col("service").is_not_null()).iter_rows(named=True):
        text = f"{row['severity'] or 'log'} never seen before: {row['template'][:120]} ({row['during']} times)"
        reason = Reason(
            kind="log",
            name=row["template"],
            time=row["first_seen"],
            before=0,
            during=row["during"],
            change=row["during"],
            unit="records",
            text=text,
        )
        weight = _SEVERITY.get(row["severity"] or "", 0.5)
        found[row["service"]].append((weight * math.log1p(row["during"]) / 2, reason))
    slow = (pl.col("n_before") >= 5) & (pl.col("n_during") >= 5) & (pl.col("p90_during") > 1.5 * pl.col("p90_before"))
    for row in steps.filter(slow).iter_rows(named=True):
        before, during = row["p90_before"], row["p90_during"]
        text = f"{row['name']} itself took {during:.3g} ms instead of {before:.3g} ms (p90)"
        reason = Reason(
            kind="span",
            name=row["name"],
            time=row["first_slow"],
            before=before,
            during=during,
            change=during - before,
            unit="ms",
            text=text,
        )
        found[row["service"]].append((math.log(during / max(before, 1.0)) if during > before else 0.0, reason))
    scored = []
    for name in names:
        reasons = sorted(found[name], key=lambda item: (-item[0], item[1].kind, item[1].name))[:_MOST_REASONS]
        scored.append((sum(weight for weight, _ in reasons), name, tuple(reason for _, reason in reasons)))
    scored.sort(key=lambda item: (item[1] in outside, -item[0], item[1]))
    return [
        Suspect(
            service=name,
            rank=place,
            score=round(score, 3),
            stands_out=place == 1 and score >= _STANDS_OUT,
            reasons=reasons,
        )
        for place, (score, name, reasons) in enumerate(scored, start=1)
    ]
