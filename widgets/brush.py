"""A brush marks a moment or a span on an incident's pinned metrics and hands it on with the evidence looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import ipywidgets

from widgets.callout import Callout
from widgets.plot import Plot, milliseconds, moment
from widgets.reader import time_words
from widgets.series import COLUMNS, Series
from workbench.evidence import Citation, Snapshot
from workbench.record import Incident
from workbench.window import Window

__all__ = ["BrushChart", "Marked"]

_BEFORE = timedelta(minutes=10)
_LABEL = 200


@dataclass(frozen=True)
class Marked:
    """What was marked: a span, or a moment when ``end`` is None, in UTC; and the slice of pinned evidence under it."""

    start: datetime
    end: datetime | None
    citation: Citation


class BrushChart:
    """A chart of one metric of one service, both chosen from lists; those that moved most come first.

    ``selection`` is what is marked, or None; ``on_marked`` calls back with it; ``view`` is what a notebook shows.

    Args:
        snapshot: the pinned evidence.
        incident: whose time is tinted and whose milestones are dotted.
    """

    def __init__(self, snapshot: Snapshot, incident: Incident) -> None:
        self.snapshot, self.incident = snapshot, incident
        self.callout = Callout()
        self.plot = Plot()
        self._marked: list[Callable[[Marked], object]] = []
        self.selection: Marked | None = None
        self.series = Series(snapshot)
        shape = {"layout": {"width": "auto"}}
        self.service = ipywidgets.Dropdown(description="Service", options=_services(self.series), **shape)
        # A list that starts empty never chooses by itself, so that it starts with what it offers.
        self.metric = ipywidgets.Dropdown(description="Metric", options=self._metrics(), **shape)
        for choice in (self.service, self.metric):
            choice.add_class("wb-field")
        row = ipywidgets.HBox([self.service, self.metric])
        row.add_class("wb-row")
        heading = ipywidgets.HTML("<h3>Drag across the chart to set when it happened</h3>")
        heading.add_class("wb-heading")
        self.view = ipywidgets.VBox([heading, self.callout, row, self.plot])
        for css in ("wb", "wb-form", "wb-brush"):
            self.view.add_class(css)
        self.service.observe(self.callout.guard(lambda _: self._offer()), "value")
        self.metric.observe(self.callout.guard(lambda _: self._draw()), "value")
        self.plot.on_marked(self.callout.guard(self._mark))
        if self.series.services:
            self._draw()
        else:
            row.layout.display = self.plot.layout.display = "none"
            self.callout.say("info", "This snapshot holds no metrics", do="Type the times into the form")

    def on_marked(self, callback: Callable[[Marked], object]) -> None:
        """Have ``callback`` called each time a moment or a span is marked."""
        self._marked.append(callback)

    def clear(self) -> None:
        """Mark nothing."""
        self.selection = None
        self.plot.selection = []

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.view._repr_mimebundle_(**kwargs)

    def _offer(self) -> None:
        """Offer the chosen service's metrics and draw the first."""
        with self.metric.hold_trait_notifications():
            self.metric.options = self._metrics()
        self._draw()

    def _metrics(self) -> list[tuple[str, str]]:
        moved = self.series.services.get(self.service.value, {})
        return [(_label(metric, at), metric) for metric, at in moved.items()]

    def _draw(self) -> None:
        service, metric = self.service.value, self.metric.value
        if metric is None:
            return
        span = self._span()
        lines = self.series.lines(service, metric, span)
        self.selection = None
        times = self.incident.milestones
        known = (
            ("Detected", times.detected_at),
            ("Acknowledged", times.acknowledged_at),
            ("Mitigated", times.mitigated_at),
        )
        name, unit = _in_words(metric)
        self.plot.show(
            lines,
            title=f"{name}, {unit}" if unit else name,
            subject=service,
            span=(span.start, span.end),
            incident=(times.started_at, times.resolved_at or span.end),
            marks=[(name, at) for name, at in known if at is not None],
        )

    def _span(self) -> Window:
        """Return what is worth seeing: the incident with as much again before it, and at least ten minutes."""
        window = self.snapshot.window
        baseline = self.snapshot.baseline
        if baseline is None:
            return window
        return Window(max(baseline.start, window.start - max(_BEFORE, window.duration)), window.end)

    def _mark(self, start: datetime, end: datetime | None) -> None:
        self.selection = Marked(start, end, self._citation(start, end))
        for callback in self._marked:
            callback(self.selection)

    def _citation(self, start: datetime, end: datetime | None) -> Citation:
        """Return the slice of the pinned table that holds every sample from start to end, and no later one.

        A window is half-open, so that it ends with the next sample.
        """
        service, metric = self.service.value, self.metric.value
        table = self.series.table(service, metric)
        last = end or start
        later = [moment(time) for line in self.plot.lines for time in line["times"] if time > milliseconds(last)]
        times = f"{time_words(start)}–{time_words(end)}" if end else time_words(start)
        series = f"{service} {_in_words(metric)[0]}".strip()[: _LABEL - len(times) - 1]
        return Citation(
            snapshot=self.snapshot.version,
            frame="metrics",
            source=table.source,
            sha256=table.sha256,
            services=(service,) if service else (),
            names=(metric,),
            start=start,
            end=min(later, default=last + timedelta(seconds=1)),
            columns=COLUMNS,
            label=f"{series} {times}",
        )


def _in_words(metric: str) -> tuple[str, str]:
    """Return a metric's name and unit as a person reads them."""
    from workbench.analysis.changes import unit_of  # noqa: PLC0415 - a form without a chart does without polars
    from workbench.charts.values import series_name, unit_label  # noqa: PLC0415

    return series_name(metric), unit_label(unit_of(metric))


def _label(metric: str, moved_at: datetime | None) -> str:
    name, unit = _in_words(metric)
    told = f"{name}, {unit}" if unit else name
    return f"{told} · moved {time_words(moved_at)[:5]}" if moved_at else told


def _services(series: Series) -> list[tuple[str, str]]:
    return [(service or "Not of one service", service) for service in series.services]
