"""Discovery lists what a source holds, so that a person can choose: services, metrics, and the labels they carry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.check import hurried, in_words
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Query
from workbench.window import Window

__all__ = ["Discovering", "Discovery", "discover"]

_ROWS = 100_000
_VALUES = 20
_COLUMNS = ("instance", "severity", "kind", "status", "source")
"""Columns of the frames that are chosen by as labels are."""


@dataclass(frozen=True)
class Discovery:
    """What a source holds in a window, each list sorted; ``labels`` maps a label or attribute to some of its values.

    ``note`` says in a sentence how far one may trust that it is all ("the first 10,000 rows were looked at").
    """

    services: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    note: str = ""


@runtime_checkable
class Discovering(Protocol):
    """A source that can list what it holds without being read."""

    def discover(self, query: Query) -> Discovery:
        """Return what it holds in the window.

        Raises:
            SourceError: it can't be asked.
        """
        ...


def discover(source: ConfiguredSource, window: Window) -> Discovery:
    """Return what a source holds in a window: as its backend lists it, or else as a bounded piece of it shows.

    Raises:
        SourceError: it can't be asked, or no frame of it can be read.
    """
    modest = hurried(source, rows=_ROWS)
    ahead = source.policy.clock_ahead
    if isinstance(source.source, Discovering):
        with in_words(source.name, source.frames[0]):
            there = Window(window.start + ahead, window.end + ahead)
            return source.source.discover(Query(there, limits=modest.policy.limits))
    seen, failed = _Seen(), []
    for frame in source.frames:
        try:
            seen.look(modest, frame, window)
        except SourceError as error:
            failed.append(error)
    if len(failed) == len(source.frames):
        raise failed[0]
    found = seen.discovery()
    return replace(found, note=" ".join([found.note, *(f"{error.what}." for error in failed)]))


class _Seen:
    """What a piece of a source's rows shows."""

    def __init__(self) -> None:
        self._services: set[str] = set()
        self._metrics: set[str] = set()
        self._labels: defaultdict[str, set[str]] = defaultdict(set)
        self._rows = 0
        self._whole = True

    def look(self, source: ConfiguredSource, frame: FrameName, window: Window) -> None:
        """Read one frame, as far as the limits go."""
        answer = source.answer(frame, Query(window))
        for batch in answer.batches():
            self._rows += batch.height
            self._services |= _texts(batch, "service")
            self._metrics |= _texts(batch, "metric")
            for column in _COLUMNS:
                if found := _texts(batch, column):
                    self._labels[column] |= found
            self._take_apart(_texts(batch, "attributes"))
        self._whole = self._whole and answer.tally.complete

    def discovery(self) -> Discovery:
        """Return all of it, sorted."""
        told = "all" if self._whole else "the first"
        return Discovery(
            tuple(sorted(self._services)),
            tuple(sorted(self._metrics)),
            tuple((label, tuple(sorted(self._labels[label])[:_VALUES])) for label in sorted(self._labels)),
            f"Its backend keeps no list; this is what {told} {self._rows:,} rows of the window hold.",
        )

    def _take_apart(self, attributes: set[str]) -> None:
        import orjson  # noqa: PLC0415 - only attributes need it

        for text in attributes:
            try:
                pairs = orjson.loads(text)
            except orjson.JSONDecodeError:
                # Attributes of somebody's file may be anything; what isn't an object names nothing to choose.
                continue
            for label, value in pairs.items() if isinstance(pairs, dict) else ():
                self._labels[label].add(value if isinstance(value, str) else orjson.dumps(value).decode())


def _texts(batch: pl.DataFrame, column: str) -> set[str]:
    return set(batch[column].drop_nulls().unique()) if column in batch.columns else set()
