"""An onset is when a fault began to show in the telemetry, and its end is when the series were calm again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from workbench.analysis.changes import MOVED, SERIES, deviations
from workbench.analysis.reasons import Reason, Suspect
from workbench.window import Window

__all__ = ["Calm", "First", "calm", "firsts"]

_WEIGHTY = 0.5  # of the weightiest reason of its kind: what weighs less may be what came of it
_LEAST = timedelta(seconds=1)  # nobody's telemetry tells a fault's beginning closer


@dataclass(frozen=True)
class First:
    """The first sign that one kind of telemetry gives of a fault.

    ``resolution`` is the usual distance between two observations: so much sooner it may have begun unseen.
    ``before_window`` says that it lies before the window; ``open``, that it may have been so before the window, too.
    """

    reason: Reason
    at: datetime
    resolution: timedelta
    before_window: bool = False
    open: bool = False


@dataclass(frozen=True)
class Calm:
    """When a suspect's weightiest series were back within their usual range, and stayed there to the window's end.

    ``points`` are the calm samples since, of the series that has the fewest; ``reason`` is the last series to calm.
    """

    reason: Reason
    at: datetime
    resolution: timedelta
    points: int


def firsts(metrics: pl.LazyFrame, suspect: Suspect, *, window: Window, baseline: Window) -> tuple[First, ...]:
    """Return the first sign of each kind of telemetry against a suspect, the earliest first.

    Of each kind the weightiest reason counts: the first of many would be the first that chance shows. A series that was
    off already when the window began is followed back through the samples before it, as long as each is off in the same
    direction. ``open`` says of any other sign that it lies so near to the window's beginning that there may have been
    an earlier one.
    """
    points = _points_of(suspect, metrics, window, baseline)
    found = []
    for kind in dict.fromkeys(reason.kind for reason in suspect.reasons):
        signs = (_first(reason, points, window) for reason in _weighty(suspect.reasons, kind))
        known = next((sign for sign in signs if sign is not None), None)
        if known is not None:
            found.append(known)
    return tuple(sorted(found, key=lambda sign: (sign.at, sign.reason.kind)))


def calm(metrics: pl.LazyFrame, suspect: Suspect, *, window: Window, baseline: Window) -> Calm | None:
    """Return when a suspect's weightiest series were calm again; None while one isn't, or when none moved.

    A series is calm from the sample after the last one that lies off its usual range.
    """
    points = _points_of(suspect, metrics, window, baseline)
    ends = []
    for reason in _weighty(suspect.reasons, "metric"):
        series = _series(points, reason).filter("inside")
        off = series.filter(pl.col("off").abs() >= MOVED)
        if off.is_empty():
            continue
        after = series.filter(pl.col("time") > off["time"].max())
        if after.is_empty():
            return None
        ends.append(Calm(reason, after["time"][0], _step(series), after["time"].n_unique()))
    if not ends:
        return None
    last = max(ends, key=lambda end: (end.at, end.reason.name))
    return Calm(last.reason, last.at, last.resolution, min(end.points for end in ends))


def _weighty(reasons: Sequence[Reason], kind: str) -> list[Reason]:
    """Return the reasons of a kind that count; an instance that fell silent tells its end, not its beginning."""
    own = [reason for reason in reasons if reason.kind == kind and reason.measure != "silence"]
    most = max((reason.weight for reason in own), default=0.0)
    return [reason for reason in own if reason.weight >= _WEIGHTY * most]


def _first(reason: Reason, points: pl.DataFrame, window: Window) -> First | None:
    if reason.time is None:
        return None
    if reason.measure != "value":
        every = max(window.duration / max(1, reason.n_during), _LEAST)
        return First(reason, reason.time, every, open=reason.time - window.start <= every)
    series = _series(points, reason)
    step = max(_step(series), _LEAST)
    sign = pl.lit(1 if reason.change > 0 else -1)
    past = series.filter(pl.col("time") <= reason.time).sort("time", descending=True)
    still = past.select(off=(pl.col("off") * sign >= MOVED).cum_prod().cast(pl.Boolean))["off"]
    at = min([reason.time, *past.filter(still)["time"].to_list()])
    return First(reason, at, step, before_window=at < window.start)


def _points_of(suspect: Suspect, metrics: pl.LazyFrame, window: Window, baseline: Window) -> pl.DataFrame:
    """Return the deviations of the series that speak against a suspect; all of their names are needed for the scale."""
    names = {reason.name for reason in suspect.reasons if reason.measure == "value"}
    near = metrics.filter(pl.col("metric").is_in(sorted(names)))
    return deviations(near, window=window, baseline=baseline).filter(pl.col("service") == suspect.service)


def _series(points: pl.DataFrame, reason: Reason) -> pl.DataFrame:
    told = {"metric": reason.name, "instance": reason.instance, "attributes": reason.attributes}
    return points.filter(*(pl.col(name).eq_missing(pl.lit(told[name])) for name in SERIES if name in told))


def _step(series: pl.DataFrame) -> timedelta:
    """Return the usual distance between two samples, at least a second."""
    step = series["time"].unique().sort().diff().median()
    return max(step, _LEAST) if isinstance(step, timedelta) else _LEAST
