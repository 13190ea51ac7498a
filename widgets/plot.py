"""A plot is one metric over time, on which a person marks a moment or a span, by mouse, finger or keyboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

__all__ = ["Line", "Plot"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = 2


@dataclass(frozen=True)
class Line:
    """The points of one series: milliseconds since 1970, and values, None where nothing was measured."""

    name: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    hot: bool = False


class Plot(anywidget.AnyWidget):
    """Draws the lines with the page's own Vega, and two handles over them.

    ``selection`` is what is marked, in milliseconds: two times for a span, one for a moment, none for nothing. It is
    only what a browser says: whoever uses it checks it.
    """

    _esm: ClassVar[Path] = Path(__file__).with_name("plot.js")

    lines = traitlets.List(traitlets.Dict()).tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    subject = traitlets.Unicode().tag(sync=True)
    span = traitlets.List(traitlets.Float()).tag(sync=True)
    incident = traitlets.List(traitlets.Float()).tag(sync=True)
    marks = traitlets.List(traitlets.Dict()).tag(sync=True)
    selection = traitlets.List(traitlets.Float()).tag(sync=True)

    def show(
        self,
        lines: Sequence[Line],
        *,
        title: str,
        subject: str,
        span: tuple[datetime, datetime],
        incident: tuple[datetime, datetime],
        marks: Sequence[tuple[str, datetime]] = (),
    ) -> None:
        """Draw these lines in the window ``span``, with the incident's time tinted and its milestones dotted.

        Args:
            lines: at most six; the hot one is drawn over the others.
            title: the metric with its unit.
            subject: what it is of, for the line under the title.
            span: what the axis shows.
            incident: what is tinted.
            marks: milestones by name.
        """
        self.selection = []
        with self.hold_sync():
            self.title, self.subject = title, subject
            self.span = [milliseconds(time) for time in span]
            self.incident = [milliseconds(time) for time in incident]
            self.marks = [{"name": name, "at": milliseconds(at)} for name, at in marks]
            self.lines = [
                {"name": line.name, "times": list(line.times), "values": list(line.values), "hot": line.hot}
                for line in lines
            ]

    def on_marked(self, callback: Callable[[datetime, datetime | None], object]) -> None:
        """Have ``callback`` called with the start and end that were marked; the end is None for a moment."""

        def heard(change: Any) -> None:
            # Anything may come from a browser: only times that are on the axis are marked.
            first, last = self.span
            marked = sorted(min(max(value, first), last) for value in change["new"][:_SPAN] if isfinite(value))
            if marked:
                callback(moment(marked[0]), moment(marked[-1]) if marked[-1] > marked[0] else None)

        self.observe(heard, "selection")


def milliseconds(time: datetime) -> float:
    """Return a time as JavaScript counts it."""
    return (time - _EPOCH) / timedelta(milliseconds=1)


def moment(value: float) -> datetime:
    """Return the time, in UTC, of JavaScript's count, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=round(value))
