"""What every test may use: the licensed sample, the full recordings where they are, and the demo."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import pytest

from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "data" / "trainticket"
RECORDINGS = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def missing() -> Callable[[str], NoReturn]:
    """Return what a test calls when something real is not on this machine: it is skipped, but fails in CI."""

    def give_up(what: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(f"{what}, and in CI nothing may be missing")
        pytest.skip(what)

    return give_up


@pytest.fixture
def sample() -> Path:
    """Return the folder of the licensed sample: five minutes around one fault, and an hour of metrics before it."""
    return SAMPLE


@pytest.fixture
def recordings(missing: Callable[[str], NoReturn]) -> Path:
    """Return the folder of the full recordings, or skip."""
    if not RECORDINGS.is_dir():
        missing("the full recordings are not on this machine; the sample under tests/data covers the same path")
    return RECORDINGS


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the demo's workspace with its review published, made once; nobody may change it."""
    from workbench.demo import prepare

    return prepare(tmp_path_factory.mktemp("demo") / "desk")


EVENTS: tuple[tuple[str, str, str, str, str, dict[str, str]], ...] = (
    ("09:01:00", "deploy", "ts-basic-service v41", "ts-basic-service", "ana", {"status": "success"}),
    ("09:13:40", "alert", "HighLatency", "ts-basic-service", "", {"status": "firing", "alertname": "HighLatency"}),
    ("09:13:55", "page", "Checkout is slow", "ts-basic-service", "", {"status": "triggered", "id": "P1"}),
    ("09:14:20", "page", "Checkout is slow", "ts-basic-service", "Mira", {"status": "acknowledged", "id": "P1"}),
    ("09:14:31", "chat", "Looking at basic,\nthe CPU is at its quota", "", "Mira", {}),
    ("09:15:40", "alert", "HighLatency", "ts-basic-service", "", {"status": "resolved", "alertname": "HighLatency"}),
    ("09:15:41", "alert", "HighLatency", "ts-basic-service", "", {"status": "resolved", "alertname": "HighLatency"}),
    ("09:15:50", "page", "Checkout is slow", "ts-basic-service", "", {"status": "resolved", "id": "P1"}),
)
"""What systems and people said of the sample's fault, made up; the last alert is told twice."""


def write_events(path: Path) -> None:
    """Write `EVENTS` as a Parquet file."""
    import polars as pl

    from workbench.telemetry.schema import FRAMES

    rows = [
        {
            "time": datetime.fromisoformat(f"2023-01-29T{at}+00:00"),
            "kind": kind,
            "title": title,
            "service": service or None,
            "actor": actor or None,
            "attributes": json.dumps(attributes),
        }
        for at, kind, title, service, actor, attributes in EVENTS
    ]
    pl.DataFrame(rows, schema=FRAMES["events"]).write_parquet(path)


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a workspace with the sample and events pinned for ``slow-checkout``; change a copy only."""
    from workbench.record import IncidentDraft, Milestones

    root = tmp_path_factory.mktemp("eventful") / "desk"
    Workspace.create(root)
    write_events(root / "events.parquet")
    lines = [f'{name} = "{SAMPLE / name}.parquet"' for name in ("metrics", "logs", "spans")]
    lines = ["", "[sources.telemetry]", 'kind = "parquet"', *lines, "", "[sources.team]", 'kind = "parquet"']
    with (root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n".join([*lines, 'events = "events.parquet"', ""]))
    workspace = Workspace.open(root)
    times = Milestones(started_at="2023-01-29T09:12:30Z", resolved_at="2023-01-29T09:16:00Z")
    with workspace.record(author="Maker") as record:
        record.add_incident(
            IncidentDraft(id="slow-checkout", title="Checkout is slow", severity="SEV2", milestones=times)
        )
    workspace.pull("slow-checkout", author="Maker")
    return root


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a person's own settings out of the tests."""
    for name in ("WORKBENCH_WORKSPACE", "WORKBENCH_AUTHOR", "WORKBENCH_READ_ONLY"):
        monkeypatch.delenv(name, raising=False)
