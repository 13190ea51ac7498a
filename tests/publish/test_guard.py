"""A guarded kernel changes nothing, whatever code gets into it: Python's own doors, native code's, other programs'."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from workbench.publish.serve.environment import STARTUP, kernel_environment
from workbench.publish.serve.landlock import newest

PYTHON = {
    "open to write": "open(root / 'records.db', 'wb')",
    "open to append": "open(root / 'workbench.toml', 'a')",
    "open to change": "open(root / 'workbench.toml', 'r+')",
    "open a new file": "open(root / 'new', 'x')",
    "open low": "os.open(root / 'workbench.toml', os.O_WRONLY)",
    "open to cut": "os.open(root / 'workbench.toml', os.O_RDONLY | os.O_TRUNC)",
    "write text": "(root / 'workbench.toml').write_text('')",
    "through a link": "os.symlink(root / 'workbench.toml', scratch / 'l'); open(scratch / 'l', 'w')",
    "link": "os.link(root / 'workbench.toml', scratch / 'hard')",
    "through descriptors": "open(os.open(root, os.O_RDONLY), 'w')",
    "relative to a folder": "os.open('workbench.toml', os.O_WRONLY, dir_fd=os.open(root, os.O_RDONLY))",
    "remove": "os.remove(root / 'records.db')",
    "remove relative": "os.remove('records.db', dir_fd=os.open(root, os.O_RDONLY))",
    "rename": "os.rename(root / 'records.db', root / 'x')",
    "rename away": "os.rename(root / 'records.db', scratch / 'x')",
    "replace": "os.replace(scratch / 'mine', root / 'records.db')",
    "make a folder": "os.mkdir(root / 'x')",
    "remove a folder": "os.rmdir(root / 'published')",
    "remove all": "shutil.rmtree(root / 'evidence')",
    "copy": "shutil.copy(scratch / 'mine', root / 'records.db')",
    "cut": "os.truncate(root / 'records.db', 0)",
    "change its mode": "os.chmod(root / 'records.db', 0o777)",
    "change its owner": "os.chown(root / 'records.db', 1, 1)",
    "change its times": "os.utime(root / 'records.db')",
    "sqlite": "sqlite3.connect(root / 'records.db')",
    "sqlite to write": "sqlite3.connect(f'file:{root}/records.db?mode=rw', uri=True)",
    "sqlite with two modes": "sqlite3.connect(f'file:{root}/records.db?mode=ro&mode=rwc', uri=True)",
    "another program": "subprocess.run(['true'])",
    "a shell": "os.system('true')",
    "a fork": "os.fork()",
    "an exec": "os.execv('/bin/true', ['true'])",
    "a spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "a connection": "socket.create_connection(('127.0.0.1', 9))",
    "a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "a server": "socket.socket().bind(('127.0.0.1', 0))",
    "a signal": "os.kill(os.getppid(), 0)",
    "the C library": "ctypes.CDLL(None)",
    "the C library that Python holds": "ctypes.pythonapi.unlink(str(root / 'records.db').encode())",
    "code put in the hook's place": "sys.addaudithook(lambda *_: None); open(root / 'new', 'w')",
    "the record to write": "Workspace.open(root).record(author='x')._database.write('x', lambda *_: None)",
}
"""What Python can be asked for, each with the code of an attacker."""

NATIVE = {
    "a data frame over the record": "polars.DataFrame({'a': [1]}).write_parquet(root / 'records.db')",
    "a data frame beside the evidence": "polars.DataFrame({'a': [1]}).write_csv(str(root / 'evidence' / 'x.csv'))",
    "a database attached": "c = sqlite3.connect(':memory:'); c.execute(f\"attach '{root}/records.db' as r\"); "
    "c.execute('create table r.x (y)')",
    "the server's environment": "open(f'/proc/{os.getppid()}/environ', 'rb').read(); open(outside).read()",
    "a file of somebody else": "open(outside).read()",
    "somebody else's folder": "os.listdir(os.path.dirname(outside))",
}
"""What native code does by itself, or what is only read: refused by the operating system where it can."""

ALLOWED = {
    "reading settings": "(root / 'workbench.toml').read_text()",
    "reading the record": "[i.id for i in Workspace.open(root).record().incidents()]",
    "reading evidence": "Workspace.open(root).snapshot('slow-checkout').frame('metrics').collect().height",
    "writing in its own folder": "(scratch / 'mine').write_text('x')",
    "a database in memory": "sqlite3.connect(':memory:').execute('create table x (y)')",
    "the sink": "open(os.devnull, 'w').write('x')",
}
"""What a page needs."""

SCRIPT = """
import ctypes, json, os, shutil, socket, sqlite3, subprocess, sys
from pathlib import Path
import polars
from workbench.workspace import Workspace
if "WORKBENCH_READ_ONLY" not in os.environ:
    from workbench.publish.serve.guard import _hook
    sys.addaudithook(_hook(os.environ["WORKBENCH_SCRATCH"]))
    os.environ["WORKBENCH_READ_ONLY"] = "1"
root, scratch, outside = Path(os.environ["WORKBENCH_WORKSPACE"]), Path(os.environ["WORKBENCH_SCRATCH"]), {outside!r}
(scratch / "mine").write_text("x")
told = {{}}
for name, code in json.loads(sys.stdin.read()).items():
    try:
        exec(code)
        told[name] = ""
    except BaseException as error:
        told[name] = type(error).__name__ + ": " + str(error)
