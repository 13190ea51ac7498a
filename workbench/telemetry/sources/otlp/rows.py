"""OTLP's messages become rows: what lies in the window, of the services asked for, with notes on the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl

from workbench.telemetry.impossible import unreadable_rows
from workbench.telemetry.schema import FRAMES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Problem, Query, Tally
from workbench.telemetry.sources.otlp.messages import Message
from workbench.telemetry.sources.otlp.metrics import METRIC_COLUMNS, Metric, metric_of, value_of
from workbench.telemetry.sources.otlp.records import IDS, LOG_COLUMNS, SPAN_COLUMNS, ids, log_row, log_time, span_row
from workbench.telemetry.sources.otlp.values import (
    MISSHAPEN,
    Shared,
    Unreadable,
    attributes_of,
    listed,
    nanoseconds,
    over,
    shared_of,
)

__all__ = ["RESOURCES", "Noticed", "Rows"]

RESOURCES: Mapping[FrameName, tuple[str, str, str]] = {
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "spans": ("resourceSpans", "scopeSpans", "spans"),
}
"""By which keys a message holds its resources, their scopes, and a scope's records."""

_COLUMNS: Mapping[FrameName, tuple[str, ...]] = {"metrics": METRIC_COLUMNS, "logs": LOG_COLUMNS, "spans": SPAN_COLUMNS}
_KNOWN = 10_000
"""Resources with their scopes that are remembered."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_POSSIBLE, _LAST_POSSIBLE = 31_536_000 * 10**9, 7_258_118_400 * 10**9  # 1971-01-01 and 2200-01-01


class Noticed:
    """What was odd in one file, counted while it is read and told once."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.messages = 0
        """How many could be read."""
        self.unreadable = 0
        self.first: tuple[Message, str] | None = None
        """The first message in which something couldn't be read, and why."""
        self.impossible = 0
        self.observed = 0

    def bad(self, message: Message, why: str) -> None:
        """Count a message, or a record in it, that can't be read."""
        self.unreadable += 1
        if self.first is None:
            self.first = message, why

    def tell(self, tally: Tally) -> None:
        """Write it down."""
        if self.first is not None:
            (message, why), unit = self.first, "line" if self.first[0].json else "message"
            for problem in unreadable_rows(self.unreadable, message.place, why, origin=self._origin, place=unit):
                tally.note(problem)
        if self.impossible:
            what = "record carries a time" if self.impossible == 1 else "records carry a time"
            text = f"{self.impossible} {what} that can't be right in {self._origin}; they are in no window."
            tally.note(Problem("impossible-time", self.impossible, text))
        if self.observed:
            what = "record carries" if self.observed == 1 else "records carry"
            text = f"{self.observed} log {what} no time in {self._origin}; the time of observation was taken."
            tally.note(Problem("observed-time", self.observed, text))


class Rows:
    """The rows of one frame that messages hold, until they are taken as a page."""

    def __init__(self, frame: FrameName, query: Query, renames: Mapping[str, str], noticed: Noticed) -> None:
        self._frame, self._renames, self._noticed = frame, renames, noticed
        self._services = frozenset(query.services)
        # A microsecond is in the window when its first nanosecond is, because windows have whole microseconds.
        self._from, self._to = _nanoseconds(query.window.start), _nanoseconds(query.window.end)
        self._add: Callable[[Mapping[str, Any], Shared, Message], None] = getattr(self, f"_{frame}")
        self._rows: list[tuple[object, ...]] = []
        self._known: dict[bytes, Shared] = {}

    def add(self, found: Mapping[str, Any], message: Message) -> None:
        """Take a message's rows; what has another shape than it should is counted and left out.

        Args:
            found: the message in its JSON shape.
            message: it as it stands in the file.
        """
        resources, scopes, _ = RESOURCES[self._frame]
        for resource in self._each(found, resources, message):
            for scope in self._each(resource, scopes, message):
                try:
                    shared = self._shared(resource.get("resource"), scope.get("scope"))
                    if not self._services or shared.service in self._services:
                        self._take(scope, shared, message)
                except MISSHAPEN as error:
                    self._noticed.bad(message, _why(error))

    def page(self) -> pl.DataFrame:
        """Return the rows taken so far as a page of the frame, and forget them."""
        rows, self._rows = self._rows, []
        names, schema, time = _COLUMNS[self._frame], FRAMES[self._frame], TIME_COLUMN[self._frame]
        if not rows:
            return pl.DataFrame(schema=schema)
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        made = [pl.Series(name, columns[name], dtype=schema[name]) for name in names if name != time]
        moments = pl.Series(time, columns[time], dtype=pl.Int64).cast(schema[time])
        told = [ids(column) if column.name in IDS else column for column in made]
        return pl.DataFrame([moments, *told]).select(schema.names())

    def _shared(self, resource: object, scope: object) -> Shared:
        """Return what a scope's records have in common; the same few resources send message after message."""
        key = orjson.dumps((resource, scope))
        if key not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[key] = shared_of(resource, scope, self._renames)
        return self._known[key]

    def _each(self, holder: Mapping[str, Any], key: str, message: Message) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a list; what is no object, or no list, is counted."""
        try:
            found = listed(holder.get(key))
        except Unreadable as error:
            self._noticed.bad(message, _why(error))
            return
        for one in found:
            if type(one) is dict:
                yield one
            else:
                self._noticed.bad(message, "an object is of another type")

    def _outside(self, time: int) -> None:
        if not _FIRST_POSSIBLE <= time < _LAST_POSSIBLE:
            self._noticed.impossible += 1

    def _take(self, scope: Mapping[str, Any], shared: Shared, message: Message) -> None:
        for record in listed(scope.get(RESOURCES[self._frame][2])):
            try:
                self._add(record, shared, message)
            except MISSHAPEN as error:
                self._noticed.bad(message, _why(error))

    def _spans(self, span: Mapping[str, Any], shared: Shared, _message: Message) -> None:
        start = nanoseconds(span.get("startTimeUnixNano"))
        if self._from <= start < self._to:
            self._rows.append(span_row(span, start, shared))
        else:
            self._outside(start)

    def _logs(self, record: Mapping[str, Any], shared: Shared, _message: Message) -> None:
        time, observed = log_time(record)
        if self._from <= time < self._to:
            self._rows.append(log_row(record, time, shared))
            self._noticed.observed += observed
        else:
            self._outside(time)

    def _metrics(self, metric: Mapping[str, Any], shared: Shared, message: Message) -> None:
        found = metric_of(metric)
        if found is None:
            return
        shared = shared.within(found.own)
        for point in found.points:
            try:
                time = nanoseconds(point.get("timeUnixNano"))
                if self._from <= time < self._to:
                    self._rows.extend(_point(point, time, found, shared))
                else:
                    self._outside(time)
            except MISSHAPEN as error:
                self._noticed.bad(message, _why(error))


def _point(point: Mapping[str, Any], time: int, metric: Metric, shared: Shared) -> list[tuple[object, ...]]:
    at, of = time // 1000, (shared.service, shared.instance)
    if metric.read is None:
        return [(at, *of, metric.name, shared.attributed_again(point.get("attributes")), value_of(point))]
    own = attributes_of(point.get("attributes"), shared.renames)
    return [
        (at, *of, metric.name + after, shared.attributed(over(telling, own) if telling else own), value)
        for after, telling, value in metric.read(point)
    ]


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Unreadable) else "a value is of another type than OTLP's"


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
