"""Settings are what a team chose for its workspace, read from ``workbench.toml``."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workbench.errors import TimeError, WorkspaceError
from workbench.window import parse_duration

__all__ = ["FILE", "FORMAT", "Settings", "read_settings"]

FILE = "workbench.toml"
FORMAT = 1
"""The number of the workspace format this version writes; a newer one is refused."""


def _length(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except TimeError:
        raise ValueError("is not a length of time; write it like 90s, 15m, 1h or 2d") from None


_Duration = Annotated[timedelta, BeforeValidator(_length)]
_SLUG = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
SourceName = Annotated[str, Field(pattern=_SLUG, max_length=60)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkspaceTable(_Table):
    """``[workspace]``: who this is."""

    name: str = ""
    """Shown in the header of every page; empty shows none."""
    author: str = ""
    """Who acts when nobody else is named; empty means the operating system's user."""


class WindowTable(_Table):
    """``[window]``: how much telemetry an incident gets."""

    baseline: _Duration = timedelta(hours=1)
    """How long before the incident its normal behaviour is looked for."""
    padding_before: _Duration = timedelta(0)
    """How much earlier than ``started_at`` the window begins."""
    padding_after: _Duration = timedelta(0)
    """How much later than ``resolved_at`` the window ends."""


class RecordTable(_Table):
    """``[record]``: where incidents, timeline entries, actions and their history are kept."""

    url: str = "sqlite:///records.db"
    """An SQLAlchemy address; a relative SQLite path starts at the workspace."""


class ServeTable(_Table):
    """``[serve]``: the dashboards."""

    max_live_pages: int = Field(default=4, ge=1, le=64)
    """How many pages with a running kernel may be open at once; the next visitor is told to wait."""
    idle_minutes: float = Field(default=10, gt=0)
    """After how long without use a live page's kernel ends."""


class Settings(_Table):
    """All of ``workbench.toml``."""

    format: int = FORMAT
    workspace: WorkspaceTable = WorkspaceTable()
    window: WindowTable = WindowTable()
    record: RecordTable = RecordTable()
    serve: ServeTable = ServeTable()
    sources: dict[SourceName, dict[str, Any]] = Field(default_factory=dict)
    """Each ``[sources.NAME]`` as written; the backend of its ``kind`` checks the rest."""


def read_settings(path: Path) -> Settings:
    """Return the settings in a ``workbench.toml``.

    Raises:
        WorkspaceError: the file is missing, isn't TOML, is of a newer version, or has a key or a value that can't be.
    """
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WorkspaceError(
            f"{path.parent} is not a workspace: it has no {FILE}", do="Run: workbench init DIR"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkspaceError(f"{FILE} can't be read as TOML: {error}", do="Correct that line") from error
    except OSError as error:
        raise WorkspaceError(f"{FILE} can't be read ({error.strerror})", do="Check who may read it") from error
    number = facts.get("format", FORMAT)
    if not isinstance(number, int) or number > FORMAT:
        raise WorkspaceError(
            f"this workspace has format {number}, newer than this version understands ({FORMAT})",
            do="Update the workbench (pip install --upgrade incident-review-workbench)",
        )
    try:
        return Settings.model_validate(facts)
    except ValidationError as error:
        raise _wrong(error) from error


def _wrong(error: ValidationError) -> WorkspaceError:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part != "[key]"]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        table = f"[{'.'.join(place[:-1])}]" if place[:-1] else "the top"
        return WorkspaceError(
            f"{FILE} has the unknown key {place[-1]!r} at {table}", do="Correct its name, or take it out"
        )
    if "[key]" in first["loc"]:
        return WorkspaceError(
            f"{FILE} names a source {place[-1]!r}, which can't be part of a file's name",
            do="Use letters, digits, - and _",
        )
    reason = first["msg"].removeprefix("Value error, ")
    told = f"{FILE}: {key} = {first['input']!r}: {reason[:1].lower()}{reason[1:]}"
    return WorkspaceError(told, do="Correct it there")
