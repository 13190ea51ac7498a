"""Log templates are what is left of messages when the parts that differ from record to record are masked."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from workbench.window import Window

__all__ = ["SEVERE", "WILDCARD", "masked", "records", "templates"]

WILDCARD = "<*>"
"""Stands in a template for what differs between records: numbers, ids, addresses, times, services' names, lists."""

SEVERE = (
    "WARN",
    "WARNING",
    "ERROR",
    "ERR",
    "SEVERE",
    "CRITICAL",
    "CRIT",
    "ALERT",
    "EMERG",
    "EMERGENCY",
    "FATAL",
    "PANIC",
)
"""Severities, in upper case, at which a record tells of trouble."""

_LONGEST = 1500  # characters of a body's first line, which a stack trace only adds to
_KEPT = 300  # characters of a template: what tells messages apart stands at their start
_VALUE = r"[\w\-.:/@%+]*\d[\w\-.:/@%+]*"  # a word with a digit in it is a value, not wording
_OBJECTS = r"\[(?:\w+\([^()]*\)(?:,\s*)?)+(?:\w+\([^()]*$|\]|$)"  # [Ticket(..), Ticket(..)]: as long as the data is
_LIST = r"\[[^\[\],()]+(?:,[^\[\],()]+)+\]"  # [north, south]: its members are data
_NAMED = r'(?:\w+[:=]["\\\s]*<\*>["\\\s,;]*){2,}'  # id=1, size=2: a row of named values is data
_RUN = r"<\*>(?:[\s,;:|]+<\*>)+"
_FAILED = r"((?i:\bstatus(?:[ _]?code)?|\bcode|\bHTTP/[\d.]+)\W{1,3})"  # before 5xx: what a server answered is wording
_START = r"^\W?(?:<\*>[\s,;|\])]*)+"  # the time a line starts with stands in its own column
_MESSAGE = r'^\s*\{.*?"(?:message|msg)"\s*:\s*"((?:[^"\\]|\\.)*)"'  # a JSON record's own words
_KEY = ["service", "severity", "template"]
_TIME = pl.Datetime("us", "UTC")
_COUNTED: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(_KEY, pl.String),
    "before": pl.UInt32,
    "during": pl.UInt32,
    "first_seen": _TIME,
    "first_before": _TIME,
    "example_during": pl.String,
    "example_before": pl.String,
}
_BATCH = 100_000  # records looked at at a time: there may be more of them than fit in memory


def templates(logs: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return how often each log template occurred before and during the incident, new and frequent ones first.

    Returns:
        One row for each service, severity and template: service, severity (upper case), template, before and during
        (records in the baseline and in the window), first_seen (its first time in the window, null when it isn't
        there), example (a body of the window, else of the baseline), is_new (it is in the window and never in the
        baseline).
    """
    near = _near(logs, window, baseline).select("time", "service", "severity", "body", inside=window.holds())
    names = near.select(pl.col("service").unique()).collect(engine="streaming")["service"].drop_nulls().to_list()
    found = pl.DataFrame(schema=_COUNTED)
    for batch in near.collect_batches(chunk_size=_BATCH, maintain_order=False):
        told = _merged(_bodies(batch).with_columns(template=masked(pl.col("body"), names)).select(list(_COUNTED)))
        found = _merged(pl.concat([found, told]))
    return (
        found.with_columns(
            example=pl.coalesce("example_during", "example_before"),
            is_new=(pl.col("before") == 0) & (pl.col("during") > 0),
        )
        .select(*_KEY, "before", "during", "first_seen", "example", "is_new")
        .sort(
            ["is_new", "during", "before", *_KEY], descending=[True, True, True, False, False, False], nulls_last=True
        )
    )


def _bodies(records: pl.DataFrame) -> pl.DataFrame:
    """Return each body once, with what is counted of it: what is alike needs to be masked only once."""
    before, during = (pl.col("time").filter(side) for side in (~pl.col("inside"), pl.col("inside")))
    return (
        records.group_by("service", "severity", "body")
        .agg(before=before.len(), during=during.len(), first_seen=during.min(), first_before=before.min())
        .with_columns(
            example_during=pl.when(pl.col("during") > 0).then("body"),
            example_before=pl.when(pl.col("before") > 0).then("body"),
        )
    )


def _merged(counted: pl.DataFrame) -> pl.DataFrame:
    """Return one row a template of several: counts added up, the first times and their bodies kept."""
    return (
        counted.group_by(_KEY)
        .agg(
            pl.col("before", "during").sum(),
            pl.col("first_seen", "first_before").min(),
            pl.col("example_during").sort_by("first_seen", "example_during", nulls_last=True).first(),
            pl.col("example_before").sort_by("first_before", "example_before", nulls_last=True).first(),
        )
        .select(list(_COUNTED))
    )


def records(logs: pl.LazyFrame, names: Iterable[str], *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return the records of window and baseline, each once, with their template and whom they complain about.

    ``names`` are the services that may be named in a message.

    Returns:
        time, service, severe (it is a warning or worse), template, trace_id, span_id, blames (another service that a
        severe record names).
    """
    known = sorted(set(names), key=lambda name: (-len(name), name))
    severe = pl.col("severity").is_in(SEVERE).fill_null(value=False)
    body = pl.when(severe).then("body")
    other = body.str.extract(f"({_any_of(known)})", 1) if known else pl.lit(None, dtype=pl.String)
    return (
        _near(logs, window, baseline)
        .filter(pl.col("service").is_not_null())
        .unique()
        .with_columns(severe=severe, template=masked(pl.col("body"), known), blames=other)
        .with_columns(blames=pl.when(pl.col("blames") != pl.col("service")).then("blames"))
        .select("time", "service", "severe", "template", "trace_id", "span_id", "blames")
        .sort("time", "service", "trace_id", "span_id", "template")
        .collect()
    )


def masked(body: pl.Expr, names: Iterable[str] = ()) -> pl.Expr:
    """Return the template of each body: its first line, or its ``message`` if it is JSON, with what varies masked."""
    text = body.fill_null("")
    text = pl.when(text.str.starts_with("{")).then(pl.coalesce(text.str.extract(_MESSAGE, 1), text)).otherwise(text)
    text = text.str.split_exact("\n", 1).struct[0].str.slice(0, _LONGEST)
    for digit, meaning in (("5", "server-error"), ("4", "client-error")):
        text = text.str.replace_all(f"{_FAILED}{digit}\\d\\d\\b", f"${{1}}{meaning}")
    text = text.str.replace_all(_VALUE, WILDCARD).str.replace_all(_START, "")
    known = sorted(set(names), key=lambda name: (-len(name), name))
    if known:
        text = text.str.replace_all(_any_of(known), WILDCARD)
    listed = f"[{WILDCARD}]"
    for pattern, instead in (
        (_OBJECTS, listed),
        (_LIST, listed),
        (_NAMED, f"{WILDCARD} "),
        (_RUN, WILDCARD),
    ):
        text = text.str.replace_all(pattern, instead)
    return text.str.slice(0, _KEPT).str.strip_chars()


def _any_of(names: list[str]) -> str:
    return r"\b(?:" + "|".join(re.escape(name) for name in names) + r")\b"


def _near(logs: pl.LazyFrame, window: Window, baseline: Window) -> pl.LazyFrame:
    return (
        logs.select("time", "service", "severity", "body", "trace_id", "span_id")
        .filter(window.holds() | baseline.holds())
        .with_columns(pl.col("severity").str.to_uppercase().str.strip_chars())
    )
