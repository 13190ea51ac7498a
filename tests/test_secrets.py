"""No secret of a source is found in anything the workbench leaves behind, whatever a backend does with it."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psutil
import pytest
from loopback import Answered, Asked, Loopback, as_json, by

from workbench.cli.app import main
from workbench.publish.runs import publish_review
from workbench.publish.serve.environment import kernel_environment
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
START, END = "2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"
USER = "reader"

MAIN = "from workbench.cli.app import main; main()"


class Everything(logging.Handler):
    """Writes down all that a logger is given, also what no format shows."""

    def __init__(self, file: Path) -> None:
        super().__init__(logging.DEBUG)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record with all its fields."""
        with self._file.open("a") as file:
            file.write(f"{record.getMessage()} { {name: str(value) for name, value in vars(record).items()} }\n")


@dataclass(frozen=True)
class Told:
    """The secrets of one run, each as it may be written, and the environment that holds them."""

    token: str = field(default_factory=lambda: f"tok-{secrets.token_urlsafe(18)}")
    password: str = field(default_factory=lambda: f"p&\"{secrets.token_hex(8)}/+%<w>'")
    printed: str = field(default_factory=lambda: f"cmd.{secrets.token_hex(12)}")

    def forms(self) -> dict[str, list[str]]:
        """Return every way in which each secret may be written down."""
        basic = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        return {
            name: [
                value,
                json.dumps(value)[1:-1],
                html.escape(value),
                html.escape(value).replace("&#x27;", "&#39;"),
                quote(value),
                quote(value, safe=""),
                quote_plus(value),
                repr(value)[1:-1],
                base64.b64encode(value.encode()).decode().rstrip("="),
                base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
                *([basic.rstrip("=")] if value == self.password else []),
            ]
            for name, value in vars(self).items()
        }

    @property
    def environment(self) -> dict[str, str]:
        """Two secrets in variables; the third is printed by a command that reads another."""
        return {"DESK_TOKEN": self.token, "DESK_PASSWORD": self.password, "DESK_SAFE": self.printed}

    def found_in(self, content: bytes) -> list[str]:
        """Return which secrets stand in some bytes, and how."""
        return [
            f"{name} as {form}" for name, forms in self.forms().items() for form in forms if form.encode() in content
        ]


class Leaky:
    """A backend that lets in who has a secret, and gives it back in any place of its answer, as its path says."""

    def __init__(self, told: Told) -> None:
        basic = base64.b64encode(f"{USER}:{told.password}".encode()).decode()
        self._known = {
            f"Bearer {told.token}": told.token,
            f"Basic {basic}": told.password,
            f"Bearer {told.printed}": told.printed,
        }

    def __call__(self, asked: Asked) -> Answered:
        """Answer as a Prometheus does, or badly."""
        way, path = asked.path.removeprefix("/").split("/", 1)
        given = asked.headers.get("authorization", "")
        echoed = f"you sent {given}, which is {self._known.get(given, given)}"
        fields = {"X-Echo": given, "Set-Cookie": f"session={quote(given)}", "WWW-Authenticate": f"Bearer {given}"}
        if given not in self._known:
            return Answered(401, echoed.encode(), fields)
        error = {"status": "error", "errorType": "bad", "error": echoed}
        warned = {"warnings": [echoed]} if way == "warned" else {}
        badly = {
            "page": Answered(500, f"<h1>{html.escape(echoed)}</h1>".encode(), fields),
            "away": Answered(302, b"", {"Location": f"/500/{path}?key={quote_plus(given)}", **fields}),
            "far": Answered(302, b"", {"Location": f"http://{quote(given.split()[-1])}.example/", **fields}),
            "odd": as_json(error, **fields),
            "cut": Answered(200, json.dumps({"status": "success", "data": echoed}).encode()[:-9], fields),
        }
        if way.isdigit():
            return as_json(error, int(way), **fields)
        return badly.get(way) or as_json({"status": "success", "data": self._data(path, asked), **warned}, **fields)

    def _data(self, path: str, asked: Asked) -> Any:
        if "label" in path:
            return ["shop"]
        if "metadata" in path:
            return {}
        series = {"metric": {"__name__": "rate", "service": "shop"}}
        if path.endswith("query_range"):
            times = {**asked.params, **dict(re.findall(r"(start|end)=([\d.]+)", asked.body.decode()))}
            start = float(times["start"][0] if isinstance(times["start"], list) else times["start"])
            return {"resultType": "matrix", "result": [{**series, "values": [[start, "1"]]}]}
        return {"resultType": "vector", "result": [{**series, "value": [1772366400, "1"]}]}


