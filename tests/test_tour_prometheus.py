"""The tour with Prometheus works as it is written, and the same suspects come out."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "tour-prometheus.md"
WORKBENCH = f'#!/bin/sh\nexec "{sys.executable}" -c "from workbench.cli.app import main; main()" "$@"\n'


@pytest.fixture
def checkout(tmp_path: Path, demo: Workspace) -> Path:
    """Return a folder like a checkout in which `make demo` has run."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "workbench").write_text(WORKBENCH)
    (programs / "workbench").chmod(0o755)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    shutil.copytree(demo.root, tmp_path / "demo")
    return tmp_path


@pytest.fixture
def environment(checkout: Path) -> Iterator[dict[str, str]]:
    """Return the environment of the commands; the server they have started ends with the test in any case."""
    yield {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(checkout)}
    pid = checkout / "prometheus.pid"
    if pid.is_file():
        subprocess.run(["kill", pid.read_text().strip()], check=False, capture_output=True)


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_same_suspects_come_out(
    checkout: Path, environment: dict[str, str], missing: Callable[[str], NoReturn]
) -> None:
    """Every block of the page, in its order; only the port is another."""
    for program in ("prometheus", "promtool", "curl"):
        if shutil.which(program) is None:
            missing(f"there is no {program} on this machine")
    page = PAGE.read_text(encoding="utf-8").replace("19090", str(free_port()))
    told = ""
    for language, text in re.findall(r"^```(sh|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        activated = f". .venv/bin/activate\n{text}"
        command = [sys.executable, "-W", "error", "-c", text] if language == "python" else ["bash", "-euo", "pipefail"]
        command += [] if language == "python" else ["-c", activated]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
        told += done.stdout
    files, prometheus = (
        [(one["service"], one["rank"], one["stands_out"]) for one in json.loads((checkout / name).read_text())]
        for name in ("from-files.json", "from-prometheus.json")
    )
    assert len(files) > 10
    assert prometheus == files
    assert "The same suspects" in told