print(json.dumps(told))
"""


def tell(root: Path, folder: Path, attempts: dict[str, str], *, landlock: bool = True, **more: str) -> dict[str, str]:
    """Run code in a guarded Python; return for each attempt how it was refused, "" when it was not."""
    scratch, elsewhere = folder / "scratch", folder / "elsewhere"
    scratch.mkdir(exist_ok=True)
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "secret").write_text("secret")
    environment = kernel_environment(os.environ, workspace=root, scratch=scratch, read_only=landlock)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT).format(outside=str(elsewhere / "secret"))],
        input=json.dumps(attempts),
        env=environment | more,
        cwd=scratch,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def refusals(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each attempt was refused; the workspace is compared before and after all of them."""
    before = desk.everything()
    told = tell(desk.root, tmp_path_factory.mktemp("guard"), PYTHON | NATIVE | ALLOWED)
    assert desk.everything() == before
    return told


@pytest.mark.parametrize("attempt", PYTHON)
def test_python_is_refused(refusals: dict[str, str], attempt: str) -> None:
    """Each way in which Python changes files, starts programs or reaches the network ends in an error."""
    assert refusals[attempt], f"{attempt} was done"


@pytest.fixture(scope="module")
def refusals_of_the_hook(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The same on a system without Landlock, where Python's audit hook is all there is."""
    before = desk.everything()
    told = tell(desk.root, tmp_path_factory.mktemp("hook"), PYTHON | ALLOWED, landlock=False)
    assert desk.everything() == before
    return told


@pytest.mark.parametrize("attempt", PYTHON)
def test_the_hook_alone_refuses_too(refusals_of_the_hook: dict[str, str], attempt: str) -> None:
    """Where the operating system can't help, Python's own doors are closed all the same."""
    assert refusals_of_the_hook[attempt], f"{attempt} was done"


@pytest.mark.parametrize("attempt", NATIVE)
def test_native_code_is_refused(refusals: dict[str, str], attempt: str) -> None:
    """What no hook of Python's sees, the operating system refuses."""
    if not newest():
        pytest.skip("this system has no Landlock (Linux 5.13 and newer have it); only Python's own doors are closed")
    assert refusals[attempt], f"{attempt} was done"


@pytest.mark.parametrize("attempt", ALLOWED)
def test_a_page_can_be_made(refusals: dict[str, str], attempt: str) -> None:
    """The guard leaves what a page needs: reading the workspace, and a folder of its own."""
    assert refusals[attempt] == ""


def test_a_refusal_says_why(refusals: dict[str, str]) -> None:
    """Whoever writes a notebook learns why it fails here."""
    assert "this page only reads" in refusals["open to write"]


def test_the_record_is_read_while_somebody_writes(desk: Any, tmp_path: Path) -> None:
    """A guarded kernel reads the record while a form has it open, and makes no file beside it."""
    from workbench.workspace import Workspace

    with Workspace.open(desk.root).record(author="ada") as record:
        record.incidents()
        names = sorted(path.name for path in desk.root.iterdir())
        told = tell(desk.root, tmp_path, {"read": ALLOWED["reading the record"]})
        assert told == {"read": ""}
        assert sorted(path.name for path in desk.root.iterdir()) == names


def test_a_kernel_that_cannot_be_guarded_does_not_start(tmp_path: Path) -> None:
    """When the guard itself fails there is no Python at all."""
    environment = kernel_environment(os.environ, workspace=tmp_path, scratch=tmp_path, read_only=True)
    del environment["WORKBENCH_WORKSPACE"]
    done = subprocess.run(
        [sys.executable, "-c", "print('started')"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "started" not in done.stdout
    assert "could not be guarded" in done.stderr


def test_memory_is_limited(desk: Any, tmp_path: Path) -> None:
    """A kernel that wants too much gets an error; the machine is not dragged down."""
    attempts = {"much": "bytearray(1 << 30)", "little": "bytearray(1 << 20)"}
    told = tell(desk.root, tmp_path, attempts, WORKBENCH_MEMORY=str(600 << 20))
    assert told["much"].startswith("MemoryError")
    assert told["little"] == ""


def test_the_environment_is_made_from_nothing(tmp_path: Path) -> None:
    """Only harmless names of the server's environment reach a kernel; who saves reaches only one that may."""
    server = {
        "PATH": "/bin",
        "LANG": "C",
        "PGPASSWORD": "x",
        "WORKBENCH_AUTHOR": "boss",
        "PYTHONSTARTUP": "/x",
        "LD_PRELOAD": "y",
    }
    reading = kernel_environment(server, workspace=tmp_path, scratch=tmp_path, author="ada", read_only=True)
    writing = kernel_environment(server, workspace=tmp_path, scratch=tmp_path, author="ada", read_only=False)
    assert reading["PATH"] == "/bin"
    assert reading["PYTHONPATH"] == str(STARTUP)
    assert not {"PGPASSWORD", "PYTHONSTARTUP", "LD_PRELOAD", "WORKBENCH_AUTHOR"} & set(reading)
    assert writing["WORKBENCH_AUTHOR"] == "ada"
    assert "WORKBENCH_READ_ONLY" not in writing


def test_other_pythons_are_left_alone() -> None:
    """Where no server asks for it (JupyterLab's kernels) the same start-up file guards nothing."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(STARTUP)}
    code = "import subprocess, sys; subprocess.run(['true'], check=True); print(sys.modules['rfc3987_syntax'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "None\n"), done.stderr
