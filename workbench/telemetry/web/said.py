"""What an API said is JSON that should have the shape its document promises; it is taken as that, or told as not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from workbench.errors import SourceError, TimeError
from workbench.telemetry.source import Query, Tally
from workbench.telemetry.stream import table
from workbench.window import parse_time

__all__ = ["Events", "among", "ident", "moment", "names_by", "objects", "text", "texts"]

_FIRST_POSSIBLE = datetime(1971, 1, 1, tzinfo=UTC)


def among(value: Any, *path: str) -> Any:
    """Return what lies under these keys, one within the other; None where one is absent or holds something else."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str | None:
    """Return the text under these keys; None where there is none, or nothing in it."""
    found = among(value, *path)
    return found if isinstance(found, str) and found.strip() else None


def ident(value: Any, *path: str) -> str | None:
    """Return the id under these keys as text, whether the API writes it as text or as a number."""
    found = among(value, *path)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else text(found)


def moment(value: Any, *path: str) -> datetime | None:
    """Return the time under these keys, ISO 8601 with a zone, in UTC; None where there is none."""
    found = text(value, *path)
    try:
        return None if found is None else parse_time(found)
    except TimeError:
        return None


def objects(value: Any, *path: str, what: str) -> list[dict[str, Any]]:
    """Return the list of objects under these keys; what is no object in it is an empty one, so that it is counted.

    Raises:
        SourceError: there is no list; ``what`` says of which address.
    """
    found = among(value, *path)
    if not isinstance(found, list):
        place = ".".join(path) or "the answer"
        raise SourceError(
            f"{what} answered JSON in which {place} is no list",
            do="Look at the url: another system, or another version of the API, may be answering there",
        )
    return [one if isinstance(one, dict) else {} for one in found]


class Events:
    """The events of one reading: those of its window and services, each once, in the order they came.

    A record without what every event has is left out and counted in the tally, and the answer marked incomplete.
    """

    def __init__(self, source: str, kind: str, query: Query, tally: Tally) -> None:
        self._source = source
        self._kind = kind
        self._query = query
        self._tally = tally
        self._seen: set[tuple[Any, ...]] = set()
        self._rows: list[dict[str, Any]] = []

    def add(
        self,
        *,
        time: datetime | None,
        title: str | None,
        service: str | None = None,
        services: Iterable[str] = (),
        actor: str | None = None,
        url: str | None = None,
        facts: Mapping[str, Any],
    ) -> None:
        """Take an event in, if it is of the window and of a service that is asked for.

        Args:
            time: when; None when the record says no time.
            title: what; None when the record doesn't say.
            service: its service.
            services: further services that it concerns, by any of which it may be asked for.
            actor: who did it.
            url: where a person sees more.
            facts: its attributes; what says nothing is left out. ``status`` and ``id`` are read by the analysis.
        """
        if time is None or title is None or time < _FIRST_POSSIBLE:
            missing = "title" if time else "time"
            told = f"Records of {self._source} without a {missing} that can be read were left out."
            self._tally.cut(told, kind="unreadable-row", rows=1)
            return
        wanted = {service, *services} & set(self._query.services) if self._query.services else True
        if time not in self._query.window or not wanted:
            return
        import orjson  # noqa: PLC0415 - only who reads events of an API needs it

        said = {key: value for key, value in facts.items() if value not in (None, "", [], {})}
        row = {
            "time": time,
            "kind": self._kind,
            "title": title,
            "service": service,
            "actor": actor,
            "source": self._source,
            "url": url,
            "attributes": orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode(),
        }
        # A list that grows while it is paged through shows the same record on two pages.
        key = tuple(row.values())
        if key not in self._seen:
            self._seen.add(key)
            self._rows.append(row)

    def taken(self) -> Iterator[pl.DataFrame]:
        """Yield what came since the last time as a page, if there is any."""
        if self._rows:
            rows, self._rows = self._rows, []
            yield table("events", rows)


def texts(settings: Mapping[str, object], key: str, where: str, *, example: str) -> tuple[str, ...]:
    """Return the list of texts under a key of a source's table; empty where there is none.

    Raises:
        SourceError: it is something else.
    """
    value = settings.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise SourceError(f"{key} of {where} is {value!r}, not a list of texts", do=f"Write it like {key} = {example}")
    return tuple(value)


def names_by(settings: Mapping[str, object], key: str, where: str, *, example: str) -> dict[str, str]:
    """Return the table of texts under a key of a source's table; empty where there is none.

    Raises:
        SourceError: it is something else.
    """
    value = settings.get(key, {})
    if not isinstance(value, dict) or not all(isinstance(one, str) and one for one in value.values()):
        raise SourceError(f"{key} of {where} is {value!r}, not a table of texts", do=f"Write it like {key} = {example}")
    return dict(value)
