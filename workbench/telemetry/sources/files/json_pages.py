"""A JSON page is many lines of JSON at once: read by polars where that loses nothing, and line by line where it would.

polars reads lines into columns of one type each, which is fast and can change a value: 1 becomes "1" beside a text, a
key that a line lacks becomes null. So what was read is written as JSON again and compared with the line. Only lines
that come out as they went in are taken; every other is read on its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import orjson
import polars as pl

from workbench.telemetry.attributes import Style, attributes, dumped, json_object, merged
from workbench.telemetry.columns import UNIX_UNITS, Columns, Resolved
from workbench.telemetry.conform import flattened
from workbench.telemetry.impossible import impossible
from workbench.telemetry.moments import moments
from workbench.telemetry.schema import FRAMES, REQUIRED, TIME_COLUMN, FrameName
from workbench.telemetry.source import Query
from workbench.telemetry.sources.files.text_rows import LINE, Odd, inside, made

__all__ = ["SAMPLE", "JsonPages"]

SAMPLE = 1000
"""Lines that the keys of a file are learned from."""
_WORTH = 0.5
"""The share of sampled lines that must come out as they went in, for the fast way to be worth its price."""
_BIG = re.compile(r"\d{19}")
_ATTRIBUTES = "\0attributes"
_TEXT = "\0text"
_UTC = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class _Shape:
    """What the lines of a file look like: their keys with types, and how they are written."""

    fields: Mapping[str, pl.DataType]
    style: Style
    found: Resolved
    attributes: pl.Expr

    def written(self, rows: pl.DataFrame) -> pl.Series:
        """Return rows as the program that wrote the file would write them."""
        compact = (self.style.comma, self.style.colon) == (",", ":")
        if compact and (self.style.null or not any(rows[name].null_count() for name in self.fields)) and self._flat:
            # polars' own way is twice as fast, and writes every key.
            return rows.select(pl.struct(*self.fields).struct.json_encode()).to_series()
        return rows.select(
            json_object({name: (pl.col(name), dtype) for name, dtype in self.fields.items()}, self.style)
        ).to_series()

    @property
    def _flat(self) -> bool:
        return not any(isinstance(dtype, (pl.Struct, pl.List)) for dtype in self.fields.values())


class JsonPages:
    """Reads the pages of one file, by the keys that its first lines have."""

    def __init__(
        self, frame: FrameName, columns: Columns, keys: Mapping[str, str | None], sample: pl.Series, odd: Odd
    ) -> None:
        self._columns = columns
        self._keys = keys
        self.odd = odd
        objects = [found for text in sample.head(SAMPLE) if isinstance(found := _loaded(text), dict)]
        self._found = _resolved(frame, columns, objects, keys, odd.origin)
        _check_time(self._found, columns, objects, odd.origin)
        self._shape = self._learned(sample)

    def read(self, texts: pl.Series, numbers: pl.Series, query: Query) -> pl.DataFrame:
        """Return the window's rows of a page, in the order of its lines.

        Args:
            texts: the lines; blank ones are none.
            numbers: theirs.
            query: the window and services.

        Raises:
            SourceError: nothing tells the unit of times or durations.
        """
        page = pl.DataFrame({_TEXT: texts, LINE: numbers}).filter(pl.col(_TEXT).str.contains(r"\S"))
        shape = self._shape
        decoded = None if shape is None else _decoded(page, shape.fields, self._keys)
        if shape is None or decoded is None:
            return self._slow(page, query).drop(LINE)
        kept = inside(decoded, shape.found, self._columns, query, self.odd)
        same = shape.written(kept) == kept[_TEXT]
        if same.all():
            return made(kept, shape.found, self.odd, shape.attributes).drop(LINE)
        exact = made(kept.filter(same), shape.found, self.odd, shape.attributes)
        other = kept.filter(~same).select(_TEXT, LINE)
        if other.height > kept.height * _WORTH:
            self._shape = self._learned(other[_TEXT])
        return pl.concat([exact, self._slow(other, query)]).sort(LINE).drop(LINE)

    def needless(self, query: Query) -> pl.Expr | None:
        """Return which lines are certainly outside of the window, before any is read as JSON; None where nothing tells.

        A line is, where the key of the time stands in it once, and a time after it that can be and isn't in the window.
        """
        name = self._found.stored[TIME_COLUMN[self._found.frame]]
        if not re.fullmatch(r"[@\w]+", name, re.ASCII):
            return None
        line, key = pl.col("line"), f'"{name}"'
        counts = self._columns.time_format in UNIX_UNITS
        value = r'"?(-?[0-9][0-9.]*)"?\s*[,}]' if counts else r'"([^"\\]*)"'
        text = line.str.extract(rf"{key}\s*:\s*{value}")
        # Read as a whole, so that the text is read as a time once only.
        packed = pl.struct(text.alias("text"), line.str.count_matches(key, literal=True).alias("count"))
        return packed.map_batches(partial(self._outside, query), return_dtype=pl.Boolean)

    def _outside(self, query: Query, rows: pl.Series) -> pl.Series:
        page = rows.struct.unnest().lazy()
        time = moments(pl.col("text"), pl.String(), self._columns, called="time", origin=self.odd.origin)
        placed = page.with_columns(time.alias("time"))
        wrong = impossible(pl.col("time"), _UTC, pl.col("time"), self._columns)
        outside = ~query.window.holds("time") & ~wrong & (pl.col("count") == 1)
        return placed.select(outside.fill_null(value=False)).collect().to_series()

    def _learned(self, sample: pl.Series) -> _Shape | None:
        """Return the keys, their types and the way of writing of some lines, if the fast way is worth its price."""
        good = pl.Series([text for text in sample.head(SAMPLE) if isinstance(_loaded(text), dict)], dtype=pl.String)
        try:
            dtype = good.str.json_decode(infer_schema_length=None).dtype if good.len() else None
            if not isinstance(dtype, pl.Struct):
                return None
            # A key that is always null so far may come to say something.
            fields = {f.name: pl.String() if f.dtype == pl.Null else _made(f.dtype) for f in dtype.fields}
            if not fields or any(name in self._keys or name.startswith("\0") for name in fields):
                return None
            rows = good.str.json_decode(pl.Struct(fields)).struct.unnest()
        except pl.exceptions.PolarsError:
            return None
        found = self._known(fields)
        types = {name: dtype for name, (_, dtype) in flattened(self._schema(fields)).items()}
        made_of = attributes(types, found.stored.get("attributes"), found.extra)
        shapes = [
            _Shape(fields, Style(*style), found, made_of) for style in product((",", ", "), (":", ": "), (None, "null"))
        ]
        matches = [int((shape.written(rows) == good).sum()) for shape in shapes]
        best = max(range(len(shapes)), key=matches.__getitem__)
        return shapes[best] if matches[best] > good.len() * _WORTH else None

    def _schema(self, fields: Mapping[str, pl.DataType]) -> pl.Schema:
        return pl.Schema({**fields, **dict.fromkeys(self._keys, pl.String())})

    def _known(self, fields: Mapping[str, pl.DataType]) -> Resolved:
        """Return which column is which, of those that the fast way has; a line with another goes the slow way."""
        schema = self._schema(fields)
        flat = flattened(schema)
        stored = {name: column for name, column in self._found.stored.items() if column in flat}
        left = [name for name in schema if name not in stored.values()]
        renamed = self._columns.names.rename({name: name for name in left})
        return replace(self._found, stored=stored, extra={str(name): label for label, name in renamed.items()})

    def _slow(self, page: pl.DataFrame, query: Query) -> pl.DataFrame:
        """Read lines one by one; whatever is a JSON object is kept as it is."""
        wanted = {name: stored for name, stored in self._found.stored.items() if name != "attributes"}
        used = set(self._found.stored.values())
        numbers, bad, values, texts = [], [], [], []
        for text, number in page.iter_rows():
            row = _loaded(text)
            if not isinstance(row, dict):
                bad.append(number)
                continue
            row = {**self._keys, **row}
            numbers.append(number)
            values.append({stored: _text(_at(row, stored)) for stored in wanted.values()})
            left = {key: _pruned(value) for key, value in row.items() if key not in used and value is not None}
            own = _at(row, self._found.stored["attributes"]) if "attributes" in self._found.stored else None
            texts.append(_attributes(_pruned(own), self._columns.names.rename(left)))
        self.odd.unreadable("they are not JSON objects", pl.Series(bad, dtype=pl.Int64))
        rows = pl.DataFrame(values, schema=dict.fromkeys(wanted.values(), pl.String)).with_columns(
            pl.Series(LINE, numbers, dtype=pl.Int64), pl.Series(_ATTRIBUTES, texts, dtype=pl.String)
        )
        found = replace(self._found, stored=wanted)
        return made(inside(rows, found, self._columns, query, self.odd), found, self.odd, pl.col(_ATTRIBUTES))


def _resolved(
    frame: FrameName, columns: Columns, objects: list[dict[str, Any]], keys: Mapping[str, str | None], origin: str
) -> Resolved:
    """Return which key is which column, by the keys of some lines; one that none has yet may come by its own name."""
    names = dict.fromkeys(key for row in (*objects, keys) for key in row)
    nested = dict.fromkeys(path for row in objects for path in _paths(row, ""))
    # What the settings name may come later, and so may anything where no line could be read.
    nested |= dict.fromkeys(columns.named.get(frame, {}).values())
    if not objects:
        names |= dict.fromkeys(REQUIRED[frame])
    found = columns.resolve(frame, names, [path for path in nested if path not in names], origin=origin)
    own = {name: name for name in FRAMES[frame] if name not in found.stored and name not in found.stored.values()}
    return replace(found, stored={**found.stored, **own}, duration_unit=found.duration_unit)


def _check_time(found: Resolved, columns: Columns, objects: list[dict[str, Any]], origin: str) -> None:
    """Refuse times that are numbers where nothing tells what they count."""
    times = [_at(row, found.stored[TIME_COLUMN[found.frame]]) for row in objects]
    told = [type(time) for time in times if time is not None]
    if told and set(told) <= {int, float}:
        name = found.stored[TIME_COLUMN[found.frame]]
        moments(pl.col(name), pl.Int64(), columns, called=name, origin=origin)


def _decoded(
    page: pl.DataFrame, fields: Mapping[str, pl.DataType], keys: Mapping[str, str | None]
) -> pl.DataFrame | None:
    """Return lines as columns, with those of the folders; None where a line can't be read so."""
    try:
        rows = page[_TEXT].str.json_decode(pl.Struct(dict(fields)))
    except pl.exceptions.PolarsError:
        return None
    if rows.null_count():
        return None
    return (
        rows.struct.unnest()
        .hstack(page)
        .with_columns(pl.lit(value, dtype=pl.String).alias(key) for key, value in keys.items())
    )


