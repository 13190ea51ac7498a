"""A configured source is a backend with what the team set for it, whatever its kind: limits, clock, retention."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

import polars as pl

from workbench.errors import LimitError, SourceError, TimeError
from workbench.telemetry.schema import FRAMES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Limits, Problem, Query, Reading, Source
from workbench.telemetry.stream import stream
from workbench.window import Window, format_duration, parse_duration

__all__ = ["ConfiguredSource", "Policy"]

_SIZES = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BATCH = 100_000


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
        ahead, limits = self.policy.clock_ahead, self.policy.limits
        window = Window(query.window.start + ahead, query.window.end + ahead)
        reading = self.source.read(frame, Query(window, query.services, limits, query.stop))
        if reading.data.collect_schema() != FRAMES[frame]:
            raise SourceError(
                f"source {self.name!r} answered {frame} with other columns or types than the frame has",
                do="This is a defect of the source's adapter: report it to its authors",
            )
        data = stream(frame, lambda: _bounded(reading, limits, query.stop))
        if ahead:
            data = data.with_columns(pl.col(TIME_COLUMN[frame]) - ahead)
            reading.tally.note(_moved(ahead))
        return Reading(frame, data, lambda: reading.asked, reading.tally, reading.estimate)


def _bounded(reading: Reading, limits: Limits, stop: threading.Event) -> Iterator[pl.DataFrame]:
    """Yield the batches of a reading until it ends, breaks, or is cut off."""
    tally, came, began = reading.tally, 0, time.monotonic()
    batches = reading.data.collect_batches(chunk_size=_BATCH, maintain_order=True)
    while not stop.is_set():
        try:
            batch = next(batches, None)
        except LimitError as error:
            tally.cut(f"{_sentence(error.what)}; what came before it was kept.", kind="limit")
            return
        except SourceError as error:
            if not came:
                raise
            tally.cut(f"{_sentence(error.what)}; what came before it was kept.")
            return
        except (pl.exceptions.PolarsError, OSError) as error:
            if not came:
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            tally.cut(f"Reading broke off ({reason}); what came before it was kept.")
            return
        if batch is None:
            return
        if came + batch.height > limits.rows:
            tally.cut(f"It holds more than {limits.rows:,} rows, its limit; the others were left out.", kind="limit")
            yield batch.head(limits.rows - came)
            return
        came += batch.height
        yield batch
        if time.monotonic() - began > limits.seconds:
            tally.cut(
                f"It took longer than {limits.seconds:g} s, its limit; what had come by then was kept.", kind="limit"
            )
            return


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moved(ahead: timedelta) -> Problem:
    told = format_duration(abs(ahead))
    direction = "back" if ahead > timedelta(0) else "on"
    return Problem("clock-corrected", 0, f"Its times were moved {direction} by {told}, as clock_ahead is set.")


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
