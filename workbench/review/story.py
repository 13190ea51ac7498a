"""A story is all that a page about one incident says, computed from the record and one snapshot; it reads no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from workbench.analysis.impact import Phase, phases
from workbench.analysis.logs import SEVERE
from workbench.analysis.suspects import Suspect
from workbench.errors import UnknownError
from workbench.evidence import Citation, Snapshot
from workbench.review import numbering
from workbench.review.coverage import Coverage, coverage
from workbench.review.happenings import happenings
from workbench.review.numbering import Evidence
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.window import Window, parse_time

if TYPE_CHECKING:
    from workbench.record import Action, Incident, Record, TimelineEntry
    from workbench.workspace import Workspace

__all__ = ["Story", "compose", "tell"]

_COMPARED: tuple[FrameName, ...] = ("metrics", "logs", "spans")
_SHOWN_SUSPECTS, _DRAWN_SUSPECTS = 5, 6
_ERRORS = tuple(level for level in SEVERE if not level.startswith("WARN"))


@dataclass(frozen=True)
class Story:
    """One incident, its evidence, and what the analysis found in it.

    ``as_of`` is the moment the page speaks of: actions due before it are overdue. ``snapshot`` is None while nothing is
    pinned; then ``suspects``, ``templates`` and ``changes`` are empty and ``problems`` says so. ``templates`` has the
    columns of `workbench.analysis.logs.templates`, ``changes`` those of `workbench.analysis.changes.series_changes`
    and, where a series stayed off its level, the ``nats`` of `workbench.analysis.changes.moved_series`. ``events``
    has those of `workbench.analysis.events.read`.
    """

    incident: Incident
    entries: tuple[TimelineEntry, ...]
    actions: tuple[Action, ...]
    snapshot: Snapshot | None
    window: Window
    baseline: Window | None
    suspects: tuple[Suspect, ...]
    templates: pl.DataFrame = field(repr=False)
    changes: pl.DataFrame = field(repr=False)
    events: pl.DataFrame = field(repr=False)
    phases: tuple[Phase, ...]
    evidence: tuple[Evidence, ...]
    coverage: tuple[Coverage, ...]
    problems: tuple[str, ...]
    as_of: datetime
    edition: str = ""

    def frame(self, name: FrameName) -> pl.LazyFrame:
        """Return the pinned rows of a frame, empty when there is no snapshot."""
        return pl.LazyFrame(schema=FRAMES[name]) if self.snapshot is None else self.snapshot.frame(name)

    @property
    def first_suspect(self) -> Suspect | None:
        """The service that stands out, or None when none does."""
        return self.suspects[0] if self.suspects and self.suspects[0].stands_out else None

    @property
    def errors(self) -> pl.DataFrame:
        """The error templates that occurred in the incident: new ones first, then the most frequent."""
        seen = self.templates.filter(pl.col("severity").is_in(_ERRORS) & (pl.col("during") > 0))
        return seen.sort(
            ["is_new", "during", "service", "template"], descending=[True, True, False, False], nulls_last=True
        )

    @property
    def duration(self) -> timedelta | None:
        """From the start to the resolution; None while it lasts."""
        times = self.incident.milestones
        return None if times.resolved_at is None else times.resolved_at - times.started_at

    @property
    def is_example(self) -> bool:
        """Whether anything in it was made to show the workbench."""
        return (
            self.incident.example
            or any(one.example for one in self.entries)
            or any(one.example for one in self.actions)
        )

    def numbered(self, citations: Sequence[Citation]) -> tuple[Evidence, ...]:
        """Return the citations' E-numbers."""
        return tuple(
            evidence for evidence in self.evidence if any(numbering.same(evidence.citation, one) for one in citations)
        )

    def behind(self, service: str, frame: FrameName) -> tuple[Evidence, ...]:
        """Return the evidence the analysis read for a service in a frame, or that of several services with it."""
        known = [one for one in self.evidence if one.citation.frame == frame and service in one.citation.services]
        own = tuple(one for one in known if one.citation.services[0] == service and one.citation.names)
        return own or tuple(known)


