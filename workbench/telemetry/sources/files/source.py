"""Files are what many systems leave their telemetry in; here is what the sources that read them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from glob import has_magic
from pathlib import Path
from typing import Any, ClassVar, Self

import orjson
import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.columns import Columns
from workbench.telemetry.discovery import Discovery
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.sources.files.paths import Paths, Place
from workbench.telemetry.sources.files.storage import Storage, is_remote
from workbench.telemetry.stream import stream

__all__ = ["FileSource"]

_LOOKED_AT = 200_000
_LABELLED = 200
_VALUES = 10
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

    def discover(self, query: Query) -> Discovery:
        """Return the services, metrics and attributes of the window's first rows.

        Raises:
            SourceError: a file can't be read.
        """
        seen: dict[str, set[str]] = {"service": set(), "metric": set()}
        labels: dict[str, set[str]] = {}
        whole = True
        for frame in self.frames:
            rows = 0
            for page in self._read(frame, query, Tally()):
                rows += page.height
                for column in seen.keys() & set(page.columns):
                    seen[column].update(page[column].drop_nulls().unique())
                for text in page["attributes"].drop_nulls().unique().head(_LABELLED):
                    _gather(text, labels)
                if rows >= _LOOKED_AT:
                    whole = False
                    break
        return Discovery(
            tuple(sorted(seen["service"])),
            tuple(sorted(seen["metric"])),
            tuple((label, tuple(sorted(labels[label]))) for label in sorted(labels)),
            "" if whole else f"The first {_LOOKED_AT:,} rows of the window were looked at.",
        )

    def _read(self, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        for place in self._paths.places(frame, query.window):
            found = False
            try:
                for page in self._pages(place, frame, query, tally):
                    found = True
                    yield page
            except FileNotFoundError as error:
                if place.required:
                    raise self._unreadable(place, error) from None
                continue
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
                raise self._unreadable(place, error) from None
            if not found and place.required and is_remote(place.address) and has_magic(place.address):
                # The bucket is listed by the scan itself, which takes a glob that finds nothing for no rows.
                raise self._paths.nothing(frame, place.address)

    def _set(self, settings: dict[str, object], where: str) -> None:  # noqa: B027 - most formats have none
        """Take the settings that only this format has."""

    @abstractmethod
    def _pages(self, place: Place, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        """Yield the window's rows of one place, page by page; at least one page of each file that is there."""

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


def _gather(text: str, labels: dict[str, set[str]]) -> None:
    """Add the keys of attributes with a few of their values."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    for label, value in said.items() if isinstance(said, dict) else ():
        values = labels.setdefault(label, set())
        if len(values) < _VALUES and isinstance(value, str | int | float):
            values.add(str(value))
