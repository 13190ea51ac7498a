"""An incident is due when its evidence has to be pinned now, because it has ended or because a backend will forget it.

A pull by cron asks this of every incident, so that nobody has to think of it. The answer follows from the incident's
times, what the sources keep, what is pinned already, and the time of asking alone: the same facts give the same answer,
and once its evidence is pinned an incident isn't due any more.

An incident is due

- when it ended at least `SETTLE` ago, so that late rows have come in, and some frame of some source isn't pinned whole
  for the window and the baseline. What counts as pinned whole was pulled at least `SETTLE` after the last moment it
  covers, and is complete, or cut off at a limit that the team set (asking again would bring no more);
- earlier than that, also while it still lasts, when the first moment that isn't pinned so is about to leave a source's
  retention: a third of the retention before it does, but not more than three days before. Then everything up to
  `SETTLE` ago is pinned; the rest follows when the same is true of it, and at the latest after the end.

Only what is missing is asked for: what is pinned whole in any earlier snapshot is carried into the new one. What failed
or came incomplete is asked for again, each time, until the retention is over. What lies before it, and isn't pinned, is
lost: it is told, and not asked for any more. A table without rows doesn't count as pinned where it was pulled after the
retention was over, because a backend answers so for what it has forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workbench.telemetry.names import FrameName
from workbench.window import Window

__all__ = ["SETTLE", "Ask", "Carry", "Held", "Lost", "Part", "Plan", "Wanted", "due", "everything", "whole"]

SETTLE = timedelta(minutes=10)
"""How long after a moment its last rows may come in: scrapes, buffers and batches of collectors are shorter."""

_SOONEST = timedelta(days=3)

Part = tuple[str, FrameName]
"""One frame of one source."""


@dataclass(frozen=True)
class Wanted:
    """The evidence an incident should have: its window, open at the end (None) while it lasts, and its baseline."""

    start: datetime
    end: datetime | None
    baseline: timedelta

    def until(self, moment: datetime) -> Window | None:
        """Return the incident's window as far as it lies before a moment, or None when nothing of it does."""
        end = moment if self.end is None else min(self.end, moment)
        return Window(self.start, end) if self.start < end else None


@dataclass(frozen=True)
class Held:
    """One table of a snapshot: what it was asked for, and how good the answer was."""

    version: str
    """The snapshot's."""
    path: str
    """The file's name in it."""
    part: Part
    window: Window
    rows: int
    pulled_at: datetime
    complete: bool = True
    limited: bool = False
    """Whether a limit that the team set cut it off: then asking again would bring no more."""


@dataclass(frozen=True)
class Carry:
    """A piece of what is held that goes into the new snapshot as it is."""

    held: Held
    window: Window


@dataclass(frozen=True)
class Ask:
    """What to ask one frame of one source for; ``instead`` is carried should the answer be no better than that."""

    part: Part
    window: Window
    instead: tuple[Carry, ...] = ()


@dataclass(frozen=True)
class Lost:
    """What a backend has forgotten before it was pinned."""

    part: Part
    window: Window


@dataclass(frozen=True)
class Plan:
    """What a new snapshot is made of. There is nothing to do when nothing is asked."""

    window: Window | None
    """The incident's window as far as it is pinned; None before there is anything to pin."""
    baseline: Window | None
    asks: tuple[Ask, ...] = ()
    carries: tuple[Carry, ...] = ()
    lost: tuple[Lost, ...] = ()


def everything(parts: Iterable[Part], span: Window) -> Plan:
    """Return the plan of a first pull: all of it is asked for."""
    return Plan(span, None, tuple(Ask(part, span) for part in parts))


def due(wanted: Wanted, kept: Mapping[Part, timedelta | None], held: Sequence[Held], now: datetime) -> Plan:
    """Return what to pull of an incident now, as the module's first words say; nothing is asked unless it is due.

    Args:
        wanted: the evidence the incident should have.
        kept: every frame of every configured source, with the source's retention.
        held: the tables of the incident's snapshots. Of sources that aren't configured any more, only those of the
            newest: they are carried on.
        now: the time of asking.
    """
    window = wanted.until(now - SETTLE)
    if window is None:
        return Plan(None, None)
    span = _span(window, wanted)
    ended = wanted.end is not None and wanted.end <= now - SETTLE
    asks: list[Ask] = []
    carries: list[Carry] = []
    lost: list[Lost] = []
    urgent = False
    for part, retention in kept.items():
        horizon = None if retention is None else now - retention
        own = [one for one in held if one.part == part and _says_something(one, retention)]
        firm = [one for one in own if _is_firm(one, span, horizon)]
        loose = [one for one in own if not _is_firm(one, span, horizon)]
        kept_pieces = _pieces(firm, span, retention)
        for gap in span.without(piece.window for piece in kept_pieces):
            gone, open_ = _parted(gap, horizon)
            if gone:
                lost.append(Lost(part, gone))
            if open_:
                asks.append(Ask(part, open_, tuple(_pieces(loose, open_, retention))))
                urgent |= retention is not None and open_.start + retention - _sooner(retention) <= now
        carries += kept_pieces
    if not ended and not urgent:
        asks = []
    carries += _of_former_sources(held, kept, span)
    return Plan(window, _baseline(window, wanted), tuple(asks), tuple(carries), tuple(lost))


