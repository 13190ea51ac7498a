"""A snapshot is a folder of pinned Parquet tables with a manifest, never changed after it is complete."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import EvidenceError
from workbench.evidence.manifest import Manifest
from workbench.telemetry.names import FrameName
from workbench.window import Window

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MANIFEST", "Snapshot", "sha256_of"]

MANIFEST = "manifest.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Snapshot:
    """One pull of one incident, opened to be read."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> Snapshot:
        """Return the snapshot in a version's folder.

        Raises:
            EvidenceError: its manifest is missing, damaged or newer than this version.
        """
        return cls(path, Manifest.read(path / MANIFEST))

    @property
    def version(self) -> str:
        """The snapshot's name; names sort by the time of the pull."""
        return self.path.name

    @property
    def window(self) -> Window:
        """The incident's window, as it was pulled."""
        return self.manifest.window.window

    @property
    def baseline(self) -> Window | None:
        """The window before the incident that it is compared with, or None when none was asked for."""
        return self.manifest.baseline.window if self.manifest.baseline else None

    @cached_property
    def manifest_sha256(self) -> str:
        """The manifest's hash, which stands in the record's history."""
        return sha256_of(self.path / MANIFEST)

    def frame(self, name: FrameName) -> pl.LazyFrame:
        """Return all pinned rows of a frame, of every source, with the frame's columns; empty when nothing was pinned.

        Raises:
            EvidenceError: a pinned file is missing.
        """
        import polars as pl  # noqa: PLC0415 - listing evidence does without polars

        from workbench.telemetry.schema import FRAMES  # noqa: PLC0415

        return pl.concat([pl.LazyFrame(schema=FRAMES[name]), *self.by_source(name).values()])

    def by_source(self, name: FrameName) -> dict[str, pl.LazyFrame]:
        """Return the pinned rows of a frame by the source that gave them, in the order of the sources.

        Raises:
            EvidenceError: a pinned file is missing.
        """
        import polars as pl  # noqa: PLC0415 - as above

        tables = [table for table in self.manifest.tables if table.frame == name]
        for table in tables:
            if not (self.path / table.path).is_file():
                raise EvidenceError(
                    f"the pinned file {table.path} of the snapshot {self.version} is missing",
                    do="Run: workbench verify, then bring the file back from a copy",
                )
        # A source has several tables of a frame where a part was carried over, and the rest pulled.
        parts: dict[str, list[pl.LazyFrame]] = {}
        for table in tables:
            parts.setdefault(table.source, []).append(pl.scan_parquet(self.path / table.path, glob=False))
        return {source: pl.concat(part) for source, part in parts.items()}

    def verify(self, expected_manifest: str) -> list[str]:
        """Return what isn't as it was pinned, each in a sentence; empty when all is whole.

        Args:
            expected_manifest: the manifest's SHA-256 as the record's history has it.
        """
        found: list[str] = []
        if self.manifest_sha256 != expected_manifest:
            found.append(f"{self._where(MANIFEST)} was changed after it was pinned")
        for table in self.manifest.tables:
            file = self.path / table.path
            if not file.is_file():
                found.append(f"{self._where(table.path)} is missing")
            elif sha256_of(file) != table.sha256:
                found.append(f"{self._where(table.path)} was changed after it was pinned")
        known = {MANIFEST, *(table.path for table in self.manifest.tables)}
        added = sorted(path.name for path in self.path.iterdir() if path.name not in known)
        return found + [f"{self._where(name)} was added after it was pinned" for name in added]

    def _where(self, name: str) -> str:
        return f"evidence/{self.path.parent.name}/{self.path.name}/{name}"


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256, read in pieces so that its size doesn't matter."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
