"""Columns say which of a backend's columns is which of the frame's, and how its times and durations are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workbench.errors import SourceError
from workbench.telemetry.conventions import Names
from workbench.telemetry.schema import FRAMES, REQUIRED, FrameName

__all__ = ["ALIASES", "DURATION_UNITS", "UNIX_UNITS", "Columns", "Resolved"]

_TIME = ("timestamp", "@timestamp", "ts", "datetime", "date_time", "_time", "observed_timestamp")
_SERVICE = ("service.name", "service_name", "serviceName", "app", "resource.service.name")
_INSTANCE = ("service.instance.id", "service_instance_id", "pod", "pod_name", "k8s.pod.name", "hostname", "host.name")
_TRACE = {
    "trace_id": ("traceId", "traceID", "trace.id", "trace"),
    "span_id": ("spanId", "spanID", "span.id"),
}

ALIASES: Mapping[FrameName, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "metrics": {
            "time": _TIME,
            "service": _SERVICE,
            "instance": _INSTANCE,
            "metric": ("metric_name", "metricName", "name", "__name__"),
            "attributes": ("labels", "tags"),
            "value": ("val", "metric_value", "v"),
        },
        "logs": {
            "time": _TIME,
            "service": _SERVICE,
            "instance": _INSTANCE,
            "severity": ("severity_text", "severityText", "level", "loglevel", "log_level", "log.level", "lvl"),
            "body": ("message", "msg", "log", "text", "@message"),
            **_TRACE,
        },
        "spans": {
            "start_time": ("startTime", "start", "time", *_TIME),
            "duration_ns": ("durationNano", "duration_nano", "duration_us", "duration_ms", "duration_s", "duration"),
            "service": _SERVICE,
            "instance": _INSTANCE,
            "name": ("span_name", "spanName", "operationName", "operation_name", "operation"),
            "kind": ("span_kind", "spanKind"),
            "status": ("status_code", "statusCode", "status.code"),
            "parent_span_id": ("parentSpanId", "parentSpanID", "parent_id", "parentId", "parent.id"),
            **_TRACE,
        },
        "events": {
            "time": (*_TIME, "created_at", "start_time"),
            "kind": ("type", "event_type"),
            "title": ("summary", "name", "message"),
            "service": _SERVICE,
            "actor": ("user", "author", "username", "user.name"),
            "source": (),
            "url": ("link", "html_url"),
        },
    }
)
"""What a column is taken for without being named in the settings: the frame's own name first, then these in order.

They are the names of OpenTelemetry (with dots, with underscores, and as its JSON has them), of Elastic's Common Schema
and of common loggers. Names are compared as they are written, and without regard to case where none is written so.
"""

UNIX_UNITS: Mapping[str, int] = MappingProxyType({"unix_s": 10**9, "unix_ms": 10**6, "unix_us": 10**3, "unix_ns": 1})
"""The values of ``time_format`` that count from 1970, with the nanoseconds of one step."""

DURATION_UNITS: Mapping[str, int] = MappingProxyType({"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9})
"""The values of ``duration_unit``, with their nanoseconds."""

_UNIT_OF_NAME = {
    "duration_ns": "ns",
    "durationnano": "ns",
    "duration_nano": "ns",
    "duration_us": "us",
    "duration_ms": "ms",
    "duration_s": "s",
}
_KEYS = frozenset({"columns", "time_format", "time_zone", "duration_unit", "names"})


@dataclass(frozen=True)
class Resolved:
    """What one table, file or row set has for one frame.

    ``stored`` maps a column of the frame to the backend's own name for it (a dotted path for a nested one); a column
    that isn't in it is null. ``extra`` maps every other column of the backend to what it is called in ``attributes``,
    under OpenTelemetry's names: they become keys of the JSON object, beside those of the stored ``attributes`` (a
    struct, a map or JSON text) if there is one. Of a key that both have, the stored ``attributes`` win.
    """

    frame: FrameName
    stored: Mapping[str, str]
    extra: Mapping[str, str]
    duration_unit: str | None = None
    """One of `DURATION_UNITS`; None where neither settings nor its name tell: then only an interval will do."""


@dataclass(frozen=True)
class Columns:
    """How a source's columns become those of the frames; the same settings for parquet, csv, jsonl and sql.

    A backend reads the settings once (`from_settings`), asks for each table which column is which (`resolve`), and then
    converts: times by ``time_format`` and ``time_zone``, durations by the unit that `resolve` tells.
    """

    named: Mapping[FrameName, Mapping[str, str]] = field(default_factory=dict)
    """What the settings say: frame, its column, the backend's column."""
    time_format: str | None = None
    """``iso``, a key of `UNIX_UNITS`, or a strftime pattern. None: a time type as it is, and text as ``iso``; a number
    is refused, because its unit would be a guess."""
    time_zone: str = "UTC"
    """The zone of times that carry none."""
    zone_is_set: bool = False
    """Whether ``time_zone`` stands in the settings; where it doesn't, reading a time as UTC is told as a note."""
    duration_unit: str | None = None
    names: Names = field(default_factory=Names)

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object]) -> tuple[Columns, dict[str, object]]:
        """Return the columns of a source's table, and its other keys.

        The keys are ``columns`` (a table for each frame: ``[sources.NAME.columns.logs]``, ``body = "message"``),
        ``time_format``, ``time_zone``, ``duration_unit`` and ``names`` (see `Names`).

        Raises:
            SourceError: a frame or column that doesn't exist, or a value that can't be.
        """
        where = f"[sources.{name}] in workbench.toml"
        names, own = Names.from_settings(name, settings)
        columns = cls(
            _named(name, own.get("columns", {})),
            _format(own.get("time_format"), where),
            _zone(own.get("time_zone", "UTC"), where),
            "time_zone" in own,
            _unit(own.get("duration_unit"), where),
            names,
        )
        return columns, {key: value for key, value in own.items() if key not in _KEYS}

    def resolve(
        self, frame: FrameName, stored_names: Iterable[str], nested: Iterable[str] = (), *, origin: str
    ) -> Resolved:
        """Return which stored column is which of the frame's.

        What the settings name comes first, then the frame's own name, then `ALIASES` in order; a stored column is used
        once at most, by the settings as often as they say.

        Args:
            frame: which frame.
            stored_names: the backend's columns.
            nested: dotted paths to what lies inside them (``resource.service.name``), where the backend knows. A part
                of a column may be used while the column as a whole stays in ``attributes``.
            origin: the file or table, for errors.

        Raises:
            SourceError: a column that the settings name is absent, or one that the frame can't do without.
        """
        listed = list(stored_names)
        known = dict.fromkeys([*listed, *nested])
        folded: dict[str, str] = {}
        for stored in known:
            folded.setdefault(stored.casefold(), stored)
        found = dict(self._set(frame, known, origin))
        used = set(found.values())
        # Own names go first for all columns, so that no alias of one takes what is called like another.
        wanted = [column for column in FRAMES[frame] if column not in found]
        for candidates in ({c: (c,) for c in wanted}, {c: ALIASES[frame].get(c, ()) for c in wanted}):
            for column, aliases in candidates.items():
                if column in found:
                    continue
                match = _first(aliases, known, folded, used)
                if match is not None:
                    found[column] = match
                    used.add(match)
        absent = [column for column in REQUIRED[frame] if column not in found]
        if absent:
            raise SourceError(
                f"{origin} has no column {' and no column '.join(map(repr, absent))}, which {frame} need; it has "
                f"{', '.join(listed) or 'none'}",
                do=f"Name the column it is in, in [sources.NAME.columns.{frame}], or point the source elsewhere",
            )
        left = [stored for stored in listed if stored not in used]
        extra = {stored: label for label, stored in self.names.rename({label: label for label in left}).items()}
        return Resolved(
            frame,
            {column: found[column] for column in FRAMES[frame] if column in found},
            {stored: str(extra[stored]) for stored in left},
            self._duration(found.get("duration_ns"), named="duration_ns" in self.named.get(frame, {})),
        )

    def _set(self, frame: FrameName, known: Iterable[str], origin: str) -> Mapping[str, str]:
        """Return what the settings say of a frame, once it is sure that all of it is there."""
        table = self.named.get(frame, {})
        for column, stored in table.items():
            if stored not in known:
                raise SourceError(
                    f"{origin} has no column {stored!r}, which the settings name for {column} of {frame}; it has "
                    f"{', '.join(known) or 'none'}",
                    do=f"Correct [sources.NAME.columns.{frame}] in workbench.toml",
                )
        return table

    def _duration(self, stored: str | None, *, named: bool) -> str | None:
        if stored is None or self.duration_unit is not None:
            return self.duration_unit
        told = _UNIT_OF_NAME.get(stored.rpartition(".")[2].casefold())
        # Whoever writes duration_ns = "elapsed" says nanoseconds.
        return told or ("ns" if named else None)


