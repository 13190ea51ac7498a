"""To carry is to take a table of an earlier snapshot over into a new one, instead of asking for it again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import polars as pl

from workbench.errors import EvidenceError
from workbench.evidence.due import Carry, Held, Lost, Part, Plan
from workbench.evidence.manifest import Table, Unanswered
from workbench.evidence.snapshots import Snapshot, sha256_of
from workbench.telemetry.schema import TIME_COLUMN
from workbench.versions import refused
from workbench.window import Window, format_time

__all__ = ["FileNames", "better", "carry", "forgotten", "held_in", "intact", "no_better", "used_by"]

_LEVEL, _GROUP = 6, 131_072  # as tables are written that come from a source


def held_in(folder: Path, versions: Iterable[str]) -> list[Held]:
    """Return what snapshots of one incident hold, for deciding what is due; one that can't be read holds nothing.

    Args:
        folder: the incident's evidence folder.
        versions: the snapshots' names.
    """
    held: list[Held] = []
    for version in versions:
        # One that is damaged is named by `workbench verify`; here it is as good as none.
        with suppress(EvidenceError):
            manifest = Snapshot.open(folder / version).manifest
            held += [_held(version, table, manifest.pulled_at) for table in manifest.tables]
    return held


def used_by(plan: Plan) -> set[tuple[str, str]]:
    """Return the tables that a plan carries, or may carry, by snapshot and file; none when nothing is asked."""
    if not plan.asks:
        return set()
    pieces = (*plan.carries, *(piece for ask in plan.asks for piece in ask.instead))
    return {(piece.held.version, piece.held.path) for piece in pieces}


def intact(folder: Path, version: str, path: str) -> bool:
    """Return whether a table is still as it was pinned.

    Args:
        folder: the incident's evidence folder.
        version: the snapshot's name.
        path: the table's file in it.
    """
    file = folder / version / path
    return file.is_file() and sha256_of(file) == _table(folder, version, path).sha256


def carry(piece: Carry, *, folder: Path, into: Path, window: Window) -> Table:
    """Take over a piece of a table, and return what the new manifest says of it.

    A whole table is the same file under another name (a hard link, or a copy where there are none) with the same hash.
    A part of one is written anew.

    Args:
        piece: what is taken over.
        folder: the incident's evidence folder, in which the earlier snapshot lies.
        into: the file to make; it isn't there yet.
        window: the incident's window, whose rows are counted.

    Raises:
        EvidenceError: the earlier file was changed after it was pinned.
        StorageError: the disk refused.
    """
    held = piece.held
    table, source = _table(folder, held.version, held.path), folder / held.version / held.path
    column = TIME_COLUMN[table.frame]
    try:
        # Linked first, so that what is looked at is what is carried.
        _link(source, into)
        sha256 = sha256_of(into)
        if sha256 != table.sha256:
            raise EvidenceError(
                f"the pinned file {held.path} of the snapshot {held.version} was changed",
                do="Run: workbench verify, then bring the file back from a copy",
            )
        if piece.window != Window(table.start, table.end):
            into.unlink()
            kept = pl.scan_parquet(source, glob=False).filter(piece.window.holds(column))
            kept.sink_parquet(into, compression="zstd", compression_level=_LEVEL, row_group_size=_GROUP, mkdir=False)
            sha256 = sha256_of(into)
        counted = pl.scan_parquet(into, glob=False).select(rows=pl.len(), inside=window.holds(column).sum())
        facts = counted.collect(engine="streaming").row(0, named=True)
        return table.model_copy(
            update={
                "path": into.name,
                "start": piece.window.start,
                "end": piece.window.end,
                "rows": facts["rows"],
                "rows_in_window": facts["inside"],
                "bytes": into.stat().st_size,
                "sha256": sha256,
                "pulled_at": held.pulled_at,
                "carried_from": held.version,
            }
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise refused(into.parent.parent, error) from error


def better(table: Table, earlier: Sequence[Carry]) -> bool:
    """Return whether an answer takes the place of what is pinned for its window already.

    It does when it is complete, or has more rows; not when it is empty and the other isn't: a backend that has
    forgotten answers so.
    """
    rows = sum(piece.held.rows for piece in earlier)
    return table.rows > rows or (table.complete and (table.rows > 0 or rows == 0))


def no_better(table: Table) -> Unanswered:
    """Return what a manifest says of an answer that was no better than what is carried."""
    return Unanswered(
        source=table.source,
        frame=table.frame,
        error=f"it gave {table.rows:,} rows now, which is less than was pinned before; that was kept",
        asked=table.asked,
        seconds=table.seconds,
        received_bytes=table.received_bytes,
    )


def forgotten(lost: Lost) -> Unanswered:
    """Return what a manifest says of moments that a backend has forgotten."""
    start, end = format_time(lost.window.start), format_time(lost.window.end)
    return Unanswered(
        source=lost.part[0],
        frame=lost.part[1],
        error=f"its retention was over before [{start}, {end}) was pinned",
    )


class FileNames:
    """The names of the tables' files in one snapshot: by source and frame, and numbered where one has several."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, part: Part) -> str:
        """Return a name that isn't taken yet, and take it."""
        number = 1
        while (name := f"{part[0]}.{part[1]}{f'.{number}' if number > 1 else ''}.parquet") in self._taken:
            number += 1
        self._taken.add(name)
        return name

    def give_back(self, name: str) -> None:
        """Make a name free again, whose file is gone."""
        self._taken.discard(name)


def _held(version: str, table: Table, pulled_at: datetime) -> Held:
    return Held(
        version=version,
        path=table.path,
        part=(table.source, table.frame),
        window=Window(table.start, table.end),
        rows=table.rows,
        pulled_at=table.pulled_at or pulled_at,
        complete=table.complete,
        limited=_limited(table),
    )


def _table(folder: Path, version: str, path: str) -> Table:
    return next(table for table in Snapshot.open(folder / version).manifest.tables if table.path == path)


def _limited(table: Table) -> bool:
    """Return whether what is missing lies beyond a limit, and nothing else is."""
    kinds = {note.kind for note in table.notes}
    return not table.complete and "limit" in kinds and "incomplete" not in kinds


def _link(source: Path, into: Path) -> None:
    try:
        os.link(source, into)
    except OSError:
        # A file system without hard links, or with too many of them.
        shutil.copyfile(source, into)
