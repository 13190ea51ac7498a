"""A workspace with one incident and its pinned evidence, for the tests of forms."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.evidence import Citation, Snapshot
from workbench.record import (
    ActionDraft,
    ActionKind,
    Incident,
    IncidentDraft,
    Milestones,
    Record,
    TimelineEntryDraft,
    TimelineKind,
)
from workbench.workspace import Workspace

INCIDENT = IncidentDraft(
    id="slow-checkout",
    title="Checkout is slow",
    severity="SEV2",
    milestones=Milestones(
        started_at="2023-01-29T09:12:56Z", mitigated_at="2023-01-29T09:15:30Z", resolved_at="2023-01-29T09:16:00Z"
    ),
)


@pytest.fixture(scope="session")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a workspace, made once: copy it, never write into it."""
    sample = Path(__file__).resolve().parents[1] / "data" / "trainticket"
    root = tmp_path_factory.mktemp("pinned") / "desk"
    Workspace.create(root)
    with (root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[sources.telemetry]\nkind = "parquet"\nmetrics = "{sample}/metrics.parquet"\n')
    workspace = Workspace.open(root)
    with workspace.record(author="Maker") as record:
        record.add_incident(INCIDENT)
    workspace.pull("slow-checkout", author="Maker")
    return root


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Leave the forms' log as it was: a page opens one for its process, and a test is not a process."""
    log = logging.getLogger("workbench.widgets")
    before = list(log.handlers)
    yield
    for handler in [one for one in log.handlers if one not in before]:
        log.removeHandler(handler)
        handler.close()
    log.propagate = True


@pytest.fixture
def workspace(pinned: Path, tmp_path: Path) -> Workspace:
    """A workspace of the test's own."""
    shutil.copytree(pinned, tmp_path / "desk")
    return Workspace.open(tmp_path / "desk")


@pytest.fixture
def record(workspace: Workspace) -> Iterator[Record]:
    """Its record, opened by the facilitator."""
    with workspace.record(author="Facilitator") as opened:
        yield opened


@pytest.fixture
def colleague(workspace: Workspace) -> Iterator[Record]:
    """The same record, opened by somebody else."""
    with workspace.record(author="Food on-call") as opened:
        yield opened


@pytest.fixture
def incident(record: Record) -> Incident:
    """The incident as it stands in the record."""
    return record.incident("slow-checkout")


@pytest.fixture
def snapshot(workspace: Workspace) -> Snapshot:
    """Its pinned evidence."""
    return workspace.snapshot("slow-checkout")


@pytest.fixture
def citation() -> Citation:
    """A slice of evidence."""
    return Citation(
        snapshot="20230129T100000Z",
        frame="metrics",
        source="telemetry",
        sha256="a" * 64,
        services=("ts-food-service",),
        names=("CpuUsageRate(%)",),
        start="2023-01-29T09:13:00Z",
        end="2023-01-29T09:14:00Z",
        label="CPU 09:13–09:14",
    )


@pytest.fixture
def entry_draft() -> Callable[..., TimelineEntryDraft]:
    """A function that makes an entry worth saving, with what differs."""

    def draft(**given: object) -> TimelineEntryDraft:
        facts = {
            "at": "2023-01-29T09:13:10Z",
            "what": "CPU at its quota",
            "who": "CPU series",
            "kind": TimelineKind.OBSERVATION,
        }
        return TimelineEntryDraft.of(facts | given)

    return draft


@pytest.fixture
def action_draft() -> Callable[..., ActionDraft]:
    """A function that makes an action worth saving, with what differs."""

    def draft(**given: object) -> ActionDraft:
        facts = {
            "title": "Alert on CPU at its quota",
            "owner": "Food team",
            "due": "2026-12-23",
            "kind": ActionKind.DETECT,
            "success_metric": "Alert within 2 min of the quota",
        }
        return ActionDraft.of(facts | given)

    return draft
