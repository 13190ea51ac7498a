"""Progress is what a pull tells while it runs: how far each frame of each source has come, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evidence.manifest import Table, Unanswered
    from workbench.telemetry.names import FrameName

__all__ = ["Progress", "size"]

_STEP = 1000.0


@dataclass(frozen=True)
class Progress:
    """One frame of one source: being read, pinned (``table`` is set), or not to be had (``unanswered`` is set).

    ``done`` of ``total`` frames of the pull have ended, this one counted when it has.
    """

    done: int
    total: int
    source: str
    frame: FrameName
    table: Table | None = None
    unanswered: Unanswered | None = None
    rows: int = 0
    """That have come so far."""
    bytes: int = 0
    """That have come so far; 0 where the source can't say."""

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of this frame."""
        return self.table is not None or self.unanswered is not None


def size(count: int) -> str:
    """Return a number of bytes as a person says it, in powers of ten: ``512 B``, ``3.4 MB``, with a no-break space."""
    amount, units = float(count), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    for bigger in units:
        if amount < _STEP:
            break
        amount, unit = amount / _STEP, bigger
    return f"{amount:.0f}\u00a0{unit}" if unit == "B" else f"{amount:.1f}\u00a0{unit}"
