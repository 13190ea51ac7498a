"""A check asks a source for a short window, to see before an incident does whether it answers, and with how much."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Problem, Query
from workbench.window import Window

__all__ = ["LENGTH", "Checked", "FrameChecked", "check", "hurried", "in_words"]

LENGTH = timedelta(minutes=1)
"""How long the window is that a check asks for."""

_PATIENCE = 30.0
_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class FrameChecked:
    """What one frame of a source answered: its rows, or the error in words."""

    frame: FrameName
    rows: int = 0
    problems: tuple[Problem, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Checked:
    """What one source answered: each frame, the bytes that came over the wire (0 where it can't say), and seconds."""

    source: str
    kind: str
    frames: tuple[FrameChecked, ...]
    bytes: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every frame answered; no rows are an answer, too."""
        return not any(one.error for one in self.frames)


def check(sources: Sequence[ConfiguredSource], window: Window) -> Iterator[Checked]:
    """Ask all sources side by side for every frame of the window, and yield what each answered, in their order.

    A source that takes longer than 30 seconds, or than its own limit if that is less, has failed.
    """
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="check") as pool:
        yield from pool.map(lambda source: _checked(source, window), sources)


def hurried(source: ConfiguredSource, *, rows: int | None = None) -> ConfiguredSource:
    """Return the source with less patience: half a minute at most, and no more rows than told."""
    limits = source.policy.limits
    less = replace(limits, seconds=min(limits.seconds, _PATIENCE), rows=min(limits.rows, rows or limits.rows))
    return replace(source, policy=replace(source.policy, limits=less))


@contextmanager
def in_words(source: str, frame: FrameName) -> Iterator[None]:
    """Turn what polars or the system raise while a source is read into a SourceError.

    Raises:
        SourceError: the block raised it, or something of a third party's.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise SourceError(
            f"source {source!r} could not be read for {frame}: {reason}", do="Look at its data, then try again"
        ) from error


def _checked(source: ConfiguredSource, window: Window) -> Checked:
    began, received = time.monotonic(), 0
    found: list[FrameChecked] = []
    for frame in source.frames:
        rows = 0
        try:
            with in_words(source.name, frame):
                reading = hurried(source).read(frame, Query(window))
                try:
                    for batch in reading.data.collect_batches(maintain_order=False):
                        rows += batch.height
                finally:
                    received += reading.tally.bytes
        except SourceError as error:
            found.append(FrameChecked(frame, rows, error=str(error)))
        else:
            cut = [one.text for one in reading.problems if one.kind == "incomplete"]
            found.append(FrameChecked(frame, rows, reading.problems, error=" ".join(cut)))
    return Checked(source.name, source.kind, tuple(found), received, time.monotonic() - began)
