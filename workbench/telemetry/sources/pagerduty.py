"""The pagerduty source reads what was done about each incident: triggered, acknowledged, escalated, resolved, by whom.

Source: PagerDuty REST API v2, "List log entries" and "Pagination" (https://developer.pagerduty.com/api-reference).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.stream import stream
from workbench.telemetry.web.client import Asking, Web
from workbench.telemetry.web.said import Events, among, ident, moment, names_by, objects, text, texts
from workbench.window import Window, format_time

__all__ = ["PagerdutySource"]

_PAGE = 100
_MOST = 10_000
"""Offset and limit together may not go beyond this ("Pagination")."""
_LONGEST = timedelta(days=180)
"""A range of dates may not be longer than six months ("List incidents")."""

_DONE = {
    "trigger": "triggered",
    "acknowledge": "acknowledged",
    "unacknowledge": "unacknowledged",
    "escalate": "escalated",
    "exhaust_escalation_path": "escalated to nobody",
    "repeat_escalation_path": "escalated again",
    "assign": "assigned",
    "delegate": "delegated",
    "resolve": "resolved",
    "notify": "notified",
    "annotate": "annotated",
    "snooze": "snoozed",
    "unsnooze": "woken",
    "urgency_change": "urgency changed",
    "priority_change": "priority changed",
    "status_update": "status told",
    "reach_ack_limit": "acknowledged too long",
    "reach_trigger_limit": "triggered too long",
    "merge": "merged",
}
"""What became of the incident, by the type of the log entry without its end ``_log_entry``."""


class PagerdutySource:
    """The log entries of an account's incidents, as events of the kind page."""

    kind = "pagerduty"
    frames: tuple[FrameName, ...] = ("events",)

    def __init__(self, name: str, web: Web, teams: tuple[str, ...], services: dict[str, str]) -> None:
        self.name = name
        self._web = web
        self._teams = teams
        self._services = services

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:  # noqa: ARG003 - the protocol's
        """Return the source; ``teams`` (ids) narrow it, ``services`` gives PagerDuty's services the team's own names.

        The rest is of `Web.from_settings`; ``url`` is https://api.pagerduty.com unless the account is elsewhere.

        Raises:
            SourceError: a key is unknown or has a value that can't be.
        """
        where = f"[sources.{name}] in workbench.toml"
        headers = {"accept": "application/vnd.pagerduty+json;version=2"}
        web, rest = Web.from_settings(
            name, settings, url="https://api.pagerduty.com", scheme="Token token=", headers=headers
        )
        for key in rest:
            if key not in {"teams", "services"}:
                raise SourceError(
                    f"{where} has the key {key!r}", do="Known keys: kind, url, token_env, teams, services"
                )
        teams = texts(rest, "teams", where, example='["PT4KHLK"]')
        return cls(name, web, teams, names_by(rest, "services", where, example='{ "Web shop" = "web" }'))

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the log entries of the window.

        The API can't narrow them to services, so those of others come too, and are left out here.

        Raises:
            SourceError: while the data is consumed: PagerDuty can't be reached, refuses, or answers something else.
        """
        tally = Tally()
        spans = list(query.window.split(_LONGEST))
        asked = "\n".join(f"GET /log_entries?{urlencode(self._params(span, 0), doseq=True)}" for span in spans)

        def pages() -> Iterator[pl.DataFrame]:
            asking, events = self._web.asking(query, tally), Events("pagerduty", "page", query, tally)
            for span in spans:
                for entries in self._entries(span, asking, tally):
                    for entry in entries:
                        _take(events, entry, self._services)
                    yield from events.taken()

        return Reading(frame, stream(frame, pages), asked, tally, lambda: self._estimate(spans, query))

    def _estimate(self, spans: list[Window], query: Query) -> Estimate:
        """Return how many log entries PagerDuty counts."""
        asking = self._web.asking(query, Tally())
        counted = [asking.get("/log_entries", self._params(span, 0) | {"limit": 1}).json() for span in spans]
        totals = [total for one in counted if isinstance(total := among(one, "total"), int)]
        return Estimate(rows=sum(totals)) if len(totals) == len(spans) else Estimate()

    def _params(self, span: Window, offset: int) -> dict[str, Any]:
        return {
            # Whole seconds, as the API's times are; what lies around the window is left out afterwards.
            "since": format_time(span.start.replace(microsecond=0)),
            "until": format_time(span.end.replace(microsecond=0) + timedelta(seconds=1)),
            "is_overview": "false",
            "include[]": ["incidents", "services", "channels"],
            **({"team_ids[]": list(self._teams)} if self._teams else {}),
            "total": "true" if not offset else "false",
            "limit": _PAGE,
            "offset": offset,
        }

    def _entries(self, span: Window, asking: Asking, tally: Tally) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a span, which is cut in halves if it holds more than pages may reach."""
        offset = 0
        while True:
            answer = asking.get("/log_entries", self._params(span, offset))
            value = answer.json()
            found = objects(value, "log_entries", what=answer.url)
            total = among(value, "total")
            if not offset and isinstance(total, int) and total > _MOST and span.duration > timedelta(seconds=2):
                for half in span.split(timedelta(seconds=-(-span.duration // timedelta(seconds=2)))):
                    yield from self._entries(half, asking, tally)
                return
            yield found
            if among(value, "more") is not True:
                return
            if not found:
                tally.cut("PagerDuty answered a page without entries and said that more would follow.")
                return
            offset += len(found)
            if offset + _PAGE > _MOST:
                tally.cut(f"PagerDuty shows {_MOST:,} log entries of {span} and no more.")
                return


def _take(events: Events, entry: dict[str, Any], services: dict[str, str]) -> None:
    """Take a log entry in: what was done, to which incident, by whom."""
    kind = (text(entry, "type") or "").removesuffix("_reference").removesuffix("_log_entry")
    # Some of the API's own examples say "acknowledgement".
    kind = "acknowledge" if kind == "acknowledgement" else kind
    done = _DONE.get(kind, kind.replace("_", " "))
    about = text(entry, "incident", "title") or text(entry, "incident", "summary") or text(entry, "summary")
    named = text(entry, "service", "summary") or text(entry, "incident", "service", "summary")
    agent = text(entry, "agent", "summary")
    person = (text(entry, "agent", "type") or "").startswith("user")
    events.add(
        time=moment(entry, "created_at"),
        title=f"{done[:1].upper()}{done[1:]}: {about}" if done and about else None,
        service=services.get(named, named) if named else None,
        # A service or an integration is not who, but what: it stands in the attributes.
        actor=agent if person else None,
        url=text(entry, "html_url") or text(entry, "incident", "html_url"),
        facts={
            "status": done,
            "id": ident(entry, "incident", "id"),
            "entry": ident(entry, "id"),
            "alertname": about,
            "number": among(entry, "incident", "incident_number"),
            "summary": text(entry, "summary"),
            "urgency": text(entry, "incident", "urgency"),
            "priority": text(entry, "incident", "priority", "summary"),
            "policy": text(entry, "incident", "escalation_policy", "summary"),
            "by": None if person else agent,
            "channel": text(entry, "channel", "type"),
            "note": text(entry, "note") or text(entry, "channel", "summary"),
            "user": text(entry, "user", "summary"),
            "assignees": _summaries(entry, "assignees"),
            "teams": _summaries(entry, "teams"),
        },
    )


def _summaries(entry: dict[str, Any], key: str) -> list[str]:
    found = entry.get(key)
    return [name for one in found if (name := text(one, "summary"))] if isinstance(found, list) else []
