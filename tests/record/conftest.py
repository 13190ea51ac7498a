"""A record of its own for every test, and drafts that are right, to be made wrong on purpose."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from workbench.evidence import Citation
from workbench.record import ActionDraft, IncidentDraft, Record, TimelineEntryDraft

START = datetime(2023, 1, 29, 9, 12, 30, tzinfo=UTC)


def pytest_configure(config):
    """Name the mark that pytest-alembic's tests carry; its plugin isn't loaded, see pyproject.toml."""
    config.addinivalue_line("markers", "alembic: pytest-alembic's own tests, called from ours")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """The file of a record in which nothing stands yet, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "records.db"
    Record.create(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(tmp_path, empty):
    """The address of an empty record."""
    shutil.copy(empty, tmp_path / "records.db")
    return f"sqlite:///{tmp_path / 'records.db'}"


@pytest.fixture
def path(url, tmp_path):
    """The file of that record."""
    return tmp_path / "records.db"


@pytest.fixture
def record(url):
    """The record, open in Ann's name."""
    with Record.open(url, author="Ann", wait=5) as opened:
        yield opened


@pytest.fixture(scope="session")
def citation():
    """Evidence that could be attached."""
    return Citation(
        snapshot="20230129T100000Z",
        frame="metrics",
        source="telemetry",
        sha256="ab" * 32,
        services=("checkout",),
        names=("cpu",),
        start=START,
        end=START + timedelta(minutes=5),
        columns=("time", "value"),
        label="CPU 09:12–09:17",
    )


def _draft(model, **usual):
    def make(**changes):
        return model.of({**usual, **changes})

    return make


@pytest.fixture(scope="session")
def incident_draft():
    """Make an incident's draft, with some fields changed."""
    return _draft(
        IncidentDraft,
        id="slow-checkout",
        title="Checkout is slow",
        severity="SEV2",
        services=["checkout"],
        milestones={"started_at": "2023-01-29T09:12:30Z", "resolved_at": "2023-01-29T09:16:00Z"},
        impact={"summary": "Nobody could pay", "affected_tenants": 12},
    )


@pytest.fixture(scope="session")
def entry_draft():
    """Make a timeline entry's draft, with some fields changed."""
    return _draft(TimelineEntryDraft, at="2023-01-29T09:13:00Z", what="Latency rose", who="on-call", kind="observation")


@pytest.fixture(scope="session")
def action_draft():
    """Make an action's draft, with some fields changed."""
    return _draft(
        ActionDraft,
        title="Cap the pool",
        owner="team checkout",
        due="2023-02-10",
        kind="prevent",
        success_metric="p99 under 300 ms for a week",
    )


@pytest.fixture(scope="session")
def full(tmp_path_factory, empty, incident_draft, entry_draft, action_draft, citation):
    """The file of a record with one incident, two entries, a moved action and a snapshot: eight changes in all."""
    path = tmp_path_factory.mktemp("full") / "records.db"
    shutil.copy(empty, path)
    with Record.open(f"sqlite:///{path}", author="Ann") as record:
        record.add_incident(incident_draft())
        first = record.add_entry("slow-checkout", entry_draft(evidence=[citation], until="2023-01-29T09:14:00Z"))
        record.edit_entry(first.id, entry_draft(what="Latency rose twice", evidence=[citation]), 1)
        second = record.add_entry("slow-checkout", entry_draft(at="2023-01-29T09:15:00Z", what="Rolled back"))
        record.withdraw_entry(second.id, 1, "it was another service")
        action = record.add_action("slow-checkout", action_draft())
        record.move_action(action.id, "in progress", 1)
        record.note_snapshot("slow-checkout", "20230129T100000Z", "cd" * 32)
    return path


@pytest.fixture
def told(url, path, full):
    """That record, open in Ann's name."""
    shutil.copy(full, path)
    with Record.open(url, author="Ann", wait=5) as opened:
        yield opened
