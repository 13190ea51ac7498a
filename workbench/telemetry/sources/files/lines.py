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
    """A page of one file: lines without their ends, and the number of each, counted from 1."""

    address: str
    numbers: pl.Series
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
    last = 0
    numbers: dict[str, int] = {}
    try:
        for page in _paged(_numbered(_strict(address, reached)), address, numbers, limits, tally):
            last += page.texts.len()
            yield page
    except pl.exceptions.ComputeError as error:
        if not _is_encoding(error):
            raise
        left = _numbered(_lossy(address, reached)).filter(pl.col("number") > last)
        for page in _paged(left, address, numbers, limits, tally):
            replaced = int(page.texts.str.contains(_REPLACED, literal=True).sum())
            if replaced:
                text = f"Bytes of {page.name} that are not UTF-8 were replaced by {_REPLACED}."
                tally.note(Problem("replaced-bytes", replaced, text))
            yield page


def _is_encoding(error: Exception) -> bool:
    return "utf8" in str(error) or "utf-8" in str(error)


def _numbered(scan: pl.LazyFrame) -> pl.LazyFrame:
    return scan.with_row_index("number", offset=1)


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


def _paged(scan: pl.LazyFrame, address: str, starts: dict[str, int], limits: Limits, tally: Tally) -> Iterator[Lines]:
    """Yield a scan by file; ``starts`` holds how many lines were counted before each of them."""
    for batch in scan.collect_batches(chunk_size=_PAGE, maintain_order=True):
        paths = batch["path"]
        # Files come one after the other: a page that begins and ends in one is of no other.
        parts = [batch] if paths[0] == paths[-1] else batch.partition_by("path", maintain_order=True)
        for part in parts:
            file = str(part["path"][0] or address)
            # Lines are counted through all files of a bucket; the first file's come first.
            start = starts.setdefault(file, int(part["number"][0]) - 1 if starts else 0)
            numbers = part["number"].cast(pl.Int64) - start
            texts = part["line"].fill_null("")
            if texts.str.ends_with("\r").any():
                texts = texts.str.strip_suffix("\r")
            if numbers[0] == 1 and texts[0].startswith(_MARK):
                texts = texts.scatter(0, texts[0].removeprefix(_MARK))
            tally.received(int(texts.str.len_bytes().sum()) + texts.len())
            if tally.bytes > limits.bytes:
                raise LimitError(f"its files hold more than {limits.bytes:,} bytes, its limit", do="Raise limits.bytes")
            yield Lines(file, numbers, texts)
