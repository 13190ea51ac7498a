"""A happening is a pinned event that belongs into a review: an alert, a page, a notice, or a change of the system."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from workbench.analysis.alarms import KINDS
from workbench.analysis.events import CHANGES
from workbench.evidence import Citation, Snapshot

__all__ = ["Happening", "all_of", "happenings", "sentence", "who"]

_MOST = 12  # on a page beside what people wrote
_MOMENT = timedelta(seconds=1)  # an event is cited by the second it happened in
_SAME = timedelta(minutes=1)  # two sources tell of one thing within so much
_LAST_CHANGES = 1  # of those before the window
_SHOWN = ("alert", "page", "status", *CHANGES)
_DID = {
    ("alert", "firing"): "began", ("alert", "resolved"): "ended", ("alert", "acknowledged"): "was acknowledged",
    ("page", "triggered"): "called", ("page", "acknowledged"): "was acknowledged",
    ("page", "escalated"): "was escalated", ("page", "resolved"): "was resolved",
}  # fmt: skip
_CALLED = {"alert": "Alert", "page": "Page", "deploy": "Deploy", "flag": "Flag", "config": "Configuration"}


@dataclass(frozen=True)
class Happening:
    """One pinned event, once however many sources tell of it."""

    at: datetime
    kind: str
    state: str
    assumed: bool
    title: str
    name: str
    service: str
    actor: str
    pinned: str
    url: str
    citation: Citation


def all_of(events: pl.DataFrame, snapshot: Snapshot) -> tuple[Happening, ...]:
    """Return all events in order of time, each once: the first of those that tell the same within a minute.

    Two events tell the same that agree in kind, state, service and name (for messages: in their words, and who wrote
    them). An event without a kind is left out.
    """
    found: list[Happening] = []
    last: dict[tuple[str, ...], datetime] = {}
    for row in events.filter(pl.col("kind").is_not_null()).iter_rows(named=True):
        same = (row["kind"], row["state"] or "", row["service"] or "", *_wording(row))
        if same in last and row["time"] - last[same] <= _SAME:
            continue
        last[same] = row["time"]
        found.append(_happening(row, snapshot))
    return tuple(found)


def happenings(events: pl.DataFrame, snapshot: Snapshot) -> tuple[Happening, ...]:
    """Return the events that a page tells: alarms and changes of the window, and the last change before it.

    At most a dozen: changes and what begins or ends an alarm go before the rest, earlier ones before later ones.
    """
    shown = all_of(events.filter(pl.col("kind").is_in(_SHOWN)), snapshot)
    inside = [one for one in shown if one.at in snapshot.window]
    before = [one for one in shown if one.at < snapshot.window.start and one.kind in CHANGES][-_LAST_CHANGES:]
    first = sorted(inside, key=lambda one: (one.kind not in CHANGES, (one.kind, one.state) not in _DID, one.at))
    return tuple(sorted((*before, *first[:_MOST]), key=lambda one: (one.at, one.kind, one.title)))


def sentence(one: Happening) -> str:
    """Return what happened, for a line of a timeline."""
    if one.kind == "chat":
        return " ".join(one.title.split())
    # Titles of alarms say their state already; names don't.
    name = one.name if one.kind in KINDS and one.name else one.title
    of = f" of {one.service}" if one.service and one.service not in name else ""
    if one.kind == "status":
        return f"Status{f' {one.state}' if one.state else ''}: {name}"
    said = "" if one.state == "success" or one.state in name.lower() else one.state
    did = "was seen" if one.assumed else _DID.get((one.kind, one.state), said)
    return f"{_CALLED.get(one.kind, one.kind.capitalize())} “{name}”{of}{f' {did}' if did else ''}"


def who(one: Happening) -> str:
    """Return who did or saw it: a person where one is named, else the source."""
    return one.actor or one.pinned


def _wording(row: dict[str, Any]) -> tuple[str, str]:
    if row["kind"] == "chat":
        return row["title"], row["actor"] or ""
    return row["name"] or row["title"], ""


def _happening(row: dict[str, Any], snapshot: Snapshot) -> Happening:
    cited = snapshot.manifest.cite(
        "events", row["pinned"], row["time"], row["time"] + _MOMENT,
        label=" ".join(f"{row['kind']} {row['title']}".split()),
        services=(row["service"],) if row["service"] else (), names=(row["title"],),
    )  # fmt: skip
    return Happening(
        at=row["time"],
        kind=row["kind"],
        state=row["state"] or "",
        assumed=row["assumed"],
        title=row["title"],
        name=row["name"] or "",
        service=row["service"] or "",
        actor=row["actor"] or "",
        pinned=row["pinned"],
        url=row["url"] or "",
        citation=cited,
    )
