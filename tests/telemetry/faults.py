"""A fault proxy stands before a healthy HTTP server and breaks what passes, as networks and tired servers do.

::

    with FaultProxy(backend.url) as proxy:
        proxy.inject(too_many(retry_after=1), times=2)   # the next two requests; afterwards it is healthy
        source = MySource.from_settings("shop", {"url": proxy.url}, folder)

It keeps the ``Host`` that the client sent, so that a backend's links to its next page lead through the proxy again.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from loopback import Answered, Asked, Loopback, Wire

__all__ = [
    "Exchange",
    "Fault",
    "FaultProxy",
    "answering",
    "cut",
    "dripping",
    "dripping_headers",
    "endless",
    "failing",
    "garbled_gzip",
    "latency",
    "login_page",
    "not_http",
    "other_types",
    "redirect",
    "reset_after_headers",
    "reset_before_headers",
    "reset_in_body",
    "silent",
    "too_many",
    "truncated",
]


@dataclass(frozen=True)
class Exchange:
    """A request that a fault has in hand: ``forward()`` asks the healthy backend, ``wire`` leads to the client."""

    asked: Asked
    wire: Wire
    forward: Callable[[], Answered]


Fault = Callable[[Exchange], None]
"""What is done with a request instead of passing it on."""


class FaultProxy(Loopback):
    """A proxy on a free port of 127.0.0.1; healthy until a fault is injected. ``asked`` are the requests so far."""

    def __init__(self, backend: str) -> None:
        self._backend = urlsplit(backend).netloc
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, int]] = []
        super().__init__(self._pass)

    def inject(self, fault: Fault, *, times: int = 1_000_000_000, after: int = 0) -> None:
        """Break the next requests, once those of earlier faults are through.

        Args:
            fault: what to do with each of them.
            times: how many; all that will ever come unless it is given.
            after: how many to let through unharmed first.
        """
        with self._lock:
            self._faults += [(_healthy, after), (fault, times)] if after else [(fault, times)]

    def _pass(self, asked: Asked, wire: Wire) -> None:
        with self._lock:
            fault = _healthy
            while self._faults:
                fault, left = self._faults.pop(0)
                if left > 0:
                    self._faults.insert(0, (fault, left - 1))
                    break
                fault = _healthy
        fault(Exchange(asked, wire, lambda: self._forward(asked)))

    def _forward(self, asked: Asked) -> Answered:
        # A compressed answer would have to be taken apart before it could be broken.
        headers = {k: v for k, v in asked.headers.items() if k not in {"connection", "accept-encoding"}}
        link = HTTPConnection(self._backend, timeout=30)
        try:
            link.request(asked.method, asked.target, asked.body or None, headers)
            response = link.getresponse()
            body = response.read()
            hop = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}
            return Answered(response.status, body, {k: v for k, v in response.getheaders() if k.lower() not in hop})
        finally:
            link.close()


def _healthy(exchange: Exchange) -> None:
    exchange.wire.send(exchange.forward())


# Time


def latency(seconds: float) -> Fault:
    """Answer rightly, but late."""

    def fault(exchange: Exchange) -> None:
        exchange.wire.stopping.wait(seconds)
        _healthy(exchange)

    return fault


def silent() -> Fault:
    """Take the request and never answer."""

    def fault(exchange: Exchange) -> None:
        exchange.wire.stopping.wait(60)
        exchange.wire.close()

    return fault


def dripping(pause: float = 0.02) -> Fault:
    """Answer rightly, byte by byte."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.wire.head(answer)
        _drip(exchange.wire, answer.body, pause)

    return fault


def dripping_headers(pause: float = 0.02) -> Fault:
    """Send one header field after the other, and never a body."""

    def fault(exchange: Exchange) -> None:
        exchange.wire.raw(b"HTTP/1.1 200 OK\r\n")
        _drip(exchange.wire, b"X-More: and more\r\n" * 2000, pause)
        exchange.wire.close()

    return fault


def _drip(wire: Wire, content: bytes, pause: float) -> None:
    for place in range(len(content)):
        wire.raw(content[place : place + 1])
        if wire.stopping.wait(pause):
            return wire.close()
    return None


