"""The prometheus source asks any Prometheus-compatible API for metrics by PromQL, and for alerts as events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.conventions import Names
from workbench.telemetry.discovery import Discovery
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.sources.prometheus.alerts import Alerts
from workbench.telemetry.sources.prometheus.answers import Series, data_of
from workbench.telemetry.sources.prometheus.api import Api
from workbench.telemetry.sources.prometheus.pages import Pages
from workbench.telemetry.sources.prometheus.questions import Question, Questions
from workbench.telemetry.sources.prometheus.requests import Request, instant_request, milliseconds, seconds
from workbench.telemetry.stream import stream
from workbench.telemetry.web.client import Web

__all__ = ["PrometheusSource"]

_SAMPLE, _SERIES = 23, 150
"""Bytes of JSON that a sample and a series' labels usually take."""

_DENSITY = 5 * 60 * 1000
"""How long before the window's end stored samples are counted, to estimate how many the window holds."""

_LABELS, _VALUES = 30, 20


class PrometheusSource:
    """A Prometheus, or anything that answers like one: Thanos, Mimir, VictoriaMetrics."""

    kind = "prometheus"

    def __init__(self, name: str, web: Web, questions: Questions, names: Names) -> None:
        self.name = name
        asked: dict[FrameName, bool] = {"metrics": questions.any_metric, "events": questions.alerts}
        self.frames: tuple[FrameName, ...] = tuple(frame for frame, wanted in asked.items() if wanted)
        self._web = web
        self._questions = questions
        self._names = names

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:  # noqa: ARG003 - no path in it
        """Return the source; its page tells every key.

        Raises:
            SourceError: a key is unknown or missing, or has a value that can't be.
        """
        # Prometheus packs at some 10 MB a second, so packing pays only on lines slower than that.
        web, rest = Web.from_settings(name, settings, headers={"accept-encoding": "identity"})
        names, rest = Names.from_settings(name, rest)
        return cls(name, web, Questions.from_settings(name, rest), names)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the window's metrics as the questions ask, or its alerts.

        Raises:
            SourceError: while the data is consumed: it can't be reached, refuses, or answers what can't be read.
        """
        tally = Tally()
        if frame == "events":
            alerts = Alerts(self._questions, self._names, query, tally, self._web.url)
            data = stream(frame, lambda: alerts.pages(Api(self._web, query, tally)))
            return Reading(frame, data, alerts.asked, tally)
        questions = [*self._questions.of(query)]
        data = stream(frame, lambda: self._pages(questions, query, tally))
        asked = "\n".join(map(str, questions))
        return Reading(frame, data, asked, tally, lambda: self._estimate(questions, query))

    def _pages(self, questions: list[Question], query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        """Yield a page for each request, the earliest first."""
        api, pages = Api(self._web, query, tally), Pages(self._questions, self._names, query, tally)
        tasks = [(request, question) for question in questions for request in question.requests]
        tasks.sort(key=lambda task: task[0].start)

        def one(task: tuple[Request, Question]) -> tuple[Series, pl.DataFrame]:
            request, question = task
            series = api.series(request)
            # The samples are in the page now, and needn't wait with it.
            return replace(series, samples=series.samples.clear()), pages.page(series, request, question)

        for (_, question), (series, page) in api.each(tasks, one):
            # Remarks are told here and not beside the others, so that they come in the order of what was asked.
            pages.told(series, question)
            yield page

    def _estimate(self, questions: list[Question], query: Query) -> Estimate:
        """Return what the questions would bring, if the whole window held what its end holds."""
        api, window = Api(self._web, query, Tally()), query.window

        def one(expression: str) -> int:
            return int(api.series(instant_request(expression, window)).samples["value"].sum())

        def count(question: Question) -> tuple[int, int]:
            # A comment at the end of the expression must not swallow the bracket.
            series = one(f"count(\n{question.expression}\n)")
            if question.stored:
                dense = one(f"sum(count_over_time({question.expression}[{_DENSITY}ms]))")
                return series, dense * milliseconds(window.duration) // _DENSITY
            return series, series * question.points

        found = [counted for _, counted in api.each(questions, count)]
        series, rows = sum(one for one, _ in found), sum(one for _, one in found)
        return Estimate(rows=rows, bytes=rows * _SAMPLE + series * _SERIES, series=series)

    def discover(self, query: Query) -> Discovery:
        """Return the services, metrics and labels of the window, and which metrics the server calls histograms.

        Raises:
            SourceError: it can't be reached, refuses, or answers what can't be read.
        """
        api = Api(self._web, query, Tally())
        since = instant_request("", query.window)
        times = {"start": seconds(since.start), "end": since.params["time"]}

        def listed(path: str) -> tuple[str, ...]:
            data, _, _ = data_of(api.get(path, times))
            if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
                raise SourceError(
                    f"source {self.name!r}: what it answers at {path} is not a list of names",
                    do="See what answers at its url",
                )
            return tuple(sorted(data))

        service, metric = self._questions.service_label, self._questions.metric_label or "__name__"
        first = ("labels", f"label/{service}/values", f"label/{metric}/values")
        labels, services, metrics = (found for _, found in api.each(first, listed))
        shown = [label for label in labels if label not in {"__name__", service, metric}][:_LABELS]
        values = api.each([f"label/{label}/values" for label in shown], listed)
        told = tuple((label, found[:_VALUES]) for label, (_, found) in zip(shown, values, strict=True))
        return Discovery(services, metrics, told, _note(api))


def _note(api: Api) -> str:
    """Return how far the lists go, and which metrics are histograms by the server's own metadata."""
    data, _, _ = data_of(api.get("metadata", {}))
    facts = data.items() if isinstance(data, dict) else ()
    found = sorted(
        {name for name, said in facts for one in said if isinstance(one, dict) and one.get("type") == "histogram"}
    )
    told = f" Histograms, for the table of that name: {', '.join(found[:_VALUES])}." if found else ""
    return f"At most {_LABELS} labels with {_VALUES} values each are listed.{told}"
