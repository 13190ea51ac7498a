"""What the tests of stories use: an incident, entries and actions made here, and the demo's pinned evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from workbench.record import Action, Incident, TimelineEntry
from workbench.review import Story, tell
from workbench.workspace import Workspace

START = datetime(2023, 1, 29, 14, 49, 57, tzinfo=UTC)
SAVED = {
    "version": 1,
    "created_by": "Ana",
    "updated_by": "Ana",
    "created_at": START,
    "updated_at": START + timedelta(days=1),
}


@pytest.fixture
def incident() -> Callable[..., Incident]:
    """Return what makes an incident; times are seconds after its start."""

    def make(**given: Any) -> Incident:
        times = {name: START + timedelta(seconds=given.pop(name)) for name in list(given) if name.endswith("_at")}
        milestones = {"started_at": START, "resolved_at": START + timedelta(minutes=5), **times}
        facts = {"id": "slow", "title": "Slow", "severity": "SEV2", "milestones": milestones, **SAVED, **given}
        return Incident.model_validate(facts)

    return make


@pytest.fixture
def entry() -> Callable[..., TimelineEntry]:
    """Return what makes a timeline entry so many seconds after the start."""

    def make(after: float, **given: Any) -> TimelineEntry:
        facts = {
            "what": "It was seen",
            "who": "On-call",
            "kind": "observation",
            "incident_id": "slow",
            **SAVED,
            **given,
        }
        facts.setdefault("id", f"entry-{after}")
        return TimelineEntry.model_validate({"at": START + timedelta(seconds=after), **facts})

    return make


@pytest.fixture
def action() -> Callable[..., Action]:
    """Return what makes an action."""

    def make(state: str = "open", **given: Any) -> Action:
        facts = {"title": "Mend it", "owner": "Team", "due": date(2023, 2, 3), "kind": "prevent", "incident_id": "slow"}
        facts |= {"success_metric": "p95 under 250 ms", "state": state, "id": f"action-{state}", **SAVED}
        return Action.model_validate({**facts, **given})

    return make


@pytest.fixture(scope="session")
def told(demo: Workspace) -> Story:
    """Return the story of the demo's incident."""
    with demo.record(read_only=True) as record:
        name = record.incidents()[0].id
    return tell(demo, name)
