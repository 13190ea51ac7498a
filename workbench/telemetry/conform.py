"""To conform is to give a backend's columns the types of a frame, or to say exactly which one can't have them."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.attributes import attributes
from workbench.telemetry.columns import DURATION_UNITS, Columns, Resolved
from workbench.telemetry.moments import bound, moments
from workbench.telemetry.schema import FRAMES, TIME_COLUMN, FrameName
from workbench.telemetry.source import Problem, Query

__all__ = ["conform", "converted", "flattened", "no_zone", "resolved"]

_PLAIN = Columns()


def conform(
    data: pl.LazyFrame, frame: FrameName, query: Query, *, origin: str, columns: Columns = _PLAIN
) -> tuple[pl.LazyFrame, list[Problem]]:
    """Return the rows of the query's window with exactly the frame's columns, and what a reader should know of them.

    The window and the services are filtered on the column as it is stored, so that a scan can skip what it needn't
    read; they are filtered again once the time is in microseconds, because a coarser unit can't say a border exactly.

    Args:
        data: what the backend scans, unread.
        frame: which frame it becomes.
        query: the window and services.
        origin: the file or address, for errors.
        columns: which column is which, and how times are written.

    Raises:
        SourceError: a column the frame can't do without is absent, or one has a type that can't become the frame's.
    """
    stored = data.collect_schema()
    found = resolved(stored, frame, columns, origin=origin)
    time = found.stored[TIME_COLUMN[frame]]
    made = converted(stored, found, columns, origin=origin)
    problems: list[Problem] = []
    flat = flattened(stored)
    column, dtype = flat[time]
    inside = _in_window(column, dtype, query, columns)
    if inside is not None:
        data = data.filter(inside)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is None and not columns.zone_is_set:
        problems.append(no_zone(origin))
    if query.services and "service" in found.stored:
        service, _ = flat[found.stored["service"]]
        data = data.filter(service.cast(pl.String).is_in(query.services))
    rows = data.select(made).filter(query.window.holds(TIME_COLUMN[frame]))
    return rows, problems


def resolved(schema: pl.Schema, frame: FrameName, columns: Columns, *, origin: str) -> Resolved:
    """Return which stored column, or part of a struct, is which of the frame's.

    Raises:
        SourceError: a column is absent.
    """
    nested = [name for name in flattened(schema) if name not in schema]
    return columns.resolve(frame, schema.names(), nested, origin=origin)


def converted(schema: pl.Schema, found: Resolved, columns: Columns, *, origin: str) -> list[pl.Expr]:
    """Return the frame's columns as expressions over the stored ones.

    Raises:
        SourceError: a column has a type that can't become the frame's.
    """
    flat = flattened(schema)
    made = []
    for name, wanted in FRAMES[found.frame].items():
        stored = found.stored.get(name)
        if name == "attributes":
            made.append(attributes({n: dtype for n, (_, dtype) in flat.items()}, stored, found.extra))
        elif stored is None or flat[stored][1] == pl.Null:
            made.append(pl.lit(None, dtype=wanted).alias(name))
        elif isinstance(wanted, pl.Datetime):
            made.append(moments(*flat[stored], columns, called=stored, origin=origin).alias(name))
        elif name == "duration_ns":
            made.append(_nanoseconds(*flat[stored], found, stored, origin).alias(name))
        else:
            made.append(_column(*flat[stored], wanted, stored, origin).alias(name))
    return made


def no_zone(origin: str) -> Problem:
    """Return the note that times carry no zone."""
    return Problem("time-without-zone", 0, f"The times of {origin} carry no zone; they were read as UTC.")


def flattened(schema: pl.Schema) -> dict[str, tuple[pl.Expr, pl.DataType]]:
    """Return columns, and what lies inside structs by its dotted path, each with its type."""
    flat = {name: (pl.col(name), dtype) for name, dtype in schema.items()}
    open_ = list(flat.items())
    for path, (column, dtype) in open_:
        if isinstance(dtype, pl.Struct):
            for field in dtype.fields:
                inner = field.dtype if isinstance(field.dtype, pl.DataType) else field.dtype()
                entry = (f"{path}.{field.name}", (column.struct.field(field.name), inner))
                if entry[0] not in flat:
                    flat[entry[0]] = entry[1]
                    open_.append(entry)
    return flat


def _in_window(column: pl.Expr, dtype: pl.DataType, query: Query, columns: Columns) -> pl.Expr | None:
    """Return the window in the column's own unit, zone and type, so that nothing is cast before the scan's filter."""
    # Clock times come twice in one hour a year: the scan reads a little more, and the exact border is drawn after it.
    margin = timedelta(hours=3) if isinstance(dtype, pl.Datetime) and dtype.time_zone is None else timedelta(0)
    first, last = (
        bound(query.window.start - margin, dtype, columns),
        bound(query.window.end + margin, dtype, columns),
    )
    return None if first is None or last is None else (column >= first) & (column <= last)


def _nanoseconds(column: pl.Expr, dtype: pl.DataType, found: Resolved, stored: str, origin: str) -> pl.Expr:
    if isinstance(dtype, pl.Duration):
        return column.dt.total_nanoseconds()
    if not (dtype.is_integer() or dtype.is_float()):
        raise _misfit(stored, dtype, pl.Int64(), origin)
    if found.duration_unit is None:
        raise SourceError(
            f"the column {stored!r} of {origin} has the type {dtype}, and nothing tells its unit",
            do=f"Set duration_unit to one of {', '.join(DURATION_UNITS)}",
        )
    nanoseconds = DURATION_UNITS[found.duration_unit]
    if dtype.is_integer():
        return column.cast(pl.Int64) * nanoseconds
    return (column.cast(pl.Float64) * nanoseconds).round(0).cast(pl.Int64)


def _column(column: pl.Expr, dtype: pl.DataType, wanted: pl.DataType, stored: str, origin: str) -> pl.Expr:
    if dtype == pl.Binary and wanted == pl.String:
        # OpenTelemetry keeps the identities of traces as bytes, and shows them as hexadecimal digits.
        return column.bin.encode("hex")
    words = dtype in (pl.String, pl.Categorical, pl.Boolean) or isinstance(dtype, pl.Enum)
    fits = (wanted == pl.Float64 and dtype.is_numeric()) or (wanted == pl.String and (dtype.is_integer() or words))
    if not fits:
        raise _misfit(stored, dtype, wanted, origin)
    return column.cast(wanted)


def _misfit(stored: str, dtype: pl.DataType, wanted: pl.DataType, origin: str) -> SourceError:
    return SourceError(
        f"the column {stored!r} of {origin} has the type {dtype}, which can't become {wanted}",
        do="Convert it in the file, or point the source at another file",
    )
