"""The prometheus source asks any Prometheus-compatible API for metrics by PromQL, and for alerts as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.conventions import Names
from workbench.telemetry.discovery import Discovery
from workbench.telemetry.prometheus_alerts import Alerts
from workbench.telemetry.prometheus_answers import Series, data_of, series_of
from workbench.telemetry.prometheus_pages import Pages
from workbench.telemetry.prometheus_questions import Question, Questions
from workbench.telemetry.prometheus_requests import Request, instant_request, milliseconds, seconds
from workbench.telemetry.schema import FrameName
from workbench.telemetry.side_by_side import side_by_side
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.stream import stream
from workbench.telemetry.web import Answer, Web

__all__ = ["PrometheusSource"]

_LONG = 1500
"""Signs of a query beyond which it is sent as a form: many servers and proxies refuse addresses over 8 kB."""

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
            ask = partial(self._series, tally=tally)
            rules = partial(self._get, "rules", {"type": "alert"}, query, tally)
            return Reading(frame, stream(frame, lambda: alerts.pages(ask, rules)), alerts.asked, tally)
        questions = [*self._questions.of(query)]
        data = stream(frame, lambda: self._pages(questions, query, tally))
        asked = "\n".join(map(str, questions))
        return Reading(frame, data, asked, tally, lambda: self._estimate(questions, query))

    def _pages(self, questions: list[Question], query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        """Yield a page for each request, the earliest first."""
        pages = Pages(self._questions, self._names, query, tally)
        tasks = [(request, question) for question in questions for request in question.requests]
        tasks.sort(key=lambda task: task[0].start)
        ask = partial(self._series, tally=tally)
        for (request, question), series in side_by_side(tasks, lambda task, own: ask(task[0], own), query):
            yield pages.page(series, request, question)

    def _series(self, request: Request, query: Query, *, tally: Tally) -> Series:
        # Older servers don't know `limit` and leave it unread.
        bounds = {"limit": str(query.limits.series), "timeout": f"{query.limits.seconds:g}s"}
        return series_of(self._get(request.path, {**request.params, **bounds}, query, tally))

    def _get(self, path: str, params: Mapping[str, Any], query: Query, tally: Tally) -> Answer:
        long = len(str(params.get("query", ""))) > _LONG
        return (self._web.post if long else self._web.get)(f"/api/v1/{path}", params, query=query, tally=tally)

    def _estimate(self, questions: list[Question], query: Query) -> Estimate:
        """Return what the questions would bring, if the window held what its end holds."""
        tally, window = Tally(), query.window

        def count(question: Question, own: Query) -> tuple[int, int]:
            def one(expression: str) -> int:
                found = self._series(instant_request(expression, window), own, tally=tally).samples["value"]
                return int(found.sum())

            series = one(f"count(\n{question.expression}\n)")
            if question.stored:
                dense = one(f"sum(count_over_time({question.expression}[{_DENSITY}ms]))")
                return series, dense * milliseconds(window.duration) // _DENSITY
            return series, series * self._points(question)

        found = [counted for _, counted in side_by_side(questions, count, query)]
        series, rows = sum(one for one, _ in found), sum(one for _, one in found)
        return Estimate(rows=rows, bytes=rows * _SAMPLE + series * _SERIES, series=series)

    def _points(self, question: Question) -> int:
        first, last = question.requests[0].params, question.requests[-1].params
        if "step" not in first:
            return 1
        return round((float(last["end"]) - float(first["start"])) * 1000 / self._questions.step) + 1

    def discover(self, query: Query) -> Discovery:
        """Return the services, metrics and labels of the window, and what the server says the metrics are.

        Raises:
            SourceError: it can't be reached, refuses, or answers what can't be read.
        """
        since = instant_request("", query.window)
        times = {"start": seconds(since.start), "end": since.params["time"]}
        tally = Tally()

        def listed(path: str, own: Query) -> tuple[str, ...]:
            data, _, _ = data_of(self._get(path, times, own, tally))
            if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
                raise SourceError(
                    f"source {self.name!r}: the list {path} is not a list of names", do="See what answers at its url"
                )
            return tuple(sorted(data))

        asked = self._questions
        metric = asked.metric_label or "__name__"
        first = ("labels", f"label/{asked.service_label}/values", f"label/{metric}/values")
        labels, services, metrics = (found for _, found in side_by_side(first, listed, query))
        shown = [label for label in labels if label not in {"__name__", asked.service_label, metric}][:_LABELS]
        values = side_by_side([f"label/{label}/values" for label in shown], listed, query)
        told = tuple((label, found[:_VALUES]) for label, (_, found) in zip(shown, values, strict=True))
        return Discovery(services, metrics, told, self._note(query, tally))

    def _note(self, query: Query, tally: Tally) -> str:
        """Return which metrics are histograms, by the server's own metadata."""
        data, _, _ = data_of(self._get("metadata", {}, query, tally))
        facts = data.items() if isinstance(data, dict) else ()
        found = sorted(
            name for name, said in facts for one in said if isinstance(one, dict) and one.get("type") == "histogram"
        )
        told = f" Histograms, for the table of that name: {', '.join(found[:_VALUES])}." if found else ""
        return f"At most {_LABELS} labels with {_VALUES} values each are listed.{told}"
