"""Lines are what text files are read by: a page of them at a time, each with its number, whatever the file's size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from workbench.errors import LimitError
from workbench.telemetry.source import Limits, Problem, Tally

__all__ = ["Lines", "lines"]

_PAGE = 20_000
_MARK = "\ufeff"
_REPLACED = "\ufffd"


@dataclass(frozen=True)
class Lines:
    """A page of one file: its lines without their ends, and the number of the first, counted from 1."""

    address: str
    first: int
    texts: pl.Series

    @property
    def name(self) -> str:
        """The file's own name, for notes."""
        return self.address.rpartition("/")[2]


def lines(address: str, reached: dict[str, Any], limits: Limits, tally: Tally) -> Iterator[Lines]:
    """Yield the lines of a file, or of all that a glob finds in a bucket, in order; polars unpacks gzip and zstd.

    A byte that isn't UTF-8 becomes the sign �, and a note says how many lines have one.

    Args:
        address: the path or address.
        reached: what polars is told to reach it (`Storage.reached`).
        limits: its bytes are held to.
        tally: counts the bytes of the lines.

    Raises:
        LimitError: there are more bytes than the limit.
        PolarsError: the file can't be read.
    """
    count = 0
    numbers: dict[str, int] = {}
    try:
        for page in _paged(_strict(address, reached), address, numbers, limits, tally):
            count += page.texts.len()
            yield page
    except pl.exceptions.ComputeError as error:
        if "utf8" not in str(error) and "utf-8" not in str(error):
            raise
        for page in _paged(_lossy(address, reached).slice(count), address, numbers, limits, tally):
            replaced = int(page.texts.str.contains(_REPLACED, literal=True).sum())
            if replaced:
                text = f"Bytes of {page.name} that are not UTF-8 were replaced by {_REPLACED}."
                tally.note(Problem("replaced-bytes", replaced, text))
            yield page


def _strict(address: str, reached: dict[str, Any]) -> pl.LazyFrame:
    return pl.scan_lines(address, name="line", glob=bool(reached), include_file_paths="path", **reached)


def _lossy(address: str, reached: dict[str, Any]) -> pl.LazyFrame:
    # The reader of CSV alone replaces bytes. A line is one field of it: no line of text holds a zero byte.
    return pl.scan_csv(
        address,
        has_header=False,
        separator="\0",
        quote_char=None,
        encoding="utf8-lossy",
        schema={"line": pl.String},
        truncate_ragged_lines=True,
        glob=bool(reached),
        include_file_paths="path",
        **reached,
    )


def _paged(scan: pl.LazyFrame, address: str, numbers: dict[str, int], limits: Limits, tally: Tally) -> Iterator[Lines]:
    """Yield a scan by file; ``numbers`` holds the next line's number of each."""
    for batch in scan.collect_batches(chunk_size=_PAGE, maintain_order=True):
        for (path,), part in batch.group_by("path", maintain_order=True):
            file = str(path) if path is not None else address
            texts = part["line"].fill_null("").str.strip_suffix("\r")
            first = numbers.get(file, 1)
            numbers[file] = first + texts.len()
            if first == 1 and texts.len() and texts[0].startswith(_MARK):
                texts = texts.scatter(0, texts[0].removeprefix(_MARK))
            tally.received(int(texts.str.len_bytes().sum()) + texts.len())
            if tally.bytes > limits.bytes:
                raise LimitError(f"its files hold more than {limits.bytes:,} bytes, its limit", do="Raise limits.bytes")
            yield Lines(file, first, texts)
