"""A stream is a lazy frame over a backend that answers page by page: nothing is fetched until somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from workbench.telemetry.schema import FRAMES, FrameName

__all__ = ["pages_of", "stream", "table"]

_PAGES = "_workbench_pages"


def stream(frame: FrameName, pages: Callable[[], Iterable[pl.DataFrame]]) -> pl.LazyFrame:
    """Return the frame whose rows are the pages, fetched while it is consumed and again each time it is.

    Args:
        frame: which frame it is.
        pages: starts the fetching; each page has exactly the frame's columns and types (see `table`).
    """

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = rows
        for page in pages():
            kept = page if predicate is None else page.filter(predicate)
            if columns is not None:
                kept = kept.select(columns)
            if left is not None:
                kept = kept.head(left)
                left -= kept.height
            yield kept
            if left == 0:
                return

    data = register_io_source(read, schema=FRAMES[frame])
    setattr(data, _PAGES, lambda: (_fitting(frame, page) for page in pages()))
    return data


def pages_of(data: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of a frame page by page: of a stream just as they come, of any other frame as polars makes them.

    A stream's pages are taken without polars in between. It would fetch some ahead, in threads of its own; when the
    process ends while such a thread waits for a backend, the thread takes it down hard.
    """
    made: Callable[[], Iterator[pl.DataFrame]] | None = getattr(data, _PAGES, None)
    # No size is asked for: a page would be held back until others fill it up, and be lost when they don't come.
    return made() if made is not None else iter(data.collect_batches(maintain_order=True))


def _fitting(frame: FrameName, page: pl.DataFrame) -> pl.DataFrame:
    """Return a page with exactly the frame's columns, as polars would bring it to them.

    Raises:
        polars.exceptions.PolarsError: it lacks a column, or has another type there.
    """
    schema = FRAMES[frame]
    return page if page.schema == schema else page.match_to_schema(schema, extra_columns="ignore")


def table(frame: FrameName, rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]) -> pl.DataFrame:
    """Return rows, or columns, as a page of the frame: its columns in its order, null where a row has none.

    Raises:
        TypeError: a value has another type than its column; a backend converts before it calls this.
    """
    schema = FRAMES[frame]
    if isinstance(rows, Mapping):
        made = pl.DataFrame(dict(rows), schema_overrides={name: schema[name] for name in rows})
        return made.select(
            pl.col(name) if name in rows else pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items()
        )
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")
