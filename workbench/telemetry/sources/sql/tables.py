"""A source's tables: what its settings name for each frame, checked before any database is asked."""

from __future__ import annotations

from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES, FrameName
from workbench.telemetry.sources.sql.query import Table

__all__ = ["tables"]

_MOST_PARTS = 3


def tables(name: str, settings: dict[str, object]) -> dict[FrameName, Table]:
    """Return the table of each frame that the settings name one for.

    Args:
        name: the source's name, for errors.
        settings: ``metrics``, ``logs``, ``spans``, ``events`` as tables, and ``select``, a table of SELECTs by frame.

    Raises:
        SourceError: a key is unknown, a frame is named twice or not as it must be, or none is named at all.
    """
    where = f"[sources.{name}] in workbench.toml"
    unknown = sorted(set(settings) - {*FRAMES, "select"})
    if unknown:
        known = (
            "kind, url, url_env, password_env, password_command, columns, time_format, time_zone, duration_unit, names"
        )
        raise SourceError(f"{where} has the key {unknown[0]!r}", do=f"Known keys: {known}, select, {', '.join(FRAMES)}")
    selects = _selects(name, settings.get("select", {}))
    made: dict[FrameName, Table] = {}
    for frame in FRAMES:
        if frame in selects and frame in settings:
            raise SourceError(f"{where} has both {frame} and a select for {frame}", do="Keep one of them")
        if frame in selects:
            made[frame] = Table(frame, select=selects[frame])
        elif frame in settings:
            made[frame] = Table(frame, parts=_parts(settings[frame], frame, where))
    if not made:
        raise SourceError(f"{where} names no table", do=f"Add at least one of {', '.join(FRAMES)}")
    return made


def _parts(value: object, frame: str, where: str) -> tuple[str, ...]:
    parts = tuple(value.split(".")) if isinstance(value, str) else ()
    if not parts or not all(parts) or len(parts) > _MOST_PARTS:
        raise SourceError(
            f"{frame} of {where} is {value!r}",
            do='Give a table: "logs", "schema.logs" or "catalog.schema.logs"; for anything else, a select',
        )
    return parts


def _selects(name: str, value: object) -> dict[str, str]:
    where = f"[sources.{name}.select] in workbench.toml"
    if not isinstance(value, dict) or not all(isinstance(text, str) and text.strip() for text in value.values()):
        raise SourceError(f"{where} is not a table of SELECTs", do='Write it like logs = "SELECT … FROM …"')
    unknown = sorted(set(value) - set(FRAMES))
    if unknown:
        raise SourceError(f"{where} has the key {unknown[0]!r}", do=f"Known keys: {', '.join(FRAMES)}")
    return {frame: text.strip().rstrip(";").rstrip() for frame, text in value.items()}
