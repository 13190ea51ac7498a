"""Records of every released format are read for good: each has a sample in tests/formats."""

import sqlite3
from pathlib import Path

import pytest

from workbench.record import Record, revisions

SAMPLES = sorted((Path(__file__).parent.parent / "formats").glob("records-*.sql"))


@pytest.fixture
def restore(tmp_path):
    """Return a function that makes a record from a sample, as it was written then."""

    def make(sample):
        path = tmp_path / "records.db"
        with sqlite3.connect(path) as raw:
            raw.executescript(sample.read_text(encoding="utf-8"))
        raw.close()
        return f"sqlite:///{path}"

    return make


def test_every_format_has_its_sample():
    """A migration without a sample of what it leads to is not finished."""
    assert [sample.stem.removeprefix("records-") for sample in SAMPLES] == list(revisions.REVISIONS)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_record_of_any_format_opens_and_is_whole(restore, sample):
    """After migration everything in an old record can be read, and its history is the one that was written."""
    url = restore(sample)
    Record.migrate(url)
    with Record.open(url, read_only=True) as record:
        assert record.verify() == []
        incident = record.incident("slow-checkout")
        assert (incident.severity, incident.version, incident.updated_by) == ("SEV1", 2, "Łukasz 🚒")
        assert incident.milestones.started_at.microsecond == 250_001
        assert incident.milestones.acknowledged_at is None
        assert incident.impact.summary.splitlines() == [
            "Nobody could pay for half an hour.",
            "Some paid twice — “sorry”.",
        ]
        assert [one.id for one in record.incidents()] == ["2026-11-21.login_loop", "slow-checkout"]
        entries = record.entries("slow-checkout", withdrawn=True)
        assert [one.kind for one in entries] == ["detection", "diagnosis", "mitigation"]
        assert entries[0].evidence[0].label == "Latency of checkout, 14:40–15:00"
        assert entries[1].withdrawn_reason == "It belongs to another incident"
        assert sorted(one.state for one in record.actions(withdrawn=True)) == ["dropped", "open", "verified"]
        assert [note.version for note in record.snapshots("slow-checkout")] == ["20261123T085800Z"]


def test_the_first_format_keeps_its_hashes(restore):
    """The way an entry is hashed can't change without anybody noticing: old chains must stay provable."""
    with Record.open(restore(SAMPLES[0]), read_only=True) as record:
        end = {17: "003ccc3a12b5b00be5c04881814aa21b2b1adfbae5ff98ce28fffebd58c89858"}
        assert record.verify(known=end) == []


def test_a_migrated_record_goes_on(restore, incident_draft):
    """New changes are chained behind the old ones."""
    url = restore(SAMPLES[0])
    Record.migrate(url)
    with Record.open(url, author="Ann") as record:
        before = record.data_version()
        record.add_incident(incident_draft(id="new"))
        assert record.verify() == []
        assert record.history()[-1].seq == before + 1