def _paths(row: Mapping[str, Any], under: str) -> Iterator[str]:
    for key, value in row.items():
        if under:
            yield f"{under}{key}"
        if isinstance(value, dict):
            yield from _paths(value, f"{under}{key}.")


def _at(row: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a dotted path; a key may hold dots itself."""
    if path in row:
        return row[path]
    place = path.find(".")
    while place > 0:
        inner = row.get(path[:place])
        if isinstance(inner, dict):
            found = _at(inner, path[place + 1 :])
            if found is not None:
                return found
        place = path.find(".", place + 1)
    return None


def _loaded(text: str) -> Any:
    """Return what a line says, or None. Numbers of any length stay whole, and Python's NaN is taken for text."""
    try:
        if not _BIG.search(text):
            return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        found = json.loads(text, parse_constant=str)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # UnicodeEncodeError is a ValueError: half a character of UTF-16 is no text.
        return None
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else dumped(_pruned(value))


def _attributes(own: Any, extra: Mapping[str, object]) -> str | None:
    if own is None:
        return dumped(dict(extra)) if extra else None
    if extra:
        return merged(_object(own), extra)
    return own if isinstance(own, str) else dumped(own)


def _object(own: Any) -> Any:
    """Return stored attributes that are a text as what it says."""
    said = _loaded(own) if isinstance(own, str) else own
    return said if isinstance(said, dict) else own


def _pruned(value: Any) -> Any:
    """Return a value without the keys of objects that say null."""
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value


def _made(dtype: Any) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
