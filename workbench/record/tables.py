"""The tables are where the record rests: a row for each incident, timeline entry, action and snapshot, and the history.

Nothing here is understood by only one database. Every row that people see tells itself as the JSON its history holds.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workbench.record.columns import Base
from workbench.record.fields import LINE_LENGTH, SLUG_LENGTH
from workbench.record.model import (
    Action,
    ActionDraft,
    Incident,
    IncidentDraft,
    Milestones,
    SnapshotNote,
    TimelineEntry,
    TimelineEntryDraft,
)
from workbench.window import format_time

__all__ = ["ActionRow", "Base", "HeadRow", "HistoryRow", "IncidentRow", "Row", "SnapshotRow", "TimelineEntryRow"]


_Name = String(LINE_LENGTH)
_Id = String(SLUG_LENGTH)


class Row(Base):
    """What rows that people see have in common; ``kind`` and ``model`` say what they are."""

    __abstract__ = True

    kind: ClassVar[str]
    model: ClassVar[type[Incident | TimelineEntry | Action | SnapshotNote]]

    @property
    def key(self) -> str:
        """What names it in the history."""
        raise NotImplementedError

    def told(self) -> dict[str, Any]:
        """Return it as JSON, every column, as the history keeps it."""
        raise NotImplementedError


class _Saved:
    """A version that counts from 1, and who made and last changed the row when."""

    version: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(_Name)
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(_Name)

    def _told_saved(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "created_at": format_time(self.created_at),
            "created_by": self.created_by,
            "updated_at": format_time(self.updated_at),
            "updated_by": self.updated_by,
        }


class IncidentRow(_Saved, Row):
    """One incident."""

    __tablename__ = "incident"
    kind = "incident"
    model = Incident

    id: Mapped[str] = mapped_column(_Id, primary_key=True)
    title: Mapped[str] = mapped_column(_Name)
    severity: Mapped[str] = mapped_column(String(8))
    services: Mapped[list[str]]
    started_at: Mapped[datetime]
    detected_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    mitigated_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    impact_summary: Mapped[str] = mapped_column(Text)
    affected_tenants: Mapped[int | None] = mapped_column(BigInteger)
    slos_breached: Mapped[list[str]]
    customer_visible: Mapped[bool | None]
    example: Mapped[bool]

    @property
    def key(self) -> str:
        """Its id."""
        return self.id

    def take(self, draft: IncidentDraft) -> None:
        """Take over what somebody typed."""
        self.id, self.title, self.severity, self.example = draft.id, draft.title, draft.severity.value, draft.example
        self.services = list(draft.services)
        self.take_milestones(draft.milestones)
        self.impact_summary = draft.impact.summary
        self.affected_tenants = draft.impact.affected_tenants
        self.slos_breached = list(draft.impact.slos_breached)
        self.customer_visible = draft.impact.customer_visible

    def take_milestones(self, milestones: Milestones) -> None:
        """Take over the times that somebody typed."""
        for name in type(milestones).model_fields:
            setattr(self, name, getattr(milestones, name))

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "id": self.id,
            "title": self.title,
            "severity": self.severity,
            "services": self.services,
            "milestones": {
                "started_at": format_time(self.started_at),
                "detected_at": _time(self.detected_at),
                "acknowledged_at": _time(self.acknowledged_at),
                "mitigated_at": _time(self.mitigated_at),
                "resolved_at": _time(self.resolved_at),
            },
            "impact": {
                "summary": self.impact_summary,
                "affected_tenants": self.affected_tenants,
                "slos_breached": self.slos_breached,
                "customer_visible": self.customer_visible,
            },
            "example": self.example,
            **self._told_saved(),
        }


class TimelineEntryRow(_Saved, Row):
    """One timeline entry."""

    __tablename__ = "timeline_entry"
    kind = "timeline entry"
    model = TimelineEntry

    id: Mapped[str] = mapped_column(_Id, primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    at: Mapped[datetime]
    until: Mapped[datetime | None]
    uncertainty_s: Mapped[int]
    what: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(_Name)
    why: Mapped[str] = mapped_column(Text)
    entry_kind: Mapped[str] = mapped_column(String(32))
    evidence: Mapped[list[dict[str, Any]]]
    example: Mapped[bool]
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)

    @property
    def key(self) -> str:
        """Its id."""
        return self.id

    def take(self, draft: TimelineEntryDraft) -> None:
        """Take over what somebody typed."""
        self.at, self.until, self.uncertainty_s = draft.at, draft.until, draft.uncertainty_s
        self.what, self.who, self.why = draft.what, draft.who, draft.why
        self.entry_kind, self.example = draft.kind.value, draft.example
        self.evidence = [citation.model_dump(mode="json") for citation in draft.evidence]

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "id": self.id,
            "incident_id": self.incident_id,
            "at": format_time(self.at),
            "until": _time(self.until),
            "uncertainty_s": self.uncertainty_s,
            "what": self.what,
            "who": self.who,
            "why": self.why,
            "kind": self.entry_kind,
            "evidence": self.evidence,
            "example": self.example,
            "withdrawn_reason": self.withdrawn_reason,
            **self._told_saved(),
        }


class ActionRow(_Saved, Row):
    """One action."""

    __tablename__ = "action"
    kind = "action"
    model = Action

    id: Mapped[str] = mapped_column(_Id, primary_key=True)
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), index=True)
    title: Mapped[str] = mapped_column(_Name)
    owner: Mapped[str] = mapped_column(_Name)
    due: Mapped[date]
    action_kind: Mapped[str] = mapped_column(String(32))
    factor: Mapped[str] = mapped_column(Text)
    success_metric: Mapped[str] = mapped_column(Text)
    rationale: Mapped[str] = mapped_column(Text)
    evidence: Mapped[list[dict[str, Any]]]
    example: Mapped[bool]
    state: Mapped[str] = mapped_column(String(32))
    state_reason: Mapped[str] = mapped_column(Text)
    withdrawn_reason: Mapped[str | None] = mapped_column(Text)

    @property
    def key(self) -> str:
        """Its id."""
        return self.id

    def take(self, draft: ActionDraft) -> None:
        """Take over what somebody typed."""
        self.title, self.owner, self.due, self.action_kind = draft.title, draft.owner, draft.due, draft.kind.value
        self.factor, self.success_metric, self.rationale = draft.factor, draft.success_metric, draft.rationale
        self.evidence = [citation.model_dump(mode="json") for citation in draft.evidence]
        self.example = draft.example

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "id": self.id,
            "incident_id": self.incident_id,
            "title": self.title,
            "owner": self.owner,
            "due": self.due.isoformat(),
            "kind": self.action_kind,
            "factor": self.factor,
            "success_metric": self.success_metric,
            "rationale": self.rationale,
            "evidence": self.evidence,
            "example": self.example,
            "state": self.state,
            "state_reason": self.state_reason,
            "withdrawn_reason": self.withdrawn_reason,
            **self._told_saved(),
        }


class SnapshotRow(Row):
    """One pinned snapshot of an incident's telemetry, as it was noted."""

    __tablename__ = "snapshot"
    kind = "snapshot"
    model = SnapshotNote

    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"), primary_key=True)
    version: Mapped[str] = mapped_column(_Name, primary_key=True)
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(_Name)

    @property
    def key(self) -> str:
        """The incident and the version: versions repeat between incidents."""
        return f"{self.incident_id}/{self.version}"

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "version": self.version,
            "manifest_sha256": self.manifest_sha256,
            "at": format_time(self.at),
            "author": self.author,
        }


class HistoryRow(Base):
    """One entry of the history; ``before`` and ``after`` are the very text that was hashed."""

    __tablename__ = "history"
    __table_args__ = (Index(None, "kind", "object_id"),)

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(_Name)
    kind: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(String(SLUG_LENGTH + 1 + LINE_LENGTH))
    incident_id: Mapped[str] = mapped_column(_Id, index=True)
    action: Mapped[str] = mapped_column(String(32))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class HeadRow(Base):
    """The one row that says how long the history is and how it ends; writers queue for it."""

    __tablename__ = "history_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


def _time(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)
