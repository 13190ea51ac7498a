"""A source is a system that telemetry is read from, behind one small protocol."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import polars as pl

from workbench.telemetry.schema import FrameName
from workbench.window import Window

__all__ = ["Problem", "Query", "Reading", "Source"]


@dataclass(frozen=True)
class Query:
    """What is asked of a source: a window, and the services it may be narrowed to (empty means all)."""

    window: Window
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something about the data a reader should know: what it is, how many rows it concerns, and words for a person."""

    kind: str
    rows: int
    text: str


@dataclass(frozen=True)
class Reading:
    """One frame a source answered with.

    ``data`` has exactly the columns of the frame (`workbench.telemetry.schema.FRAMES`) and is lazy: nothing is read
    until it is streamed to disk. ``asked`` is the query as the backend got it; ``complete`` is false for half an
    answer.
    """

    frame: FrameName
    data: pl.LazyFrame
    asked: str
    problems: tuple[Problem, ...] = ()
    complete: bool = True


@runtime_checkable
class Source(Protocol):
    """What every backend is: built from its table in ``workbench.toml``, read one frame and one window at a time.

    A class registers under the entry-point group ``workbench.sources`` by its ``kind`` and is made by
    ``from_settings(name, table, root)``; ``root`` is the workspace's folder, for relative paths.
    """

    name: str
    kind: str
    frames: tuple[FrameName, ...]
    """The frames this source is set up to answer with; each is read, and may fail, on its own."""

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Source:
        """Return the source a ``[sources.NAME]`` table describes, or raise SourceError naming the wrong key."""
        ...

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return one frame's rows of the window, narrowed by the backend itself.

        Raises:
            SourceError: it can't be read; says which file or address, why, and what to do.
        """
        ...
