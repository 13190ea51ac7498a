"""A text row is a row whose values came as text or JSON; one that can't be read is left out, counted and told."""

from __future__ import annotations

import threading
from datetime import datetime

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.attributes import as_text
from workbench.telemetry.columns import DURATION_UNITS, Columns, Resolved
from workbench.telemetry.conform import flattened, no_zone
from workbench.telemetry.impossible import impossible, impossible_times, unreadable_rows
from workbench.telemetry.moments import moments, without_zone
from workbench.telemetry.schema import FRAMES, TIME_COLUMN
from workbench.telemetry.source import Query, Tally

__all__ = ["LINE", "Odd", "inside", "made"]

LINE = "\0line"
"""The column with the number of each row's line."""
_TIME = "\0time"


class Odd:
    """What is odd about the rows of one file, gathered while its pages are read and told once at the end."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self._lock = threading.Lock()
        self._unreadable: dict[str, tuple[int, int]] = {}
        self._impossible = 0
        self._earliest: datetime | None = None
        self._zoneless = False

    def unreadable(self, why: str, numbers: pl.Series) -> None:
        """Count rows that can't be read, by the numbers of their lines."""
        if numbers.len():
            with self._lock:
                rows, first = self._unreadable.get(why, (0, int(numbers[0])))
                self._unreadable[why] = (rows + numbers.len(), min(first, *numbers))

    def impossible(self, times: pl.Series) -> None:
        """Count rows whose time can't be right."""
        earliest = times.min()
        with self._lock:
            self._impossible += times.len()
            if isinstance(earliest, datetime):
                self._earliest = min(earliest, self._earliest or earliest)

    def zoneless(self) -> None:
        """Remember that times carry no zone."""
        self._zoneless = True

    def tell(self, tally: Tally) -> None:
        """Write all of it into the tally."""
        problems = [no_zone(self.origin)] if self._zoneless else []
        problems += impossible_times(self._impossible, self._earliest, origin=self.origin)
        for why, (rows, first) in self._unreadable.items():
            problems += unreadable_rows(rows, first, why, origin=self.origin)
        for problem in problems:
            tally.note(problem)


def inside(page: pl.DataFrame, found: Resolved, columns: Columns, query: Query, odd: Odd) -> pl.DataFrame:
    """Return the rows of the window and the services, with their time; what can't be placed in time is counted."""
    name = found.stored[TIME_COLUMN[found.frame]]
    column, dtype = flattened(page.schema)[name]
    try:
        time = moments(column, dtype, columns, called=name, origin=odd.origin)
    except SourceError:
        if dtype.is_integer() or dtype.is_float():
            raise
        # One page of a file may hold nothing that could be a time, such as true and false.
        column, dtype, time = pl.lit(""), pl.String(), pl.lit(None, dtype=pl.Datetime("us", "UTC"))
    placed = page.with_columns(time.alias(_TIME))
    wrong = impossible(pl.col(_TIME), pl.Datetime("us", "UTC"), pl.col(_TIME), columns)
    odd_ones = placed.lazy().select(_TIME, LINE, column.is_not_null().alias("told")).filter(wrong).collect()
    unread = pl.col("told") & pl.col(_TIME).is_null()
    odd.unreadable(f"{name!r} can't be read as a time", odd_ones.filter(unread)[LINE])
    odd.impossible(odd_ones.filter(~unread)[_TIME])
    kept = placed.filter(query.window.holds(_TIME))
    if not columns.zone_is_set and kept.select(without_zone(column, dtype, columns).any()).item():
        odd.zoneless()
    if query.services and "service" in found.stored:
        service, _ = flattened(page.schema)[found.stored["service"]]
        kept = kept.filter(service.cast(pl.String).is_in(query.services))
    return kept


def made(page: pl.DataFrame, found: Resolved, odd: Odd, attributes: pl.Expr) -> pl.DataFrame:
    """Return rows that `inside` kept with the frame's columns and `LINE`; a value of a wrong type leaves its row out.

    Raises:
        SourceError: nothing tells the unit of durations.
    """
    flat = flattened(page.schema)
    columns = [pl.col(LINE)]
    wrong: dict[str, str] = {}
    for name, wanted in FRAMES[found.frame].items():
        stored = found.stored.get(name)
        if name == "attributes":
            columns.append(attributes.alias(name))
        elif name == TIME_COLUMN[found.frame]:
            columns.append(pl.col(_TIME).alias(name))
        elif stored is None:
            columns.append(pl.lit(None, dtype=wanted).alias(name))
        else:
            column, dtype = flat[stored]
            value = (
                _nanoseconds(column, found, stored, odd.origin) if wanted == pl.Int64 else _plain(column, dtype, wanted)
            )
            columns.append(value.alias(name))
            if wanted != pl.String:
                mark = f"\0wrong {name}"
                columns.append((column.is_not_null() & value.is_null()).alias(mark))
                wrong[mark] = f"{stored!r} can't be read as a number"
    done = page.select(columns)
    for mark, why in wrong.items():
        odd.unreadable(why, done.filter(mark)[LINE])
        done = done.filter(~pl.col(mark))
    return done.select(*FRAMES[found.frame].names(), LINE)


def _plain(column: pl.Expr, dtype: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Return a scalar in the frame's type, null where it can't be; what JSON nests becomes JSON text."""
    if wanted == pl.String:
        return as_text(column, dtype)
    if dtype == pl.String:
        return column.str.strip_chars().cast(wanted, strict=False)
    return column.cast(wanted, strict=False) if dtype.is_numeric() else pl.lit(None, dtype=wanted)


def _nanoseconds(column: pl.Expr, found: Resolved, stored: str, origin: str) -> pl.Expr:
    if found.duration_unit is None:
        raise SourceError(
            f"nothing tells the unit of {stored!r} in {origin}",
            do=f"Set duration_unit to one of {', '.join(DURATION_UNITS)}",
        )
    steps = DURATION_UNITS[found.duration_unit]
    text = column.cast(pl.String, strict=False).str.strip_chars()
    whole = text.cast(pl.Int128, strict=False) * steps
    broken = (text.cast(pl.Float64, strict=False) * steps).round(0)
    told = pl.when(broken.abs() < 2.0**62).then(broken).cast(pl.Int128, strict=False)
    return whole.fill_null(told).cast(pl.Int64, strict=False)
