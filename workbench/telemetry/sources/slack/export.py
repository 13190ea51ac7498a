"""A Slack export is a folder or a zip of JSON files: who and which channels there are, and a file a channel and day.

Source: Slack Help Center, "How to read Slack data exports" (JSON format), and the message objects of Slack's API that
it refers to.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any, Self

from workbench.errors import LimitError, SourceError
from workbench.telemetry.source import Problem, Query, Tally

__all__ = ["Day", "Export"]

_DAY = re.compile(r"(?:(?P<channel>[^/]+)/)?(?P<day>\d{4}-\d\d-\d\d)\.json")
_LISTS = ("users.json", "org_users.json", "channels.json", "groups.json", "mpims.json", "dms.json")
_LARGEST = 256_000_000
"""Of one file once it is unpacked, in bytes: more than a channel holds of one day."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True)
class Day:
    """What was written in one channel on one day, unread."""

    channel: str
    day: date
    name: str


class Export:
    """An opened export; whoever opens it closes it (``with``).

    Names and contents are read on demand, never beyond the limit of bytes, however small they are packed.
    """

    def __init__(self, source: str, path: Path, query: Query, tally: Tally) -> None:
        self._source = source
        self._path = path
        self._most = query.limits.bytes
        self._tally = tally
        self._zip: zipfile.ZipFile | None = None
        try:
            if path.is_dir():
                found = [one.relative_to(path).as_posix() for one in path.rglob("*.json") if one.is_file()]
            else:
                self._zip = zipfile.ZipFile(path)
                found = [one.filename for one in self._zip.infolist() if not one.is_dir()]
        except _DAMAGED as error:
            raise SourceError(
                f"source {source!r}: {path.name} can't be read as a Slack export ({_reason(error)})",
                do="Give the path of the zip that Slack made, or of the folder it was unpacked to",
            ) from None
        self._root = _root(found)
        inside = [name.removeprefix(self._root) for name in found if name.startswith(self._root)]
        self._names = frozenset(inside)
        self.days = tuple(sorted(self._days(inside), key=lambda one: (one.day, one.channel)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zip:
            self._zip.close()

    def lists(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the lists of people and channels that are there, by the name of their file.

        One that can't be read is told in the tally, and left out.
        """
        for name in _LISTS:
            if name in self._names and (found := self.read(name)) is not None:
                yield name, found

    def size(self, name: str) -> int:
        """Return how many bytes a file says that it holds."""
        if self._zip:
            return self._zip.getinfo(self._root + name).file_size
        return (self._path / (self._root + name)).stat().st_size

    def read(self, name: str) -> list[Any] | None:
        """Return the list a file holds; None, and a mark in the tally, when it can't be read.

        Raises:
            LimitError: the files read so far hold more than the limit of bytes.
        """
        import orjson  # noqa: PLC0415 - only who reads an export needs it

        try:
            with self._open(name) as file:
                raw = file.read(min(self._most - self._tally.bytes, _LARGEST) + 1)
        except (*_DAMAGED, KeyError) as error:
            self._broken(name, _reason(error))
            return None
        self._tally.received(len(raw))
        if self._tally.bytes > self._most:
            raise LimitError(
                f"source {self._source!r}: its files hold more than {self._most:,} bytes, its limit",
                do="Name fewer channels, or raise limits.bytes",
            )
        try:
            found = orjson.loads(self._decoded(raw, name)) if len(raw) <= _LARGEST else None
        except orjson.JSONDecodeError as error:
            self._broken(name, str(error))
            return None
        if isinstance(found, list):
            return found
        self._broken(name, "it holds no list" if len(raw) <= _LARGEST else f"it is larger than {_LARGEST:,} bytes")
        return None

    def _open(self, name: str) -> IO[bytes]:
        if self._zip:
            return self._zip.open(self._root + name)
        return (self._path / (self._root + name)).open("rb")

    def _broken(self, name: str, reason: str) -> None:
        self._tally.cut(f"{name} of the export can't be read ({reason}); what it held is missing.")

    def _decoded(self, raw: bytes, name: str) -> str | bytes:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return raw.decode("utf-16", "replace")
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            told = f"{name} of the export is not in UTF-8 and was read as Windows-1252."
            self._tally.note(Problem("other-encoding", 0, told))
            return raw.decode("cp1252", "replace")

    def _days(self, names: list[str]) -> Iterator[Day]:
        for name in names:
            found = _DAY.fullmatch(name)
            if not found:
                continue
            try:
                day = date.fromisoformat(found["day"])
            except ValueError:
                continue
            # A folder of days alone is one channel, and has its name.
            channel = found["channel"] or self._root.rstrip("/").rpartition("/")[2] or self._path.stem
            yield Day(_unmangled(channel) if self._zip else channel, day, name)


def _root(names: list[str]) -> str:
    """Return the folder within which the export begins: where its lists lie, or else its first day."""
    folders = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in _LISTS}
    if not folders:
        return ""
    found = min(folders, key=lambda one: (one.count("/"), len(one), one))
    return f"{found}/" if found else ""


def _unmangled(name: str) -> str:
    """Return a zip's name as it was meant: UTF-8 without a mark of it is taken for code page 437 by the format."""
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
