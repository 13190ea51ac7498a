"""Coverage is how much of the incident's window the pinned frames hold, so that nobody takes silence for calm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from workbench.evidence import Snapshot
from workbench.telemetry.schema import TIME_COLUMN, FrameName
from workbench.window import Window, format_duration

__all__ = ["WORDS", "Coverage", "coverage"]

WORDS: dict[FrameName, str] = {"metrics": "Metrics", "logs": "Logs", "spans": "Traces", "events": "Events"}
"""What a reader calls each frame."""

_EXPECTED: tuple[FrameName, ...] = ("metrics", "logs", "spans")
_TOLERATED = 0.1  # a tenth of the window may be empty at either end before a reader is told
_STEPS = 2.0  # or two sampling steps, where samples are that far apart


@dataclass(frozen=True)
class Coverage:
    """One frame's rows, and the stretch of the window they lie in (None when there are none)."""

    frame: FrameName
    rows: int
    rows_in_window: int
    first: datetime | None
    last: datetime | None
    step: timedelta | None
    """The usual distance between two samples of one series, for metrics."""

    def gap(self, window: Window) -> str:
        """Return what is missing of the window in a sentence, or nothing when it is covered."""
        name = WORDS[self.frame]
        if self.first is None or self.last is None:
            return f"{name} hold nothing of the incident’s window." if self.rows else ""
        allowed = max(window.duration * _TOLERATED, (self.step or timedelta(0)) * _STEPS)
        head, tail = self.first - window.start, window.end - self.last
        late = head > allowed
        early = tail > allowed
        if not late and not early:
            return ""
        covered = format_duration(self.last - self.first)
        borders = " and ".join(
            text
            for holds, text in (
                (late, f"begin at {self.first:%H:%M:%S}"),
                (early, f"end at {self.last:%H:%M:%S}"),
            )
            if holds
        )
        return f"{name} {borders}, so they cover {covered} of {format_duration(window.duration)}."


def coverage(snapshot: Snapshot) -> tuple[Coverage, ...]:
    """Return the coverage of every frame that was asked for, in the order metrics, logs, spans, events."""
    asked = {table.frame for table in snapshot.manifest.tables}
    return tuple(_measured(snapshot, frame) for frame in WORDS if frame in asked or frame in _EXPECTED)


def _measured(snapshot: Snapshot, frame: FrameName) -> Coverage:
    column, window = TIME_COLUMN[frame], snapshot.window
    inside = pl.col(column).filter(window.holds(column))
    wanted = [
        pl.len().alias("rows"),
        inside.len().alias("inside"),
        inside.min().alias("first"),
        inside.max().alias("last"),
    ]
    data = snapshot.frame(frame)
    facts = data.select(wanted).collect(engine="streaming").row(0, named=True)
    step = None
    if frame == "metrics" and facts["rows"]:
        series = ["service", "instance", "metric", "attributes"]
        steps = data.select(pl.col("time").sort().diff().median().over(series, mapping_strategy="explode")).median()
        step = steps.collect().item()
    return Coverage(frame, facts["rows"], facts["inside"], facts["first"], facts["last"], step)
