"""A plan is all that one server is told before it starts."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.publish.serve.leases import Limits

__all__ = ["Plan"]

_GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Plan:
    """What is served, to whom, and what its kernels may do."""

    workspace: Path
    sockets: tuple[socket.socket, ...]
    port: int
    pages: tuple[str, ...]
    """The live pages, by the names of their notebooks."""
    render: Callable[[Path], str]
    """Makes the page of a published notebook."""
    ready: Callable[[str], None]
    """Called with the address once the server answers."""
    author: str = ""
    """In whose name kernels save; empty makes them read-only."""
    token: str = ""
    """What a browser has to show once; empty lets everybody on this machine read."""
    limits: Limits = field(default_factory=Limits)
    memory: int = 2 * _GIGABYTE
    """How many bytes of data one kernel may have."""

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed through this server."""
        return not self.author

    @property
    def address(self) -> str:
        """Where a browser on this machine opens it."""
        return f"http://127.0.0.1:{self.port}/"
