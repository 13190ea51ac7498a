"""``workbench milestones`` proposes and writes nothing; ``workbench evidence`` tells of clocks."""

from __future__ import annotations

import io
import json
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.app import main
from workbench.workspace import Workspace


def run(at: Path, *arguments: str) -> str:
    """Run a command in a folder and return what it prints."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.chdir(at)
        patch.setattr(sys, "argv", ["workbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code, out.getvalue()
    return out.getvalue()


def found(at: Path, *arguments: str) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(run(at, *arguments, "--format", "json"))


def test_proposals_are_printed_and_nothing_is_written(eventful: Path) -> None:
    """With reason, sureness and evidence; the record stays as it was."""
    with Workspace.open(eventful).record(read_only=True) as record:
        before = record.data_version()
    told = {one["milestone"]: one for one in found(eventful, "milestones", "slow-checkout")}
    assert told["detected_at"]["at"] == "2023-01-29T09:13:40Z"
    assert told["detected_at"]["recorded"] is None
    assert told["started_at"]["recorded"] == "2023-01-29T09:12:30Z"
    assert told["started_at"]["uncertainty_s"] > 0
    assert {one["sure"] for one in told.values()} <= {"high", "medium", "low"}
    assert told["acknowledged_at"]["evidence"]["frame"] == "events"
    table = run(eventful, "milestones", "slow-checkout")
    assert "Last change before" in table
    assert "nothing was written" in table
    with Workspace.open(eventful).record(read_only=True) as record:
        assert record.data_version() == before


def test_nothing_to_propose_is_said(tmp_path: Path, sample: Path) -> None:
    """A snapshot of a day before any telemetry."""
    run(tmp_path, "init", "desk")
    desk = tmp_path / "desk"
    with (desk / "workbench.toml").open("a") as settings:
        settings.write(f'\n[sources.telemetry]\nkind = "parquet"\nmetrics = "{sample}/metrics.parquet"\n')
    add = ["incident", "add", "--id", "early", "--title", "Early", "--severity", "SEV4"]
    run(desk, *add, "--started-at", "2022-01-29T09:12:30Z", "--resolved-at", "2022-01-29T09:16:00Z")
    run(desk, "pull", "early")
    assert "Nothing pinned tells of a milestone" in run(desk, "milestones", "early")
    assert found(desk, "milestones", "early") == []


def test_evidence_tells_of_clocks(eventful: Path, tmp_path: Path) -> None:
    """Beside each table that took part; a damaged file costs the list nothing."""
    told = {one["frame"]: one["clocks"] for one in found(eventful, "evidence", "slow-checkout")}
    assert {one["measure"] for one in told["spans"]} == {"calls", "records"}
    assert {one["measure"] for one in told["logs"]} == {"records"}
    assert not any(one["significant"] for each in told.values() for one in each)
    assert "pairs compared, none apart" in run(eventful, "evidence", "slow-checkout")
    shutil.copytree(eventful, tmp_path / "desk")
    snapshot = Workspace.open(tmp_path / "desk").snapshot("slow-checkout")
    (snapshot.path / "telemetry.spans.parquet").unlink()
    assert "Clocks: not compared: the pinned file telemetry.spans.parquet" in run(
        tmp_path / "desk", "evidence", "slow-checkout"
    )
