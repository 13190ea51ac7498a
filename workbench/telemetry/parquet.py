"""The parquet source reads telemetry from Parquet files: a path, a glob, or a list of them for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Self

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.conform import conform, impossible_times
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Problem, Query, Reading, Tally

__all__ = ["ParquetSource"]


class ParquetSource:
    """Parquet files on disk, scanned lazily: only the row groups and columns that the window needs are read."""

    kind = "parquet"

    def __init__(self, name: str, patterns: dict[FrameName, tuple[str, ...]], root: Path) -> None:
        self.name = name
        self.frames: tuple[FrameName, ...] = tuple(patterns)
        self._patterns = patterns
        self._root = root

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source; each of ``metrics``, ``logs``, ``spans``, ``events`` is a path, a glob, or a list of them.

        Raises:
            SourceError: a key is unknown, a value is not text, or no frame is named at all.
        """
        where = f"[sources.{name}] in workbench.toml"
        unknown = sorted(set(settings) - set(FRAMES))
        if unknown:
            raise SourceError(f"{where} has the key {unknown[0]!r}", do=f"Known keys: kind, {', '.join(FRAMES)}")
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
        if not patterns:
            raise SourceError(f"{where} names no files", do=f"Add at least one of {', '.join(FRAMES)}")
        return cls(name, patterns, root)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the window's rows of every file of the frame, in the files' order.

        Raises:
            SourceError: a file is missing, isn't Parquet, is cut short, or has columns or types the frame can't use.
        """
        files = [path for pattern in self._patterns[frame] for path in self._files(pattern, frame)]
        parts: list[pl.LazyFrame] = []
        problems: list[Problem] = []
        for path in files:
            scan = pl.scan_parquet(path, glob=False)
            try:
                part, notes = conform(scan, frame, query, origin=path.name)
                notes += impossible_times(scan, frame, origin=path.name)
            except SourceError:
                raise
            except (pl.exceptions.PolarsError, OSError) as error:
                raise _unreadable(self.name, path, error) from error
            parts.append(part)
            problems += notes
        asked = f"{frame} where {query.window.start.isoformat()} <= time < {query.window.end.isoformat()}"
        if query.services:
            asked += f" and service in ({', '.join(query.services)})"
        asked += f" from {', '.join(path.name for path in files)}"
        return Reading(frame, pl.concat(parts), asked, Tally(*problems))

    def _files(self, pattern: str, frame: FrameName) -> list[Path]:
        path = self._root / Path(pattern).expanduser()
        if path.is_file():
            return [path]
        if has_magic(pattern):
            matches = (Path(name) for name in glob(str(path), recursive=True))  # noqa: PTH207 - the pattern is absolute
            found = sorted(match for match in matches if match.is_file())
            if found:
                return found
            raise SourceError(
                f"source {self.name!r}: {frame} = {pattern!r} matches no file", do="Correct it in workbench.toml"
            )
        reason = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise SourceError(
            f"source {self.name!r}: the {frame} file {pattern!r} {reason}",
            do="Correct the path in workbench.toml, or bring the file back",
        )


def _unreadable(source: str, path: Path, error: Exception) -> SourceError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SourceError(
        f"source {source!r}: {path.name} can't be read as Parquet ({reason})",
        do="It may be cut short or damaged: write it again, then pull once more",
    )