# Broken connections


def reset_before_headers() -> Fault:
    """Break the connection before a word was said."""
    return lambda exchange: exchange.wire.reset()


def reset_after_headers() -> Fault:
    """Break the connection between the header fields and the body."""

    def fault(exchange: Exchange) -> None:
        exchange.wire.head(exchange.forward())
        exchange.wire.stopping.wait(0.02)
        exchange.wire.reset()

    return fault


def reset_in_body() -> Fault:
    """Break the connection in the middle of the body."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.wire.head(answer)
        exchange.wire.raw(answer.body[: len(answer.body) // 2])
        exchange.wire.stopping.wait(0.02)
        exchange.wire.reset()

    return fault


def truncated() -> Fault:
    """Tell a length, send half of it, and end the connection in the usual way."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.wire.head(answer)
        exchange.wire.raw(answer.body[: len(answer.body) // 2])
        exchange.wire.close()

    return fault


# Statuses


def failing(status: int, **headers: str) -> Fault:
    """Answer with a status and a word for people."""
    answer = Answered(status, b"upstream is not well\n", {"Content-Type": "text/plain", **headers})
    return lambda exchange: exchange.wire.send(answer)


def too_many(retry_after: float | None = None, *, as_date: bool = False) -> Fault:
    """Answer 429; ``retry_after`` seconds are told as a number, or as the HTTP date of that moment."""

    def fault(exchange: Exchange) -> None:
        told: dict[str, str] = {}
        if retry_after is not None and as_date:
            told["Retry-After"] = format_datetime(datetime.now(UTC) + timedelta(seconds=retry_after), usegmt=True)
        elif retry_after is not None:
            told["Retry-After"] = f"{retry_after:g}"
        exchange.wire.send(Answered(429, b'{"message": "slow down"}', told))

    return fault


def redirect(to: str, status: int = 302) -> Fault:
    """Send the client to the same path on another host."""
    return lambda exchange: exchange.wire.send(Answered(status, b"", {"Location": to + exchange.asked.target}))


# Bodies


def answering(body: bytes, *, status: int = 200, content_type: str = "application/json") -> Fault:
    """Answer with a body of one's own."""
    return lambda exchange: exchange.wire.send(Answered(status, body, {"Content-Type": content_type}))


def login_page() -> Fault:
    """Answer 200 with a page for people, as a proxy does whose login has run out."""
    page = b"<!doctype html><html><title>Sign in</title><form action=/login><input name=user></form></html>"
    return answering(page, content_type="text/html; charset=utf-8")


def cut(share: float = 0.5) -> Fault:
    """Answer with the first part of the body, its length told truly: only the JSON is broken."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.wire.send(replace(answer, body=answer.body[: int(len(answer.body) * share)]))

    return fault


def garbled_gzip() -> Fault:
    """Answer with what calls itself gzip and stops being it after a few bytes."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        packed = gzip.compress(answer.body)
        broken = packed[:12] + bytes(255 - byte for byte in packed[12:])
        exchange.wire.send(replace(answer, body=broken, headers={**answer.headers, "Content-Encoding": "gzip"}))

    return fault


def other_types() -> Fault:
    """Answer with the right names and wrong values: text where a number is, a number where text is, and so on."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.wire.send(replace(answer, body=json.dumps(_other(json.loads(answer.body))).encode()))

    return fault


def _other(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _other(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_other(one) for one in value] or {"empty": []}
    if isinstance(value, str):
        return [len(value)]
    return str(value) if value is not None else 7


def endless(piece: bytes = b'[{"more": "and more"}],' * 2000) -> Fault:
    """Answer with a body that never ends."""

    def fault(exchange: Exchange) -> None:
        exchange.wire.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not exchange.wire.stopping.is_set():
            exchange.wire.raw(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        exchange.wire.close()

    return fault


def not_http() -> Fault:
    """Answer in another protocol."""

    def fault(exchange: Exchange) -> None:
        exchange.wire.raw(b"SSH-2.0-OpenSSH_9.2\r\n")
        exchange.wire.close()

    return fault
