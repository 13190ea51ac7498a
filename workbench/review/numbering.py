"""Numbering gives every piece of evidence a page shows its E-number: the same inputs give the same numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from workbench.analysis.suspects import Suspect
from workbench.evidence import Citation, Snapshot, Table
from workbench.telemetry.schema import FrameName

__all__ = ["KINDS", "Evidence", "kind_of", "number", "of_messages", "of_metrics", "of_suspects", "same"]

KINDS: dict[FrameName, str] = {"metrics": "metrics", "logs": "logs", "spans": "traces", "events": "events"}
_FRAMES: dict[str, FrameName] = {"metric": "metrics", "log": "logs", "span": "spans"}
_LONGEST_LABEL = 200


@dataclass(frozen=True)
class Evidence:
    """One numbered piece of evidence; ``name`` is ``E1``, ``kind`` the word beside it."""

    number: int
    citation: Citation

    @property
    def name(self) -> str:
        """What the chip says: ``E1``."""
        return f"E{self.number}"

    @property
    def kind(self) -> str:
        """What sort of telemetry it is, in a reader's word."""
        return KINDS[self.citation.frame]


def kind_of(reason_kind: str) -> FrameName:
    """Return the frame that a reason of this kind was read from."""
    return _FRAMES[reason_kind]


def number(citations: Iterable[Citation]) -> tuple[Evidence, ...]:
    """Return the citations numbered from 1 in their order, each slice once, whatever its label."""
    seen: dict[object, Citation] = {}
    for citation in citations:
        seen.setdefault(_slice(citation), citation)
    return tuple(Evidence(place, citation) for place, citation in enumerate(seen.values(), start=1))


def same(one: Citation, other: Citation) -> bool:
    """Return whether two citations name the same slice of the same file."""
    return _slice(one) == _slice(other)


def of_suspects(snapshot: Snapshot, suspects: Sequence[Suspect]) -> list[Citation]:
    """Return what the suspects' reasons rest on: one citation for each service and frame, in their order."""
    names: dict[tuple[str, FrameName], dict[str, None]] = {}
    others: dict[tuple[str, FrameName], dict[str, None]] = {}
    for suspect in suspects:
        for reason in suspect.reasons:
            key = (suspect.service, kind_of(reason.kind))
            names.setdefault(key, {}).update({reason.name: None} if reason.name else {})
            # A complaint about a service stands in the records of the one that complains.
            others.setdefault(key, {}).update({reason.peer: None} if reason.measure == "blame" and reason.peer else {})
    made = (
        _cite(snapshot, frame, service, tuple(names[service, frame]), (service, *others[service, frame]))
        for service, frame in names
    )
    return [citation for citation in made if citation is not None]


def of_metrics(snapshot: Snapshot, suspects: Sequence[Suspect]) -> list[Citation]:
    """Return what the pictures of the suspects rest on: one citation of all their metrics."""
    services = tuple(suspect.service for suspect in suspects)
    made = _cite(snapshot, "metrics", "", (), services) if services else None
    return (
        []
        if made is None
        else [made.model_copy(update={"label": f"{KINDS['metrics']} of the first {len(services)} suspects"})]
    )


def of_messages(snapshot: Snapshot, templates: pl.DataFrame) -> list[Citation]:
    """Return what a table of log templates rests on: one citation of all its services."""
    services = tuple(sorted({name for name in templates["service"] if name is not None}))
    made = _cite(snapshot, "logs", "", (), services) if len(templates) else None
    return [] if made is None else [made]


def _cite(
    snapshot: Snapshot, frame: FrameName, service: str, names: tuple[str, ...], services: tuple[str, ...]
) -> Citation | None:
    tables = [table for table in snapshot.manifest.tables if table.frame == frame and table.rows]
    if not tables:
        return None
    table = tables[0] if len(tables) == 1 or not service else _holding(snapshot, tables, service)
    label = f"{KINDS[frame]} of {service}" if service else f"error {KINDS[frame]}"
    return Citation(
        snapshot=snapshot.version,
        frame=frame,
        source=table.source,
        sha256=table.sha256,
        services=services,
        names=names,
        start=snapshot.baseline.start if snapshot.baseline else snapshot.window.start,
        end=snapshot.window.end,
        label=label[:_LONGEST_LABEL],
    )


def _holding(snapshot: Snapshot, tables: Sequence[Table], service: str) -> Table:
    """Return the first table with rows of the service."""
    for table in tables:
        rows = pl.scan_parquet(snapshot.path / table.path, glob=False).filter(pl.col("service") == service)
        if rows.head(1).collect().height:
            return table
    return tables[0]


def _slice(citation: Citation) -> object:
    return (citation.sha256, citation.services, citation.names, citation.start, citation.end)
