"""Who was hurt and how long: an incident's phases, and the share of traces that were slow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

__all__ = ["Phase", "Times", "phases"]


class Times(Protocol):
    """The milestones of an incident, of which all but the first may be unknown."""

    @property
    def started_at(self) -> datetime: ...  # noqa: D102 - named by the vocabulary
    @property
    def detected_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def acknowledged_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def mitigated_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def resolved_at(self) -> datetime | None: ...  # noqa: D102


@dataclass(frozen=True)
class Phase:
    """A stretch between two milestones; ``end`` and ``duration`` are None while it lasts."""

    name: str
    start: datetime
    end: datetime | None
    duration: timedelta | None


def phases(milestones: Times) -> list[Phase]:
    """Return the incident's phases in order: unnoticed, seen, being mitigated, watching.

    A phase starts at its milestone and ends at the next known one; the phase of an unknown milestone is left out, so
    that the one before it reaches on. The last is open (no end) while the incident is.
    """
    starts = [
        ("unnoticed", milestones.started_at),
        ("seen", milestones.detected_at),
        ("being mitigated", milestones.acknowledged_at),
        ("watching", milestones.mitigated_at),
    ]
    known = [(name, at) for name, at in starts if at is not None]
    ends = [at for _, at in known[1:]] + [milestones.resolved_at]
    return [
        Phase(name, start, end, None if end is None else end - start)
        for (name, start), end in zip(known, ends, strict=True)
        if end is None or end > start
    ]
