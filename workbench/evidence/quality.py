"""Quality is what a reader should know of pinned rows before believing them: gaps, resets, repeats, impossible values.

What was delivered is never mended: only a row that is alike to another to the last value is left out, and that is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from workbench.evidence.manifest import Note
from workbench.telemetry.schema import SERIES, TIME_COLUMN, FrameName
from workbench.window import Window, format_duration, format_time

__all__ = ["COUNTERS", "GAP", "Counted", "delivered", "examined"]

GAP = 2.5
"""Usual steps of a series without a sample: one may be late, or lost on the way; two that are not there are a gap."""

COUNTERS = ("_total", "_count", "_sum")
"""What names of counters end with (OpenMetrics 1.0, "Suffixes"); a source may also say ``"monotonic": true``."""

_FEWEST = 5  # samples that tell what a series' usual step is
_AT_ONCE = 2_000_000  # points of metrics that are looked at at a time
_NAMED = 3
_ROWS: dict[FrameName, str] = {"metrics": "metric points", "logs": "log records", "spans": "spans", "events": "events"}


@dataclass(frozen=True)
class Counted:
    """How many rows there are, how many of them in the incident's window, and what is odd about them."""

    rows: int
    inside: int
    notes: tuple[Note, ...]


def delivered(
    frame: FrameName, *, outside: int = 0, late: int = 0, duplicates: int = 0, conflicts: Counter[str] | None = None
) -> list[Note]:
    """Return what is odd about how rows were delivered.

    Args:
        frame: which frame.
        outside: rows that weren't asked for.
        late: samples after a later one of their series.
        duplicates: rows alike to another.
        conflicts: points of a series for which there are several values, by metric.
    """
    conflicts = conflicts or Counter()
    clashing = sum(conflicts.values())
    notes = [
        Note(
            kind="outside-window",
            rows=outside,
            text=f"{outside:,} rows lie outside the time asked for, and were left out.",
        ),
        Note(
            kind="duplicates",
            rows=duplicates,
            text=f"{duplicates:,} {_ROWS[frame]} were delivered again, alike to the last value; each is kept once.",
        ),
        Note(
            kind="conflicting-samples",
            rows=clashing,
            text=f"{clashing:,} points share series and time and differ in value: {_most(conflicts)}; all are kept.",
        ),
        Note(
            kind="out-of-order",
            rows=late,
            text=f"{late:,} samples came after later ones of their series; they were put in order.",
        ),
    ]
    return _met(notes)


def examined(frame: FrameName, data: pl.LazyFrame, *, window: Window, now: datetime) -> Counted:
    """Return what is counted in a frame's rows, which are in order of time; memory is bounded, whatever their number.

    Args:
        frame: which frame.
        data: its rows.
        window: the incident's.
        now: the time of the pull; what is later can't have been seen.
    """
    column = TIME_COLUMN[frame]
    wanted = {"rows": pl.len(), "inside": window.holds(column).sum(), "future": (pl.col(column) > now).sum()}
    if frame == "metrics":
        wanted["odd"] = (~pl.col("value").is_finite()).fill_null(value=True).sum()
    found = data.select(**wanted).collect(engine="streaming").row(0, named=True)
    odd, future = found.get("odd", 0), found["future"]
    notes = [
        Note(
            kind="not-a-number",
            rows=odd,
            text=f"{odd} metric points are empty, not a number or infinite; no analysis uses them.",
        ),
        Note(
            kind="future-time", rows=future, text=f"{future:,} rows are later than the pull itself: a clock is wrong."
        ),
    ]
    if frame == "metrics" and found["rows"]:
        notes += _of_series(data, found["rows"])
    return Counted(found["rows"], found["inside"], tuple(_met(notes)))


def _of_series(data: pl.LazyFrame, rows: int) -> list[Note]:
    """Return the notes on gaps and resets, looking at some series at a time."""
    series, gaps, resets = 0, [], Counter[str]()
    for points in _portions(data, rows):
        series += points["series"].n_unique()
        gaps.append(_gaps(points))
        resets.update(_resets(points))
    again = sum(resets.values())
    return [
        *_gap_note(pl.concat(gaps), series),
        Note(
            kind="counter-reset",
            rows=again,
            text=f"Counters began again from a lower value {_times(again)}: {_most(resets)}.",
        ),
    ]


def _portions(data: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    """Yield the points of whole series, as many as fit in memory, in order of time."""
    parts = -(-rows // _AT_ONCE)
    wanted = data.select("time", *SERIES, "value", series=pl.struct(SERIES).hash())
    for part in range(parts):
        some = wanted if parts == 1 else wanted.filter(pl.col("series") % parts == part)
        points = some.collect(engine="streaming")
        if points.height:
            yield points


def _gaps(points: pl.DataFrame) -> pl.DataFrame:
    """Return the gaps of each series: series, service, metric, start, end, step (in microseconds)."""
    step = pl.col("time").diff().dt.total_microseconds().over("series")
    steps = points.select("series", "service", "metric", "time", step=step).filter(pl.col("step") > 0)
    usual, known = pl.col("step").median().over("series"), pl.len().over("series")
    return steps.filter(known >= _FEWEST - 1, pl.col("step") > GAP * usual).select(
        "series", "service", "metric", "step", end="time", start=pl.col("time") - pl.duration(microseconds="step")
    )


def _gap_note(gaps: pl.DataFrame, series: int) -> list[Note]:
    if gaps.is_empty():
        return []
    order = ["start", "metric", "service"]
    longest = gaps.sort("step", *order, descending=[True, False, False, False], nulls_last=True).row(0, named=True)
    concerned = gaps["series"].n_unique()
    where = longest["metric"] + (f" of {longest['service']}" if longest["service"] else "")
    text = (
        f"{concerned:,} of {series:,} metric series {'has' if concerned == 1 else 'have'} gaps; "
        f"the longest lasts {format_duration(timedelta(microseconds=longest['step']))}, from "
        f"{format_time(longest['start'])} to {format_time(longest['end'])}, in {where}."
    )
    return [Note(kind="gaps", rows=gaps.height, text=text)]


def _resets(points: pl.DataFrame) -> Counter[str]:
    """Return how often counters fell, by metric."""
    named = pl.any_horizontal(pl.col("metric").str.ends_with(end) for end in COUNTERS)
    flagged = pl.col("attributes").str.contains(r'"monotonic":\s*true').fill_null(value=False)
    delta = pl.col("attributes").str.contains(r'"temporality":\s*"delta"').fill_null(value=False)
    counters = points.filter((named | flagged) & ~delta, pl.col("value").is_finite())
    fell = counters.filter(pl.col("value").diff().over("series") < 0)
    return Counter(fell["metric"].drop_nulls().to_list())


def _met(notes: list[Note]) -> list[Note]:
    """Return the notes that concern any row at all."""
    return [note for note in notes if note.rows]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _most(found: Counter[str]) -> str:
    """Return the names met most often, with how often, and how many others there are."""
    order = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    named = ", ".join(f"{name} ({number:,})" for name, number in order[:_NAMED])
    left = len(order) - _NAMED
    return named if left <= 0 else f"{named} and {left:,} more"
