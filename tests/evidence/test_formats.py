"""Snapshots of every released format are read for good: each has a sample in tests/formats."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from workbench.errors import EvidenceError
from workbench.evidence import Snapshot
from workbench.evidence.manifest import FORMAT
from workbench.telemetry.schema import FRAMES

SAMPLES = sorted((Path(__file__).parent.parent / "formats").glob("snapshot-*"))


def test_every_format_before_this_one_has_a_sample() -> None:
    """The samples are numbered without a gap."""
    assert [int(path.name.removeprefix("snapshot-")) for path in SAMPLES] == list(range(1, FORMAT))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_an_older_snapshot_is_read_and_whole(path: Path) -> None:
    """Its tables, rows and hashes; what its format didn't say yet is None."""
    opened = Snapshot.open(path)
    assert opened.manifest.format == int(path.name.removeprefix("snapshot-"))
    assert opened.verify(opened.manifest_sha256) == []
    for table in opened.manifest.tables:
        rows = opened.frame(table.frame).collect()
        assert rows.schema == FRAMES[table.frame]
        assert rows.height == table.rows
    assert [table.rows for table in opened.manifest.tables] == [1, 4]
    assert opened.manifest.tables[0].seconds is None
    assert opened.manifest.unanswered[0].received_bytes is None


def test_a_newer_snapshot_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    path = shutil.copytree(SAMPLES[-1], tmp_path / "newer")
    facts = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(facts | {"format": FORMAT + 1}))
    with pytest.raises(EvidenceError, match="Update the workbench"):
        Snapshot.open(path)
