"""A request is one question to the Prometheus API; here a window becomes the requests that cover it, and no more.

A range query's points are multiples of the step, so that two pulls of overlapping windows have the same points, and
slices of a window meet exactly. The server refuses more than 11,000 points a series in one answer; the range is split
long before, so that slices come side by side and none is too large for memory. The step is never changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workbench.telemetry.sources.prometheus.promql import duration
from workbench.window import Window

__all__ = [
    "POINTS",
    "Request",
    "instant_request",
    "milliseconds",
    "range_requests",
    "ranges",
    "seconds",
    "stored",
    "stored_requests",
]

POINTS = 400
"""Most points of one series in one answer: ten million samples at the usual limit of series, about 250 MB of JSON."""

_STRETCH = 6 * 3600 * 1000
"""The longest stretch of stored samples in one answer, in milliseconds."""


@dataclass(frozen=True)
class Request:
    """One request: the way after ``/api/v1/``, its parameters, and the first millisecond it is about."""

    path: str
    params: Mapping[str, str]
    start: int

    def __str__(self) -> str:
        return " ".join([self.path, *(f"{name}={value}" for name, value in self.params.items())])


def milliseconds(length: timedelta) -> int:
    """Return a length in whole milliseconds, rounded up."""
    return -(-length // timedelta(milliseconds=1))


def _edges(window: Window) -> tuple[int, int]:
    """Return the first millisecond of a window and the last one."""
    since = datetime(1970, 1, 1, tzinfo=UTC)
    return milliseconds(window.start - since), milliseconds(window.end - since) - 1


def ranges(window: Window, step: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last point of each slice: multiples of the step (in milliseconds), each just once.

    Slices are as long as each other, but for what can't be divided: what comes side by side is then there together.
    """
    first, last = _edges(window)
    start, beyond = -(-first // step), last // step + 1
    slices = -(-(beyond - start) // POINTS)
    for left in range(slices, 0, -1):
        end = start + -(-(beyond - start) // left)
        yield start * step, (end - 1) * step
        start = end


def stored(window: Window) -> Iterator[tuple[int, int]]:
    """Yield the time to ask at, and how far to look back, for the stored samples of a window, slice by slice.

    Whether a sample exactly that far back is in the answer depends on the server's version (Prometheus 3 leaves it
    out), so each slice looks back one millisecond further than it means to, and that millisecond is filtered away.
    """
    first, last = _edges(window)
    while first <= last:
        end = min(first + _STRETCH - 1, last)
        yield end, end - first + 1
        first = end + 1


def seconds(moment: int) -> str:
    """Return a moment or a length in milliseconds as the API takes it."""
    return f"{moment / 1000:.3f}"


def range_requests(expression: str, window: Window, step: int) -> Iterator[Request]:
    """Yield what evaluates an expression at each point of the window."""
    for start, end in ranges(window, step):
        times = {"start": seconds(start), "end": seconds(end), "step": seconds(step)}
        yield Request("query_range", {"query": expression, **times}, start)


def stored_requests(selector: str, window: Window) -> Iterator[Request]:
    """Yield what gives the samples of a window as they are stored."""
    for end, back in stored(window):
        asked = {"query": f"{selector}[{duration(back)}]", "time": seconds(end)}
        yield Request("query", asked, end - back + 1)


def instant_request(expression: str, window: Window) -> Request:
    """Return what evaluates an expression once, at the window's last millisecond: its end is in the next window."""
    first, last = _edges(window)
    return Request("query", {"query": expression, "time": seconds(last)}, first)
