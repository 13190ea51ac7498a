"""The wire is the connection to a backend, watched while it is waited on: it gives up when time is up or nobody waits.

A time-out of httpx begins again with every byte that comes, so that a server which drips its header fields would hold a
request for hours; and nothing else would notice meanwhile that the person has gone.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

__all__ = ["watched", "watching"]

_GLANCE = 0.2
_look: ContextVar[Callable[[], None]] = ContextVar("_look", default=lambda: None)


@contextlib.contextmanager
def watching(look: Callable[[], None]) -> Iterator[None]:
    """Call ``look`` again and again while this thread waits for a watched client; it raises to give up."""
    before = _look.set(look)
    try:
        yield
    finally:
        _look.reset(before)


def watched(client: httpx.Client) -> httpx.Client:
    """Return the client with its connections, those through a proxy too, made ready to be watched."""
    # httpx hands a network backend on to httpcore in no public way; test_web.py notices when this one has gone.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - as said above
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend()  # noqa: SLF001 - as said above
    return client


class _Backend(httpcore.NetworkBackend):
    """The usual backend, whose streams look up while they wait."""

    def __init__(self) -> None:
        self._usual = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        _look.get()()
        return _Stream(self._usual.connect_tcp(host, port, timeout, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._usual.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, usual: httpcore.NetworkStream) -> None:
        self._usual = usual

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = float("inf") if timeout is None else timeout
        while True:
            _look.get()()
            glance = min(_GLANCE, left)
            try:
                return self._usual.read(max_bytes, glance)
            except httpcore.ReadTimeout:
                left -= glance
                if left <= 0:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._usual.write(buffer, timeout)

    def close(self) -> None:
        self._usual.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._usual.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._usual.get_extra_info(info)
