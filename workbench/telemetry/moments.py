"""A moment is a point in time as a backend writes it: a timestamp, a count from 1970, or text; here it becomes UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.columns import UNIX_UNITS, Columns

__all__ = ["bound", "moments", "without_zone"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = pl.Datetime("us", "UTC")
_WITH_ZONE = "%Y-%m-%dT%H:%M:%S%.f%#z"
_WITHOUT_ZONE = "%Y-%m-%dT%H:%M:%S%.f"
_TO_THE_MINUTE = ("%Y-%m-%dT%H:%M%#z", "%Y-%m-%dT%H:%M")


def moments(stored: pl.Expr, dtype: pl.DataType, columns: Columns, *, called: str, origin: str) -> pl.Expr:
    """Return a stored column as UTC microseconds; what can't be read as a time is null.

    Digits finer than microseconds are cut off, so that no row moves into the next window.

    Args:
        stored: the stored column.
        dtype: its type.
        columns: the format and zone that the settings tell.
        called: the column's name, for errors.
        origin: the file, for errors.

    Raises:
        SourceError: the type can't be a time, or is a number and no ``time_format`` says of what.
    """
    if isinstance(dtype, pl.Datetime):
        aware = stored if dtype.time_zone else _placed(stored, columns.time_zone)
        return aware.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    if dtype == pl.Null:
        return pl.lit(None, dtype=_UTC)
    steps = UNIX_UNITS.get(columns.time_format or "")
    if steps is not None and dtype.is_numeric():
        return _counted(stored, dtype, steps)
    if dtype == pl.String or isinstance(dtype, (pl.Categorical, pl.Enum)):
        return stored.cast(pl.String).map_batches(lambda texts: _read(texts, columns), return_dtype=_UTC)
    if dtype.is_integer() or dtype.is_float():
        raise SourceError(
            f"the column {called!r} of {origin} has the type {dtype}, and nothing tells what it counts",
            do=f"Set time_format to one of {', '.join(UNIX_UNITS)}",
        )
    raise SourceError(
        f"the column {called!r} of {origin} has the type {dtype}, not a time",
        do="Write it as a timestamp, as text in ISO 8601, or as a count from 1970",
    )


def bound(moment: datetime, dtype: pl.DataType, columns: Columns) -> pl.Expr | None:
    """Return a moment as a column stores it, for a comparison that statistics can answer; None where there is none.

    It may lie up to one step of the column before the moment, so compare with ``>=`` and ``<=``, and draw the exact
    border once the time is in microseconds.
    """
    if isinstance(dtype, pl.Datetime):
        local = moment.astimezone(ZoneInfo(dtype.time_zone or columns.time_zone))
        return pl.lit(local if dtype.time_zone else local.replace(tzinfo=None), dtype=dtype)
    steps = UNIX_UNITS.get(columns.time_format or "")
    if steps is not None and dtype.is_integer():
        since = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
        return pl.lit(since // steps, dtype=pl.Int64)
    return None


def without_zone(stored: pl.Expr, dtype: pl.DataType, columns: Columns) -> pl.Expr:
    """Return whether each time of a stored column carries no zone, so that one had to be taken for granted."""
    if isinstance(dtype, pl.Datetime):
        return pl.lit(dtype.time_zone is None)
    if dtype != pl.String or columns.time_format in UNIX_UNITS:
        return pl.lit(value=False)
    if columns.time_format in {None, "iso"}:
        zone = r"(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"
        return stored.is_not_null() & ~stored.str.contains(zone)
    return pl.lit(not _has_zone(str(columns.time_format)))


def _read(texts: pl.Series, columns: Columns) -> pl.Series:
    """Return texts as UTC microseconds."""
    form = columns.time_format or "iso"
    if form in UNIX_UNITS:
        counts = texts.str.strip_chars().to_frame("t")
        return counts.select(_counted(pl.col("t"), pl.String(), UNIX_UNITS[form])).to_series()
    if form != "iso":
        return _parsed(texts.str.strip_chars(), form, columns.time_zone)
    found = _parsed(texts, _WITH_ZONE, columns.time_zone)
    if found.null_count() == texts.null_count():
        return found
    # ISO 8601 as people and loggers write it: a blank for the T, a comma before the fraction.
    left = texts.set(found.is_not_null(), None).str.strip_chars()
    plain = left.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T").str.replace(",", ".", literal=True)
    for other in (_WITH_ZONE, _WITHOUT_ZONE, *_TO_THE_MINUTE):
        found = found.fill_null(_parsed(plain, other, columns.time_zone))
        if found.null_count() == texts.null_count():
            break
    return found


def _parsed(texts: pl.Series, form: str, zone: str) -> pl.Series:
    read = texts.to_frame("t").select(pl.col("t").str.to_datetime(form, time_unit="us", strict=False))
    aware = pl.col("t") if _has_zone(form) else _placed(pl.col("t"), zone)
    return read.select(aware.dt.convert_time_zone("UTC")).to_series()


def _has_zone(form: str) -> bool:
    return any(sign in form for sign in ("%z", "%:z", "%#z", "%+"))


def _placed(local: pl.Expr, zone: str) -> pl.Expr:
    """Return clock times in their zone: the first of two when clocks go back, null for one that clocks leap over."""
    return local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")


def _counted(stored: pl.Expr, dtype: pl.DataType, nanoseconds: int) -> pl.Expr:
    """Return counts from 1970 as times; whole numbers are reckoned as such, because a float is too coarse for them."""
    whole = stored.cast(pl.Int128, strict=False)
    exact = (whole * nanoseconds) // 1000
    if not dtype.is_integer():
        number = stored.cast(pl.Float64, strict=False)
        # A fraction of a second is meant to the microsecond; what lies below it is the float's own.
        rounded = (number * (nanoseconds / 1000)).round(0)
        broken = rounded.is_finite() & (rounded.abs() < 2.0**62)
        told = pl.when(broken).then(rounded).cast(pl.Int64, strict=False).cast(pl.Int128)
        exact = pl.when(whole == number).then(exact).otherwise(told) if dtype.is_float() else exact.fill_null(told)
    return pl.from_epoch(exact.cast(pl.Int64, strict=False), time_unit="us").dt.replace_time_zone("UTC")
