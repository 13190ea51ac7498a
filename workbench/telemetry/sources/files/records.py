"""A record is one row of a table in text: mostly a line, and several where a quoted value goes over line ends."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

import polars as pl

__all__ = ["RECORD", "Dialect", "Records"]

RECORD = "\0record"
"""The column with a record's text."""
_LONGEST = 10_000
"""Lines of one record. A quote that isn't closed by then was none."""


@dataclass(frozen=True)
class Dialect:
    """What separates values, and what stands around one that holds a separator or a line end (RFC 4180)."""

    separator: str = ","
    quote: str = '"'

    def fits(self, records: pl.Series, count: int) -> pl.Series:
        """Return whether each record has so many values, every quote of it closed where the value ends."""
        separator, quote = re.escape(self.separator), re.escape(self.quote)
        quoted = f"{quote}(?:[^{quote}]|{quote}{quote})*{quote}"
        value = f"(?:{quoted}|[^{quote}{separator}\\n][^{separator}\\n]*|)"
        text = pl.col(RECORD)
        separators = text.str.replace_all(quoted, "").str.count_matches(self.separator, literal=True)
        whole = text.str.contains(f"^{value}(?:{separator}{value})*$")
        return records.to_frame(RECORD).select(whole & (separators == count - 1)).to_series()

    def values(self, records: pl.Series, names: list[str]) -> pl.DataFrame:
        """Return records as columns of text; a value that isn't there is null."""
        text = "\n".join(records).encode()
        schema = dict.fromkeys(names, pl.String)
        try:
            found = pl.read_csv(
                io.BytesIO(text),
                has_header=False,
                separator=self.separator,
                quote_char=self.quote,
                schema=schema,
            )
            if found.height == records.len():
                return found
        except pl.exceptions.PolarsError:
            pass
        # A quote inside an unquoted value: Python's reader takes it for what it is.
        rows = [self.row(record) for record in records]
        return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.all().replace({"": None}))

    def row(self, record: str) -> list[str]:
        """Return the values of one record."""
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=self.separator, quotechar=self.quote), [])


class Records:
    """Puts lines together to records, page by page; what isn't complete at a page's end waits for the next."""

    def __init__(self, dialect: Dialect) -> None:
        self._quote = dialect.quote
        self._waiting = pl.DataFrame(schema={RECORD: pl.String, "line": pl.Int64})

    def read(self, texts: pl.Series, first: int) -> pl.DataFrame:
        """Return the complete records of what waited and some more lines, with the number of each one's first line."""
        numbers = pl.int_range(first, first + texts.len(), eager=True, dtype=pl.Int64)
        lines = pl.concat([self._waiting, pl.DataFrame({RECORD: texts, "line": numbers})])
        quotes = pl.col(RECORD).str.count_matches(self._quote, literal=True).cum_sum()
        # A line begins a record where all quotes before it are closed.
        begins = (quotes.shift(1, fill_value=0) % 2 == 0).cum_sum()
        lines = lines.with_columns(begins.alias("record"), (quotes % 2 == 1).alias("open"))
        last = lines["record"][-1] if lines.height and lines["open"][-1] else None
        complete = lines.filter(pl.col("record") != last) if last is not None else lines
        waiting = lines.filter(pl.col("record") == last).select(RECORD, "line") if last is not None else lines.clear()
        self._waiting = waiting.select(RECORD, "line")
        found = _joined(complete)
        if waiting.height > _LONGEST:
            self._waiting = waiting.clear()
            rest = self.read(waiting[RECORD][1:], int(waiting["line"][1]))
            return pl.concat([found, waiting.head(1), rest])
        return found

    def rest(self) -> pl.DataFrame:
        """Return what still waits once there are no more lines: a record that is cut off."""
        left, self._waiting = self._waiting, self._waiting.clear()
        return _joined(left.with_columns(pl.lit(0).alias("record")))


def _joined(lines: pl.DataFrame) -> pl.DataFrame:
    if lines["record"].n_unique() == lines.height:
        return lines.select(RECORD, "line")
    joined = lines.group_by("record", maintain_order=True).agg(pl.col(RECORD).str.join("\n"), pl.col("line").first())
    return joined.select(RECORD, "line")
