"""The demo is one command: it makes what is missing, serves what is there, and takes its children with it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from workbench.demo import build, prepare
from workbench.errors import WorkspaceError
from workbench.review import tell
from workbench.workspace import Workspace

COMMAND = [sys.executable, "-c", "from workbench.cli.app import main; main()"]


def test_the_service_that_was_broken_is_among_the_first_suspects(demo: Workspace) -> None:
    """The label of the recording, which nothing outside this test knows."""
    assert "ts-food-service" in [one.service for one in tell(demo, "slow-orders").suspects[:3]]


def test_the_demo_is_marked_as_an_example_and_whole(demo: Workspace) -> None:
    """Every entry and action says that it is one, and everything is as it was written."""
    with demo.record(read_only=True) as record:
        entries, actions = record.entries("slow-orders"), record.actions("slow-orders")
        assert record.incident("slow-orders").example
    assert entries
    assert actions
    assert all(thing.example for thing in (*entries, *actions))
    assert any(entry.evidence for entry in entries)
    assert demo.verify() == []


def test_a_second_run_makes_nothing_anew(demo: Workspace) -> None:
    """It starts from what is there."""
    before = sorted(path for path in demo.root.rglob("*"))
    told: list[str] = []
    prepare(demo.root, tell=told.append)
    assert sorted(path for path in demo.root.rglob("*")) == before
    assert [line[:3] for line in told] == ["1/4", "2/4", "3/4", "4/4"]


def test_an_interrupted_build_is_begun_again(tmp_path: Path) -> None:
    """What an earlier run left beside the place is cleared away."""
    (tmp_path / ".desk.half-made").mkdir()
    (tmp_path / ".desk.half-made" / "workbench.toml").write_text("half")
    build(tmp_path / "desk")
    assert [path.name for path in tmp_path.iterdir()] == ["desk"]


def test_another_workspace_is_not_taken_for_the_demo(tmp_path: Path) -> None:
    """It is left alone."""
    Workspace.create(tmp_path / "desk")
    with pytest.raises(WorkspaceError, match="not the demo's"):
        prepare(tmp_path / "desk")


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_until_it_is_told_to_stop(demo: Workspace, signal_: signal.Signals) -> None:
    """It prints the address when it answers, and ends with all its children, live pages' kernels too."""
    port = free_port()
    command = [*COMMAND, "demo", str(demo.root), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert server.stderr is not None
    try:
        address = f"http://127.0.0.1:{port}/"
        assert address in server.stdout.readline()
        for path in ("", "reviews/slow-orders/", "live/explore/?incident=slow-orders"):
            with urllib.request.urlopen(address + path, timeout=60) as answer:  # noqa: S310 - loopback
                assert answer.status == 200
        children = psutil.Process(server.pid).children(recursive=True)
        assert children
        server.send_signal(signal_)
        server.wait(timeout=30)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
        server.stderr.close()
    for _ in range(100):
        if not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
            break
        time.sleep(0.1)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_a_port_in_use_is_named(demo: Workspace) -> None:
    """One line: which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [*COMMAND, "serve", "--workspace", str(demo.root), "--port", port]
        told = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"})
    assert told.returncode == 1
    assert len(told.stderr.strip().splitlines()) == 1
    assert port in told.stderr