def compose(
    incident: Incident,
    entries: Sequence[TimelineEntry] = (),
    actions: Sequence[Action] = (),
    snapshot: Snapshot | None = None,
    *,
    as_of: datetime | None = None,
    edition: str = "",
) -> Story:
    """Return the story of an incident: the same parts always give the same story.

    Args:
        incident: as it stands in the record.
        entries: its timeline, without what was withdrawn.
        actions: its actions, without what was withdrawn.
        snapshot: the pinned evidence; None while there is none.
        as_of: the moment the story speaks of; the last change of any part when left out.
        edition: what the page calls itself, such as a published version.
    """
    from workbench.analysis import changes, events, logs, suspects  # noqa: PLC0415 - a list of reviews does without

    as_of = as_of or _last_change(incident, entries, actions, snapshot)
    entries = tuple(sorted(entries, key=lambda entry: (entry.at, entry.id)))
    actions = tuple(sorted(actions, key=lambda action: (action.due, action.id)))
    window = snapshot.window if snapshot else _window(incident, as_of)
    baseline = snapshot.baseline if snapshot else None
    data = {
        name: snapshot.frame(name) if snapshot and baseline else pl.LazyFrame(schema=FRAMES[name]) for name in _COMPARED
    }
    compared = {"window": window, "baseline": baseline or window.baseline(window.duration)}
    moved = changes.series_changes(data["metrics"], **compared).join(
        changes.moved_series(data["metrics"], **compared),
        on=changes.SERIES,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    ranked = tuple(suspects.rank(data["metrics"], data["logs"], data["spans"], **compared))
    templates = logs.templates(data["logs"], **compared)
    covered = coverage(snapshot) if snapshot else ()
    told = events.read(snapshot.by_source("events") if snapshot else {})
    cited: list[Citation] = []
    if snapshot:
        cited += numbering.of_suspects(snapshot, ranked[:_SHOWN_SUSPECTS])
        cited += numbering.of_metrics(snapshot, ranked[:_DRAWN_SUSPECTS])
        cited += numbering.of_messages(snapshot, templates.filter(pl.col("severity").is_in(_ERRORS)))
        cited += [happening.citation for happening in happenings(told, snapshot)]
    cited += [citation for one in entries for citation in one.evidence]
    cited += [citation for one in actions for citation in one.evidence]
    return Story(
        incident=incident,
        entries=entries,
        actions=actions,
        snapshot=snapshot,
        window=window,
        baseline=baseline,
        suspects=ranked,
        templates=templates,
        changes=moved,
        events=told,
        phases=tuple(phases(incident.milestones)),
        evidence=numbering.number(cited),
        coverage=covered,
        problems=_problems(snapshot, window, covered),
        as_of=as_of,
        edition=edition,
    )


def tell(
    workspace: Workspace,
    incident_id: str,
    *,
    snapshot: str = "",
    as_of: datetime | str | None = None,
    edition: str = "",
) -> Story:
    """Return the story of an incident of a workspace, from its newest snapshot or the one named.

    An empty ``incident_id`` means the incident that started last, so that a notebook runs as it is shipped.

    Raises:
        UnknownError: there is no such incident, or no such snapshot.
        EvidenceError: the snapshot can't be read.
        RecordError: the record can't be read.
        TimeError: ``as_of`` has no zone.
    """
    with workspace.record(read_only=True) as record:
        incident = record.incident(incident_id or _newest(record))
        entries = record.entries(incident.id)
        actions = record.actions(incident.id)
    try:
        pinned = workspace.snapshot(incident.id, snapshot)
    except UnknownError:
        if snapshot:
            raise
        pinned = None
    moment = parse_time(as_of, "as_of") if as_of else None
    return compose(incident, entries, actions, pinned, as_of=moment, edition=edition)


def _newest(record: Record) -> str:
    known = record.incidents()
    if not known:
        raise UnknownError("there is no incident yet", do="Add one: workbench incident add --help")
    return max(known, key=lambda one: (one.milestones.started_at, one.id)).id


def _window(incident: Incident, as_of: datetime) -> Window:
    times = incident.milestones
    end = times.resolved_at or max(as_of, times.started_at + timedelta(minutes=1))
    return Window(times.started_at, end)


def _last_change(
    incident: Incident, entries: Sequence[TimelineEntry], actions: Sequence[Action], snapshot: Snapshot | None
) -> datetime:
    pulled = [snapshot.manifest.pulled_at] if snapshot else []
    return max([incident.updated_at, *(thing.updated_at for thing in (*entries, *actions)), *pulled])


def _problems(snapshot: Snapshot | None, window: Window, covered: Sequence[Coverage]) -> tuple[str, ...]:
    if snapshot is None:
        return ("Nothing is pinned for this incident yet, so nothing could be analysed.",)
    found = []
    if snapshot.baseline is None:
        found.append("No time before the incident was pinned, so nothing could be compared with normal behaviour.")
    found += [text for text in (one.gap(window) for one in covered) if text]
    found += [f"{note.text} ({table.source})" for table in snapshot.manifest.tables for note in table.notes]
    found += [
        f"The {table.frame} of {table.source} are only half an answer."
        for table in snapshot.manifest.tables
        if not table.complete
    ]
    found += [f"{one.source} could not give {one.frame}: {one.error}." for one in snapshot.manifest.unanswered]
    return tuple(found)
