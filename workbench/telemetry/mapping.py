"""A mapping is how a source's own names become those of the frames, laid open so that a person can overrule it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.errors import SourceError
from workbench.telemetry.columns import ALIASES, Columns
from workbench.telemetry.conventions import SEMANTIC, Names
from workbench.telemetry.names import FrameName
from workbench.telemetry.registry import make_source

__all__ = ["Column", "Mapping", "Name", "mapping"]

By = Literal["settings", "built in"]


@dataclass(frozen=True)
class Name:
    """One label or attribute: what the backend calls it, what the frames call it, and who says so."""

    theirs: str
    ours: str
    by: By


@dataclass(frozen=True)
class Column:
    """One column of a frame: the names it is looked for under, in this order, and who says so."""

    frame: FrameName
    column: str
    theirs: tuple[str, ...]
    by: By


@dataclass(frozen=True)
class Mapping:
    """All of a source's; ``names`` or ``columns`` is None where its kind knows no such thing."""

    names: tuple[Name, ...] | None
    columns: tuple[Column, ...] | None


def mapping(name: str, settings: dict[str, Any], root: Path) -> Mapping:
    """Return the mapping of the source that the table ``[sources.NAME]`` describes.

    Raises:
        SourceError: the table can't be used.
    """
    frames = make_source(name, settings, root).frames
    names = _names(name, settings) if _takes("names", name, settings, root) else None
    columns = _columns(name, settings, frames) if _takes("columns", name, settings, root) else None
    return Mapping(names, columns)


def _takes(key: str, name: str, settings: dict[str, Any], root: Path) -> bool:
    """Return whether a kind has this key: only its adapter can say, and it does by not refusing it."""
    try:
        make_source(name, {key: {}, **settings}, root)
    except SourceError:
        return False
    return True


def _names(name: str, settings: dict[str, Any]) -> tuple[Name, ...]:
    overrides = Names.from_settings(name, settings)[0].overrides
    told = {theirs: Name(theirs, ours, "built in") for theirs, ours in SEMANTIC.items()}
    told |= {theirs: Name(theirs, ours, "settings") for theirs, ours in overrides.items()}
    return tuple(told[theirs] for theirs in sorted(told))


def _columns(name: str, settings: dict[str, Any], frames: tuple[FrameName, ...]) -> tuple[Column, ...]:
    named = Columns.from_settings(name, settings)[0].named
    told: list[Column] = []
    for frame in frames:
        for column, aliases in ALIASES[frame].items():
            if column in named.get(frame, {}):
                told.append(Column(frame, column, (named[frame][column],), "settings"))
            else:
                told.append(Column(frame, column, (column, *aliases), "built in"))
    return tuple(told)
