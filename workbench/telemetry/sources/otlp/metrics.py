"""OTLP's metrics as rows of the frame: one for a number, several for a histogram or a summary.

The messages are those of ``metrics.proto`` of opentelemetry-proto, in their JSON shape. What a histogram is called when
it is told as numbers follows the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from workbench.telemetry.sources.otlp.values import (
    Enumeration,
    Unreadable,
    integer,
    listed,
    number,
    record_of,
    text_of,
)

__all__ = ["METRIC_COLUMNS", "Metric", "metric_of", "value_of"]

METRIC_COLUMNS = ("time", "service", "instance", "metric", "attributes", "value")

_TEMPORALITIES = Enumeration((None, "DELTA", "CUMULATIVE"), "AGGREGATION_TEMPORALITY_")
_NOTHING_RECORDED = 1
"""The bit of a point's flags that says: it has no value."""

Value: TypeAlias = tuple[str, dict[str, object], float | None]
"""What follows the metric's name, attributes that tell it from the point's other values, and the value."""

Reader: TypeAlias = Callable[[Mapping[str, Any]], Iterable[Value]]


class Metric(NamedTuple):
    """A metric's name, its points, how one is read, and what it says of all of them."""

    name: str
    points: Sequence[Any]
    read: Reader | None
    """Null for gauges and sums, whose points are one number (`value_of`)."""
    own: tuple[tuple[str, object], ...]
    """Its ``unit``, and for sums and histograms ``temporality`` (``delta``, ``cumulative``) and ``monotonic``."""


def metric_of(metric: Mapping[str, Any]) -> Metric | None:
    """Return a metric; null when it has no data of a known kind.

    Raises:
        Unreadable: it isn't a metric.
    """
    for kind in _READ:
        if kind in metric:
            break
    else:
        return None
    name, unit, data = text_of(metric.get("name")), text_of(metric.get("unit")), record_of(metric[kind])
    if name is None:
        raise Unreadable("a metric has no name")
    own: tuple[tuple[str, object], ...] = (("unit", unit),) if unit else ()
    if told := _TEMPORALITIES[data.get("aggregationTemporality")]:
        own += (("temporality", told.lower()),)
    if kind == "sum":
        own += (("monotonic", bool(data.get("isMonotonic"))),)
    return Metric(name, listed(data.get("dataPoints")), _READ[kind], own)


def value_of(point: Mapping[str, Any]) -> float | None:
    """Return the value of a gauge's or a sum's point; null when nothing was recorded.

    Raises:
        Unreadable, TypeError, ValueError, OverflowError: it has none that is a number.
    """
    value = point.get("asDouble")
    if value is None:
        value = point.get("asInt")
        value = None if value is None else integer(value)
    return None if value is None or _unrecorded(point) else number(value)


def _unrecorded(point: Mapping[str, Any]) -> bool:
    flags = point.get("flags")
    return flags is not None and bool(integer(flags) & _NOTHING_RECORDED)


def _histogram(point: Mapping[str, Any]) -> Iterator[Value]:
    yield from _totals(point)
    counts = [integer(count) for count in listed(point.get("bucketCounts"))]
    bounds = [number(bound) for bound in listed(point.get("explicitBounds"))]
    if not counts and not bounds:
        return
    if len(counts) != len(bounds) + 1:
        raise Unreadable("a histogram's buckets and borders don't fit together")
    yield from _buckets([*bounds, float("inf")], counts)


def _exponential(point: Mapping[str, Any]) -> Iterator[Value]:
    """Buckets of an exponential histogram: number i ends at 2^((i + 1) / 2^scale), or begins there below zero."""
    yield from _totals(point)
    width = 2.0 ** -integer(point.get("scale"))
    below, above = record_of(point.get("negative")), record_of(point.get("positive"))
    borders: list[float] = []
    counts: list[int] = []
    low = [integer(count) for count in listed(below.get("bucketCounts"))]
    first = integer(below.get("offset"))
    for place in range(len(low) - 1, -1, -1):
        borders.append(-_power((first + place) * width))
        counts.append(low[place])
    borders.append(number(point.get("zeroThreshold") or 0.0))
    counts.append(integer(point.get("zeroCount")))
    first = integer(above.get("offset"))
    for place, count in enumerate(listed(above.get("bucketCounts"))):
        borders.append(_power((first + place + 1) * width))
        counts.append(integer(count))
    yield from _buckets([*borders, float("inf")], [*counts, 0])


def _power(exponent: float) -> float:
    try:
        return float(2.0**exponent)
    except OverflowError:
        return float("inf")


def _summary(point: Mapping[str, Any]) -> Iterator[Value]:
    # Protobuf leaves a sum of zero out, and JSON may.
    yield from _totals({"sum": 0.0, **point})
    for one in listed(point.get("quantileValues")):
        yield "", {"quantile": str(number(one.get("quantile") or 0.0))}, number(one.get("value") or 0.0)


def _totals(point: Mapping[str, Any]) -> Iterator[Value]:
    if _unrecorded(point):
        yield "_count", {}, None
        return
    yield "_count", {}, float(integer(point.get("count")))
    for key in ("sum", "min", "max"):
        if point.get(key) is not None:
            yield f"_{key}", {}, number(point[key])


def _buckets(borders: list[float], counts: list[int]) -> Iterator[Value]:
    """Tell how many values lie at or below each border; what has no border of its own is in the last."""
    told = list(zip(borders, accumulate(counts), strict=True))
    for border, count in told[:-1]:
        if border != float("inf"):
            yield "_bucket", {"le": str(border)}, float(count)
    yield "_bucket", {"le": "+Inf"}, float(told[-1][1])


_READ: Mapping[str, Reader | None] = {
    "gauge": None,
    "sum": None,
    "histogram": _histogram,
    "exponentialHistogram": _exponential,
    "summary": _summary,
}
