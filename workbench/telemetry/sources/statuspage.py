"""The statuspage source reads what a team told the public: the incidents of a status page, and every update to them.

Source: the public API that each Atlassian Statuspage documents under its own address at ``/api`` (version 2), and
exports of its history with one incident a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import polars as pl

from workbench.errors import LimitError, SourceError
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.stream import stream
from workbench.telemetry.web.client import Web
from workbench.telemetry.web.said import Events, ident, moment, names_by, objects, text
from workbench.window import format_time

__all__ = ["StatuspageSource"]

_LATEST = 50
"""How many incidents the public API shows: its latest ones."""

_LISTS = {"incidents": "incidents", "scheduled-maintenances": "scheduled_maintenances"}
_ROWS = 500
_LONGEST_LINE = 64_000_000
"""Of an export, in bytes: more than any incident holds."""


class StatuspageSource:
    """A status page, or an export of its history; each update to an incident is an event of the kind status."""

    kind = "statuspage"
    frames: tuple[FrameName, ...] = ("events",)

    def __init__(
        self, name: str, where: Web | Path, *, service: str | None = None, services: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self._where = where
        self._service = service
        self._services = services or {}

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source: ``url`` is the page's address, or ``file`` an export with an incident a line.

        ``service`` is what the page is about, ``services`` gives its components the team's own names.

        Raises:
            SourceError: a key is unknown or has a value that can't be, or not exactly one of both is named.
        """
        table = f"[sources.{name}] in workbench.toml"
        own: dict[str, object] = {key: settings[key] for key in ("file", "service", "services") if key in settings}
        rest = {key: value for key, value in settings.items() if key not in own}
        where: Web | Path
        if "file" in own:
            file = own["file"]
            if not isinstance(file, str) or not file:
                raise SourceError(f"file of {table} is {file!r}", do="Give the path of an export")
            where = root / Path(file).expanduser()
        else:
            where, rest = Web.from_settings(name, rest)
        if rest:
            beside = " beside file" if "url" in rest else ""
            raise SourceError(
                f"{table} has the key {next(iter(rest))!r}{beside}",
                do="Known keys: kind, url or file, service, services",
            )
        service = own.get("service")
        if service is not None and (not isinstance(service, str) or not service):
            raise SourceError(f"service of {table} is {service!r}", do='Write it like service = "github"')
        services = names_by(own, "services", table, example='{ "API Requests" = "api" }')
        return cls(name, where, service=service, services=services)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the updates of the window.

        Raises:
            SourceError: while the data is consumed: the page or file can't be read, or holds something else.
        """
        tally = Tally()
        if isinstance(self._where, Path):
            file = self._where
            lines = stream(frame, lambda: self._lines(file, query, tally))
            return Reading(frame, lines, file.name, tally, lambda: Estimate(bytes=self._size(file)))
        web = self._where
        asked = "\n".join(f"GET /api/v2/{path}.json" for path in _LISTS)
        return Reading(frame, stream(frame, lambda: self._pages(web, query, tally)), asked, tally)

    def _pages(self, web: Web, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        asking, events = web.asking(query, tally), Events("statuspage", "status", query, tally)
        for path, key in _LISTS.items():
            answer = asking.get(f"/api/v2/{path}.json")
            found = objects(answer.json(), key, what=answer.url)
            for one in found:
                self._take(events, one)
            yield from events.taken()
            times = [time for one in found if (time := moment(one, "created_at"))]
            if len(found) >= _LATEST and times and min(times) > query.window.start:
                shown = f"its {len(found)} latest {path.replace('-', ' ')}, back to {format_time(min(times))}"
                tally.cut(f"{web.url} shows {shown}; older ones of the window are missing.")

    def _lines(self, file: Path, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        import orjson  # noqa: PLC0415 - only who reads events of an API needs it

        events, most = Events("statuspage", "status", query, tally), query.limits.bytes
        broken = whole = 0
        try:
            with file.open("rb") as lines:
                while line := lines.readline(min(most, _LONGEST_LINE) + 1):
                    tally.received(len(line))
                    if tally.bytes > most or len(line) > _LONGEST_LINE:
                        longest = f"a line longer than {_LONGEST_LINE:,}" if tally.bytes <= most else f"over {most:,}"
                        raise LimitError(
                            f"source {self.name!r}: {file.name} holds {longest} bytes, its limit",
                            do="Read a part of it, or raise limits.bytes",
                        )
                    if not line.strip():
                        continue
                    try:
                        one = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
                    except orjson.JSONDecodeError:
                        one = None
                    if not isinstance(one, dict):
                        broken += 1
                        continue
                    whole += 1
                    self._take(events, one)
                    if not whole % _ROWS:
                        yield from events.taken()
        except OSError as error:
            raise self._unreadable(file, error) from None
        if broken and not whole:
            raise SourceError(
                f"source {self.name!r}: no line of {file.name} is a JSON object",
                do="Give an export: an incident a line",
            )
        if broken:
            tally.cut(
                f"Lines of {file.name} that are no JSON object were left out.", kind="unreadable-row", rows=broken
            )
        yield from events.taken()

    def _size(self, file: Path) -> int:
        try:
            return file.stat().st_size
        except OSError as error:
            raise self._unreadable(file, error) from None

    def _unreadable(self, file: Path, error: OSError) -> SourceError:
        return SourceError(
            f"source {self.name!r}: {file.name} can't be read ({error.strerror or type(error).__name__})",
            do="Correct file in workbench.toml",
        )

    def _take(self, events: Events, one: dict[str, Any]) -> None:
        """Take each update of an incident in, as the API or an export has it."""
        name, updates = text(one, "name") or text(one, "title"), one.get("incident_updates", one.get("updates"))
        if not isinstance(updates, list):
            # Counted as one that can't be read.
            updates = [{}]
        components = _names(one.get("components"))
        for number, update in enumerate(updates):
            status, affected = text(update, "status"), components
            if isinstance(update, dict) and update.get("affected_components"):
                affected = _names(update["affected_components"])
            services = [self._services.get(component, component) for component in affected]
            word = (status or "").replace("_", " ")
            events.add(
                time=moment(update, "display_at") or moment(update, "created_at") or moment(update, "at"),
                title=f"{word[:1].upper()}{word[1:]}: {name}" if name and status else None,
                # Of several components none is more the one than the others.
                service=self._service or (services[0] if len(services) == 1 else None),
                services=services,
                url=text(one, "shortlink") or text(one, "url"),
                facts={
                    "status": word.lower(),
                    "id": ident(one, "id"),
                    "alertname": name,
                    "update": ident(update, "id") or str(number),
                    "impact": text(one, "impact"),
                    "message": text(update, "body") or text(update, "message"),
                    "components": affected,
                },
            )


def _names(components: Any) -> list[str]:
    """Return components by name, whether they are objects with one or the names themselves."""
    found = components if isinstance(components, list) else []
    return [name for one in found if (name := text(one) or text(one, "name"))]
