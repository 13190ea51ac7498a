"""Impact is who was hurt and how long: an incident's phases, and how many requests were slow or failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from workbench.analysis.traces import failed
from workbench.window import Window

__all__ = ["Phase", "Requests", "Times", "phases", "requests"]

_USUAL = 0.95  # of the baseline's requests are no slower than the limit


class Times(Protocol):
    """The milestones of an incident, of which all but the first may be unknown."""

    @property
    def started_at(self) -> datetime: ...  # noqa: D102 - named by the vocabulary
    @property
    def detected_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def acknowledged_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def mitigated_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def resolved_at(self) -> datetime | None: ...  # noqa: D102


@dataclass(frozen=True)
class Phase:
    """A stretch between two milestones; ``end`` and ``duration`` are None while it lasts."""

    name: str
    start: datetime
    end: datetime | None
    duration: timedelta | None


def phases(milestones: Times) -> list[Phase]:
    """Return the incident's phases in order: unnoticed, seen, being mitigated, watching.

    A phase starts at its milestone and ends at the next known one; the phase of an unknown milestone is left out, so
    that the one before it reaches on. The last is open (no end) while the incident is.
    """
    starts = [
        ("unnoticed", milestones.started_at),
        ("seen", milestones.detected_at),
        ("being mitigated", milestones.acknowledged_at),
        ("watching", milestones.mitigated_at),
    ]
    known = [(name, at) for name, at in starts if at is not None]
    ends = [at for _, at in known[1:]] + [milestones.resolved_at]
    return [
        Phase(name, start, end, None if end is None else end - start)
        for (name, start), end in zip(known, ends, strict=True)
        if end is None or end > start
    ]


@dataclass(frozen=True)
class Requests:
    """How requests went before and during the incident; times are milliseconds, and None where there was no request.

    ``limit_ms`` is what 19 in 20 requests of the baseline stayed within, ``slow`` how many in the window did not.
    """

    n_before: int
    n_during: int
    median_before_ms: float | None
    median_during_ms: float | None
    limit_ms: float | None
    slow: int | None
    failed_before: int
    failed_during: int

    @property
    def sentence(self) -> str:
        """Who was hurt, in a sentence or two with every number it rests on; empty without requests."""
        if not self.n_during:
            return ""
        told = f"Of {self.n_during:,} requests {self.failed_during:,} failed" if self.failed_during else ""
        if self.slow is not None and self.limit_ms is not None:
            share = f"{self.slow:,} ({self.slow / self.n_during:.0%})"
            rest = f"{share} took over {self.limit_ms:,.0f}\u00a0ms, as 1 in 20 did before"
            told = f"{told} and {rest}" if told else f"Of {self.n_during:,} requests {rest}"
        if self.median_before_ms is not None and self.median_during_ms is not None:
            halves = f"half took over {self.median_during_ms:,.0f}\u00a0ms, before {self.median_before_ms:,.0f}\u00a0ms"
            told = f"{told}; {halves} ({self.n_before:,} requests)" if told else ""
        return f"{told}." if told else f"{self.n_during:,} requests were recorded."


def requests(spans: pl.LazyFrame, *, window: Window, baseline: Window) -> Requests:
    """Return how requests went: traces that start at a span without a parent, each counted once."""
    inside = window.holds("start_time")
    roots = (
        spans.filter(inside | baseline.holds("start_time"), pl.col("parent_span_id").is_null())
        .select("start_time", "trace_id", "span_id", ms=pl.col("duration_ns") / 1e6, inside=inside, failed=failed())
        .unique()
        .collect()
    )
    during, before = roots.filter("inside"), roots.filter(~pl.col("inside"))
    limit = before.select(pl.col("ms").quantile(_USUAL, "linear")).item()
    return Requests(
        n_before=before.height,
        n_during=during.height,
        median_before_ms=before.select(pl.col("ms").median()).item(),
        median_during_ms=during.select(pl.col("ms").median()).item(),
        limit_ms=limit,
        slow=None if limit is None else during.filter(pl.col("ms") > limit).height,
        failed_before=int(before["failed"].sum()),
        failed_during=int(during["failed"].sum()),
    )
