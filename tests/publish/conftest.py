"""What tests of the servers use: a workspace with something published, a server as a process, a raw HTTP client."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
import psutil
import pytest
import websocket

import workbench
from workbench.record import IncidentDraft, Milestones
from workbench.window import parse_time
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
CODE = Path(workbench.__file__).resolve().parents[1]
"""Where the workbench under test is imported from: this checkout, or an installed wheel."""
SAMPLE = ROOT / "tests" / "data" / "trainticket"
INCIDENT = "slow-checkout"
VERSION = "20230130T100000.000000Z"
_WAIT = 60.0


@dataclass(frozen=True)
class Desk:
    """A workspace with something published in it."""

    root: Path
    incident: str = INCIDENT
    version: str = VERSION

    def publish(self, folder: str, name: str, text: str, *, version: str = VERSION) -> Path:
        """Put an executed notebook where a run would have put it; return its path."""
        cells = [
            nbformat.v4.new_markdown_cell(text),
            nbformat.v4.new_code_cell("secret_source = 1", outputs=[nbformat.v4.new_output("stream", text="42")]),
        ]
        path = self.root / "published" / folder / version / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        return path

    def everything(self) -> dict[str, str]:
        """Return every file in it with the hash of what it holds."""
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A workspace with one incident, pinned from the licensed sample and published twice. Nothing may change it."""
    root = tmp_path_factory.mktemp("served") / "desk"
    workspace = Workspace.create(root)
    lines = [f'{name} = "{SAMPLE / name}.parquet"' for name in ("metrics", "logs", "spans")]
    with (root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n".join(["", "[sources.telemetry]", 'kind = "parquet"', *lines, ""]))
    workspace = Workspace.open(root)
    times = Milestones(started_at=parse_time("2023-01-29T09:12:30Z"), resolved_at=parse_time("2023-01-29T09:16:00Z"))
    with workspace.record(author="ada") as record:
        record.add_incident(IncidentDraft(id=INCIDENT, title="Checkout is slow", severity="SEV2", milestones=times))
    workspace.pull(INCIDENT, author="ada")
    made = Desk(root)
    made.publish(INCIDENT, "review", "# Checkout was slow, at first", version="20230129T100000.000000Z")
    made.publish(INCIDENT, "review", "# Checkout was slow for four minutes")
    made.publish("_home", "index", "# All reviews")
    return made


@pytest.fixture
def own_desk(tmp_path: Path) -> Desk:
    """An empty workspace of the test's own, to be changed."""
    return Desk(Workspace.create(tmp_path / "desk").root)


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


@dataclass
class Live:
    """A live page that was opened: its kernel, the cookie that names its visitor, what was sent."""

    served: Served
    kernel: str
    cookie: str
    page: Answer

    @contextlib.contextmanager
    def connect(self, kernel: str = "", *, protocol: str = "", **changed: str) -> Iterator[websocket.WebSocket]:
        """Connect to a kernel (one's own unless named); ``changed`` replaces headers, "" leaves one out."""
        headers = {"Cookie": self.cookie, "Origin": f"http://127.0.0.1:{self.served.port}", **changed}
        host = headers.pop("Host", "")
        socket = websocket.create_connection(
            f"ws://127.0.0.1:{self.served.port}/api/kernels/{kernel or self.kernel}/channels?session_id={uuid4().hex}",
            timeout=20,
            suppress_origin=True,
            host=host or None,
            subprotocols=[protocol] if protocol else None,
            header=[f"{name}: {value}" for name, value in headers.items() if value],
        )
        try:
            yield socket
        finally:
            socket.shutdown()

    def gone(self) -> bool:
        """Return whether its kernel has ended."""
        return not any(self.kernel in " ".join(one.cmdline()) for one in self.served.kernels())


@dataclass
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    address: str
    port: int
    said: list[str] = field(default_factory=list)
    listener: threading.Thread = field(default_factory=threading.Thread)

    def ask(
        self, path: str, method: str = "GET", *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send a request exactly as it is written, with no tidying of its path; headers given as "" are left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WAIT)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": f"127.0.0.1:{self.port}", **(headers or {})}
            if body or method in {"POST", "PUT", "PATCH"}:
                sent["Content-Length"] = str(len(body))
            for name, value in sent.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())

    def open_live(self, path: str, cookie: str = "") -> Live:
        """Open a live page as a browser does, and return what it needs to talk to its kernel."""
        got = self.ask(path, headers={"Cookie": cookie, "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"})
        assert got.status == 200, got.text
        config = re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', got.text, re.DOTALL)
        assert config is not None, got.text
        set_cookie = got.headers.get("set-cookie", "").partition(";")[0]
        return Live(self, json.loads(config[1])["kernelId"], set_cookie or cookie, got)

    def kernels(self) -> list[psutil.Process]:
        """Return the kernels that run."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for child in psutil.Process(self.process.pid).children(recursive=True) if _lives(child)]
        return []

    def output(self) -> str:
        """Return all it has printed so far."""
        return "".join(self.said)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it as a person or a system does; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(_WAIT)
        self.listener.join(_WAIT)
        return status


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def start(call: str, root: Path, **environment: str) -> Served:
    """Start ``workbench.publish.serve.<call>`` with the workspace as ``root``, and return when it answers.

    A server that ends instead is returned too; what it said stands in ``said``.
    """
    code = f"from pathlib import Path; from workbench.publish.serve import *; root = Path({str(root)!r}); {call}"
    own = {**os.environ, "PYTHONPATH": str(CODE), "PYTHONUNBUFFERED": "1", **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=own,
        cwd=root.parent,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    served = Served(process, "", 0)
    answered = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                served.said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:(\d+)/\S*", line):
                    served.address, served.port = found[0], int(found[1])
                    answered.set()
        answered.set()

    served.listener = threading.Thread(target=listen, daemon=True)
    served.listener.start()
    assert answered.wait(_WAIT), served.output()
    return served


@pytest.fixture(scope="module")
def serve_of(desk: Desk) -> Iterator[Callable[..., Served]]:
    """A function ``(call, root, **environment)`` -> `Served`; what it starts ends with the module."""
    started: list[Served] = []

    def starter(call: str = "serve(root, port=0)", root: Path = desk.root, **environment: str) -> Served:
        made = start(call, root, **environment)
        started.append(made)
        return made

    yield starter
    for one in started:
        one.stop()


@pytest.fixture
def eventually() -> Callable[..., bool]:
    """A function that tells whether something comes true before long."""
    return _eventually


def _eventually(true: Callable[[], Any], *, within: float = 20.0) -> bool:
    """Return whether something comes true before long."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