def _first(aliases: Iterable[str], known: Iterable[str], folded: Mapping[str, str], used: set[str]) -> str | None:
    """Return the first alias that is stored and still free, as it is stored."""
    for alias in aliases:
        if alias in known and alias not in used:
            return alias
    for alias in aliases:
        match = folded.get(alias.casefold())
        if match is not None and match not in used:
            return match
    return None


def _named(name: str, table: object) -> dict[FrameName, Mapping[str, str]]:
    where = f"[sources.{name}.columns] in workbench.toml"
    if not isinstance(table, dict):
        raise SourceError(
            f"{where} is {table!r}, not a table", do=f"Write [sources.{name}.columns.logs] and what it maps"
        )
    made: dict[FrameName, Mapping[str, str]] = {}
    for frame in get_args(FrameName):
        if frame not in table:
            continue
        mapping = table[frame]
        if not isinstance(mapping, dict) or not all(isinstance(stored, str) and stored for stored in mapping.values()):
            raise SourceError(f"{frame} of {where} is not a table of names", do='Write lines like body = "message"')
        for column in mapping:
            if column not in FRAMES[frame]:
                raise SourceError(
                    f"{frame} of {where} names {column!r}, which is no column of {frame}",
                    do=f"Left of the sign stands one of {', '.join(FRAMES[frame])}",
                )
        made[frame] = mapping
    unknown = sorted(set(table) - set(made))
    if unknown:
        raise SourceError(f"{where} has the key {unknown[0]!r}", do=f"Known keys: {', '.join(FRAMES)}")
    return made


def _format(value: object, where: str) -> str | None:
    if value is None or (isinstance(value, str) and (value == "iso" or value in UNIX_UNITS or "%" in value)):
        return value
    raise SourceError(
        f"time_format of {where} is {value!r}",
        do=f'Give iso, {", ".join(UNIX_UNITS)}, or a pattern such as "%d/%m/%Y %H:%M:%S"',
    )


def _zone(value: object, where: str) -> str:
    try:
        if isinstance(value, str):
            datetime.now(ZoneInfo(value))
            return value
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise SourceError(f"time_zone of {where} is {value!r}", do='Give the name of a zone, such as "Europe/Berlin"')


def _unit(value: object, where: str) -> str | None:
    if value is None or (isinstance(value, str) and value in DURATION_UNITS):
        return value
    raise SourceError(f"duration_unit of {where} is {value!r}", do=f"Give one of {', '.join(DURATION_UNITS)}")
