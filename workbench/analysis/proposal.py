"""A proposal is a time that a milestone may have had, with how sure, why, and the pinned slice it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from workbench.evidence import Citation
from workbench.telemetry.names import FrameName

__all__ = ["CHANGE", "MILESTONES", "Cite", "Proposal", "Sure"]

MILESTONES = ("started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")
"""The milestones of an incident, in their order."""

CHANGE = "changed_before"
"""What stands in a proposal's ``milestone`` when it is the last change before the start: context, not a milestone."""


class Cite(Protocol):
    """Makes the citation of a slice of pinned evidence, as `workbench.evidence.Manifest.cite` does."""

    def __call__(
        self,
        frame: FrameName,
        source: str,
        start: datetime,
        end: datetime,
        *,
        label: str,
        services: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> Citation:
        """Return the citation."""
        ...


class Sure(StrEnum):
    """How sure a proposal is; docs/analysis.md has the rule of each step for each milestone."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(Sure).index(self)


@dataclass(frozen=True)
class Proposal:
    """A time that a milestone may have had.

    ``milestone`` is one of `MILESTONES`, or `CHANGE`. It may have been ``uncertainty`` sooner or later. ``reason`` is a
    sentence for a person. ``conflict`` says, where it is not empty, which other proposal this one can't be true with.
    """

    milestone: str
    at: datetime
    uncertainty: timedelta
    sure: Sure
    reason: str
    citation: Citation = field(repr=False)
    conflict: str = ""
