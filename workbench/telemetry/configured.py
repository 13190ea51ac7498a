"""A configured source is a backend with what the team set for it, whatever its kind: limits, clock, retention."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from workbench.errors import SourceError, TimeError
from workbench.telemetry.answer import Answer
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.source import Limits, Query, Reading, Source
from workbench.telemetry.stream import stream
from workbench.window import Window, parse_duration

__all__ = ["ConfiguredSource", "Policy"]

_SIZES = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Policy:
    """What a team sets for any source: ``limits``, ``clock_ahead``, ``retention``."""

    limits: Limits = field(default=Limits())
    clock_ahead: timedelta = timedelta(0)
    """How much the source's clock is ahead of the others; its times are moved back by that much."""
    retention: timedelta | None = None
    """How long the backend keeps what it has; None for as long as anybody cares."""

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object]) -> tuple[Policy, dict[str, object]]:
        """Return the policy in a source's table, and the keys that are the backend's own.

        Raises:
            SourceError: a key of the policy has a value that can't be.
        """
        where = f"[sources.{name}] in workbench.toml"
        own = {key: value for key, value in settings.items() if key not in {"limits", "clock_ahead", "retention"}}
        retention = _length(settings, "retention", where)
        ahead = _length(settings, "clock_ahead", where)
        return cls(_limits(settings.get("limits", {}), name), ahead or timedelta(0), retention), own


@dataclass(frozen=True)
class ConfiguredSource:
    """One source of a workspace."""

    source: Source
    policy: Policy = field(default=Policy())

    @property
    def name(self) -> str:
        """The NAME of ``[sources.NAME]``."""
        return self.source.name

    @property
    def kind(self) -> str:
        """The kind of its backend."""
        return self.source.kind

    @property
    def frames(self) -> tuple[FrameName, ...]:
        """The frames it is set up to answer with."""
        return self.source.frames

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the source's answer, kept to its limits and on the common clock.

        What goes beyond a limit, or is lost because the backend fails after it gave some rows, is left out, and the
        tally says so; a backend that fails before it gave anything raises.

        Args:
            frame: which frame.
            query: the window on the common clock; its limits are replaced by this source's.

        Raises:
            SourceError: here, or while the data is consumed.
        """
        reading = self._asked(frame, query, query.stop)
        answer = self._answer(frame, query, lambda _: reading)
        if reading.data.collect_schema() != FRAMES[frame]:
            raise answer.defect()
        return Reading(frame, stream(frame, answer.batches), lambda: reading.asked, reading.tally, reading.estimate)

    def answer(self, frame: FrameName, query: Query) -> Answer:
        """Return the same rows as `read` does, as batches to be taken once; the source isn't asked before the first.

        A source that hangs while it is asked is then left behind too.
        """
        return self._answer(frame, query, lambda gone: self._asked(frame, query, gone))

    def _answer(self, frame: FrameName, query: Query, read: Callable[[threading.Event], Reading]) -> Answer:
        policy = self.policy
        return Answer(self.name, frame, read, limits=policy.limits, ahead=policy.clock_ahead, stop=query.stop)

    def _asked(self, frame: FrameName, query: Query, stop: threading.Event) -> Reading:
        ahead = self.policy.clock_ahead
        window = Window(query.window.start + ahead, query.window.end + ahead)
        return self.source.read(frame, Query(window, query.services, self.policy.limits, stop))


def _length(settings: dict[str, object], key: str, where: str) -> timedelta | None:
    value = settings.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise SourceError(f"{key} of {where} is {value!r}, not a length of time", do=f'Write it like {key} = "90s"')
    try:
        # Only a clock may be behind; a retention less than nothing is refused by the parser.
        sign = -1 if key == "clock_ahead" and value.startswith("-") else 1
        return sign * parse_duration(value.removeprefix("-") if sign < 0 else value, f"{key} of {where}")
    except TimeError as error:
        raise SourceError(error.what, do=error.do) from None


def _limits(table: object, name: str) -> Limits:
    where = f"[sources.{name}.limits] in workbench.toml"
    known = {one.name: one for one in fields(Limits)}
    if not isinstance(table, dict):
        raise SourceError(f"{where} is {table!r}, not a table", do=f"It may hold {', '.join(known)}")
    for key in table:
        if key not in known:
            raise SourceError(f"{where} has the key {key!r}", do=f"Known keys: {', '.join(known)}")
    values: dict[str, Any] = {key: _bytes(value, where) if key == "bytes" else value for key, value in table.items()}
    for key, value in values.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole or (key == "seconds" and isinstance(value, float))) or not value > 0:
            raise SourceError(f"{key} of {where} is {value!r}", do="Give a number greater than zero")
    return Limits(**values)


def _bytes(value: object, where: str) -> object:
    """Return a size in bytes, which may be written like 500MB."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"(\d+) ?(kB|MB|GB|TB)?", value.strip())
    if not found:
        raise SourceError(f"bytes of {where} is {value!r}", do='Write it like 500_000_000 or "500MB"')
    return int(found[1]) * _SIZES[found[2] or ""]
