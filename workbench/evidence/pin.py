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
from workbench.evidence.carry import FileNames, better, carry, forgotten, no_better
from workbench.evidence.due import Ask, Carry, Part, Plan, everything
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
    plan: Plan | None = None,
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
        tell: called several times a second for each frame that is being read, and after each that has ended.
        keep: called with the snapshot once it is in place, to write its hash into the history; when it raises, the
            snapshot is taken away again.
        plan: what to ask for, and what to carry over from earlier snapshots; everything is asked for without one.

    Raises:
        EvidenceError: nothing could be pinned at all, or nothing better than what is carried.
        StorageError: the disk is full, or another pull of this incident is running.
    """
    with terminable(), only_one(folder, f"a pull of {incident}"), new_version(folder) as partial:
        span = Window(baseline.start, window.end) if baseline else window
        made = plan or everything(_parts(sources), span)
        names = FileNames()
        writings = _writings(sources, made.asks, window, partial, names)
        tables, unanswered = _read(sources, writings, tell)
        shutil.rmtree(partial / ARRIVING, ignore_errors=True)
        _refuse_nothing(tables, unanswered)
        pieces = [*made.carries, *_instead(made.asks, writings, tables, unanswered, names)]
        _refuse_nothing(tables, unanswered)
        carried = [
            carry(piece, folder=folder, into=partial / names.free(piece.held.part), window=window) for piece in pieces
        ]
        order = {part: place for place, part in enumerate(_parts(sources))}
        manifest = Manifest(
            tool_version=__version__,
            incident=incident,
            version=version_of(partial),
            pulled_at=datetime.now(UTC),
            window=Span.of(window),
            baseline=Span.of(baseline) if baseline else None,
            tables=tuple(
                sorted(
                    (*tables.values(), *carried),
                    key=lambda table: (order.get((table.source, table.frame), len(order)), table.source, table.start),
                )
            ),
            unanswered=(*(failed for _, failed in sorted(unanswered.items())), *map(forgotten, made.lost)),
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


def _writings(
    sources: Sequence[ConfiguredSource], asks: Sequence[Ask], window: Window, folder: Path, names: FileNames
) -> list[Writing]:
    """Return what writes each answer into its file; one event stops them all."""
    known = {source.name: source for source in sources}
    alone, stop = threading.Lock(), threading.Event()
    writings: list[Writing] = []
    for ask in asks:
        name, frame = ask.part
        query = Query(ask.window, stop=stop)
        writings.append(Writing(known[name].answer(frame, query), query, window, folder / names.free(ask.part), alone))
    return writings


def _read(
    sources: Sequence[ConfiguredSource], writings: Sequence[Writing], tell: Callable[[Progress], None]
) -> tuple[dict[int, Table], dict[int, Unanswered]]:
    """Read all answers side by side, and return the tables and what could not be had, by their places."""
    at_once = {source.name: source.policy.limits.concurrency for source in sources}
    jobs = [Job(one.answer.source, at_once[one.answer.source], one.write) for one in writings]
    tables: dict[int, Table] = {}
    unanswered: dict[int, Unanswered] = {}

    def tell_of(place: int) -> None:
        writing = writings[place]
        tell(
            Progress(
                len(tables) + len(unanswered),
                len(writings),
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

    stop = writings[0].stop if writings else threading.Event()
    with closing(side_by_side(jobs, stop=stop, look=look)) as outcomes:
        for outcome in outcomes:
            if outcome.result is not None:
                tables[outcome.place] = outcome.result
            elif isinstance(outcome.error, SourceError):
                unanswered[outcome.place] = _unanswered(writings[outcome.place], outcome.error)
            elif outcome.error is not None:
                raise outcome.error
            tell_of(outcome.place)
    return tables, unanswered


def _instead(
    asks: Sequence[Ask],
    writings: Sequence[Writing],
    tables: dict[int, Table],
    unanswered: dict[int, Unanswered],
    names: FileNames,
) -> list[Carry]:
    """Take out answers that are no better than what is pinned already, and return what is carried instead."""
    pieces: list[Carry] = []
    for place, ask in enumerate(asks):
        table, file = tables.get(place), writings[place].file
        if table is not None and ask.instead and not better(table, ask.instead):
            file.unlink()
            unanswered[place] = no_better(tables.pop(place))
        if place not in tables:
            names.give_back(file.name)
            pieces += ask.instead
    return pieces


def _refuse_nothing(tables: dict[int, Table], unanswered: dict[int, Unanswered]) -> None:
    if not tables:
        reasons = "; ".join(failed.error for failed in unanswered.values())
        raise EvidenceError(
            f"nothing was pinned: no source could be read ({reasons})", do="Correct the sources, then pull again"
        )


def _parts(sources: Sequence[ConfiguredSource]) -> list[Part]:
    return [(source.name, frame) for source in sources for frame in source.frames]


def _unanswered(writing: Writing, error: SourceError) -> Unanswered:
    return Unanswered(
        source=writing.answer.source,
        frame=writing.answer.frame,
        error=str(error),
        asked=writing.answer.asked,
        seconds=writing.seconds,
        received_bytes=writing.bytes,
    )
