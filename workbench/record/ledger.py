"""The ledger saves a change and its history entry together, or neither, and only over the version that was edited."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.errors import ConflictError, InvalidError, UnknownError
from workbench.record import history, refusals
from workbench.record.database import Database
from workbench.record.fields import RequiredText
from workbench.record.tables import ActionRow, HeadRow, IncidentRow, Row, TimelineEntryRow
from workbench.record.words import Fact, explain
from workbench.window import format_time

__all__ = ["Ledger", "checked", "found", "new_id", "standing", "told", "valid"]

F = TypeVar("F", bound=Fact)
R = TypeVar("R", IncidentRow, TimelineEntryRow, ActionRow)
W = TypeVar("W", TimelineEntryRow, ActionRow)

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 10


class Ledger:
    """What every kind of thing in the record is saved through.

    Args:
        database: where it rests.
        author: who every save names.
        clock: what time it is, in UTC.
    """

    def __init__(self, database: Database, author: str, clock: Callable[[], datetime]) -> None:
        self.database = database
        self.author = author
        self._now = clock

    def _save_new(self, session: Session, end: HeadRow, row: R, incident_id: str) -> dict[str, Any]:
        """Save a row for the first time; return it as JSON."""
        row.version = 1
        row.created_at = row.updated_at = at = self._now()
        row.created_by = row.updated_by = self.author
        session.add(row)
        session.flush()  # before its history entry, so that a refusal of the database names the row
        self._append(session, end, row, at, incident_id, "added", None)
        return row.told()

    def _save_over(
        self, table: type[R], key: str, version: int, action: str, change: Callable[[R], None]
    ) -> dict[str, Any]:
        """Change a row that still has the version that was edited; return it as JSON. Nothing new makes no version."""

        def save(session: Session, end: HeadRow) -> dict[str, Any]:
            row = found(session, table, key)
            if row.version != version:
                raise ConflictError.newer(
                    row.kind,
                    key,
                    mine=version,
                    theirs=row.model.model_validate(row.told()),
                    version=row.version,
                    author=row.updated_by,
                    at=format_time(row.updated_at),
                )
            before = row.told()
            change(row)
            if row.told() != before:
                row.version += 1
                row.updated_at = at = self._now()
                row.updated_by = self.author
                self._append(session, end, row, at, before.get("incident_id", key), action, before)
            return row.told()

        return self.database.write(f"changing a {table.kind}", save)

    def _withdraw(self, table: type[W], key: str, version: int, reason: str) -> dict[str, Any]:
        """Mark a row as withdrawn; return it as JSON."""
        if not reason.strip():
            raise refusals.needs_reason(table.kind)
        reason = valid(RequiredText, reason, table.kind, "reason")

        def change(row: W) -> None:
            standing(row)
            row.withdrawn_reason = reason

        return self._save_over(table, key, version, "withdrawn", change)

    def _append(
        self,
        session: Session,
        end: HeadRow,
        row: Row,
        at: datetime,
        incident_id: str,
        action: str,
        before: dict[str, Any] | None,
    ) -> None:
        """Add the history entry of a change to ``row`` in the same transaction."""
        history.append(
            session,
            end,
            at=at,
            author=self.author,
            kind=row.kind,
            object_id=row.key,
            incident_id=incident_id,
            action=action,
            before=before,
            after=row.told(),
        )


def found(session: Session, table: type[R], key: str) -> R:
    """Return the row with this id.

    Raises:
        UnknownError: there is none; names the nearest.
    """
    row = session.get(table, key)
    if row is None:
        raise UnknownError.named(table.kind, key, list(session.scalars(select(table.id))))
    return row


def told(row: Row, kind: type[F]) -> F:
    """Return a row as people see it."""
    return kind.model_validate(row.told())


def checked(kind: type[F], draft: F) -> F:
    """Return the draft, checked once more: a copy that was updated has not been.

    Raises:
        InvalidError: with every field that needs correcting.
    """
    values = draft.model_dump(warnings=False)
    return kind.of({name: values[name] for name in kind.model_fields if name in values})


def valid(kind: Any, value: object, called: str, field: str) -> Any:
    """Return one value as the type of field it is for.

    Raises:
        InvalidError: naming the field.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise InvalidError.of(called, {field: next(iter(explain(error).values()))}) from None


def standing(row: TimelineEntryRow | ActionRow) -> None:
    """Refuse to go on with what was withdrawn.

    Raises:
        RecordError: says why it was withdrawn.
    """
    if row.withdrawn_reason is not None:
        raise refusals.withdrawn(f"{row.kind} {row.id}", row.withdrawn_reason)


def new_id(prefix: str) -> str:
    """Return an id that nobody else makes: the kind's name and ten letters and digits that can be read aloud."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
