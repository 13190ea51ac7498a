"""An impossible time is one that can't be right: none at all, before 1971, or after 2199. Its row is in no window."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from workbench.telemetry.columns import Columns
from workbench.telemetry.moments import bound
from workbench.telemetry.source import Problem

__all__ = ["impossible", "impossible_times", "unreadable_rows"]

_FIRST_POSSIBLE = datetime(1971, 1, 1, tzinfo=UTC)
_LAST_POSSIBLE = datetime(2200, 1, 1, tzinfo=UTC)


def impossible(stored: pl.Expr, dtype: pl.DataType, made: pl.Expr, columns: Columns) -> pl.Expr:
    """Return whether a row's time can't be right.

    It is compared as it is stored where that can be, so that a file's statistics may answer without a row being read.

    Args:
        stored: the stored column.
        dtype: its type.
        made: what it is as a time.
        columns: how times are written.
    """
    first, last = bound(_FIRST_POSSIBLE, dtype, columns), bound(_LAST_POSSIBLE, dtype, columns)
    if first is None or last is None:
        first, last = (pl.lit(moment, dtype=pl.Datetime("us", "UTC")) for moment in (_FIRST_POSSIBLE, _LAST_POSSIBLE))
        return (made < first) | (made >= last) | made.is_null()
    return (stored < first) | (stored >= last) | stored.is_null()


def impossible_times(rows: int, first: datetime | None, *, origin: str) -> list[Problem]:
    """Return what a reader should know of rows whose time can't be right, with the earliest as an example."""
    if not rows:
        return []
    example = f"such as {first:%Y-%m-%d}" if first is not None else "empty"
    plural = "record carries a time" if rows == 1 else "records carry a time"
    text = f"{rows} {plural} that can't be right ({example}) in {origin}; they are in no window."
    return [Problem("impossible-time", rows, text)]


def unreadable_rows(rows: int, first: int | None, why: str, *, origin: str, place: str = "line") -> list[Problem]:
    """Return what a reader should know of rows that can't be read, with where the first of them stands."""
    if not rows:
        return []
    where = "" if first is None else f" (first at {place} {first:,})"
    plural = "row" if rows == 1 else "rows"
    return [Problem("unreadable-row", rows, f"{rows:,} {plural} of {origin} were left out: {why}{where}.")]
