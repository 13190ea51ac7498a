"""The record is what people wrote about incidents and decided, with who changed what when; nothing in it is lost."""

from workbench.record.choices import ActionKind, ActionState, Severity, TimelineKind
from workbench.record.fields import slug
from workbench.record.incident_file import read_incident_draft
from workbench.record.model import (
    Action,
    ActionDraft,
    HistoryEntry,
    HistoryHead,
    Impact,
    Incident,
    IncidentDraft,
    Milestones,
    SnapshotNote,
    TimelineEntry,
    TimelineEntryDraft,
)
from workbench.record.store import Record

__all__ = [
    "Action",
    "ActionDraft",
    "ActionKind",
    "ActionState",
    "HistoryEntry",
    "HistoryHead",
    "Impact",
    "Incident",
    "IncidentDraft",
    "Milestones",
    "Record",
    "Severity",
    "SnapshotNote",
    "TimelineEntry",
    "TimelineEntryDraft",
    "TimelineKind",
    "read_incident_draft",
    "slug",
]
