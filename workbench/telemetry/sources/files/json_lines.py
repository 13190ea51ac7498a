"""The jsonl source reads telemetry from files of JSON objects, one on each line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar

import polars as pl

from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Query, Tally
from workbench.telemetry.sources.files.json_pages import JsonPages
from workbench.telemetry.sources.files.lines import lines
from workbench.telemetry.sources.files.pages import side_by_side
from workbench.telemetry.sources.files.paths import Place, partition
from workbench.telemetry.sources.files.source import FileSource
from workbench.telemetry.sources.files.storage import is_remote
from workbench.telemetry.sources.files.text_rows import Odd

__all__ = ["JsonlSource"]


class JsonlSource(FileSource):
    """Files of JSON objects, one a line, plain or packed with gzip or zstd; read page by page."""

    kind: ClassVar[str] = "jsonl"
    format: ClassVar[str] = "JSON lines"

    def _pages(self, place: Place, frame: FrameName, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        files: dict[str, JsonPages] = {}
        try:
            yield from side_by_side(self._tasks(files, place, frame, query, tally))
        finally:
            for reader in files.values():
                reader.odd.tell(tally)

    def _tasks(
        self, files: dict[str, JsonPages], place: Place, frame: FrameName, query: Query, tally: Tally
    ) -> Iterator[Callable[[], pl.DataFrame]]:
        """Yield what is to be done for each page; ``files`` gets what reads each file."""
        for page in lines(place.address, self._reached(place), query.limits, tally):
            if page.address not in files:
                keys = partition(page.address) if is_remote(page.address) else place.keys
                files[page.address] = JsonPages(frame, self._columns, keys, page.texts, Odd(page.name))
            yield partial(files[page.address].read, page.texts, page.numbers, query)
