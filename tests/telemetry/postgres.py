"""A PostgreSQL of the tests' own: in a folder that goes with it, on a free port, stopped by its handle.

It refuses to run as root, so that it then runs as the user ``postgres``; anybody else runs it as themselves.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg

__all__ = ["PASSWORD", "Postgres", "postgres_server"]

PASSWORD = "schlüssel/ÄÖ@7+%"  # noqa: S105 - of a server that lives as long as the tests
"""With everything in it that an address would have to escape."""

_PATIENCE = 30.0


@dataclass(frozen=True)
class Postgres:
    """A server that runs: superuser ``owner``, and ``reader`` who may read everything; both have the `PASSWORD`."""

    port: int
    log: Path

    def url(self, user: str = "reader", database: str = "postgres") -> str:
        """Return an address without a password."""
        return f"postgres://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of the owner's, to be closed by whoever asks for it."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="owner", password=PASSWORD, dbname=database, autocommit=True
        )


@contextmanager
def postgres_server(missing: Callable[[str], NoReturn]) -> Iterator[Postgres]:
    """Run a server until the block ends.

    Args:
        missing: called with words when PostgreSQL isn't on this machine.
    """
    programs = _programs() or missing("PostgreSQL is not on this machine (Debian: apt-get install postgresql)")
    as_user = _user(missing)
    # Its socket's path may have at most 107 characters, so that it doesn't lie in pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="wb-pg-"))
    try:
        if as_user:
            shutil.chown(folder, **as_user)
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if as_user:
            shutil.chown(folder / "password", **as_user)
        _run(
            programs / "initdb",
            *("-D", folder / "data", "-U", "owner", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"),
            *("-E", "UTF8", "--locale=C", "--no-sync"),
            **as_user,
        )
        with _serving(programs / "postgres", folder, as_user) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def _serving(program: Path, folder: Path, as_user: dict[str, str]) -> Iterator[Postgres]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = folder / "server.log"
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "log_statement": "all",
        "timezone": "Asia/Kolkata",  # So that nothing is right only because the server happens to be in UTC.
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-D", folder / "data", *options], stdout=output, stderr=output, cwd=folder, **_identity(as_user)
        )
        try:
            server = Postgres(port, log)
            _wait(server, process)
            with server.connect() as owner:
                owner.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(server: Postgres, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(server.log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.05)
        else:
            return


def _run(program: Path, *arguments: object, **as_user: str) -> None:
    told = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, cwd="/", **_identity(as_user)
    )
    assert told.returncode == 0, told.stderr[-2000:]


def _programs() -> Path | None:
    found = shutil.which("postgres")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: path.parts[-3].zfill(3))
    program = Path(found).resolve() if found else versions[-1] if versions else None
    return program.parent if program and (program.parent / "initdb").exists() else None


def _user(missing: Callable[[str], NoReturn]) -> dict[str, str]:
    if os.geteuid() != 0:
        return {}
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        missing("PostgreSQL refuses to run as root, and there is no user postgres to run it as")
    return {"user": "postgres", "group": "postgres"}


def _identity(as_user: dict[str, str]) -> dict[str, Any]:
    return {**as_user, "extra_groups": []} if as_user else {}
