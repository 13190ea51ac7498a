"""A length is how long one step of the incident took, from one milestone to another, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from workbench.review.moments import moments
from workbench.review.story import Story

__all__ = ["Length", "lengths"]

_STEPS = (
    ("Time to detect", "Started", "Detected", "from start"),
    ("to acknowledge", "Detected", "Acknowledged", "from detection"),
    ("to mitigate", "Started", "Mitigated", "from start"),
    ("to resolve", "Started", "Resolved", "from start"),
)


@dataclass(frozen=True)
class Length:
    """How long one step took: None while a milestone is unknown.

    ``phase`` is the number of its phase (1 to 4), ``uncertainty`` how far its end may lie off. It is ``unproven`` when
    somebody only said when it ended.
    """

    name: str
    phase: int
    length: timedelta | None
    uncertainty: timedelta
    note: str
    unproven: bool


def lengths(story: Story) -> tuple[Length, ...]:
    """Return how long it took to detect, acknowledge, mitigate and resolve; each says from where it counts."""
    known = {one.milestone: one for one in moments(story) if one.milestone}
    made = []
    for phase, (name, first, last, note) in enumerate(_STEPS, start=1):
        start, end = known.get(first), known.get(last)
        length = None if start is None or end is None else end.at - start.at
        unsure = timedelta(0) if end is None else end.uncertainty
        made.append(Length(name, phase, length, unsure, note, unproven=end is not None and end.unproven))
    return tuple(made)
