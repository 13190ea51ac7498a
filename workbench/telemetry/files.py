"""Files are what many systems leave their telemetry in; here is what the sources that read them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.columns import Columns
from workbench.telemetry.paths import Paths, Place
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.storage import Storage, is_remote
from workbench.telemetry.stream import stream

__all__ = ["FileSource"]

_SHARED = ("columns", "time_format", "time_zone", "duration_unit", "names", "storage")


class FileSource(ABC):
    """Files of one format: their paths, their columns, and how the buckets that hold them are reached."""

    kind: ClassVar[str]
    format: ClassVar[str]
    """What the format is called in errors."""
    own: ClassVar[tuple[str, ...]] = ()
    """The settings that only this format has."""

    def __init__(self, name: str, paths: Paths, columns: Columns, storage: Storage) -> None:
        self.name = name
        self.frames: tuple[FrameName, ...] = tuple(paths.patterns)
        self._paths = paths
        self._columns = columns
        self._storage = storage

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source; each of ``metrics``, ``logs``, ``spans``, ``events`` is a path, a glob, or a list of them.

        Beside them stand the keys of `Columns` and `Storage`, and those of the format.

        Raises:
            SourceError: a key is unknown, a value can't be, or no frame is named at all.
        """
        where = f"[sources.{name}] in workbench.toml"
        columns, rest = Columns.from_settings(name, settings)
        storage, rest = Storage.from_settings(name, rest)
        paths, rest = Paths.from_settings(name, rest, root, columns.time_zone)
        unknown = sorted(set(rest) - set(cls.own))
        if unknown:
            known = ("kind", *FRAMES, *cls.own, *_SHARED)
            raise SourceError(f"{where} has the key {unknown[0]!r}", do=f"Known keys: {', '.join(known)}")
        if not paths.patterns:
            raise SourceError(f"{where} names no files", do=f"Add at least one of {', '.join(FRAMES)}")
        source = cls(name, paths, columns, storage)
        source._set(rest, where)
        return source

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the window's rows of every file of the frame, in the files' order, unread.

        Raises:
            SourceError: while the data is consumed: a file is missing or damaged, or has columns or types that the
                frame can't use.
        """
        tally = Tally()
        window = query.window
        asked = f"{frame} where {window.start.isoformat()} <= time < {window.end.isoformat()}"
        if query.services:
            asked += f" and service in ({', '.join(query.services)})"
        asked += f" from {', '.join(self._paths.asked(frame, window))}"
        return Reading(
            frame,
            stream(frame, lambda: self._read(frame, query, tally)),
            asked,
            tally,
            lambda: self._estimate(frame, query),
        )

    def _read(self, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        for place in self._paths.places(frame, query.window):
            try:
                yield from self._pages(place, frame, query, tally)
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
                raise self._unreadable(place, error) from None

    def _set(self, settings: dict[str, object], where: str) -> None:  # noqa: B027 - most formats have none
        """Take the settings that only this format has."""

    @abstractmethod
    def _pages(self, place: Place, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        """Yield the window's rows of one place, page by page."""

    def _estimate(self, frame: FrameName, query: Query) -> Estimate:
        """Return the bytes of the files; how much of them is in the window is known once they are read."""
        places = self._paths.places(frame, query.window)
        if any(is_remote(place.address) for place in places):
            return Estimate()
        return Estimate(bytes=sum(Path(place.address).stat().st_size for place in places))

    def _reached(self, place: Place) -> dict[str, Any]:
        return self._storage.reached(place.address)

    def _unreadable(self, place: Place, error: BaseException) -> SourceError:
        told = str(error).partition("\n")[0] or type(error).__name__
        reason = self._storage.hide(told)[:300]
        if is_remote(place.address):
            return SourceError(
                f"source {self.name!r}: {place.address} can't be read as {self.format} ({reason})",
                do="Look whether it is there and may be read with these credentials, then pull once more",
            )
        return SourceError(
            f"source {self.name!r}: {place.name} can't be read as {self.format} ({reason})",
            do="It may be cut short or damaged: write it again, then pull once more",
        )
