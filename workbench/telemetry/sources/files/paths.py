"""A path says where a source's files lie: one file, a glob, or one with the date in it, on this disk or in a bucket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from glob import glob, has_magic
from pathlib import Path
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.sources.files.storage import is_remote
from workbench.window import Window

__all__ = ["Paths", "Place", "partition"]

_DIRECTIVE = re.compile(r"%[YmdjH]")
_DATE_KEYS = frozenset({"year", "month", "day", "hour", "date", "dt", "ds"})
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Place:
    """One file of this disk, or what is asked of a bucket (which may be a glob)."""

    address: str
    keys: Mapping[str, str | None]
    """What the folders ``key=value`` of its path say, but for dates, which the rows say better."""
    required: bool = True
    """Whether it must be there; where a date was filled in, nothing may have been written then."""

    @property
    def name(self) -> str:
        """The file's own name, for notes."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class Paths:
    """The paths of each frame, as they stand in the settings, and the folder that relative ones start from."""

    source: str
    patterns: Mapping[FrameName, tuple[str, ...]]
    root: Path
    time_zone: str = "UTC"
    """In which the dates in paths are meant."""

    @classmethod
    def from_settings(
        cls, name: str, settings: dict[str, object], root: Path, time_zone: str
    ) -> tuple[Paths, dict[str, object]]:
        """Return the paths of a source's table, and its other keys.

        Raises:
            SourceError: a value is no path, or no frame is named at all.
        """
        where = f"[sources.{name}] in workbench.toml"
        patterns: dict[FrameName, tuple[str, ...]] = {}
        for frame in FRAMES:
            if frame not in settings:
                continue
            value = settings[frame]
            listed = [value] if isinstance(value, str) else value
            if (
                not isinstance(listed, Sequence)
                or not listed
                or not all(isinstance(item, str) and item for item in listed)
            ):
                raise SourceError(f"{frame} of {where} is {value!r}", do="Give a path, a glob, or a list of them")
            patterns[frame] = tuple(listed)
        rest = {key: value for key, value in settings.items() if key not in FRAMES}
        return cls(name, patterns, root, time_zone), rest

    def asked(self, frame: FrameName, window: Window) -> list[str]:
        """Return the paths that can hold rows of the window: those with a date in them once for each date."""
        return [dated for pattern in self.patterns[frame] for dated in _dated(pattern, window, self.time_zone)]

    def places(self, frame: FrameName, window: Window) -> list[Place]:
        """Return the files that can hold rows of the window, in the order of the settings and of their names.

        A path with a date in it may have no file for a day; any other must have one.

        Raises:
            SourceError: a path leads nowhere.
        """
        found: dict[str, Place] = {}
        for pattern in self.patterns[frame]:
            for dated in _dated(pattern, window, self.time_zone):
                for place in self._found(dated, frame, required=dated == pattern):
                    found.setdefault(place.address, place)
        return list(found.values())

    def nothing(self, frame: FrameName, pattern: str) -> SourceError:
        """Return the error that a glob finds no file."""
        return SourceError(
            f"source {self.source!r}: {frame} = {pattern!r} matches no file", do="Correct it in workbench.toml"
        )

    def _found(self, pattern: str, frame: FrameName, *, required: bool) -> list[Place]:
        if is_remote(pattern):
            return [Place(pattern, partition(pattern), required)]
        path = self.root / Path(pattern).expanduser()
        if path.is_file():
            return [self._place(path)]
        if has_magic(pattern):
            matches = (Path(name) for name in glob(str(path), recursive=True))  # noqa: PTH207 - the pattern is absolute
            found = sorted(match for match in matches if match.is_file())
            if found or not required:
                return [self._place(match) for match in found]
            raise self.nothing(frame, pattern)
        if not required and not path.exists():
            return []
        reason = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise SourceError(
            f"source {self.source!r}: the {frame} file {pattern!r} {reason}",
            do="Correct the path in workbench.toml, or bring the file back",
        )

    def _place(self, path: Path) -> Place:
        # Folders above the workspace are the machine's, whatever they are called.
        own = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        return Place(str(path), partition(own.as_posix()))


def partition(path: str) -> dict[str, str | None]:
    """Return what the folders ``key=value`` of a path say, as Hive lays them out; dates aside."""
    pairs = (folder.partition("=") for folder in path.split("/")[:-1] if "=" in folder)
    keys = {unquote(key): unquote(value) for key, _, value in pairs if key and not has_magic(value)}
    return {
        key: None if value == _NO_VALUE else value for key, value in keys.items() if key.casefold() not in _DATE_KEYS
    }


def _dated(pattern: str, window: Window, time_zone: str) -> list[str]:
    """Return a path with its date filled in, once for each that the window touches."""
    if not _DIRECTIVE.search(pattern):
        return [pattern]
    zone = ZoneInfo(time_zone)
    hours = int(window.duration / timedelta(hours=1)) + 1
    # Every hour and the last moment: no day, however short, lies between two of them.
    moments = [window.start + timedelta(hours=n) for n in range(hours)]
    moments = [moment for moment in moments if moment < window.end] + [window.end - timedelta(microseconds=1)]
    return list(dict.fromkeys(_filled(pattern, moment.astimezone(zone)) for moment in moments))


def _filled(pattern: str, moment: datetime) -> str:
    return _DIRECTIVE.sub(lambda found: moment.strftime(found[0]), pattern)
