"""The prometheus source does what every source must, on a real Prometheus and a real VictoriaMetrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import ClassVar, NoReturn

import polars as pl
import pytest
from conformance import START, WINDOW, SourceConformance, rows_at
from servers import answers, backfilled, free_port, openmetrics, post, prometheus, victoria_metrics

from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Query
from workbench.telemetry.sources.prometheus import requests as prometheus_requests
from workbench.telemetry.sources.prometheus.source import PrometheusSource
from workbench.telemetry.web import retry

History = Callable[[pl.DataFrame], str]


@pytest.fixture(scope="session")
def histories(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Iterator[History]:
    """Return what gives the address of a Prometheus that holds these rows and nothing else; one for equal rows."""
    running: dict[str, str] = {}
    with ExitStack() as stack:

        def serve(rows: pl.DataFrame) -> str:
            text = openmetrics("recorded", rows)
            if text not in running:
                folder = tmp_path_factory.mktemp("prometheus")
                backfilled(folder, text, missing)
                running[text] = stack.enter_context(prometheus(folder, missing))
            return running[text]

        yield serve


@pytest.fixture(scope="session")
def victoria(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Iterator[str]:
    """Return the address of a VictoriaMetrics."""
    with victoria_metrics(tmp_path_factory.mktemp("victoria"), missing) as url:
        yield url


class TestStored(SourceConformance):
    """Samples as Prometheus stores them, to the millisecond."""

    frames: ClassVar[tuple[FrameName, ...]] = ("metrics",)
    lacks: ClassVar[frozenset[str]] = frozenset({"attributes"})
    resolution: ClassVar[timedelta] = timedelta(milliseconds=1)
    refused: ClassVar[Mapping[str, object]] = {"url": "http://127.0.0.1", "serivce_label": "app"}

    serve: History

    @pytest.fixture(autouse=True)
    def _servers(self, histories: History) -> None:
        self.serve = histories

    @pytest.fixture(autouse=True)
    def _hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
        monkeypatch.setattr(retry, "_JITTER", 0.001)

    def spread(self, count: int) -> list[datetime]:
        """Return moments at which a server of milliseconds, and one of half-minutes, can hold a sample."""
        return [WINDOW.start + n * (20 // count) * timedelta(seconds=30) for n in range(count)]

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> PrometheusSource:
        """Return a source over a server with these rows."""
        return self.source(folder, self.serve(rows.drop("attributes")))

    def broken(self, folder: Path, frame: FrameName) -> PrometheusSource:
        """Return a source whose server is down."""
        return self.source(folder, f"http://127.0.0.1:{free_port()}")

    def source(self, folder: Path, url: str) -> PrometheusSource:
        """Return a source that fetches what is stored."""
        settings: dict[str, object] = {"url": url, "metrics": ["recorded"], "metric_label": "metric", "alerts": False}
        return PrometheusSource.from_settings("shop", settings, folder)

    def test_a_sample_on_the_edge_of_a_stretch_comes_once(
        self, tmp_path: Path, frame: FrameName, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever the server's version does with the oldest millisecond of a stretch."""
        monkeypatch.setattr(prometheus_requests, "_STRETCH", 1000)
        times = [START + timedelta(milliseconds=n) for n in (0, 999, 1000, 1001, 1999, 2000, 4999, 5000)]
        assert self.read(tmp_path, frame, times)["time"].to_list() == times


class TestStepped(TestStored):
    """The same, evaluated at every half-minute; a sample counts for the one step it lies on."""

    lacks: ClassVar[frozenset[str]] = frozenset({"attributes", "metric"})
    test_a_sample_on_the_edge_of_a_stretch_comes_once = None  # type: ignore[assignment] - it knows only steps
    resolution: ClassVar[timedelta] = timedelta(seconds=30)

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> PrometheusSource:
        """Return a source over a server with these rows, told apart by their labels."""
        return super().holding(folder, frame, rows)

    def source(self, folder: Path, url: str) -> PrometheusSource:
        """Return a source that evaluates an expression at each step."""
        queries = {"seen": 'sum by (service, instance) (last_over_time(recorded{service=~"$service"}[1s]))'}
        settings: dict[str, object] = {"url": url, "step": "30s", "queries": queries, "alerts": False}
        return PrometheusSource.from_settings("shop", settings, folder)

    def test_every_value_arrives_as_it_was(self, tmp_path: Path, frame: FrameName) -> None:
        """The metric's name is the one the query has in the settings."""
        times = self.spread(9)
        found = self.read(tmp_path, frame, times)
        wanted = rows_at(frame, times, lacks=self.lacks).with_columns(metric=pl.lit("seen"))
        assert found.equals(wanted), f"{found}\n{wanted}"


