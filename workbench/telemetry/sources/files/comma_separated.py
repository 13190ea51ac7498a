"""The csv source reads telemetry from tables in text files: comma-separated values, or whatever else separates them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Query, Tally
from workbench.telemetry.sources.files.lines import lines
from workbench.telemetry.sources.files.pages import side_by_side
from workbench.telemetry.sources.files.paths import Place, partition
from workbench.telemetry.sources.files.records import Dialect
from workbench.telemetry.sources.files.source import FileSource
from workbench.telemetry.sources.files.storage import is_remote
from workbench.telemetry.sources.files.tables import TextTable, twins
from workbench.telemetry.sources.files.text_rows import Odd

__all__ = ["CsvSource"]


class CsvSource(FileSource):
    """Tables in text files, plain or packed with gzip or zstd; read page by page, every value as text at first."""

    kind: ClassVar[str] = "csv"
    format: ClassVar[str] = "CSV"
    own: ClassVar[tuple[str, ...]] = ("separator", "quote", "column_names")

    _dialect = Dialect()
    _column_names: tuple[str, ...] | None = None

    def _set(self, settings: dict[str, object], where: str) -> None:
        separator, quote = settings.get("separator", ","), settings.get("quote", '"')
        for key, value in (("separator", separator), ("quote", quote)):
            if not isinstance(value, str) or not re.fullmatch(r"[\x09\x20-\x7e]", value):
                raise SourceError(f"{key} of {where} is {value!r}", do='Give one sign, such as ";" or "\\t"')
        if separator == quote:
            raise SourceError(f"separator and quote of {where} are both {quote!r}", do="Give two different signs")
        self._dialect = Dialect(str(separator), str(quote))
        names = settings.get("column_names")
        if names is not None:
            if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
                raise SourceError(f"column_names of {where} is {names!r}", do="Give the names of all columns, in order")
            if twins(names) is not None:
                raise SourceError(f"column_names of {where} has {twins(names)!r} twice", do="Name each column once")
            self._column_names = tuple(names)

    def _pages(self, place: Place, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        files: dict[str, TextTable] = {}
        try:
            yield from side_by_side(self._tasks(files, place, frame, query, tally))
        finally:
            for table in files.values():
                table.odd.tell(tally)

    def _tasks(
        self, files: dict[str, TextTable], place: Place, frame: FrameName, query: Query, tally: Tally
    ) -> Iterator[Callable[[], pl.DataFrame]]:
        """Yield what is to be done for each page; ``files`` gets what reads each file."""
        for page in lines(place.address, self._reached(place), query.limits, tally):
            known = files.get(page.address)
            if known is None:
                keys = partition(page.address) if is_remote(page.address) else place.keys
                known = TextTable(frame, self._columns, keys, self._dialect, self._column_names, Odd(page.name))
                files[page.address] = known
            yield partial(known.rows, known.begin(known.records.read(page.texts, int(page.numbers[0]))), query)
        for table in files.values():
            yield partial(table.rows, table.begin(table.records.rest()), query)
