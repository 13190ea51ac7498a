"""A loopback site is a real HTTP server on 127.0.0.1 that answers by a function; it ends with the test."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Answered", "Asked", "Loopback", "Wire", "as_json", "by"]


@dataclass(frozen=True)
class Asked:
    """A request as it came: ``target`` is path and query, header fields are by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's values by name, each in its order."""
        made: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(self.target).query, keep_blank_values=True):
            made.setdefault(name, []).append(value)
        return made

    def param(self, name: str, default: str = "") -> str:
        """Return a parameter's first value."""
        return self.params.get(name, [default])[0]

    @property
    def origin(self) -> str:
        """The address that the client believes to speak to."""
        return f"http://{self.headers['host']}"


@dataclass(frozen=True)
class Answered:
    """An answer: its length is told in a header field unless one is there."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, **headers: str) -> Answered:
    """Return a value as an answer of JSON; ``Link="…"`` adds a header field."""
    fields = {"Content-Type": "application/json; charset=utf-8", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return Answered(status, json.dumps(value).encode(), fields)


class Wire:
    """The connection to a client, to answer on or to break."""

    def __init__(self, handler: BaseHTTPRequestHandler, stopping: threading.Event) -> None:
        self._handler = handler
        self.stopping = stopping
        """Set when the server ends: whoever drips looks at it."""

    def head(self, answer: Answered, *, length: int | None = None) -> None:
        """Send the status and the header fields; ``length`` is told instead of the body's own."""
        lines = {"Content-Length": str(len(answer.body) if length is None else length), **answer.headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.raw(f"HTTP/1.1 {answer.status} Said\r\n{text}\r\n".encode("latin-1"))

    def send(self, answer: Answered) -> None:
        """Send a whole answer."""
        self.head(answer)
        if self._handler.command != "HEAD":
            self.raw(answer.body)

    def raw(self, content: bytes) -> None:
        """Send bytes as they are."""
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def close(self) -> None:
        """End the connection in the usual way once this answer is out."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """End the connection at once, with RST instead of FIN."""
        self._handler.close_connection = True
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self._handler.connection.detach())


class Loopback:
    """The server: starts when made, stops with ``with`` or ``stop``; ``asked`` are the requests so far."""

    def __init__(self, answer: Callable[[Asked, Wire], None], *, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._scheme = "https" if tls else "http"
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes, and the second would wait for the first

            def setup(self) -> None:
                super().setup()
                site._open.add(self.request)

            def finish(self) -> None:
                site._open.discard(self.request)
                with contextlib.suppress(OSError):
                    super().finish()

            def handle(self) -> None:
                # A client that leaves, or a wire that was broken on purpose, is no error of the server.
                with contextlib.suppress(OSError):
                    super().handle()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                site.asked.append(asked)
                answer(asked, Wire(self, site._stopping))

            do_GET = do_POST = do_HEAD = answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = False
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """End it and all that is under way; afterwards nobody listens there."""
        self._stopping.set()
        self._server.shutdown()
        for one in tuple(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def by(answer: Callable[[Asked], Answered]) -> Callable[[Asked, Wire], None]:
    """Return what `Loopback` wants of a function that only answers."""
    return lambda asked, wire: wire.send(answer(asked))
