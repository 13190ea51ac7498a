"""A pull that is killed at any moment leaves whole snapshots or none."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
TIMES = 100
COMMAND = [sys.executable, "-c", "from workbench.cli.app import main; main()"]


def test_a_pull_killed_at_any_moment_leaves_whole_snapshots(tmp_path: Path, sample: Path) -> None:
    """After a hundred kills every snapshot that is used is whole, and the next pull works."""
    subprocess.run([*COMMAND, "init", "desk"], cwd=tmp_path, check=True, capture_output=True)
    desk = tmp_path / "desk"
    lines = [f'{name} = "{sample / name}.parquet"' for name in ("metrics", "logs", "spans")]
    with (desk / "workbench.toml").open("a") as settings:
        settings.write("\n".join(["", "[sources.telemetry]", 'kind = "parquet"', *lines, ""]))
    add = [
        "incident",
        "add",
        "--id",
        "slow",
        "--title",
        "Slow",
        "--severity",
        "SEV2",
        "--started-at",
        "2023-01-29T09:12:30Z",
    ]
    subprocess.run([*COMMAND, *add, "--resolved-at", "2023-01-29T09:16:00Z"], cwd=desk, check=True, capture_output=True)
    started = time.monotonic()
    subprocess.run([*COMMAND, "pull", "slow"], cwd=desk, check=True, capture_output=True)
    usual = time.monotonic() - started
    chance = random.Random(20230129)  # noqa: S311 - moments, not secrets
    for _ in range(TIMES):
        pull = subprocess.Popen(
            [*COMMAND, "pull", "slow"], cwd=desk, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.3, 1.1) * usual)
        pull.send_signal(signal.SIGKILL)
        pull.wait()
        workspace = Workspace.open(desk)
        known = workspace.snapshots("slow")
        assert known
        assert not [line for line in workspace.verify() if "is not in the record's history" not in line]
    subprocess.run([*COMMAND, "pull", "slow"], cwd=desk, check=True, capture_output=True)
    assert len(Workspace.open(desk).snapshots("slow")) > len(known)
