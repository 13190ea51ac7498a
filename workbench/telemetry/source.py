"""A source is a system that telemetry is read from, behind one small protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never, Protocol, overload, runtime_checkable

import polars as pl

from workbench.telemetry.schema import FrameName
from workbench.window import Window

__all__ = ["Estimate", "Limits", "Problem", "Query", "Reading", "Source", "Tally"]


@dataclass(frozen=True)
class Limits:
    """The most that one frame of one source may cost; what lies beyond is left out, and the answer marked incomplete.

    A backend pushes down what it can (a row limit, a time-out); rows and seconds are held to for every source alike.
    """

    rows: int = 50_000_000
    bytes: int = 8_000_000_000
    """As received, before anything is made of them."""
    series: int = 20_000
    """Of metrics."""
    seconds: float = 600.0
    concurrency: int = 4
    """Requests at one time."""


@dataclass(frozen=True)
class Query:
    """What is asked of a source: a window, the services it may be narrowed to (empty means all), and the limits.

    ``stop`` is set when the person who asked has gone: whoever waits for a backend looks at it and gives up.
    """

    window: Window
    services: tuple[str, ...] = ()
    limits: Limits = field(default=Limits())
    stop: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)


@dataclass(frozen=True)
class Problem:
    """Something about the data a reader should know: what it is, how many rows it concerns, and words for a person."""

    kind: str
    rows: int
    text: str


class Tally:
    """What a source noticed while it was read: problems, whether anything is missing, and bytes received.

    It fills while the data is consumed, perhaps from several threads, and is final once the last row has come.
    """

    def __init__(self, *problems: Problem) -> None:
        self._lock = threading.Lock()
        self._problems = list(problems)
        self._complete = True
        self._bytes = 0

    def note(self, problem: Problem) -> None:
        """Write down something a reader should know; the same problem met again adds its rows to the first."""
        with self._lock:
            for place, known in enumerate(self._problems):
                if (known.kind, known.text) == (problem.kind, problem.text):
                    self._problems[place] = Problem(known.kind, known.rows + problem.rows, known.text)
                    return
            self._problems.append(problem)

    def cut(self, text: str, *, kind: str = "incomplete", rows: int = 0) -> None:
        """Write down that a part of the answer is missing, and why: the table is marked incomplete."""
        with self._lock:
            self._complete = False
        self.note(Problem(kind, rows, text))

    def received(self, count: int) -> None:
        """Count bytes that came from the backend."""
        with self._lock:
            self._bytes += count

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was noticed, in the order it was first met."""
        with self._lock:
            return tuple(self._problems)

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return self._complete

    @property
    def bytes(self) -> int:
        """How many bytes came from the backend; 0 where the backend can't say."""
        return self._bytes


@dataclass(frozen=True)
class Estimate:
    """How much a reading would bring, as far as the backend can say without reading it; None where it can't."""

    rows: int | None = None
    bytes: int | None = None
    series: int | None = None


class _Asked:
    """Text that may be given as a function, which makes it when it is first looked at."""

    @overload
    def __get__(self, reading: None, owner: type) -> Never: ...

    @overload
    def __get__(self, reading: object, owner: type) -> str: ...

    def __get__(self, reading: object | None, owner: type) -> str:
        if reading is None:  # So that dataclass finds no default here.
            raise AttributeError
        found = vars(reading)["asked"]
        if callable(found):
            found = vars(reading)["asked"] = found()
        return str(found)

    def __set__(self, reading: object, text: str | Callable[[], str]) -> None:
        vars(reading)["asked"] = text


@dataclass(frozen=True, repr=False)  # Shown, it would have to ask the backend.
class Reading:
    """One frame a source answers with.

    ``data`` has exactly the columns of the frame (`workbench.telemetry.schema.FRAMES`) and is lazy: no row is asked for
    until it is consumed. ``asked`` is the query, or the queries, as the backend gets them, one a line; a backend that
    must be asked for its columns first gives it as a function. ``tally`` fills while the data is consumed. ``estimate``
    asks the backend what it would bring, where that is cheap.
    """

    frame: FrameName
    data: pl.LazyFrame
    asked: _Asked = _Asked()
    tally: Tally = field(default_factory=Tally)
    estimate: Callable[[], Estimate] = Estimate

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was noticed so far; final once the data was consumed."""
        return self.tally.problems

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing so far; final once the data was consumed."""
        return self.tally.complete


@runtime_checkable
class Source(Protocol):
    """What every backend is: built from its table in ``workbench.toml``, read one frame and one window at a time.

    A class registers under the entry-point group ``workbench.sources`` by its ``kind`` and is made by
    ``from_settings(name, table, root)``; ``root`` is the workspace's folder, for relative paths. Making one asks
    nothing of the backend and reads no secret.

    A backend that can list what it holds at little cost also has ``discover`` (`workbench.telemetry.discovery`).
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
        """Return one frame's rows of the window, narrowed by the backend itself, unread.

        A backend that answers page by page makes its frame of them with `workbench.telemetry.stream.stream`.

        Raises:
            SourceError: here, or while the data is consumed: it can't be read; says which file or address, why, and
                what to do.
        """
        ...
