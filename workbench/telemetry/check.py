"""A check asks a source for a short window, to see before an incident does whether it answers, and with how much."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

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
    """Turn whatever an adapter raises in the block into a SourceError.

    Raises:
        SourceError: the block raised something.
    """
    try:
        yield
    except SourceError:
        raise
    except Exception as error:  # a third party's source raises anything
        said = str(error).partition("\n")[0]
        raise SourceError(
            f"source {source!r} could not be asked for {frame}: {type(error).__name__}{f': {said}' if said else ''}",
            do="This is a defect of the source's adapter: report it to its authors",
        ) from error


def _checked(source: ConfiguredSource, window: Window) -> Checked:
    began, received = time.monotonic(), 0
    found: list[FrameChecked] = []
    for frame in source.frames:
        answer = hurried(source).answer(frame, Query(window))
        try:
            for _ in answer.batches():
                pass
        except SourceError as error:
            found.append(FrameChecked(frame, error=str(error)))
        else:
            problems = answer.tally.problems
            cut = " ".join(one.text for one in problems if one.kind == "incomplete")
            found.append(FrameChecked(frame, answer.rows, problems, error=cut))
        received += answer.tally.bytes
    return Checked(source.name, source.kind, tuple(found), received, time.monotonic() - began)