def whole(wanted: Wanted, kept: Mapping[Part, timedelta | None], held: Sequence[Held], now: datetime) -> Plan:
    """Return what to pull of an incident because a person says so: all of it until now, whatever is pinned already.

    Only what lies before a source's retention, and is pinned, is carried instead; and what turns out to be no better
    than what is pinned. Sources that aren't configured any more are left out.

    Args:
        wanted: the evidence the incident should have.
        kept: every frame of every configured source, with the source's retention.
        held: the tables of the incident's snapshots.
        now: the time of asking.
    """
    window = wanted.until(wanted.end or now)
    if window is None:
        return Plan(None, None)
    span = _span(window, wanted)
    asks: list[Ask] = []
    carries: list[Carry] = []
    for part, retention in kept.items():
        horizon = None if retention is None else now - retention
        own = [one for one in held if one.part == part and _says_something(one, retention)]
        past = [one for one in own if _is_past(one, span, horizon)]
        kept_pieces = _pieces(past, span, retention)
        others = [one for one in own if one not in past]
        asks += [
            Ask(part, gap, tuple(_pieces(others, gap, retention)))
            for gap in span.without(piece.window for piece in kept_pieces)
        ]
        carries += kept_pieces
    return Plan(window, _baseline(window, wanted), tuple(asks), tuple(carries))


def _baseline(window: Window, wanted: Wanted) -> Window | None:
    return window.baseline(wanted.baseline) if wanted.baseline else None


def _span(window: Window, wanted: Wanted) -> Window:
    return Window(window.start - wanted.baseline, window.end)


def _in_time(held: Held, retention: timedelta | None) -> bool:
    """Return whether a source still had all of a table's window when it was asked."""
    return retention is None or held.window.start >= held.pulled_at - retention


def _says_something(held: Held, retention: timedelta | None) -> bool:
    return held.rows > 0 or _in_time(held, retention)


def _is_past(held: Held, span: Window, horizon: datetime | None) -> bool:
    """Return whether a source has forgotten some of what a table holds of a span."""
    return horizon is not None and max(held.window.start, span.start) < horizon


def _is_firm(held: Held, span: Window, horizon: datetime | None) -> bool:
    """Return whether a table is carried as it is: nothing better is to be had."""
    settled = held.pulled_at >= held.window.end + SETTLE
    return _is_past(held, span, horizon) or (settled and (held.complete or held.limited))


def _pieces(held: Iterable[Held], within: Window, retention: timedelta | None = None) -> list[Carry]:
    """Return pieces of tables that cover all that they cover of a window, and no moment twice, in order.

    Complete tables go before others, then those that were pulled in time; then longer ones, then newer ones, so that
    the pieces are few.
    """
    taken: list[Carry] = []
    newest_first = sorted(held, key=lambda one: one.version, reverse=True)
    for one in sorted(
        newest_first, key=lambda one: (not one.complete, not _in_time(one, retention), -one.window.duration)
    ):
        inside = one.window.overlap(within)
        if inside:
            taken += [Carry(one, piece) for piece in inside.without(carry.window for carry in taken)]
    return sorted(taken, key=lambda carry: carry.window)


def _parted(gap: Window, horizon: datetime | None) -> tuple[Window | None, Window | None]:
    """Return what of a gap a source has forgotten, and what it still has."""
    if horizon is None or horizon <= gap.start:
        return None, gap
    if horizon >= gap.end:
        return gap, None
    return Window(gap.start, horizon), Window(horizon, gap.end)


def _sooner(retention: timedelta) -> timedelta:
    """Return how long before the retention's end a pull is due: time for a backend to come back, and for a person."""
    return min(_SOONEST, retention / 3)


def _of_former_sources(held: Sequence[Held], kept: Mapping[Part, timedelta | None], span: Window) -> list[Carry]:
    newest = max((one.version for one in held), default="")
    former = [one for one in held if one.version == newest and one.part not in kept]
    parts = dict.fromkeys(one.part for one in former)
    return [piece for part in parts for piece in _pieces([one for one in former if one.part == part], span)]
