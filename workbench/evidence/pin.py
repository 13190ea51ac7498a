"""To pin is to copy what the sources answer into a snapshot that nobody changes afterwards."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from workbench import __version__
from workbench.errors import EvidenceError, SourceError
from workbench.evidence.manifest import Manifest, Span, Table, Unanswered
from workbench.evidence.progress import Progress
from workbench.evidence.side_by_side import Job, side_by_side, terminable
from workbench.evidence.snapshots import MANIFEST, Snapshot
from workbench.evidence.table import ARRIVING, Writing
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.source import Query
from workbench.versions import appear, new_version, only_one, version_of, write_durably
from workbench.window import Window

__all__ = ["Progress", "pin"]


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
    with terminable(), only_one(folder, f"a pull of {incident}"), new_version(folder) as partial:
        query = Query(Window(baseline.start, window.end) if baseline else window)
        alone = threading.Lock()
        asked = [
            (source, Writing(source.answer(frame, query), query, window, partial, alone))
            for source in sources
            for frame in source.frames
        ]
        jobs = [Job(source.name, source.policy.limits.concurrency, writing.write) for source, writing in asked]
        tables: dict[int, Table] = {}
        unanswered: dict[int, Unanswered] = {}

        def tell_of(place: int) -> None:
            writing = asked[place][1]
            tell(
                Progress(
                    len(tables) + len(unanswered),
                    len(asked),
                    writing.answer.source,
                    writing.answer.frame,
                    tables.get(place),
                    unanswered.get(place),
                    writing.rows,
                    writing.bytes,
                )
            )

        def look(running: set[int]) -> None:
            for place in sorted(running):
                tell_of(place)

        with closing(side_by_side(jobs, stop=query.stop, look=look)) as outcomes:
            for outcome in outcomes:
                if outcome.result is not None:
                    tables[outcome.place] = outcome.result
                elif isinstance(outcome.error, SourceError):
                    unanswered[outcome.place] = _unanswered(asked[outcome.place][1], outcome.error)
                elif outcome.error is not None:
                    raise outcome.error
                tell_of(outcome.place)
        shutil.rmtree(partial / ARRIVING, ignore_errors=True)
        if not tables:
            reasons = "; ".join(failed.error for failed in unanswered.values())
            raise EvidenceError(
                f"nothing was pinned: no source could be read ({reasons})", do="Correct the sources, then pull again"
            )
        manifest = Manifest(
            tool_version=__version__,
            incident=incident,
            version=version_of(partial),
            pulled_at=datetime.now(UTC),
            window=Span.of(window),
            baseline=Span.of(baseline) if baseline else None,
            tables=tuple(table for _, table in sorted(tables.items())),
            unanswered=tuple(failed for _, failed in sorted(unanswered.items())),
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


def _unanswered(writing: Writing, error: SourceError) -> Unanswered:
    return Unanswered(
        source=writing.answer.source,
        frame=writing.answer.frame,
        error=str(error),
        asked=writing.answer.asked,
        seconds=writing.seconds,
        received_bytes=writing.bytes,
    )
