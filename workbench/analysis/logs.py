"""Which log messages are new or more frequent: records grouped by template, what is left when the variable parts are masked."""

from __future__ import annotations

import polars as pl

from workbench.window import Window

__all__ = ["WILDCARD", "templates"]

WILDCARD = "<*>"
"""Stands in a template for what differs between records: numbers, ids, addresses, paths with digits, times."""

_LONGEST = 400  # characters of a body that are looked at: what tells messages apart stands at their start
_TOKEN = r"[\w\-.:/@%+]*\d[\w\-.:/@%+]*"  # noqa: S105 - a word with a digit in it is a value, not wording
_LIST = r"<\*>(?:[\s,;:|]+<\*>)+"

_KEY = ["service", "severity", "template"]


def templates(logs: pl.LazyFrame, *, window: Window, baseline: Window) -> pl.DataFrame:
    """Return how often each log template occurred before and during the incident, new and rising ones first.

    Returns:
        One row for each service, severity and template: service, severity (upper case), template, before and during (records in the
        baseline and in the window), first_seen (its first time in the window, null when it isn't there), example (a body of
        the window, or of the baseline), is_new (it is in the window and never in the baseline).
    """
    records = (
        logs.select("time", "service", "severity", "body")
        .filter(window.holds() | baseline.holds())
        .with_columns(
            inside=window.holds(), severity=pl.col("severity").str.to_uppercase(), template=_masked(pl.col("body"))
        )
    )
    return (
        records.sort("time", "body")
        .group_by(_KEY)
        .agg(
            before=(~pl.col("inside")).sum(),
            during=pl.col("inside").sum(),
            first_seen=pl.col("time").filter("inside").first(),
            example=pl.coalesce(pl.col("body").filter("inside").first(), pl.col("body").first()),
        )
        .with_columns(is_new=(pl.col("before") == 0) & (pl.col("during") > 0))
        .sort(["is_new", "during", *_KEY], descending=[True, True, False, False, False], nulls_last=True)
        .collect()
    )


def _masked(body: pl.Expr) -> pl.Expr:
    return (
        body.fill_null("")
        .str.slice(0, _LONGEST)
        .str.replace_all(_TOKEN, WILDCARD)
        .str.replace_all(_LIST, WILDCARD)
        .str.strip_chars()
    )