WAYS = ("ok", "warned", "401", "400", "429", "500", "page", "away", "far", "odd", "cut")
PRINTS = "import os; print(os.environ['DESK_SAFE'])"
ENTRIES = {
    "token": 'token_env = "DESK_TOKEN"',
    "password": f'user = "{USER}"\npassword_env = "DESK_PASSWORD"',
    "command": f"token_command = {json.dumps([sys.executable, '-c', PRINTS])}",
}


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Desk:
    """A workspace whose sources need secrets, and all that was printed and logged while it was used."""

    root: Path
    said: Path
    told: Told

    def run(self, *arguments: str, **environment: str) -> Ran:
        """Run a command with all logging on, and keep what it says."""
        out, err = io.StringIO(), io.StringIO()
        with self.heard(**environment), pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            patch.setattr(sys, "argv", ["workbench", *arguments])
            with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
                main()
        return self._kept(arguments, Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue()))

    def run_apart(self, *arguments: str, **environment: str) -> Ran:
        """Run a command in a process of its own, as a person does, and keep what it says."""
        env = {**os.environ, "PYTHONPATH": str(ROOT), **self.told.environment, **environment}
        ran = subprocess.run(
            [sys.executable, "-c", MAIN, *arguments],
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        return self._kept(arguments, Ran(ran.returncode, ran.stdout, ran.stderr))

    @contextmanager
    def heard(self, **environment: str) -> Iterator[None]:
        """Write down what is logged at any level, with the secrets in the environment."""
        root, handler = logging.getLogger(), Everything(self.said / "log")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.told.environment, **environment}.items():
                patch.setenv(name, value)
            before = root.level
            root.addHandler(handler)
            root.setLevel(logging.DEBUG)
            try:
                yield
            finally:
                root.setLevel(before)
                root.removeHandler(handler)

    def _kept(self, arguments: tuple[str, ...], ran: Ran) -> Ran:
        with (self.said / "printed").open("a") as file:
            file.write(f"$ {arguments}\n{ran.stdout}\n{ran.stderr}\n")
        return ran

    def leaks(self) -> list[str]:
        """Return every secret that stands in a file of the workspace, or in what was said; and in names of files."""
        files = [path for folder in (self.root, self.said) for path in folder.rglob("*")]
        found = [f"{path}: {one}" for path in files if path.is_file() for one in self.told.found_in(path.read_bytes())]
        return found + [f"{path}" for path in files if self.told.found_in(str(path).encode())]


@pytest.fixture(scope="module")
def told() -> Told:
    """Return secrets that no other run has."""
    return Told()


@pytest.fixture(scope="module")
def backend(told: Told) -> Iterator[Loopback]:
    """Return the backend that demands them."""
    with Loopback(by(Leaky(told))) as site:
        yield site


def table(name: str, url: str, entry: str) -> str:
    """Return a source's table."""
    return (
        f'\n[sources.{name}]\nkind = "prometheus"\nurl = "{url}"\ntimeout = 5\n{entry}\n'
        f'alerts = false\nlimits = {{ seconds = 20 }}\n[sources.{name}.queries]\nrequest_rate = "rate"\n'
    )


@pytest.fixture
def desk(tmp_path: Path, told: Told) -> Desk:
    """Return a workspace with one incident and no source."""
    root, said = tmp_path / "desk", tmp_path / "said"
    said.mkdir()
    Workspace.create(root)
    made = Desk(root, said, told)
    times = ("--started-at", START, "--resolved-at", END)
    assert made.run("incident", "add", "--id", "slow", "--title", "Slow", "--severity", "SEV2", *times).returncode == 0
    return made


