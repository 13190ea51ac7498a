"""An answer of the Prometheus API is series with their samples as JSON; here it becomes columns.

Format: Prometheus, HTTP API, "Expression query result formats" (2.42 to 3.x). Samples are most of an answer, so no
object is made of each: their text is taken out of the JSON, series by series, and read as one table by polars; what is
left of the JSON is small, and is read and checked as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.web.client import Answer

__all__ = ["Series", "data_of", "series_of"]

_VALUES = b'"values":[['
_KINDS = ("matrix", "vector", "scalar")

_BATCH = 1_000_000
"""Bytes of text that are read at one time; they find memory still warm from those before."""

_EMPTY = pl.DataFrame(schema={"time": pl.Int64, "value": pl.Float64})
_LATEST = 2**40
"""Seconds from 1970, beyond any time of a sample, whose milliseconds are whole numbers without doubt."""


@dataclass(frozen=True)
class Series:
    """What was answered: the labels of each series, how many samples each has, and all samples in that order.

    ``samples`` has the columns ``time`` (milliseconds since 1970, Int64) and ``value`` (Float64). ``warnings`` are the
    server's own words about what is missing, ``remarks`` those about what is odd; ``left_out`` counts the series whose
    samples are histograms and no numbers.
    """

    labels: tuple[dict[str, str], ...]
    counts: tuple[int, ...]
    samples: pl.DataFrame
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    left_out: int = 0


def data_of(answer: Answer) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """Return the data of a Prometheus answer, its warnings (partial answers too), and its remarks.

    Raises:
        SourceError: it isn't JSON, not of this API, or says that it failed.
    """
    told = answer.json()
    if not isinstance(told, dict) or told.get("status") != "success" or "data" not in told:
        said = ""
        if isinstance(told, dict) and told.get("error"):
            said = f" ({str(told.get('error'))[:300]})"
        raise SourceError(
            f"{answer.url} did not answer as the Prometheus API does{said}",
            do="Look at the url: it is what stands before /api/v1",
        )
    warnings, remarks = (_texts(told.get(key)) for key in ("warnings", "infos"))
    if told.get("isPartial") is True:
        warnings = (*warnings, "the answer is partial")
    return told["data"], warnings, remarks


def series_of(answer: Answer) -> Series:
    """Return the series of an answer to ``query`` or ``query_range``.

    Raises:
        SourceError: it isn't JSON, not of this API, says that it failed, or holds samples that can't be.
    """
    skeleton, texts = _without_values(answer.body)
    data, warnings, remarks = data_of(replace(answer, body=skeleton))
    try:
        kind, result = data["resultType"], data["result"]
        items = [{"metric": {}, "value": result}] if kind == "scalar" else result if kind in _KINDS else [{}]
        labels, counts, samples, left_out = _samples(items, texts)
    except (_Odd, KeyError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise SourceError(
            f"{answer.url} answered with samples that can't be read ({reason[:200]})",
            do="Look at the query in workbench.toml: its result must be numbers",
        ) from None
    return Series(labels, counts, samples, warnings, remarks, left_out)


def _texts(told: object) -> tuple[str, ...]:
    return tuple(str(one) for one in told) if isinstance(told, list) else ()


class _Odd(Exception):  # noqa: N818 - never leaves this file
    """Something an answer can't hold."""


def _without_values(body: bytes) -> tuple[bytes, list[memoryview]]:
    """Return the JSON with each series' samples replaced by their number, and the samples' texts.

    No text inside the JSON can look like the key: its quotes would be escaped.
    """
    kept: list[bytes] = []
    texts: list[memoryview] = []
    seen = 0
    while (found := body.find(_VALUES, seen)) >= 0:
        start = found + len(_VALUES)
        end = _end(body, start)
        if end < 0:
            break
        kept += [body[seen:found], b'"values":%d' % len(texts)]
        texts.append(memoryview(body)[start:end])
        seen = end + 2
    kept.append(body[seen:])
    return b"".join(kept), texts


def _end(body: bytes, start: int) -> int:
    """Return where samples end that start here, which is at the first two brackets; less than zero if nowhere.

    One sign is looked for many times faster than two. Mostly the samples are the last of their series, and nothing in
    them is a brace; a colon before it would be of another key, such as that of histograms.
    """
    end = body.find(b"}", start) - 2
    if end >= start and body[end : end + 2] == b"]]" and body.find(b":", start, end) < 0:
        return end
    return body.find(b"]]", start)


def _samples(
    items: list[Any], texts: list[memoryview]
) -> tuple[tuple[dict[str, str], ...], tuple[int, ...], pl.DataFrame, int]:
    labels: list[dict[str, str]] = []
    counts: list[int] = []
    tables, lines, size = [_EMPTY], list[bytes](), 0
    taken = left_out = 0
    for item in items:
        values = item["values"] if "values" in item else [item["value"]] if "value" in item else None
        if values is None and ("histogram" in item or "histograms" in item):
            left_out += 1
            continue
        text = _text(values, texts, taken)
        taken += type(values) is int
        if not all(isinstance(value, str) for value in item["metric"].values()):
            raise _Odd("a label that is not text")
        left_out += "histograms" in item
        labels.append(item["metric"])
        if not text:
            counts.append(0)
            continue
        # Every sample ends in a quote, which the reader of lines would not insist on.
        if not text.endswith(b'"'):
            raise _Odd("a sample without its end")
        counts.append(text.count(b"[") + 1)
        lines.append(text)
        size += len(text)
        if size >= _BATCH:
            tables.append(_table(lines))
            lines, size = [], 0
    if taken != len(texts):
        raise _Odd("samples outside a series")
    samples = pl.concat([*tables, _table(lines)] if lines else tables)
    if samples.height != sum(counts):
        raise _Odd("a sample that is not a time and a number")
    return tuple(labels), tuple(counts), samples, left_out


def _text(values: object, texts: list[memoryview], taken: int) -> bytes:
    """Return the samples of a series, whose text may be the next of those that were taken out."""
    import orjson  # noqa: PLC0415 - only who asks a web needs it

    if type(values) is int and values == taken < len(texts) and texts[taken]:
        return bytes(texts[taken])
    if isinstance(values, list) and all(isinstance(sample, list) for sample in values):
        # An instant's one sample, or an answer that somebody on the way has written with blanks.
        return orjson.dumps(values)[2:-2]
    raise _Odd("a series without samples")


def _table(lines: list[bytes]) -> pl.DataFrame:
    """Return samples such as ``1709164800,"13.4"],[1709164860,"+Inf"`` as columns."""
    # Text that keeps its length is replaced in half the time.
    text = b"\n".join(lines).replace(b'"],[', b'"\n  ')
    # A bracket that is left would be one too many, or not where it belongs.
    if b"[" in text or b"]" in text:
        raise _Odd("samples that are not pairs")
    read = _read(text)
    if read.null_count().row(0) != (0, 0):
        raise _Odd("a sample that is not a time and a number")
    return read


def _read(text: bytes) -> pl.DataFrame:
    """Return the columns of lines. Whole seconds, which most times are, are read as such in much less time."""
    if b"." not in text[: text.find(b",")]:
        try:
            read = pl.read_csv(text, has_header=False, schema={"time": pl.Int64, "value": pl.Float64})
        except pl.exceptions.PolarsError:
            pass
        else:
            if read.select(pl.col("time").is_between(-_LATEST, _LATEST).all()).item():
                return read.with_columns(pl.col("time") * 1000)
    read = pl.read_csv(text, has_header=False, schema={"time": pl.Float64, "value": pl.Float64})
    return read.select((pl.col("time") * 1000).round().cast(pl.Int64), "value")
