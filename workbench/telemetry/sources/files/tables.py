"""A table in text has one row a record and the same columns in every one; its first record names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.attributes import attributes
from workbench.telemetry.columns import Columns, Resolved
from workbench.telemetry.conform import resolved
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Query
from workbench.telemetry.sources.files.records import RECORD, Dialect, Records
from workbench.telemetry.sources.files.text_rows import LINE, Odd, inside, made

__all__ = ["TextTable", "twins"]


class TextTable:
    """Reads one file's records into the frame."""

    def __init__(
        self,
        frame: FrameName,
        columns: Columns,
        keys: Mapping[str, str | None],
        dialect: Dialect,
        names: Sequence[str] | None,
        odd: Odd,
    ) -> None:
        self.odd = odd
        self.records = Records(dialect)
        self._frame = frame
        self._columns = columns
        self._keys = keys
        self._dialect = dialect
        self._names = list(names) if names else None

    def begin(self, records: pl.DataFrame) -> pl.DataFrame:
        """Return the records without the first one of the file, once it has named the columns.

        Raises:
            SourceError: it names none, or one twice, or the frame lacks a column it can't do without.
        """
        written = records.filter(pl.col(RECORD).str.contains(r"\S"))
        if self._names is not None or not written.height:
            return written
        self._names = [name.strip() for name in self._dialect.row(written[RECORD][0])]
        double = twins(self._names)
        if double is not None:
            raise SourceError(
                f"the first line of {self.odd.origin} names the column {double!r} twice",
                do="Correct it in the file, or name the columns with column_names in workbench.toml",
            )
        self._resolved()
        return written[1:]

    def rows(self, records: pl.DataFrame, query: Query) -> pl.DataFrame:
        """Return the window's rows of some records; those that don't fit the columns are counted."""
        names = self._names or []
        fits = self._dialect.fits(records[RECORD], len(names))
        if not fits.all():
            # A stray quote may have put many lines together: each is looked at once more by itself.
            misfit = records.filter(~fits)
            lines = misfit.with_columns(pl.col(RECORD).str.split("\n")).explode(RECORD, empty_as_null=False)
            lines = lines.with_columns(pl.col("line") + pl.int_range(pl.len()).over("line"))
            good = self._dialect.fits(lines[RECORD], len(names))
            self.odd.unreadable(
                f"they don't have the {len(names)} values of the first line", lines.filter(~good)["line"]
            )
            records = pl.concat([records.filter(fits), lines.filter(good)]).sort("line")
        values = self._dialect.values(records[RECORD], [f"c{n}" for n in range(len(names))])
        page = values.rename({f"c{n}": name for n, name in enumerate(names)}).with_columns(
            records["line"].alias(LINE), *(pl.lit(v, dtype=pl.String).alias(k) for k, v in self._added().items())
        )
        found = self._resolved()
        kept = inside(page, found, self._columns, query, self.odd)
        schema = dict.fromkeys([*names, *self._added()], pl.String())
        return made(kept, found, self.odd, attributes(schema, found.stored.get("attributes"), found.extra)).drop(LINE)

    def _added(self) -> dict[str, str | None]:
        return {key: value for key, value in self._keys.items() if key not in (self._names or [])}

    def _resolved(self) -> Resolved:
        schema = pl.Schema(dict.fromkeys([*(self._names or []), *self._added()], pl.String()))
        return resolved(schema, self._frame, self._columns, origin=self.odd.origin)


def twins(names: Sequence[str]) -> str | None:
    """Return a name that is there twice, if there is one."""
    return next((name for place, name in enumerate(names) if name in names[:place]), None)
