"""Attributes are what a row says beyond its frame's columns: one JSON object as text, whatever a backend stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

__all__ = ["Style", "as_text", "attributes", "dumped", "json_object", "merged"]

_WORDS = ("String", "Categorical", "Enum")


@dataclass(frozen=True)
class Style:
    """How a program writes JSON: what stands between keys, after a key, and for null (None: the key isn't written)."""

    comma: str = ","
    colon: str = ":"
    null: str | None = None


_COMPACT = Style()


def attributes(schema: Mapping[str, pl.DataType], stored: str | None, extra: Mapping[str, str]) -> pl.Expr:
    """Return the column ``attributes``: the stored one, with every left-over column as a key of the object.

    A key whose value is null isn't written, and a row without any key has no attributes. Text in the stored column
    stays as it is, where nothing is added to it.

    Args:
        schema: the types of the stored columns.
        stored: the stored column of attributes (a struct, a map, or JSON text), if there is one.
        extra: the left-over columns, with what they are called.
    """
    added = json_object({label: (pl.col(name), schema[name]) for name, label in extra.items()})
    added = pl.when(added != "{}").then(added)
    if stored is None:
        return added.alias("attributes")
    own = pl.col(stored)
    dtype = schema[stored]
    if not str(dtype).startswith(_WORDS):
        own = _value(own, dtype)
    own = own.cast(pl.String)
    if not extra:
        return own.alias("attributes")
    both = pl.struct(own.alias("own"), added.alias("added"))
    either = pl.coalesce(own, added)
    return (
        pl.when(own.is_not_null() & added.is_not_null())
        .then(both.map_batches(_merge, return_dtype=pl.String))
        .otherwise(either)
        .alias("attributes")
    )


def json_object(fields: Mapping[str, tuple[pl.Expr, pl.DataType]], style: Style = _COMPACT) -> pl.Expr:
    """Return columns as JSON objects, as text: one key a column.

    Args:
        fields: key, and the column it is made of with its type.
        style: how it is written; without one, compact and without the keys whose value is null.
    """
    pieces = []
    for key, (column, dtype) in fields.items():
        value = _value(column, dtype, style)
        value = value if style.null is None else pl.coalesce(value, pl.lit(style.null))
        pieces.append(pl.concat_str(pl.lit(json.dumps(key, ensure_ascii=False) + style.colon), value))
    if not pieces:
        return pl.lit("{}")
    return pl.concat_str(pl.lit("{"), pl.concat_str(pieces, separator=style.comma, ignore_nulls=True), pl.lit("}"))


def as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text: words and numbers as they are, what is nested as JSON."""
    if dtype == pl.Null:
        return pl.lit(None, dtype=pl.String)
    if isinstance(dtype, (pl.Struct, pl.List, pl.Array)):
        return _value(column, dtype)
    return column.cast(pl.String, strict=False)


def merged(own: object, added: Mapping[str, object]) -> str:
    """Return the JSON of attributes with keys added; what the attributes say themselves stays."""
    return dumped({**added, **own} if isinstance(own, dict) else {**added, "attributes": own})


def dumped(value: object) -> str:
    """Return a value as compact JSON; whole numbers of any length stay whole."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _merge(pairs: pl.Series) -> pl.Series:
    texts: list[str | None] = []
    for pair in pairs:
        if pair["own"] is None or pair["added"] is None:
            texts.append(None)
            continue
        texts.append(merged(_read(pair["own"]), json.loads(pair["added"])))
    return pl.Series(pairs.name, texts, dtype=pl.String)


def _read(text: str) -> Any:
    """Return what a JSON text says; a text that is none says itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _value(  # noqa: PLR0911 - one a kind of type
    column: pl.Expr, dtype: pl.DataType, style: Style = _COMPACT
) -> pl.Expr:
    """Return a column as JSON values, as text; null stays null."""
    if dtype == pl.Null:
        return pl.lit(None, dtype=pl.String)
    if dtype.is_integer() or dtype == pl.Boolean:
        return column.cast(pl.String)
    if dtype.is_float():
        return pl.when(column.is_finite()).then(_encoded(column)).otherwise(_encoded(column.cast(pl.String)))
    if dtype == pl.Binary:
        return _encoded(column.bin.encode("hex"))
    if isinstance(dtype, pl.Struct):
        fields = {field.name: (column.struct.field(field.name), _made(field.dtype)) for field in dtype.fields}
        return pl.when(column.is_not_null()).then(json_object(fields, style))
    if isinstance(dtype, pl.List) and _is_map(dtype):
        return column.map_batches(_maps, return_dtype=pl.String)
    if isinstance(dtype, (pl.List, pl.Array)):
        inner = _made(dtype.inner)
        items = column.arr.to_list() if isinstance(dtype, pl.Array) else column
        texts = items.list.eval(pl.coalesce(_value(pl.element(), inner, style), pl.lit("null")))
        return pl.when(column.is_not_null()).then(pl.concat_str(pl.lit("["), texts.list.join(style.comma), pl.lit("]")))
    return _encoded(column)


def _encoded(column: pl.Expr) -> pl.Expr:
    """Return scalars as polars writes them in JSON; times in ISO 8601."""
    whole = pl.struct(column.alias("v")).struct.json_encode()
    return pl.when(column.is_not_null()).then(whole.str.slice(len('{"v":')).str.strip_suffix("}"))


def _made(dtype: Any) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def _is_map(dtype: pl.List) -> bool:
    """Return whether a type is what Parquet's map is read as: a list of keys and values."""
    inner = dtype.inner
    return isinstance(inner, pl.Struct) and [field.name for field in inner.fields] == ["key", "value"]


def _maps(rows: pl.Series) -> pl.Series:
    return pl.Series(
        rows.name,
        [
            None
            if row is None
            else orjson.dumps(
                {str(pair["key"]): pair["value"] for pair in row if pair is not None}, default=str
            ).decode()
            for row in rows
        ],
        dtype=pl.String,
    )