class TestVictoriaMetrics(TestStored):
    """Samples as VictoriaMetrics stores them: each test's under a metric's name of their own."""

    refused: ClassVar[Mapping[str, object]] = {"url": "http://127.0.0.1", "metrics": "up"}
    _numbers = count()

    @pytest.fixture(autouse=True)
    def _servers(self, victoria: str) -> None:
        self.url = victoria

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> PrometheusSource:
        """Return a source over these rows."""
        self.metric = f"recorded_{next(self._numbers)}"
        # It stores no NaN, and its own format of text has milliseconds.
        stored = rows.drop("attributes").with_columns(pl.col("value").fill_nan(0.5))
        lines = [line for line in openmetrics(self.metric, stored).splitlines() if not line.startswith("#")]
        text = "\n".join(f"{line[:-4]}{line[-3:]}" for line in lines)
        post(f"{self.url}/api/v1/import/prometheus", text.encode(), "text/plain")
        assert answers(f"{self.url}/internal/force_flush")
        return self.source(folder, self.url)

    def source(self, folder: Path, url: str) -> PrometheusSource:
        """Return a source that fetches what is stored."""
        metric = getattr(self, "metric", "recorded")
        settings: dict[str, object] = {"url": url, "metrics": [metric], "metric_label": "metric", "alerts": False}
        return PrometheusSource.from_settings("shop", settings, folder)

    def test_every_value_arrives_as_it_was(self, tmp_path: Path, frame: FrameName) -> None:
        """All but NaN, which it can't store; it keeps fifteen digits of a number."""
        times = self.spread(9)
        found = self.read(tmp_path, frame, times)
        wanted = rows_at(frame, times, lacks=self.lacks).with_columns(pl.col("value").fill_nan(0.5))
        digits = pl.col("value").round_sig_figs(12)
        assert found.with_columns(digits).equals(wanted.with_columns(digits)), f"{found}\n{wanted}"


def test_victoria_metrics_answers_every_kind_of_question(victoria: str) -> None:
    """Queries, histograms, instants, alerts, lists and estimates, in its own way."""
    moments = [WINDOW.start + n * timedelta(seconds=15) for n in range(-20, 40)]
    lines = [
        f'victoria_{metric}{{service="cart",le="{le}"}} {share * n} {int(at.timestamp()) * 1000}'
        for metric, le, share in (("calls", "", 30), ("time_bucket", "0.1", 1), ("time_bucket", "+Inf", 2))
        for n, at in enumerate(moments)
    ]
    post(f"{victoria}/api/v1/import/prometheus", "\n".join(lines).replace(',le=""', "").encode(), "text/plain")
    assert answers(f"{victoria}/internal/force_flush")
    settings: dict[str, object] = {
        "url": victoria,
        "queries": {"rate": 'sum by (service) (rate(victoria_calls{service=~"$service"}[$interval]))'},
        "histograms": {"time": "victoria_time"},
        "quantiles": [0.25],
        "instant": {"calls": "sum by (service) (increase(victoria_calls[$window]))"},
    }
    one = PrometheusSource.from_settings("shop", settings, Path())
    reading = one.read("metrics", Query(WINDOW, ("cart",)))
    found = reading.data.collect()
    assert found.group_by("metric").agg(pl.len(), pl.col("value").max().round(3)).sort("metric").rows() == [
        ("calls", 1, 1200.0),
        ("rate", 10, 2.0),
        ("time", 10, 0.05),
    ]
    assert set(found["service"]) == {"cart"}
    assert reading.complete
    assert reading.estimate().series == 3
    assert "victoria_calls" in one.discover(Query(WINDOW)).metrics
    assert one.read("events", Query(WINDOW)).data.collect().height == 0