def add(desk: Desk, *tables: str) -> None:
    """Append tables to the settings."""
    with (desk.root / "workbench.toml").open("a") as settings:
        settings.write("".join(tables))


def test_the_secrets_are_needed_and_sent(desk: Desk, backend: Loopback) -> None:
    """Otherwise the tests below would prove nothing: with them there are rows, with a wrong one there are none."""
    add(desk, *(table(name, f"{backend.url}/ok", entry) for name, entry in ENTRIES.items()))
    checked = json.loads(desk.run("sources", "check", "--at", END, "--format", "json").stdout)
    assert [(one["source"], one["ok"], one["frames"][0]["rows"]) for one in checked] == [
        (name, True, 1) for name in ENTRIES
    ]
    wrong = desk.run("sources", "check", "token", "--at", END, DESK_TOKEN="wrong")  # noqa: S106 - it is wrong
    assert "the credentials were not accepted" in wrong.stdout
    unset = desk.run("sources", "check", "token", "--at", END, DESK_TOKEN="")
    assert (
        "the environment variable DESK_TOKEN, which [sources.token] in workbench.toml names, is not set" in unset.stdout
    )


def test_what_is_looked_for_would_be_found(desk: Desk) -> None:
    """In each of its forms, in a file of the workspace, and in what was said."""
    for forms in desk.told.forms().values():
        for form in forms:
            (desk.root / "evidence" / "note").write_bytes(b"\x00" + form.encode() + b"\xff")
            assert desk.leaks()
    (desk.root / "evidence" / "note").unlink()
    assert not desk.leaks()


def test_no_secret_is_left_anywhere(desk: Desk, backend: Loopback) -> None:
    """Every command that asks sources, every way of giving a secret, every way of giving it back; then a review."""
    for entry_name, entry in ENTRIES.items():
        for way in WAYS:
            add(desk, table(f"{entry_name}-{way}", f"{backend.url}/{way}", entry))
        add(desk, table(f"{entry_name}-gone", "http://127.0.0.1:9", entry))
    pulled = desk.run_apart("pull", "slow")
    assert pulled.returncode == 1
    assert "•••" in pulled.stderr
    tables = json.loads(desk.run("evidence", "slow", "--format", "json").stdout)
    assert {"token-ok", "password-ok", "command-ok"} <= {one["source"] for one in tables}
    asked = (
        ("sources", "list"),
        ("sources", "check"),
        ("sources", "names", "token-ok"),
        ("sources", "discover", "token-warned", "--at", END),
        ("sources", "discover", "password-odd", "--at", END),
        ("sources", "discover", "command-odd", "--at", END),
        ("pull", "--dry-run", "slow"),
    )
    for arguments in asked:
        desk.run(*arguments)
    kernels = reviewed(desk)
    assert list((desk.root / "published" / "slow").glob("2*/review.ipynb"))
    assert kernels
    assert not any(desk.told.found_in(json.dumps(one).encode()) for one in kernels)
    log = (desk.said / "log").read_text()
    assert all(f"'name': '{name}'" in log for name in ("httpx", "httpcore.http11"))
    assert desk.leaks() == []


def reviewed(desk: Desk) -> list[dict[str, str]]:
    """Publish the review, and return what the system says is in its kernels' environments while they run."""
    seen: list[dict[str, str]] = []

    def look(_: object) -> None:
        children = psutil.Process().children(recursive=True)
        seen.extend(one.environ() for one in children if "ipykernel_launcher" in " ".join(one.cmdline()))

    with desk.heard():
        publish_review(Workspace.open(desk.root), "slow", tell=look)
    return seen


