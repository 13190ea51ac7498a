"""Verifying shows that the history is whole and that every row is what the history says it last became."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from workbench.errors import WorkbenchError
from workbench.record import history
from workbench.record.tables import ActionRow, IncidentRow, Row, SnapshotRow, TimelineEntryRow

__all__ = ["broken"]

_TABLES: dict[str, type[Row]] = {table.kind: table for table in (IncidentRow, TimelineEntryRow, ActionRow, SnapshotRow)}


def broken(session: Session, known: Mapping[int, str] | None = None) -> list[str]:
    """Return a sentence for each thing that isn't as it was written; empty when all is whole.

    Args:
        session: where to read.
        known: hashes of history entries noted elsewhere, by their number.
    """
    wrong, last = history.broken_links(session, _same, known)
    for table in _TABLES.values():
        wrong += _edited(session, table, {key: after for (kind, key), after in last.items() if kind == table.kind})
    return wrong


def _same(kind: str, saved: str, told: str) -> bool:
    if saved == told:
        return True
    table = _TABLES.get(kind)
    try:
        return table is not None and _expected(table, json.loads(saved)) == json.loads(told)
    except ValueError:
        return False


def _edited(session: Session, table: type[Row], last: dict[str, str]) -> list[str]:
    wrong = []
    keys = inspect(table).primary_key
    for identity in session.execute(select(*keys)).all():
        name = "/".join(str(part) for part in identity)
        after = last.pop(name, None)
        if after is None:
            wrong.append(f"{table.kind} {name} stands in the record and not in its history: it was put in from outside")
            continue
        try:
            row = session.get_one(table, identity if len(keys) > 1 else identity[0])
            same = row.told() == _expected(table, json.loads(after))
        except (ValueError, TypeError, AttributeError):
            same = False
        if not same:
            wrong.append(f"{table.kind} {name} is not what its history says: it was changed from outside")
    wrong += [f"{table.kind} {name} is gone from the record: it was taken out from outside" for name in last]
    session.expire_all()
    return wrong


def _expected(table: type[Row], after: dict[str, Any]) -> dict[str, Any]:
    """Return what the row must tell: what was written, and the defaults of fields that the format has gained since."""
    try:
        filled = table.model.model_validate(after).model_dump(mode="json")
    except (ValidationError, WorkbenchError):
        return after
    return _over(filled, after)


def _over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return ``under`` with every value of ``over``, which is never tidied: a changed space must be seen."""
    merged = dict(under)
    for name, value in over.items():
        below = under.get(name)
        merged[name] = _over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
