"""A message is one OTLP request in a file: a line of JSON, a length and its bytes, or all of the file.

The forms are those of the Collector's file exporter (opentelemetry-collector-contrib, ``exporter/fileexporter``, its
README of v0.150): lines of JSON; with ``format: proto`` or ``compression: zstd`` each message follows its length in
four bytes, the largest first. A single Protobuf request is what an OTLP/HTTP exporter sends as its body.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

import polars as pl

__all__ = ["LONGEST", "Message", "messages"]

LONGEST = 256 * 2**20
"""No message is longer than this; the Collector's are of a few megabytes."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*["}]')
_REQUEST = 0x0A
"""How a request in Protobuf begins: the tag of its first field, a list of resources."""
_HEAD = 4
"""Bytes of the length before a message."""
_TOO_LONG = f"it is longer than {LONGEST // 2**20} MB"


class Message(NamedTuple):
    """One message as it stands in a file: its line or number from 1, what was read for it, and in which encoding."""

    place: int
    body: bytes
    json: bool
    wrong: str = ""
    """Why it can't be read, when that is already known."""


def messages(path: Path) -> Iterator[Message]:
    """Yield a file's messages, one after the other; the form is told by the first bytes.

    Raises:
        OSError, EOFError, zlib.error, pl.exceptions.PolarsError: the file can't be read, or not to its end.
    """
    with path.open("rb") as plain:
        first = plain.read(len(_ZSTD))
        plain.seek(0)
        if first.startswith(_ZSTD):
            yield from _zstd_lines(path)
        elif first.startswith(_GZIP):
            with gzip.open(plain) as unpacked:
                yield from _told_by(cast("IO[bytes]", unpacked))
        else:
            yield from _told_by(plain)


def _told_by(file: IO[bytes]) -> Iterator[Message]:
    head = file.read(64)
    file.seek(0)
    if not head:
        return
    if _JSON.match(head) or head[0] > _REQUEST:
        yield from _lines(file)
    elif head[0] == _REQUEST:
        body = file.read(LONGEST + 1)
        yield Message(1, body, json=False, wrong=_TOO_LONG if len(body) > LONGEST else "")
    else:
        yield from _framed(file)


def _lines(file: IO[bytes]) -> Iterator[Message]:
    place = 0
    while line := file.readline(LONGEST):
        place += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            yield Message(place, b"", json=True, wrong=_TOO_LONG)
            continue
        body = line.removeprefix(_BOM) if place == 1 else line
        if not body.isspace():
            yield Message(place, body, json=True)


def _framed(file: IO[bytes]) -> Iterator[Message]:
    place = 0
    while head := file.read(_HEAD):
        place += 1
        length = int.from_bytes(head, "big")
        if length > LONGEST:
            yield Message(place, b"", json=False, wrong=_TOO_LONG)
            return
        body = file.read(length)
        if len(head) < _HEAD or len(body) < length:
            yield Message(place, b"", json=False, wrong="it is cut off")
            return
        yield _unpacked(place, body)


def _unpacked(place: int, body: bytes) -> Message:
    if not body.startswith(_ZSTD):
        return Message(place, body, json=body.startswith(b"{"))
    try:
        text = "\n".join(pl.read_lines(body)["line"])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        # Polars unpacks text only.
        return Message(place, b"", json=False, wrong="it is zstd, but not of JSON")
    return Message(place, text.encode(), json=True)


def _zstd_lines(path: Path) -> Iterator[Message]:
    place = 0
    for page in pl.scan_lines(path, glob=False).collect_batches(chunk_size=64, maintain_order=True):
        for line in page["line"]:
            place += 1
            if line and not line.isspace():
                yield Message(place, line.encode(), json=True)
