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

__all__ = ["JsonPages"]

_SAMPLE = 1000
"""Lines that the keys of a file are learned from."""
_STYLED = 100
"""Lines that tell how the program which wrote the file writes JSON."""
_WORTH = 0.5
"""The share of lines that a quicker way must do for, to be worth its price."""
_BIG = r"\d{19}"
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

    def made(self, kept: pl.DataFrame, odd: Odd) -> pl.DataFrame:
        """Return rows that `inside` kept as the frame's."""
        left = self.found.extra
        nested = any(isinstance(kept.schema[name], (pl.Struct, pl.List)) for name in left)
        if not left or nested or "attributes" in self.found.stored or any(kept[name].null_count() for name in left):
            return made(kept, self.found, odd, self.attributes)
        # polars' own way is many times as fast, and writes every key.
        whole = pl.struct(pl.col(name).alias(label) for name, label in left.items())
        return made(kept, self.found, odd, whole.struct.json_encode())

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
        objects = [found for found in _loaded(sample.head(_SAMPLE)) if isinstance(found, dict)]
        self._found = _resolved(frame, columns, objects, keys, odd.origin)
        _check_time(self._found, columns, objects, odd.origin)
        self._shape = self._learned(sample)
        self._time = self._said_time()
        self._mostly_outside = True

    def read(self, texts: pl.Series, numbers: pl.Series, query: Query) -> pl.DataFrame:
        """Return the window's rows of a page, in the order of its lines.

        Args:
            texts: the lines; blank ones are none.
            numbers: theirs.
            query: the window and services.

        Raises:
            SourceError: nothing tells the unit of times or durations.
        """
        page = pl.DataFrame({_TEXT: texts, LINE: numbers})
        if self._time is not None and self._mostly_outside:
            page = page.filter(~self._outside(texts, self._time, query))
        rows = self._rows(page.filter(pl.col(_TEXT).str.contains(r"\S")), query)
        # To look at times first is worth it only where that saves reading most lines.
        self._mostly_outside = rows.height < texts.len() * _WORTH
        return rows.drop(LINE)

    def _rows(self, page: pl.DataFrame, query: Query) -> pl.DataFrame:
        """Return the window's rows of a page, with `LINE`."""
        shape = self._shape
        decoded = None if shape is None else _decoded(page, shape.fields, self._keys)
        if shape is not None and decoded is None and page.height > _SAMPLE:
            # One bad line shall not cost its neighbours the fast way.
            half = page.height // 2
            return pl.concat([self._rows(page[:half], query), self._rows(page[half:], query)])
        if shape is None or decoded is None:
            return self._slow(page, query)
        # Compared before anything is left out: of a key that is there twice, polars takes the first.
        same = shape.written(decoded) == decoded[_TEXT]
        if same.all():
            return shape.made(inside(decoded, shape.found, self._columns, query, self.odd), self.odd)
        exact = inside(decoded.filter(same), shape.found, self._columns, query, self.odd)
        other = page.filter(~same)
        if other.height > page.height * _WORTH:
            self._shape = self._learned(other[_TEXT])
        return pl.concat([shape.made(exact, self.odd), self._slow(other, query)]).sort(LINE)

    def _said_time(self) -> tuple[str, str] | None:
        """Return the key of the time as it is written, and a pattern for the time after it; None for an odd key."""
        name = self._found.stored[TIME_COLUMN[self._found.frame]]
        if not re.fullmatch(r"[@\w]+", name, re.ASCII):
            return None
        counts = self._columns.time_format in UNIX_UNITS
        value = r'"?(-?[0-9][0-9.]*)"?\s*[,}]' if counts else r'"([^"\\]*)"'
        return f'"{name}"', rf'"{name}"\s*:\s*{value}'

    def _outside(self, texts: pl.Series, said: tuple[str, str], query: Query) -> pl.Series:
        """Return which lines are certainly outside of the window, before any is read as JSON.

        A line is, where the key of the time stands in it once, and a time after it that can be and isn't in the window.
        """
        key, pattern = said
        time = moments(pl.col("time"), pl.String(), self._columns, called="time", origin=self.odd.origin)
        placed = texts.str.extract(pattern).to_frame("time").select(time)
        wrong = impossible(pl.col("time"), _UTC, pl.col("time"), self._columns)
        outside = placed.select((~query.window.holds("time") & ~wrong).fill_null(value=False)).to_series()
        return outside & (texts.str.count_matches(key, literal=True) == 1) if outside.any() else outside

    def _learned(self, sample: pl.Series) -> _Shape | None:
        """Return the keys, their types and the way of writing of some lines, if the fast way is worth its price."""
        sample = sample.head(_SAMPLE)
        good = sample.filter(pl.Series([isinstance(found, dict) for found in _loaded(sample)], dtype=pl.Boolean))
        try:
            dtype = good.str.json_decode(infer_schema_length=None).dtype if good.len() else None
            if not isinstance(dtype, pl.Struct):
                return None
            # A key that is always null so far may come to say something.
            fields = {f.name: pl.String() if f.dtype == pl.Null else _made(f.dtype) for f in dtype.fields}
            if not fields or any(name in self._keys or name.startswith("\0") for name in fields):
                return None
            good = good.gather_every(-(-good.len() // _STYLED))
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
        for said, number in zip(_loaded(page[_TEXT]), page[LINE], strict=True):
            if not isinstance(said, dict):
                bad.append(number)
                continue
            row = {**self._keys, **said}
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
        # As a query, and not as a method of the column, it lets other threads of Python go on.
        rows = page.select(pl.col(_TEXT).str.json_decode(pl.Struct(dict(fields)))).to_series()
    except pl.exceptions.PolarsError:
        return None
    # polars leaves out a line that holds no value.
    if rows.null_count() or rows.len() != page.height:
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


def _loaded(texts: pl.Series) -> Iterator[Any]:
    """Yield what each line says, or None. Numbers of any length stay whole, and Python's NaN is taken for text."""
    for text, big in zip(texts, texts.str.contains(_BIG), strict=True):
        try:
            yield _patiently(text) if big else orjson.loads(text)
        except orjson.JSONDecodeError:
            yield _patiently(text)


def _patiently(text: str) -> Any:
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
    said = next(_loaded(pl.Series([own]))) if isinstance(own, str) else own
    return said if isinstance(said, dict) else own


def _pruned(value: Any) -> Any:
    """Return a value without the keys of objects that say null."""
    if isinstance(value, dict):
        return {key: _pruned(inner) for key, inner in value.items() if inner is not None}
    return [_pruned(inner) for inner in value] if isinstance(value, list) else value


def _made(dtype: Any) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