def test_no_secret_is_in_a_traceback(desk: Desk, backend: Loopback, tmp_path: Path) -> None:
    """A defect anywhere, shown with WORKBENCH_DEBUG=1: somebody's adapter that breaks with the secret at hand."""
    package = tmp_path / "package" / "leaky-1.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[workbench.sources]\nleaky = leaky:Leaky\n")
    (package.parent / "leaky.py").write_text(
        "from workbench.telemetry.web.client import Web\n"
        "from workbench.telemetry.source import Query, Tally\n"
        "class Leaky:\n"
        "    kind, frames = 'leaky', ('logs',)\n"
        "    @classmethod\n"
        "    def from_settings(cls, name, settings, root):\n"
        "        web, _ = Web.from_settings(name, settings)\n"
        "        from workbench.window import Window\n"
        f"        query = Query(Window.parse('{START}', '{END}'))\n"
        "        answer = web.get('/api/v1/query_range', {'start': '1'}, query=query, tally=Tally())\n"
        "        raise RuntimeError(f'{web!r} {vars(web)} {query} {answer.url}')\n"
    )
    add(desk, f'\n[sources.bad]\nkind = "leaky"\nurl = "{backend.url}/ok"\ntoken_env = "DESK_TOKEN"\n')
    path = os.pathsep.join([str(ROOT), str(package.parent)])
    shown = desk.run_apart("sources", "check", PYTHONPATH=path, WORKBENCH_DEBUG="1")
    assert "Traceback" in shown.stderr
    assert "RuntimeError" in shown.stderr
    desk.run_apart("sources", "check", PYTHONPATH=path)
    assert desk.leaks() == []


@pytest.mark.parametrize("line", ["token = 'TOKEN'", "password = 'TOKEN'", "token_env = 'TOKEN'", "user = 3"])
def test_a_secret_in_the_settings_is_refused_and_not_shown(desk: Desk, line: str) -> None:
    """Also one that was written where its variable's name belongs."""
    entry = line.replace("TOKEN", desk.told.token)
    settings = (desk.root / "workbench.toml").read_text()
    add(desk, table("bad", "http://127.0.0.1:9", entry))
    asked = (("sources", "list"), ("sources", "check"), ("pull", "slow"), ("sources", "names", "bad"))
    ran = [desk.run(*arguments, WORKBENCH_DEBUG="1") for arguments in asked]
    (desk.root / "workbench.toml").write_text(settings)
    assert all(one.returncode == 1 for one in ran)
    assert desk.leaks() == []


@pytest.mark.parametrize("url", ["http://ana:TOKEN@127.0.0.1:9", "http://127.0.0.1:9/?key=TOKEN"])
def test_a_secret_in_an_address_is_refused_and_not_shown(desk: Desk, url: str) -> None:
    """Before anything is asked."""
    settings = (desk.root / "workbench.toml").read_text()
    add(desk, table("bad", url.replace("TOKEN", desk.told.token), ""))
    ran = desk.run("pull", "slow")
    (desk.root / "workbench.toml").write_text(settings)
    assert ran.returncode == 1
    assert desk.leaks() == []


def test_a_command_that_fails_says_nothing_of_what_it_printed(desk: Desk) -> None:
    """Neither what it wrote to standard output nor to standard error."""
    script = (
        "import os, sys; print(os.environ['DESK_SAFE']); print(os.environ['DESK_SAFE'], file=sys.stderr); sys.exit(3)"
    )
    add(desk, table("bad", "http://127.0.0.1:9", f"token_command = {json.dumps([sys.executable, '-c', script])}"))
    ran = desk.run("sources", "check", WORKBENCH_DEBUG="1")
    assert "gave no secret (status 3)" in ran.stdout
    assert desk.leaks() == []


# Kernels


@pytest.mark.parametrize("read_only", [True, False])
def test_a_kernels_environment_is_made_without_them(told: Told, tmp_path: Path, read_only: bool) -> None:
    """For pages, reviews and forms alike."""
    server = {**os.environ, **told.environment}
    made = kernel_environment(server, workspace=tmp_path, scratch=tmp_path, author="ana", read_only=read_only)
    assert not told.found_in(json.dumps(made).encode())
    assert not set(made) & set(told.environment)
