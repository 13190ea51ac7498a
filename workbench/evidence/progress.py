"""Progress is what a pull tells while it runs: how far each frame of each source has come, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from workbench.window import format_duration

if TYPE_CHECKING:
    from workbench.evidence.manifest import Table, Unanswered
    from workbench.telemetry.names import FrameName

__all__ = ["Progress", "size", "took"]

_STEP, _MINUTE = 1000.0, 60.0
_UNKNOWN = "–"


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


def size(count: int | None) -> str:
    """Return a number of bytes as a person says it, in powers of ten: ``512 B``, ``3.4 MB``; ``–`` where none is known.

    Between number and unit stands a no-break space, as in every length and size that a person reads.
    """
    if not count:
        return _UNKNOWN
    amount, units = float(count), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    for bigger in units:
        if amount < _STEP:
            break
        amount, unit = amount / _STEP, bigger
    return f"{amount:.0f}\u00a0{unit}" if unit == "B" else f"{amount:.1f}\u00a0{unit}"


def took(seconds: float | None) -> str:
    """Return how long a frame took: ``0.4 s``, ``1 min 12 s``; ``–`` where it isn't known."""
    if seconds is None:
        return _UNKNOWN
    return f"{seconds:.1f}\u00a0s" if seconds < _MINUTE else format_duration(timedelta(seconds=seconds))
