"""To pin is to copy what the sources answer into a snapshot that nobody changes afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from workbench import __version__
from workbench.errors import EvidenceError, SourceError
from workbench.evidence.manifest import Manifest, Note, Span, Table, Unanswered
from workbench.evidence.progress import Progress
from workbench.evidence.snapshots import MANIFEST, Snapshot, sha256_of
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.schema import FRAMES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Query
from workbench.versions import appear, is_full, new_version, only_one, refused, version_of, write_durably
from workbench.window import Window

__all__ = ["Progress", "pin"]

_SIDE_BY_SIDE = 8


def pin(
    sources: Sequence[ConfiguredSource],
    *,
    incident: str,
    window: Window,
    baseline: Window | None,
    folder: Path,
    tell: Callable[[Progress], None] = lambda _: None,
    keep: Callable[[Snapshot], None] = lambda _: None,
) -> Snapshot:
    """Read every frame of every source for the window and its baseline, and return the new snapshot.

    Sources are read side by side. One that fails is named in the manifest, and costs the others nothing. The snapshot
    appears in one step, complete, or not at all: a pull that is interrupted leaves only a hidden folder, which the next
    pull clears away.

    Args:
        sources: where to read.
        incident: the incident's id, for the manifest.
        window: the incident's window.
        baseline: the window before it, which must end where it starts; None for none.
        folder: the incident's evidence folder; made when missing.
        tell: called after each frame of each source.
        keep: called with the snapshot once it is in place, to write its hash into the history; when it raises, the
            snapshot is taken away again.

    Raises:
        EvidenceError: nothing could be pinned at all.
        StorageError: the disk is full, or another pull of this incident is running.
    """
    with only_one(folder, f"a pull of {incident}"), new_version(folder) as partial:
        span = Window(baseline.start, window.end) if baseline else window
        query = Query(span)
        asked = [(source, frame) for source in sources for frame in source.frames]
        tables: list[Table] = []
        unanswered: list[Unanswered] = []
        pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="pull")
        try:
            running: dict[Future[Table], tuple[ConfiguredSource, FrameName]] = {
                pool.submit(_pin_table, source, frame, query, window, partial): (source, frame)
                for source, frame in asked
            }
            for done, future in enumerate(as_completed(running), start=1):
                source, frame = running[future]
                try:
                    table = future.result()
                except SourceError as error:
                    failed = Unanswered(source=source.name, frame=frame, error=str(error))
                    unanswered.append(failed)
                    tell(Progress(done, len(asked), source.name, frame, unanswered=failed))
                else:
                    tables.append(table)
                    tell(Progress(done, len(asked), source.name, frame, table=table))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        if not tables:
            reasons = "; ".join(failed.error for failed in unanswered)
            raise EvidenceError(
                f"nothing was pinned: no source could be read ({reasons})", do="Correct the sources, then pull again"
            )
        order = {(source.name, frame): place for place, (source, frame) in enumerate(asked)}
        manifest = Manifest(
            tool_version=__version__,
            incident=incident,
            version=version_of(partial),
            pulled_at=datetime.now(UTC),
            window=Span.of(window),
            baseline=Span.of(baseline) if baseline else None,
            tables=tuple(sorted(tables, key=lambda table: order[table.source, table.frame])),
            unanswered=tuple(sorted(unanswered, key=lambda failed: order[failed.source, failed.frame])),
        )
        write_durably(partial / MANIFEST, manifest.to_bytes())
        final = appear(partial)
        snapshot = Snapshot(final, manifest)
        try:
            keep(snapshot)
        except BaseException:
            shutil.rmtree(final, ignore_errors=True)
            raise
        return snapshot


def _pin_table(source: ConfiguredSource, frame: FrameName, query: Query, window: Window, folder: Path) -> Table:
    """Stream one frame into its file and return what the manifest says of it."""
    file = folder / f"{source.name}.{frame}.parquet"
    try:
        reading = source.read(frame, query)
        reading.data.sink_parquet(file, compression="zstd", compression_level=6, mkdir=False)
    except SourceError:
        raise
    except (pl.exceptions.PolarsError, OSError) as error:
        if is_full(error):
            raise refused(folder.parent, error) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(
            f"source {source.name!r} could not be read for {frame}: {reason}", do="Look at its data, then pull again"
        ) from error
    rows, inside, notes = _counted(file, frame, window)
    return Table(
        source=source.name,
        frame=frame,
        path=file.name,
        asked=reading.asked,
        start=query.window.start,
        end=query.window.end,
        rows=rows,
        rows_in_window=inside,
        columns={name: str(dtype) for name, dtype in FRAMES[frame].items()},
        bytes=file.stat().st_size,
        sha256=sha256_of(file),
        complete=reading.complete,
        notes=(*(Note(kind=p.kind, rows=p.rows, text=p.text) for p in reading.problems), *notes),
    )


def _counted(file: Path, frame: FrameName, window: Window) -> tuple[int, int, list[Note]]:
    """Return the pinned rows, those of them in the window, and what is odd about the values."""
    counts = [pl.len().alias("rows"), window.holds(TIME_COLUMN[frame]).sum().alias("inside")]
    if frame == "metrics":
        value = pl.col("value")
        counts.append((value.is_nan() | value.is_infinite() | value.is_null()).sum().alias("odd"))
    row = pl.scan_parquet(file, glob=False).select(counts).collect(engine="streaming").row(0, named=True)
    odd = row.get("odd") or 0
    notes = (
        [
            Note(
                kind="not-a-number",
                rows=odd,
                text=f"{odd} metric points are empty, not a number or infinite; no analysis uses them.",
            )
        ]
        if odd
        else []
    )
    return row["rows"], row["inside"], notes
