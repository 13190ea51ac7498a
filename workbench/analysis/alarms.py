"""An alarm is an alert, a page or a status notice from when it began to when it ended, put together from its events."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import polars as pl

from workbench.window import Window

__all__ = ["KINDS", "Alarm", "Mark", "mark", "read"]

KINDS = ("alert", "page", "status")
"""The kinds of event that have states."""

_BEGIN = {"firing", "triggered", "investigating"}


@dataclass(frozen=True)
class Mark:
    """One event: when, what, who, and where it is pinned; ``name`` is what the thing is called."""

    at: datetime
    kind: str
    title: str
    name: str
    service: str | None
    actor: str | None
    pinned: str


@dataclass(frozen=True)
class Alarm:
    """One alarm; each moment is None where no pinned event tells it.

    ``affected`` says that it names a service that is affected. ``assumed`` says that no event told that it began: it is
    one that has no states, such as a warning. ``ends`` says whether its source tells of ends at all. ``eased`` is when
    a status notice went on to watching ("monitoring").
    """

    kind: str
    name: str
    service: str | None
    pinned: str
    affected: bool
    assumed: bool = False
    ends: bool = True
    began: Mark | None = None
    acknowledged: Mark | None = None
    eased: Mark | None = None
    ended: Mark | None = None

    @property
    def last(self) -> Mark | None:
        """Its last known moment."""
        known = [one for one in (self.began, self.acknowledged, self.eased, self.ended) if one is not None]
        return max(known, key=lambda one: one.at, default=None)


def read(events: pl.DataFrame, *, affected: Collection[str], window: Window) -> tuple[Alarm, ...]:
    """Return the alarms that were on during some of the window, in order of when they are first heard of.

    Events belong to one alarm that share source, kind and key, or where there is no key, name and service; after an end
    a new one begins. An alarm whose end isn't pinned is on.

    Args:
        events: as `workbench.analysis.events.read` gives them.
        affected: the services that count as affected.
        window: the incident's window.
    """
    rows = events.filter(pl.col("kind").is_in(KINDS), pl.col("state").is_not_null()).to_dicts()
    rows.sort(key=lambda row: (_identity(row), row["time"]))
    ending = {(row["pinned"], row["kind"]) for row in rows if row["state"] == "resolved"}
    found: list[Alarm] = []
    for _, group in groupby(rows, key=_identity):
        found += _episodes(group, affected)
    known = (replace(one, ends=(one.pinned, one.kind) in ending) for one in found)
    on = [one for one in known if _during(one, window)]
    return tuple(sorted(on, key=lambda one: (_first(one), one.pinned, one.kind, one.name)))


def mark(row: dict[str, Any]) -> Mark:
    """Return the mark of a row of events."""
    return Mark(
        row["time"],
        row["kind"] or "",
        row["title"],
        row["name"] or row["title"],
        row["service"],
        row["actor"],
        row["pinned"],
    )


def _identity(row: dict[str, Any]) -> tuple[str, str, str, str]:
    if row["key"]:
        return (row["pinned"], row["kind"], row["key"], "")
    return (row["pinned"], row["kind"], "", f"{row['name']}\n{row['service'] or ''}")


def _episodes(rows: Iterator[dict[str, Any]], affected: Collection[str]) -> Iterator[Alarm]:
    alarm: Alarm | None = None
    for row in rows:
        if alarm is not None and alarm.ended is not None and row["state"] != "resolved":
            yield alarm
            alarm = None
        if alarm is None:
            alarm = Alarm(
                row["kind"], row["name"], row["service"], row["pinned"], row["service"] in affected, row["assumed"]
            )
        alarm = _took(alarm, row)
    if alarm is not None:
        yield alarm


def _took(alarm: Alarm, row: dict[str, Any]) -> Alarm:
    """Return the alarm after one more of its events."""
    now, state = mark(row), row["state"]
    if state in _BEGIN:
        return replace(alarm, began=alarm.began or now)
    if state == "acknowledged":
        return replace(alarm, acknowledged=alarm.acknowledged or now)
    if state == "monitoring":
        return replace(alarm, eased=now)
    if state == "resolved":
        return replace(alarm, ended=now)
    return alarm


def _during(alarm: Alarm, window: Window) -> bool:
    last = alarm.last
    if last is None:
        return False
    return alarm.ended is None or alarm.ended.at > window.start


def _first(alarm: Alarm) -> datetime:
    known = [one.at for one in (alarm.began, alarm.acknowledged, alarm.eased, alarm.ended) if one is not None]
    return min(known)
