"""The history is every change ever made, each holding the hash of the one before; it is only added to and read.

What the chain shows: an entry that was changed, taken out, put in or moved, also at the end (the head counts them), and
a row that was edited without an entry. What it can't show: somebody who rewrites the whole history and its head. For
that, a hash noted elsewhere is needed: every published review carries the head's, and `broken_links` compares with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workbench.record.model import HistoryEntry
from workbench.record.tables import HeadRow, HistoryRow
from workbench.window import format_time

__all__ = ["GENESIS", "append", "broken_links", "canonical", "entries", "head", "link"]

GENESIS = "0" * 64
"""What stands before the first entry."""

HEAD_ID = 1
_FORMAT = 1
_BATCH = 500


def canonical(value: object) -> str:
    """Return JSON that is the same for the same content: keys sorted, no spaces, every script as itself."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def head(session: Session, *, lock: bool = False) -> HeadRow | None:
    """Return the head; with ``lock``, nobody else writes until this transaction ends."""
    query = select(HeadRow).where(HeadRow.id == HEAD_ID)
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def append(
    session: Session,
    end: HeadRow,
    *,
    at: datetime,
    author: str,
    kind: str,
    object_id: str,
    incident_id: str,
    action: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> None:
    """Add one entry behind ``end``, the locked head, in the transaction of the change it tells of."""
    row = HistoryRow(
        seq=end.count + 1,
        at=at,
        author=author,
        kind=kind,
        object_id=object_id,
        incident_id=incident_id,
        action=action,
        before=None if before is None else canonical(before),
        after=canonical(after),
        previous_hash=end.hash,
    )
    row.hash = link(row)
    session.add(row)
    end.count, end.hash = row.seq, row.hash


def link(row: HistoryRow) -> str:
    """Return the SHA-256 an entry must have: of everything in it and of the hash before it, as canonical JSON."""
    content = {
        "format": _FORMAT,
        "seq": row.seq,
        "at": format_time(row.at),
        "author": row.author,
        "kind": row.kind,
        "object": row.object_id,
        "incident": row.incident_id,
        "action": row.action,
        "before": row.before,
        "after": row.after,
        "previous": row.previous_hash,
    }
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def entries(session: Session, incident_id: str | None = None) -> list[HistoryEntry]:
    """Return the history in order, of one incident and all that belongs to it, or of all."""
    query = select(HistoryRow).order_by(HistoryRow.seq)
    if incident_id is not None:
        query = query.where(HistoryRow.incident_id == incident_id)
    return [_told(row) for row in session.scalars(query)]


def broken_links(
    session: Session, same: Callable[[str, str, str], bool], known: Mapping[int, str] | None = None
) -> tuple[list[str], dict[tuple[str, str], str]]:
    """Walk the chain; return what is wrong with it, and the last ``after`` of every object by (kind, id).

    Args:
        session: where to read.
        same: whether a row of a kind that was saved as the first text may tell itself as the second.
        known: hashes noted elsewhere, by the number of the entry they belong to.
    """
    wrong: list[str] = []
    last: dict[tuple[str, str], str] = {}
    noted = dict(known or {})
    expected, previous = 1, GENESIS
    for seq, row in _rows(session):
        if seq != expected:
            missing = f"entry {expected} is" if seq == expected + 1 else f"entries {expected} to {seq - 1} are"
            wrong.append(f"history: {missing} missing" if seq > expected else f"history: entry {seq} was put in")
        if row is None:
            wrong.append(f"history: entry {seq} can't be read")
            expected, previous = seq + 1, ""
            continue
        told = f"entry {seq} ({row.action} {row.kind} {row.object_id}, {format_time(row.at)} by {row.author})"
        if link(row) != row.hash:
            wrong.append(f"history: {told} was changed after it was written")
        elif seq == expected and previous and row.previous_hash != previous:
            wrong.append(f"history: {told} doesn't follow from the entry before it")
        if noted.pop(seq, row.hash) != row.hash:
            wrong.append(f"history: {told} is not the one that was noted when a review was made")
        before = last.get((row.kind, row.object_id))
        if before is not None and row.before is not None and not same(row.kind, before, row.before):
            wrong.append(f"history: {told} begins with what no entry says: it was changed from outside before")
        last[row.kind, row.object_id] = row.after
        expected, previous = seq + 1, row.hash
    wrong += [f"history: entry {seq}, noted when a review was made, is missing" for seq in sorted(noted)]
    return wrong + _wrong_end(session, expected - 1, previous), last


def _wrong_end(session: Session, count: int, last_hash: str) -> list[str]:
    end = head(session)
    if end is None:
        return ["history: the row that says how it ends is missing"]
    if end.count > count:
        return [f"history: {end.count} entries were written and the last {end.count - count} are missing"]
    if end.count < count:
        return [f"history: {end.count} entries were written and {count - end.count} more were put in at the end"]
    if last_hash and end.hash != last_hash:
        return ["history: its last entry is not the one that was written last"]
    return []


def _rows(session: Session) -> Iterator[tuple[int, HistoryRow | None]]:
    """Yield every row with its number; None for one whose columns hold what the workbench never writes."""
    numbers = list(session.scalars(select(HistoryRow.seq).order_by(HistoryRow.seq)))
    for start in range(0, len(numbers), _BATCH):
        batch = numbers[start : start + _BATCH]
        query = select(HistoryRow).where(HistoryRow.seq.between(batch[0], batch[-1])).order_by(HistoryRow.seq)
        try:
            yield from [(row.seq, row) for row in session.scalars(query)]
        except (ValueError, TypeError):
            for number in batch:
                yield number, _row(session, number)
        session.expire_all()


def _row(session: Session, number: int) -> HistoryRow | None:
    try:
        return session.get_one(HistoryRow, number)
    except (ValueError, TypeError):
        return None


def _told(row: HistoryRow) -> HistoryEntry:
    return HistoryEntry(
        seq=row.seq,
        at=row.at,
        author=row.author,
        kind=row.kind,
        object_id=row.object_id,
        incident_id=row.incident_id,
        action=row.action,
        before=None if row.before is None else json.loads(row.before),
        after=json.loads(row.after),
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
