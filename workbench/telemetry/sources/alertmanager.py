"""The alertmanager source reads the alerts that an Alertmanager holds, and the silences people set, as events.

Format: Alertmanager, API v2 (``api/v2/openapi.yaml``, 0.25). An Alertmanager keeps no history: it answers with alerts
that have not ended, and forgets an ended silence after its retention (120 hours unless set). What fired and ended
before is to be had from Prometheus, whose series ALERTS remembers it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import polars as pl

from workbench.errors import SourceError, TimeError
from workbench.telemetry.conventions import Names
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Problem, Query, Reading, Tally
from workbench.telemetry.sources import alerts
from workbench.telemetry.sources.prometheus.promql import NAME
from workbench.telemetry.stream import stream, table
from workbench.telemetry.web.client import Web
from workbench.window import parse_time

__all__ = ["AlertmanagerSource"]

_KEYS = ("service_label", "matchers")
_HEADERS = {"accept": "application/json"}


class AlertmanagerSource:
    """An Alertmanager, or what answers like one: Mimir's, VictoriaMetrics', Grafana's."""

    kind = "alertmanager"
    frames: tuple[FrameName, ...] = ("events",)

    def __init__(self, name: str, web: Web, names: Names, *, service_label: str, matchers: tuple[str, ...]) -> None:
        self.name = name
        self._web = web
        self._names = names
        self._label = service_label
        self._matchers = matchers

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:  # noqa: ARG003 - no path in it
        """Return the source; ``matchers`` is a list such as ``['team="shop"']`` that alerts and silences must match.

        Raises:
            SourceError: a key is unknown or missing, or has a value that can't be.
        """
        where = f"[sources.{name}] in workbench.toml"
        web, rest = Web.from_settings(name, settings, headers=_HEADERS)
        names, rest = Names.from_settings(name, rest)
        for key in rest:
            if key not in _KEYS:
                raise SourceError(
                    f"{where} has the key {key!r}", do=f"Known keys: kind, url, names, {', '.join(_KEYS)}"
                )
        label, matchers = rest.get("service_label", "service"), rest.get("matchers", [])
        if not isinstance(label, str) or not NAME.fullmatch(label):
            raise SourceError(f"service_label of {where} is {label!r}, not a label's name", do="Correct it there")
        if not isinstance(matchers, list) or not all(isinstance(one, str) and one for one in matchers):
            raise SourceError(
                f"matchers of {where} is {matchers!r}, not a list", do="Write it like matchers = ['team=\"shop\"']"
            )
        return cls(name, web, names, service_label=label, matchers=tuple(matchers))

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the alerts and silences that began or ended in the window.

        Raises:
            SourceError: while the data is consumed: it can't be reached, refuses, or answers what can't be read.
        """
        tally = Tally()
        filters = "".join(f" filter={one}" for one in self._matchers)
        asked = f"alerts{filters}\nsilences{filters}"
        return Reading(frame, stream(frame, partial(self._pages, query, tally)), asked, tally)

    def _pages(self, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        asking = self._web.asking(query, tally)
        for what, rows_of in (("alerts", self._alert), ("silences", self._silence)):
            answer = asking.get(f"/api/v2/{what}", {"filter": list(self._matchers)})
            told = answer.json()
            if not isinstance(told, list):
                raise SourceError(
                    f"{answer.url} did not answer as the Alertmanager API does",
                    do="Look at the url: it is what stands before /api/v2",
                )
            rows = []
            for item in told:
                try:
                    rows += [row for row in rows_of(item) if self._wanted(row, query)]
                except (AttributeError, KeyError, TypeError, ValueError, TimeError) as error:
                    tally.cut(f"One of its {what} is not as documented ({type(error).__name__}).", rows=1)
            yield table("events", sorted(rows, key=lambda row: (row["time"], row["title"], row["attributes"])))
        tally.note(
            Problem(
                "no-history", 0, "An Alertmanager holds only alerts that have not ended; others are not in its answer."
            )
        )

    def _wanted(self, row: Mapping[str, Any], query: Query) -> bool:
        return row["time"] in query.window and (not query.services or row["service"] in query.services)

    def _alert(self, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield when an alert began, and when it ended; its end lies ahead for as long as nobody knows it."""
        state = item.get("status") or {}
        facts = {
            "id": item.get("fingerprint") or alerts.fingerprint(item["labels"]),
            "receivers": [one["name"] for one in item.get("receivers") or ()],
            "silenced_by": state.get("silencedBy"),
            "inhibited_by": state.get("inhibitedBy"),
        }
        moments = {"firing": _time(item["startsAt"])}
        if _time(item["endsAt"]) <= datetime.now(UTC):
            moments["resolved"] = _time(item["endsAt"])
        for status, time in moments.items():
            yield alerts.row(
                item["labels"],
                time=time,
                status=status,
                source=self.kind,
                service_label=self._label,
                names=self._names,
                annotations=item.get("annotations"),
                url=item.get("generatorURL"),
                facts=facts,
            )

    def _silence(self, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield when a silence began, and when it ended, if it has."""
        matchers = [_Matcher.of(one) for one in item["matchers"]]
        named = [one.value for one in matchers if (one.name, one.sign) == (self._label, "=")]
        rule = [one.value for one in matchers if (one.name, one.sign) == ("alertname", "=")]
        told = ", ".join(map(str, matchers))
        comment = f": {item['comment']}" if item.get("comment") else ""
        started, ended, now = _time(item["startsAt"]), _time(item["endsAt"]), datetime.now(UTC)
        for status, title, time in (
            ("silenced", f"Silenced {told}{comment}", started),
            ("silence-ended", f"Silence ended {told}{comment}", ended),
        ):
            # A silence that was taken back before it began has both times alike, and silenced nothing.
            if time <= now and started < ended:
                facts = {"id": item["id"], "status": status, "matchers": [str(one) for one in matchers]}
                yield alerts.event(
                    time=time,
                    title=title,
                    service=named[0] if named else None,
                    actor=item.get("createdBy") or None,
                    source=self.kind,
                    facts=facts | ({"alertname": rule[0]} if rule else {}),
                )


@dataclass(frozen=True)
class _Matcher:
    """One condition of a silence."""

    name: str
    sign: str
    value: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        equal, regex = item.get("isEqual", True), item["isRegex"]
        return cls(item["name"], {(1, 0): "=", (0, 0): "!=", (1, 1): "=~", (0, 1): "!~"}[equal, regex], item["value"])

    def __str__(self) -> str:
        return f'{self.name}{self.sign}"{self.value}"'


def _time(text: str) -> datetime:
    """Return a time of the API: RFC 3339 with up to nine digits after the point, of which six are kept."""
    return parse_time(text, "a time")
