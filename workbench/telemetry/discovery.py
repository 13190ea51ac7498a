"""Discovery lists what a source holds, so that a person can choose: services, metrics, and the labels they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from workbench.telemetry.source import Query

__all__ = ["Discovering", "Discovery"]


@dataclass(frozen=True)
class Discovery:
    """What a source holds in a window, each list sorted; ``labels`` maps a label or attribute to some of its values.

    ``note`` says in a sentence how far one may trust that it is all ("the first 10,000 rows were looked at").
    """

    services: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    note: str = ""


@runtime_checkable
class Discovering(Protocol):
    """A source that can list what it holds without being read."""

    def discover(self, query: Query) -> Discovery:
        """Return what it holds in the window.

        Raises:
            SourceError: it can't be asked.
        """
        ...
