"""OTLP's metrics as rows of the frame: one for a number, several for a histogram or a summary.

The messages are those of ``metrics.proto`` of opentelemetry-proto, in their JSON shape. What a histogram is called when
it is told as numbers follows the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeAlias

from workbench.telemetry.otlp_values import (
    Enumeration,
    Shared,
    Unreadable,
    integer,
    listed,
    number,
    record_of,
    text_of,
)

__all__ = ["METRIC_COLUMNS", "points", "shared_of_metric"]

METRIC_COLUMNS = ("time", "service", "instance", "metric", "attributes", "value")

_TEMPORALITIES = Enumeration((None, "DELTA", "CUMULATIVE"), "AGGREGATION_TEMPORALITY_")
_NOTHING_RECORDED = 1
"""The bit of a point's flags that says: it has no value."""

Value: TypeAlias = tuple[str, dict[str, object], float | None]
"""What follows the metric's name, attributes that tell it from the point's other values, and the value."""

Reader: TypeAlias = Callable[[Mapping[str, Any]], Iterator[Value]]


def points(metric: Mapping[str, Any]) -> tuple[str, Sequence[Any], Reader] | None:
    """Return a metric's name, its points, and how one point is read; null when it has no data of a known kind.

    Raises:
        Unreadable: it isn't a metric.
    """
    name = text_of(metric.get("name"))
    for kind, read in _READ.items():
        if kind in metric:
            if name is None:
                raise Unreadable("a metric has no name")
            return name, listed(record_of(metric[kind]).get("dataPoints")), read
    return None


def shared_of_metric(metric: Mapping[str, Any], shared: Shared) -> Shared:
    """Return what a metric gives its points beside what their scope does: its unit, and how its sums are to be read.

    They are called ``unit``, ``temporality`` (``delta``, ``cumulative``) and ``monotonic``.

    Raises:
        Unreadable: it isn't a metric.
    """
    own: dict[str, object] = {}
    if unit := text_of(metric.get("unit")):
        own["unit"] = unit
    for kind in ("sum", "histogram", "exponentialHistogram"):
        if kind in metric:
            data = record_of(metric[kind])
            told = _TEMPORALITIES[data.get("aggregationTemporality")]
            if told:
                own["temporality"] = told.lower()
            if kind == "sum":
                own["monotonic"] = bool(data.get("isMonotonic"))
    return shared.within(own)


def _number(point: Mapping[str, Any]) -> Iterator[Value]:
    if integer(point.get("flags")) & _NOTHING_RECORDED:
        yield "", {}, None
    elif point.get("asDouble") is not None:
        yield "", {}, number(point["asDouble"])
    elif point.get("asInt") is not None:
        yield "", {}, float(integer(point["asInt"]))
    else:
        yield "", {}, None


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
    if integer(point.get("flags")) & _NOTHING_RECORDED:
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


_READ: Mapping[str, Reader] = {
    "gauge": _number,
    "sum": _number,
    "histogram": _histogram,
    "exponentialHistogram": _exponential,
    "summary": _summary,
}
