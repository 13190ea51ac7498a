"""Rows of a database become those of a frame, a batch at a time: in UTC, in nanoseconds, with attributes in JSON."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from workbench.telemetry.attributes import attributes, json_object, merged
from workbench.telemetry.columns import DURATION_UNITS, UNIX_UNITS
from workbench.telemetry.schema import FRAMES, TIME_COLUMN
from workbench.telemetry.source import Problem, Query, Tally
from workbench.telemetry.sources.sql.query import RowsOf

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
        _attributes(frame.schema, rows)
        if name == "attributes"
        else _time(frame.schema[name], rows).alias(name)
        if name == time
        else _duration(frame.schema[name], rows).alias(name)
        if name == "duration_ns"
        else _plain(pl.col(name), frame.schema[name], dtype)
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


def _plain(column: pl.Expr, stored: pl.DataType, dtype: pl.DataType) -> pl.Expr:
    return column.bin.encode("hex") if stored == pl.Binary else column.cast(dtype)


def _attributes(schema: pl.Schema, rows: RowsOf) -> pl.Expr:
    """Return the JSON object of the stored attributes and the columns that have no other place; null for none."""
    own = "attributes" if "attributes" in schema else None
    if not rows.nested & set(rows.labels):
        return attributes(schema, own, rows.labels)
    plain = {label: (pl.col(name), schema[name]) for name, label in rows.labels.items() if name not in rows.nested}
    members = [json_object(plain).str.strip_prefix("{").str.strip_suffix("}")] if plain else []
    members += [_member(label, pl.col(name)) for name, label in rows.labels.items() if name in rows.nested]
    present = [pl.when(member != "").then(member) for member in members]
    inner = pl.concat_str(present, separator=",", ignore_nulls=True)
    added = pl.when(inner != "").then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))
    if own is None:
        return added.alias("attributes")
    return pl.struct(own=pl.col(own), added=added).map_batches(_both, return_dtype=pl.String).alias("attributes")


def _member(label: str, column: pl.Expr) -> pl.Expr:
    """Return a column of JSON text as a member of a JSON object, ``"label":value``."""
    key = pl.lit(json.dumps(label, ensure_ascii=False) + ":")
    return pl.when(column.is_not_null() & (column != "null")).then(pl.concat_str(key, column))


def _both(pairs: pl.Series) -> pl.Series:
    halves = pairs.struct.unnest()
    own, added = halves["own"], halves["added"]
    made = [_joined(mine, more) for mine, more in zip(own, added, strict=True)]
    return pl.Series(pairs.name, made, dtype=pl.String)


def _joined(own: str | None, added: str | None) -> str | None:
    if own is None or added is None:
        return added if own is None else own
    try:
        mine = json.loads(own)
    except (ValueError, RecursionError):
        mine = own
    return merged(mine, json.loads(added))
