"""The otlp source reads what OpenTelemetry's Collector and exporters wrote to files: metrics, logs and spans."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import orjson
import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.conventions import Names
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.sources.files.local import local_paths
from workbench.telemetry.sources.files.paths import Paths
from workbench.telemetry.sources.otlp.messages import Message, messages
from workbench.telemetry.sources.otlp.protobuf import Decoder
from workbench.telemetry.sources.otlp.rows import RESOURCES, Noticed, Rows
from workbench.telemetry.sources.otlp.values import Unreadable
from workbench.telemetry.stream import stream

__all__ = ["OtlpSource"]

_BATCH = 8 * 2**20
"""Bytes of messages that become one page: enough to be fast, little enough to hold."""
_SIGNALS = (*(keys[0] for keys in RESOURCES.values()), "resourceProfiles")
_BROKEN = (OSError, EOFError, zlib.error, pl.exceptions.PolarsError, pl.exceptions.PanicException)


class OtlpSource:
    """Files of the Collector's file exporter, or bodies of requests, in JSON or Protobuf, read message by message."""

    kind = "otlp"

    def __init__(self, name: str, paths: Paths, renames: Mapping[str, str]) -> None:
        self.name = name
        self.frames: tuple[FrameName, ...] = tuple(paths.patterns)
        self._paths, self._renames = paths, renames

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source; ``files`` (of every signal), or ``metrics``, ``logs``, ``spans``: a path, a glob, a list.

        Raises:
            SourceError: a key is unknown, a value can't be a path, or no files are named at all.
        """
        where = f"[sources.{name}] in workbench.toml"
        names, rest = Names.from_settings(name, settings)
        known = ("files", *RESOURCES)
        for key in rest:
            if key not in known:
                raise SourceError(f"{where} has the key {key!r}", do=f"Known keys: kind, names, {', '.join(known)}")
        patterns = {key: local_paths(key, value, where) for key, value in rest.items()}
        if not patterns:
            raise SourceError(f"{where} names no files", do=f"Add {known[0]}, or some of {', '.join(RESOURCES)}")
        of_all = patterns.pop("files", None)
        if of_all and patterns:
            raise SourceError(f"{where} has both files and {min(patterns)}", do="Keep one or the other")
        of_each: dict[FrameName, tuple[str, ...]] = {
            frame: of_all or patterns[frame] for frame in RESOURCES if of_all or frame in patterns
        }
        return cls(name, Paths(name, of_each, root), names.overrides)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the window's rows of every file, in the files' order, unread.

        Raises:
            SourceError: while the data is consumed: a file is missing, can't be read, or holds no OTLP.
        """
        tally, window = Tally(), query.window
        asked = f"{frame} where {window.start.isoformat()} <= time < {window.end.isoformat()}"
        if query.services:
            asked += f" and service in ({', '.join(query.services)})"
        asked += f" from {', '.join(self._paths.asked(frame, window))}"
        return Reading(
            frame,
            stream(frame, lambda: self._read(frame, query, tally)),
            asked,
            tally,
            lambda: Estimate(bytes=sum(path.stat().st_size for path in self._files(frame, query))),
        )

    def _files(self, frame: FrameName, query: Query) -> list[Path]:
        return [Path(place.address) for place in self._paths.places(frame, query.window)]

    def _read(self, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        for path in self._files(frame, query):
            noticed = Noticed(path.name)
            try:
                yield from self._of_file(path, frame, query, noticed, tally)
            except _BROKEN as error:
                reason = (str(error) or type(error).__name__).partition("\n")[0]
                raise SourceError(
                    f"source {self.name!r}: {path.name} can't be read as OTLP ({reason})",
                    do="It may be cut short or damaged: bring it back whole, then pull once more",
                ) from None
            finally:
                noticed.tell(tally)
            if noticed.first is not None and not noticed.messages:
                raise SourceError(
                    f"source {self.name!r}: {path.name} can't be read as OTLP ({noticed.first[1]})",
                    do="It must hold requests of OTLP, in lines of JSON or in Protobuf; it may be cut short or damaged",
                )

    def _of_file(
        self, path: Path, frame: FrameName, query: Query, noticed: Noticed, tally: Tally
    ) -> Iterator[pl.DataFrame]:
        rows, decoded = Rows(frame, query, self._renames, noticed), _Decoded(frame)
        for batch in _batches(messages(path)):
            if query.stop.is_set():
                return
            tally.received(sum(len(message.body) for message in batch))
            with _collector_paused():
                for message in batch:
                    try:
                        found = decoded.of(message)
                    except Unreadable as error:
                        noticed.bad(message, str(error))
                        continue
                    noticed.messages += 1
                    if found is not None:
                        rows.add(found, message)
                batch.clear()
                page = rows.page()
            yield page


class _Decoded:
    """Messages in their JSON shape, those of one signal."""

    def __init__(self, frame: FrameName) -> None:
        self._frame = frame
        self._key = RESOURCES[frame][0]
        self._mark = f'"{self._key}"'.encode()
        self._others = tuple(f'{{"{signal}"'.encode() for signal in _SIGNALS if signal != self._key)
        self._protobuf: Decoder | None = None

    def of(self, message: Message) -> Mapping[str, Any] | None:
        """Return a message; null when it is another signal's.

        Raises:
            Unreadable: it isn't OTLP.
        """
        if message.wrong:
            raise Unreadable(message.wrong)
        if not message.json:
            self._protobuf = self._protobuf or Decoder(self._frame)
            return self._protobuf.read(message.body)
        if message.body.startswith(self._others) and self._mark not in message.body:
            return None  # Another signal's line needn't be parsed to be passed over.
        try:
            found = orjson.loads(message.body)
        except orjson.JSONDecodeError:
            raise Unreadable("it is cut off, or not JSON") from None
        if type(found) is not dict or (found and not any(signal in found for signal in _SIGNALS)):
            raise Unreadable("it is not a request of OTLP")
        return found if self._key in found else None


def _batches(each: Iterable[Message]) -> Iterator[list[Message]]:
    """Yield messages together, up to a size; when the file breaks, what came before it is yielded first."""
    batch: list[Message] = []
    size = 0
    try:
        for message in each:
            batch.append(message)
            size += len(message.body)
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    except _BROKEN:
        yield batch
        raise
    yield batch


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's garbage collector from walking over a batch's many small objects again and again.

    None of them is in a cycle, so it would find nothing, and take half of the time. Two threads that pause it at once
    are no harm: whoever paused it first starts it again.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
