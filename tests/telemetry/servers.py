"""Real servers for tests: each on a free port of 127.0.0.1, in a folder of its own, ended by its handle."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import polars as pl

__all__ = [
    "alertmanager",
    "answers",
    "backfilled",
    "free_port",
    "openmetrics",
    "post",
    "program",
    "prometheus",
    "victoria_metrics",
    "waited",
]

T = TypeVar("T")
Missing = Callable[[str], NoReturn]


def program(name: str, missing: Missing) -> str:
    """Return where a program is, or give up."""
    found = shutil.which(name)
    if found is None:
        missing(f"there is no {name} on this machine (Debian: apt-get install {name})")
    return found


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Return whether something answers there with a status of success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            answer.read()
    except OSError:
        return False
    return True


def post(url: str, body: bytes, kind: str = "application/json") -> bytes:
    """Send a body and return the answer."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": kind})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return bytes(answer.read())


def waited(ask: Callable[[], T], enough: Callable[[T], object]) -> T:
    """Return what is answered once it is enough; a server may take a moment until it shows what it was sent."""
    for _ in range(200):
        found = ask()
        if enough(found):
            return found
        time.sleep(0.05)
    raise TimeoutError(found)


@contextmanager
def running(command: Sequence[str], folder: Path, ready: str) -> Iterator[None]:
    """Run a server until the block ends, which begins once the server answers at an address."""
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(600):
                if server.poll() is not None or answers(ready):
                    break
                time.sleep(0.05)
            else:
                raise TimeoutError(ready)
            assert server.poll() is None, (folder / "server.log").read_text()
            yield
        finally:
            server.terminate()
            server.wait(timeout=30)


def openmetrics(metric: str, rows: pl.DataFrame) -> str:
    """Return rows (``time``, ``value``, and a column for each label, null where a row hasn't it) as OpenMetrics."""
    labels = [name for name in rows.columns if name not in {"time", "value"}]

    def line(row: dict[str, Any]) -> str:
        pairs = ",".join(f'{name}="{_escaped(row[name])}"' for name in labels if row[name] is not None)
        return f"{metric}{{{pairs}}} {row['value']} {row['time'].timestamp():.3f}\n"

    # A metric's samples stand together, and in the order of time.
    text = "".join(map(line, rows.sort("time").iter_rows(named=True)))
    return f"# TYPE {metric} gauge\n{text}# EOF\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def backfilled(folder: Path, text: str, missing: Missing) -> None:
    """Write a history in OpenMetrics into the blocks of a server that is not yet running."""
    (folder / "history.om").write_text(text)
    tool = program("promtool", missing)
    command = [tool, "tsdb", "create-blocks-from", "openmetrics", "history.om", "data"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def prometheus(folder: Path, missing: Missing, *, config: str = "") -> Iterator[str]:
    """Run a Prometheus over the folder's blocks and yield its address."""
    (folder / "prometheus.yml").write_text(config)
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus", missing),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
    ]
    with running(command, folder, f"http://{address}/-/ready"):
        yield f"http://{address}"


@contextmanager
def victoria_metrics(folder: Path, missing: Missing) -> Iterator[str]:
    """Run a VictoriaMetrics that keeps everything, and yield its address."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("victoria-metrics", missing),
        f"-storageDataPath={folder / 'data'}",
        "-retentionPeriod=100y",
        f"-httpListenAddr={address}",
    ]
    with running(command, folder, f"http://{address}/health"):
        yield f"http://{address}"


@contextmanager
def alertmanager(folder: Path, missing: Missing) -> Iterator[str]:
    """Run an Alertmanager that notifies nobody, and yield its address."""
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    address = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus-alertmanager", missing),
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
        f"--web.listen-address={address}",
    ]
    with running(command, folder, f"http://{address}/-/ready"):
        yield f"http://{address}"
