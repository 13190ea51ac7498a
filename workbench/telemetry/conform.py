"""To conform is to give a backend's columns the types of a frame, or to say exactly which one can't have them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES, REQUIRED, TIME_COLUMN, FrameName
from workbench.telemetry.source import Problem, Query

__all__ = ["conform", "impossible_times"]

_FIRST_POSSIBLE = datetime(1971, 1, 1, tzinfo=UTC)
_LAST_POSSIBLE = datetime(2200, 1, 1, tzinfo=UTC)


def conform(data: pl.LazyFrame, frame: FrameName, query: Query, *, origin: str) -> tuple[pl.LazyFrame, list[Problem]]:
    """Return the rows of the query's window with exactly the frame's columns, and what a reader should know of them.

    The window and the services are filtered on the column as it is stored, so that a scan can skip what it needn't
    read; they are filtered again once the time is in microseconds, because a coarser unit can't say a border exactly.

    Args:
        data: what the backend scans, unread.
        frame: which frame it becomes.
        query: the window and services.
        origin: the file or address, for errors.

    Raises:
        SourceError: a column the frame can't do without is absent, or one has a type that can't become the frame's.
    """
    stored = data.collect_schema()
    absent = [name for name in REQUIRED[frame] if name not in stored]
    if absent:
        raise SourceError(
            f"{origin} has no column {' and no column '.join(map(repr, absent))}, which {frame} need; it has "
            f"{', '.join(stored.names()) or 'none'}",
            do="Rename the column in the file, or point the source at another file",
        )
    time = TIME_COLUMN[frame]
    problems: list[Problem] = []
    stored_time = stored[time]
    if not isinstance(stored_time, pl.Datetime):
        raise SourceError(
            f"the column {time!r} of {origin} has the type {stored_time}, not a time",
            do="Write it as a Parquet timestamp (seconds to nanoseconds, UTC)",
        )
    if stored_time.time_zone is None:
        problems.append(Problem("time-without-zone", 0, f"The times of {origin} carry no zone; they were read as UTC."))
    unused = [name for name in stored.names() if name not in FRAMES[frame]]
    if unused:
        problems.append(Problem("unused-columns", 0, f"Columns of {origin} that were not pinned: {', '.join(unused)}."))

    rows = data.filter(_in_window(time, stored_time, query))
    if query.services and "service" in stored:
        rows = rows.filter(pl.col("service").cast(pl.String).is_in(query.services))
    columns = [
        _column(name, dtype, stored.get(name), origin=origin).alias(name) for name, dtype in FRAMES[frame].items()
    ]
    return rows.select(columns).filter(query.window.holds(time)), problems


def impossible_times(data: pl.LazyFrame, frame: FrameName, *, origin: str) -> list[Problem]:
    """Return how many rows carry a time that can't be right: none at all, before 1971, or after 2199.

    Such rows are in no window, so they are counted over the whole file: only the time column is read, and only where
    the file's own statistics don't rule them out.
    """
    time = TIME_COLUMN[frame]
    dtype = data.collect_schema()[time]
    early = pl.col(time) < _literal(_FIRST_POSSIBLE, dtype)
    late = pl.col(time) >= _literal(_LAST_POSSIBLE, dtype)
    wrong = data.select(time).filter(early | late | pl.col(time).is_null())
    counted = wrong.select(pl.len().alias("rows"), pl.col(time).min().alias("first")).collect(engine="streaming")
    rows, first = counted.row(0)
    if not rows:
        return []
    example = f"such as {first:%Y-%m-%d}" if first is not None else "empty"
    plural = "record carries a time" if rows == 1 else "records carry a time"
    return [
        Problem(
            "impossible-time",
            rows,
            f"{rows} {plural} that can't be right ({example}) in {origin}; they are in no window.",
        )
    ]


def _in_window(time: str, dtype: pl.Datetime, query: Query) -> pl.Expr:
    return (pl.col(time) >= _literal(query.window.start, dtype)) & (pl.col(time) <= _literal(query.window.end, dtype))


def _literal(moment: datetime, dtype: pl.DataType) -> pl.Expr:
    """Return the moment in the column's own unit and zone, so that nothing is cast before the scan's filter."""
    assert isinstance(dtype, pl.Datetime)  # noqa: S101 - conform has refused every other type
    local = moment.astimezone(ZoneInfo(dtype.time_zone)) if dtype.time_zone else moment.replace(tzinfo=None)
    return pl.lit(local, dtype=dtype)


def _column(name: str, wanted: pl.DataType, stored: pl.DataType | None, *, origin: str) -> pl.Expr:
    column = pl.col(name)
    if stored is None or stored == pl.Null:
        return pl.lit(None, dtype=wanted)
    if isinstance(wanted, pl.Datetime) and isinstance(stored, pl.Datetime):
        in_zone = column.dt.convert_time_zone("UTC") if stored.time_zone else column.dt.replace_time_zone("UTC")
        return in_zone.dt.cast_time_unit("us")
    if wanted == pl.Int64 and isinstance(stored, pl.Duration):
        return column.dt.total_nanoseconds()
    if name == "attributes" and isinstance(stored, pl.Struct):
        return column.struct.json_encode()
    fits = (
        (wanted == pl.Float64 and stored.is_numeric())
        or (wanted == pl.Int64 and stored.is_integer())
        or (
            wanted == pl.String
            and (stored.is_integer() or stored in (pl.String, pl.Categorical) or isinstance(stored, pl.Enum))
        )
    )
    if not fits:
        raise SourceError(
            f"the column {name!r} of {origin} has the type {stored}, which can't become {wanted}",
            do="Convert it in the file, or point the source at another file",
        )
    return column.cast(wanted)
