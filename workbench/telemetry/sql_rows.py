"""Rows of a database become those of a frame, a batch at a time: in UTC, in nanoseconds, with attributes in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from workbench.telemetry.columns import DURATION_UNITS, UNIX_UNITS
from workbench.telemetry.schema import FRAMES, TIME_COLUMN
from workbench.telemetry.source import Problem, Query, Tally
from workbench.telemetry.sql_query import RowsOf

__all__ = ["page"]

_MICROSECOND = 1000


def page(batch: Any, rows: RowsOf, query: Query, tally: Tally) -> pl.DataFrame:
    """Return a batch of Arrow, as `RowsOf.asked` brings it, as a page of the frame.

    Args:
        batch: the rows.
        rows: what is in which of the batch's columns.
        query: the window, which a local time can't be compared with to the hour when clocks are put back.
        tally: takes rows whose time doesn't exist.
    """
    frame = pl.DataFrame(pl.from_arrow(batch))
    schema, time = FRAMES[rows.table.frame], TIME_COLUMN[rows.table.frame]
    made = frame.select(
        _attributes(frame, rows)
        if name == "attributes"
        else _time(frame.schema[name], rows).alias(name)
        if name == time
        else _duration(frame.schema[name], rows).alias(name)
        if name == "duration_ns"
        else pl.col(name).cast(dtype)
        if name in frame.columns
        else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in schema.items()
    )
    if rows.columns.time_zone == "UTC":
        return made
    lost = made[time].null_count()
    if lost:
        tally.note(
            Problem(
                "impossible-time",
                lost,
                f"Rows of {rows.table.origin} carry a time that {rows.columns.time_zone} never had, because clocks "
                "were put forward over it; they are in no window.",
            )
        )
    return made.filter(query.window.holds(time))


def _time(stored: pl.DataType, rows: RowsOf) -> pl.Expr:
    column = pl.col(TIME_COLUMN[rows.table.frame])
    if stored.is_integer():
        step = UNIX_UNITS[rows.columns.time_format or ""]
        whole = column.cast(pl.Int64)
        micro = whole * (step // _MICROSECOND) if step >= _MICROSECOND else whole // (_MICROSECOND // step)
        return micro.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if isinstance(stored, pl.Datetime) and stored.time_zone is None:
        column = column.dt.replace_time_zone(rows.columns.time_zone, ambiguous="earliest", non_existent="null")
    return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")


def _duration(stored: pl.DataType, rows: RowsOf) -> pl.Expr:
    step = DURATION_UNITS[rows.resolved.duration_unit or "ns"]
    column = pl.col("duration_ns")
    if stored.is_integer():
        return column.cast(pl.Int64) * step
    return (column * step).round().cast(pl.Int64, strict=False)


def _attributes(frame: pl.DataFrame, rows: RowsOf) -> pl.Expr:
    """Return the JSON object of the stored attributes and the columns that have no other place; null for none."""
    own = pl.col("attributes") if "attributes" in frame.columns else pl.lit(None, dtype=pl.String)
    if not rows.labels:
        return own.alias("attributes")
    members = [
        _member(name, label, frame.schema[name], nested=name in rows.nested) for name, label in rows.labels.items()
    ]
    others = pl.concat_str(members, separator=",", ignore_nulls=True)
    others = pl.when(others != "").then(pl.concat_str(pl.lit("{"), others, pl.lit("}")))
    if "attributes" not in frame.columns:
        return others.alias("attributes")
    both = pl.struct(own=own, others=others)
    return both.map_batches(_merged, return_dtype=pl.String).alias("attributes")


def _member(name: str, label: str, stored: pl.DataType, *, nested: bool) -> pl.Expr:
    """Return a column as a member of a JSON object (``"label":value``), null where it is null."""
    column = pl.col(name)
    if nested:
        text = pl.concat_str(pl.lit(f"{json.dumps(label, ensure_ascii=False)}:"), column)
        return pl.when(column.is_not_null() & (column != "null")).then(text)
    if stored.is_temporal():
        column = column.dt.to_string("iso:strict")
    elif stored.is_float():
        # JSON has no word for these.
        column = pl.when(column.is_finite()).then(column)
    encoded = pl.struct(column.alias(label)).struct.json_encode()
    return pl.when(column.is_not_null()).then(encoded.str.strip_prefix("{").str.strip_suffix("}"))


def _merged(both: pl.Series) -> pl.Series:
    """Return the stored attributes with the others; of a key that both have, the stored one wins."""
    halves = both.struct.unnest()
    own, others = halves["own"], halves["others"]
    if own.null_count() == own.len():
        return others
    made = [_joined(mine, more) for mine, more in zip(own, others, strict=True)]
    return pl.Series("attributes", made, dtype=pl.String)


def _joined(own: str | None, others: str | None) -> str | None:
    if own is None or others is None:
        return own or others
    import orjson  # noqa: PLC0415 - only tables that have both need it

    try:
        mine: Any = orjson.loads(own)
    except orjson.JSONDecodeError:
        mine = own
    if not isinstance(mine, Mapping):
        # Text that is no object keeps its name.
        mine = {"attributes": mine}
    return orjson.dumps({**orjson.loads(others), **mine}).decode()
