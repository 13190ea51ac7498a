"""OTLP's values as plain ones: any-values, ids, enumerations, times, and attributes that are told as JSON.

What they look like is written in the OTLP specification (section "JSON Protobuf Encoding") and in ``common.proto`` and
``resource.proto`` of opentelemetry-proto, here as its Python package 1.45 has them. Protobuf is brought to the same
shape before (`workbench.telemetry.sources.otlp.protobuf`), so that both encodings have one reader.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

__all__ = ["MISSHAPEN", "Enumeration", "Shared", "Unreadable", "attributes_of", "integer", "listed", "nanoseconds"]
__all__ += ["number", "one_id", "over", "plain", "record_of", "shared_of", "text_of"]

_DEEPEST = 100
_INT64 = (-(2**63), 2**63)
_SURELY_64_BITS = 19
_REMEMBERED = 1000
"""Lists of attributes for each scope or metric."""
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_INSTANCE = ("service.instance.id", "k8s.pod.name", "host.name")


class Unreadable(ValueError):  # noqa: N818 - a state of affairs, which its catcher counts
    """A line, a message or a record that isn't what OTLP says it is; it is counted and left out."""


MISSHAPEN = (Unreadable, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading a record of another shape raises."""


def listed(value: object) -> Sequence[Any]:
    """Return a repeated field: null and absent mean none.

    Raises:
        Unreadable: it is something else than a list.
    """
    if value is None:
        return ()
    if type(value) is not list:
        raise Unreadable("a list is of another type")
    return value


def record_of(value: object) -> Mapping[str, Any]:
    """Return a message: null and absent mean an empty one.

    Raises:
        Unreadable: it is something else than an object.
    """
    if value is None:
        return {}
    if type(value) is not dict:
        raise Unreadable("an object is of another type")
    return value


def text_of(value: object) -> str | None:
    """Return a text; empty and absent are the same in OTLP, and become null.

    Raises:
        Unreadable: it is something else than a text.
    """
    if not value:
        return None
    if type(value) is not str:
        raise Unreadable("a text is of another type")
    return value


def integer(value: object) -> int:
    """Return a whole number, which JSON may have as a text (so that 64 bits survive); absent means 0.

    Raises:
        Unreadable: it is none.
    """
    if value is None:
        return 0
    if type(value) is int:
        return value
    if type(value) is str or (type(value) is float and value.is_integer()):
        return int(value)
    raise Unreadable("a whole number is of another type")


def nanoseconds(value: object) -> int:
    """Return a time in nanoseconds since 1970; 0 means unknown."""
    return value if type(value) is int else integer(value)


def number(value: object) -> float:
    """Return a float, which JSON has as a text where it isn't finite.

    Raises:
        Unreadable: it is none.
    """
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    if type(value) is str:
        return _NOT_FINITE[value] if value in _NOT_FINITE else float(value)
    raise Unreadable("a number is of another type")


class Enumeration(dict[object, str | None]):
    """The names of an enumeration's values, by what JSON may have for them: numbers, and longer names.

    An unknown value stays as it came; null is what says that nothing was said.
    """

    def __init__(self, names: Sequence[str | None], prefix: str) -> None:
        super().__init__({None: None, prefix + "UNSPECIFIED": None, prefix + "UNSET": None})
        self._prefix = prefix
        for place, name in enumerate(names):
            self |= {place: name, str(place): name}
            if name is not None:
                self[prefix + name] = name

    def __missing__(self, value: object) -> str:
        """Return an unknown value as text.

        Raises:
            Unreadable: it is neither a number nor a text.
        """
        return value.removeprefix(self._prefix) if type(value) is str else str(integer(value))


def one_id(text: str, size: int) -> str | None:
    """Return a trace's or a span's id of so many bytes in small hexadecimal letters; null where it is all zeros.

    OTLP/JSON has ids in hexadecimal. Exporters that use Protobuf's own JSON mapping write base64: of the right length,
    it is told in hexadecimal too. Anything else stays as it came.
    """
    try:
        raw = bytes.fromhex(text) if len(text) == 2 * size else base64.b64decode(text, validate=True)
    except ValueError:
        return text
    if len(raw) != size:
        return text
    return raw.hex() if any(raw) else None


def plain(value: object, depth: int = 0) -> object:
    """Return an any-value as JSON has it: text, whole number, float, truth, list, object; null where it is empty.

    Floats that aren't finite become the texts ``NaN``, ``Infinity`` and ``-Infinity``; bytes stay base64.

    Raises:
        Unreadable: a value of another type, or nested deeper than anybody means.
    """
    if depth > _DEEPEST:
        raise Unreadable("a value is nested too deeply")
    for kind, inner in record_of(value).items():
        if kind == "arrayValue":
            return [plain(one, depth + 1) for one in listed(record_of(inner).get("values"))]
        if kind == "kvlistValue":
            return attributes_of(record_of(inner).get("values"), depth=depth + 1)
        if kind in _SCALARS:
            return _SCALARS[kind](inner)
    return None


def _text(value: object) -> str:
    if type(value) is not str:
        raise Unreadable("a text is of another type")
    return value


def _whole(value: object) -> int:
    made = integer(value)
    if not _INT64[0] <= made < _INT64[1]:
        raise Unreadable("a whole number is too large")
    return made


def _truth(value: object) -> bool:
    if type(value) is not bool:
        raise Unreadable("a truth is of another type")
    return value


def _float(value: object) -> float | str:
    made = number(value)
    return made if math.isfinite(made) else _name_of(made)


_SCALARS: Mapping[str, Callable[[object], object]] = {
    "stringValue": _text,
    "intValue": _whole,
    "boolValue": _truth,
    "doubleValue": _float,
    "bytesValue": _text,
}


def _name_of(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def attributes_of(pairs: object, renames: Mapping[str, str] | None = None, *, depth: int = 0) -> dict[str, object]:
    """Return a list of keys and any-values as an object, in its order; of a key that comes twice, the last one.

    Args:
        pairs: the list, or null.
        renames: what keys are called instead.
        depth: how deep it lies in another value.

    Raises:
        Unreadable, AttributeError, TypeError, ValueError: it isn't such a list. A key that isn't text is found when
            the attributes are written as JSON.
    """
    made: dict[str, object] = {}
    for pair in listed(pairs):
        value = pair.get("value")
        # Nearly all are texts or whole numbers of a usual size; the longer way is for what isn't.
        text = value.get("stringValue") if value is not None else None
        if type(text) is str:
            made[pair.get("key", "")] = text
        elif value is not None and type(whole := value.get("intValue")) is str and len(whole) < _SURELY_64_BITS:
            made[pair.get("key", "")] = int(whole)
        else:
            made[pair.get("key", "")] = plain(value, depth)
    if renames:
        return {renames.get(key, key): value for key, value in made.items()}
    return made


class Shared:
    """What the records of one scope (or the points of one metric) have in common.

    Attributes are those that aren't columns. A record's own attribute of the same name hides none of them: the shared
    one is then told as ``otel.outer.NAME``.
    """

    def __init__(
        self, service: str | None, instance: str | None, attributes: Mapping[str, object], renames: Mapping[str, str]
    ) -> None:
        self.service, self.instance, self.renames = service, instance, renames
        self._attributes = attributes
        # The shared part is the same for many records, so it is written once: as the end of a JSON object.
        self._end = orjson.dumps(attributes)[1:]
        self._alone = "{" + self._end.decode() if attributes else None
        self._again: dict[bytes, str | None] = {}
        self._within: dict[tuple[tuple[str, object], ...], Shared] = {}

    def attributed(self, own: Mapping[str, object]) -> str | None:
        """Return a record's own attributes followed by the shared ones, as JSON; null where there are none."""
        if not own:
            return self._alone
        if not self._attributes:
            return orjson.dumps(own).decode()
        if self._attributes.keys().isdisjoint(own):
            return (orjson.dumps(own)[:-1] + b"," + self._end).decode()
        return orjson.dumps(over(own, self._attributes)).decode()

    def within(self, own: tuple[tuple[str, object], ...]) -> Shared:
        """Return what is shared in a part that has attributes of its own, which come first."""
        if not own:
            return self
        if own not in self._within:
            made = over(dict(own), self._attributes)
            self._within[own] = Shared(self.service, self.instance, made, self.renames)
        return self._within[own]

    def attributed_again(self, pairs: object) -> str | None:
        """Return what `attributed` does for a list of attributes that is likely to come again, as a series' does."""
        if not pairs:
            return self._alone
        key = orjson.dumps(pairs)
        if key not in self._again:
            if len(self._again) >= _REMEMBERED:
                self._again.clear()
            self._again[key] = self.attributed(attributes_of(pairs, self.renames))
        return self._again[key]


def over(own: Mapping[str, object], below: Mapping[str, object]) -> dict[str, object]:
    """Return attributes followed by those they share with others; none is hidden by one of the same name."""
    made = dict(own)
    for key, value in below.items():
        if key not in made:
            made[key] = value
        elif made[key] != value:
            made[f"otel.outer.{key}"] = value
    return made


def shared_of(resource: object, scope: object, renames: Mapping[str, str]) -> Shared:
    """Return what a resource and a scope give their records.

    ``service`` is ``service.name``. ``instance`` is ``service.instance.id``, else ``k8s.pod.name``, else ``host.name``.
    What became a column isn't repeated, unless it stands in for another (a pod, a host). A scope's name and version
    are called ``otel.scope.name`` and ``otel.scope.version``.

    Raises:
        Unreadable: they aren't a resource and a scope.
    """
    own = attributes_of(record_of(resource).get("attributes"), renames)
    service = _told(own.pop("service.name", None))
    found = next(((key, told) for key in _INSTANCE if (told := _told(own.get(key)))), None)
    if found and found[0] == _INSTANCE[0]:
        del own[_INSTANCE[0]]
    within = record_of(scope)
    named = {f"otel.scope.{key}": text for key in ("name", "version") if (text := text_of(within.get(key))) is not None}
    of_scope = over(attributes_of(within.get("attributes"), renames), named)
    return Shared(service, found[1] if found else None, over(of_scope, own), renames)


def _told(value: object) -> str | None:
    """Return a name that may have been given as another value than a text."""
    if value is None or isinstance(value, str):
        return value or None
    return orjson.dumps(value).decode()
