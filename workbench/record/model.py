"""The model is what the record holds, as people say it: incidents, timeline entries, actions, and who changed what.

A draft is what somebody types; what is stored is the draft with an id, a version and who saved it when. Fields carry
the label, help and unit that forms show.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from workbench.evidence import Citation
from workbench.record.choices import ActionKind, ActionState, Severity, TimelineKind
from workbench.record.fields import (
    Day,
    Digest,
    RequiredLine,
    RequiredText,
    Slug,
    Text,
    Time,
    refuse,
    unique,
)
from workbench.record.words import Fact
from workbench.window import format_time

__all__ = [
    "Action",
    "ActionDraft",
    "HistoryEntry",
    "HistoryHead",
    "Impact",
    "Incident",
    "IncidentDraft",
    "Milestones",
    "SnapshotNote",
    "TimelineEntry",
    "TimelineEntryDraft",
]

_Names = Annotated[tuple[RequiredLine, ...], Field(max_length=200), AfterValidator(unique)]
_Evidence = Annotated[tuple[Citation, ...], Field(max_length=50)]
_MONTH_S = 30 * 86_400
_EXAMPLE = Field(default=False, title="Example", description="Made to show the workbench; not something that happened")


class Milestones(Fact):
    """The five moments of an incident, in order; all but the start may be unknown yet.

    Durations follow from them: to detect = detected − started, to acknowledge = acknowledged − detected, to mitigate =
    mitigated − started, to resolve = resolved − started.
    """

    called: ClassVar[str] = "incident"

    started_at: Time = Field(title="Started", description="When the impact began")
    detected_at: Time | None = Field(default=None, title="Detected", description="When somebody or an alert noticed")
    acknowledged_at: Time | None = Field(default=None, title="Acknowledged", description="When a person took it up")
    mitigated_at: Time | None = Field(default=None, title="Mitigated", description="When the impact ended")
    resolved_at: Time | None = Field(default=None, title="Resolved", description="When the incident was over")

    @field_validator("detected_at", "acknowledged_at", "mitigated_at", "resolved_at")
    @classmethod
    def _in_order(cls, time: Time | None, info: ValidationInfo) -> Time | None:
        for name, before in reversed(info.data.items()):
            if time is not None and before is not None and time < before:
                began = name.removesuffix("_at") if name == "started_at" else f"was {name.removesuffix('_at')}"
                raise refuse(
                    f"is {format_time(time)}, before the incident {began} at {format_time(before)}; correct one of them"
                )
        if info.field_name == "resolved_at" and time is not None and time == info.data.get("started_at"):
            raise refuse(f"is {format_time(time)}, the moment the incident started; nothing could be seen in no time")
        return time


class Impact(Fact):
    """Who was hurt and how."""

    called: ClassVar[str] = "incident"

    summary: Text = Field(default="", title="Impact", description="What people could not do, in their words")
    affected_tenants: int | None = Field(
        default=None,
        ge=0,
        le=10**12,
        title="Affected tenants",
        description="How many customers were hurt; empty while nobody knows",
    )
    slos_breached: _Names = Field(default=(), title="SLOs breached", description="Names of the service levels missed")
    customer_visible: bool | None = Field(
        default=None, title="Visible to customers", description="Could anybody outside have noticed?"
    )


class IncidentDraft(Fact):
    """An incident as somebody types it."""

    called: ClassVar[str] = "incident"

    id: Slug = Field(title="Id", description="A short readable name; it names the folder and the address and stays")
    title: RequiredLine = Field(title="Title", description="What went wrong, as its users would say it")
    severity: Severity = Field(title="Severity", description="How bad it was")
    services: _Names = Field(default=(), title="Services", description="The services known to be affected")
    milestones: Milestones = Field(title="Milestones")
    impact: Impact = Field(default=Impact(), title="Impact")
    example: bool = _EXAMPLE


class _Saved(Fact):
    """What saving adds: a version that counts from 1, and who made and last changed it when."""

    version: int = Field(ge=1)
    created_at: Time
    created_by: RequiredLine
    updated_at: Time
    updated_by: RequiredLine


class Incident(_Saved, IncidentDraft):
    """An incident as it stands in the record."""

    def draft(self) -> IncidentDraft:
        """Return what can be edited."""
        return IncidentDraft.model_construct(**{name: getattr(self, name) for name in IncidentDraft.model_fields})


class TimelineEntryDraft(Fact):
    """One thing that happened, as somebody types it: when, who, what, why, and the evidence for it."""

    called: ClassVar[str] = "timeline entry"

    at: Time = Field(title="When", description="When it happened, or began")
    until: Time | None = Field(default=None, title="Until", description="When it ended, if it lasted")
    uncertainty_s: int = Field(
        default=0,
        ge=0,
        le=_MONTH_S,
        title="How sure",
        description="It may have been this much sooner or later",
        json_schema_extra={"unit": "s"},
    )
    what: RequiredText = Field(title="What happened", description="Facts as they were seen then, one thing an entry")
    who: RequiredLine = Field(title="Who", description="The role or system that did or saw it")
    why: Text = Field(default="", title="Why", description="What made it the sensible thing then")
    kind: TimelineKind = Field(title="Kind", description="What sort of thing it was")
    evidence: _Evidence = Field(default=(), title="Evidence", description="The pinned telemetry that shows it")
    example: bool = _EXAMPLE

    @field_validator("until")
    @classmethod
    def _after_start(cls, until: Time | None, info: ValidationInfo) -> Time | None:
        at = info.data.get("at")
        if until is not None and at is not None and until <= at:
            raise refuse(
                f"is {format_time(until)}, not after its beginning at {format_time(at)}; leave it empty for a moment"
            )
        return until


class TimelineEntry(_Saved, TimelineEntryDraft):
    """A timeline entry as it stands in the record; ``withdrawn_reason`` is None unless it was taken back."""

    id: str
    incident_id: Slug
    withdrawn_reason: RequiredText | None = None

    def draft(self) -> TimelineEntryDraft:
        """Return what can be edited."""
        fields = TimelineEntryDraft.model_fields
        return TimelineEntryDraft.model_construct(**{name: getattr(self, name) for name in fields})


class ActionDraft(Fact):
    """A promise with an owner, a day and a measure; without them it is an idea."""

    called: ClassVar[str] = "action"

    title: RequiredLine = Field(title="Action", description="What will be different, in one line")
    owner: RequiredLine = Field(title="Owner", description="The one person or team who answers for it")
    due: Day = Field(title="Due", description="The day it will be in place")
    kind: ActionKind = Field(title="Kind", description="What it is to do for the next time")
    factor: Text = Field(default="", title="Contributing factor", description="The weakness it removes")
    success_metric: RequiredText = Field(
        title="Success metric", description="What will be measured, and the value that shows it works"
    )
    rationale: Text = Field(default="", title="Rationale", description="Why this and not something else")
    evidence: _Evidence = Field(default=(), title="Evidence", description="The pinned telemetry behind it")
    example: bool = _EXAMPLE


class Action(_Saved, ActionDraft):
    """An action as it stands in the record.

    ``state_reason`` is why it is in its state: why it was dropped, or what was measured. ``withdrawn_reason`` is None
    unless it was taken back as a mistake.
    """

    id: str
    incident_id: Slug
    state: ActionState = ActionState.OPEN
    state_reason: Text = ""
    withdrawn_reason: RequiredText | None = None

    def draft(self) -> ActionDraft:
        """Return what can be edited."""
        return ActionDraft.model_construct(**{name: getattr(self, name) for name in ActionDraft.model_fields})


class SnapshotNote(Fact):
    """A pinned snapshot as the record knows it: the hash its manifest had when it was pinned."""

    called: ClassVar[str] = "snapshot"

    version: RequiredLine
    manifest_sha256: Digest
    at: Time
    author: RequiredLine


class HistoryHead(Fact):
    """How long the history is, and the hash of its last entry."""

    called: ClassVar[str] = "history"

    count: int
    hash: Digest


class HistoryEntry(Fact):
    """One change: who did what when to which object, what it was before and after, and its place in the chain.

    ``before`` is None for what was added. ``kind`` is incident, timeline entry, action or snapshot; ``action`` is
    added, edited, moved, measured, withdrawn or pinned.
    """

    called: ClassVar[str] = "history entry"

    seq: int
    at: Time
    author: str
    kind: str
    object_id: str
    incident_id: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    previous_hash: Digest
    hash: Digest
