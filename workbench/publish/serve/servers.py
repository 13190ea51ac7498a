"""The two servers: one to read, open to this machine; one to write, for who has its token."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ServeError
from workbench.publish.serve.leases import Limits
from workbench.publish.serve.plan import Plan
from workbench.startup import skip_unused_grammar

if TYPE_CHECKING:
    from workbench.settings import Settings

__all__ = ["bound", "facilitate", "serve"]

_MINUTE = 60.0
_HIGHEST = 65535
_WRITERS = 8


def serve(
    workspace_root: Path | str,
    *,
    port: int = 8866,
    ip: str = "127.0.0.1",
    on_ready: Callable[[str], None] = lambda address: _tell(f"The reviews are at {address}"),
    render: Callable[[Path], str] | None = None,
) -> None:
    """Serve the workspace's published reviews, to be read only, until a signal ends it.

    Args:
        workspace_root: the workspace's folder.
        port: where; 0 takes any that is free.
        ip: an address of this machine that only this machine reaches.
        on_ready: called with the address once the server answers.
        render: makes a published notebook's page; None takes the standard page.

    Raises:
        WorkspaceError: there is no workspace.
        ServeError: the port is taken or can't be had, or other machines could reach the address.
    """
    settings = _settings(workspace_root)
    root = Path(workspace_root).expanduser().resolve()
    with bound(ip, port) as (sockets, number):
        _run(
            Plan(
                workspace=root,
                sockets=sockets,
                port=number,
                pages=("explore",),
                render=render or _standard_page,
                ready=on_ready,
                limits=Limits(pages=settings.serve.max_live_pages, idle=settings.serve.idle_minutes * _MINUTE),
            )
        )


def facilitate(
    workspace_root: Path | str,
    *,
    author: str,
    port: int = 8867,
    token: str | None = None,
    on_ready: Callable[[str], None] = lambda address: _tell(f"The forms are at {address}"),
    render: Callable[[Path], str] | None = None,
) -> None:
    """Serve the forms to who opens the address with the token; what is saved is saved in the author's name.

    Args:
        workspace_root: the workspace's folder.
        author: who saves. It stands in the kernels' environment; nothing that a browser sends changes it.
        port: where on this machine; 0 takes any that is free.
        token: what lets a browser in; None makes a new one.
        on_ready: called once with the address that holds the token.
        render: makes a published notebook's page; None takes the standard page.

    Raises:
        WorkspaceError: there is no workspace.
        ServeError: the port is taken or can't be had, or there is no author or no token.
    """
    _settings(workspace_root)
    if not author.strip():
        raise ServeError("nobody is named who saves", do="Say who: --as NAME, or WORKBENCH_AUTHOR")
    key = secrets.token_urlsafe(32) if token is None else token
    if not key.strip():
        raise ServeError("the token is empty, so everybody could write", do="Leave it out, and one is made")
    root = Path(workspace_root).expanduser().resolve()
    with bound("127.0.0.1", port) as (sockets, number):
        _run(
            Plan(
                workspace=root,
                sockets=sockets,
                port=number,
                pages=("capture",),
                render=render or _standard_page,
                ready=lambda address: on_ready(f"{address}login?token={key}"),
                author=author,
                token=key,
                # Who writes must not lose a form because a meeting talked for a while.
                limits=Limits(pages=_WRITERS, idle=240 * _MINUTE, unseen=2 * _MINUTE),
            )
        )


def _settings(root: Path | str) -> Settings:
    from workbench.workspace import Workspace  # noqa: PLC0415 - kernels import this package for its guard alone

    return Workspace.open(root).settings


def _run(plan: Plan) -> None:
    skip_unused_grammar()
    # Tornado and ZeroMQ warn there of every connection that a browser just drops, which is how browsers leave.
    logging.getLogger("tornado.general").setLevel(logging.ERROR)
    from workbench.publish.serve.app import Server  # noqa: PLC0415 - voila takes a second, and only serving needs it

    asyncio.run(Server(plan=plan).run())


def _standard_page(path: Path) -> str:
    from workbench.publish.page import render_page  # noqa: PLC0415 - nbconvert is needed for the first page only

    return render_page(path)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def bound(ip: str, port: int) -> Iterator[tuple[tuple[socket.socket, ...], int]]:
    """Yield the sockets and their port, bound before anything slow begins, so that a taken port is said at once."""
    if not 0 <= port <= _HIGHEST:
        raise ServeError(f"there is no port {port}", do=f"Choose one from 1024 to {_HIGHEST}")
    if not _is_loopback(ip):
        raise ServeError(
            f"other machines could reach {ip}, and this server doesn't ask who reads",
            do=f"Leave the address out, and reach it from elsewhere by: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE",
        )
    made = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    with made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((ip, port))
            made.listen(128)
        except OSError as error:
            raise _not_had(port, error) from error
        made.settimeout(0)
        yield (made,), made.getsockname()[1]


def _not_had(port: int, error: OSError) -> ServeError:
    if error.errno == errno.EADDRINUSE:
        return ServeError(f"port {port} is in use", do=f"End what runs there, or choose another: --port {port + 1}")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return ServeError(f"port {port} is not allowed for you", do="Choose one above 1023: --port 8866")
    return ServeError(f"port {port} can't be had ({error.strerror})", do="Choose another: --port 8866")


def _is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return ip == "localhost"
