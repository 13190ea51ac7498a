"""The prometheus source on real servers: what a team asks of it, and what becomes of what it answers."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qs

import polars as pl
import pytest
from conformance import START, WINDOW
from faults import FaultProxy, answering, login_page
from loopback import Answered, Asked, Loopback, as_json, by
from servers import backfilled, openmetrics, prometheus

from workbench.errors import LimitError, SourceError
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.discovery import Discovering
from workbench.telemetry.registry import make_source
from workbench.telemetry.source import Limits, Query
from workbench.telemetry.sources.prometheus.source import PrometheusSource
from workbench.window import Window

NASTY = ("a.b", "a|b", 'q"uo\\te', "back`tick", "[x]$^", "née\nzwei")
"""Services whose names are no regular expressions, though they look like some."""


def history() -> str:
    """Return half an hour of two services with two instances each, of histograms, and of the nasty ones."""
    moments = [START - timedelta(minutes=20) + n * timedelta(seconds=15) for n in range(160)]
    requests = [
        {"time": at, "value": float(rate * 15 * n), "service": service, "instance": f"{service}-{copy}", "code": "200"}
        for service, rate in (("cart", 2), ("pay", 5))
        for copy in "ab"
        for n, at in enumerate(moments)
    ]
    # Half of the calls take less than 0.1 s, and all of them less than 0.2 s.
    buckets = [
        {"time": at, "value": float(n * share), "service": "cart", "instance": f"cart-{copy}", "le": le}
        for copy in "ab"
        for le, share in (("0.1", 30), ("0.2", 60), ("+Inf", 60))
        for n, at in enumerate(moments)
    ]
    nasty = [{"time": at, "value": 1.0, "service": service} for service in NASTY for at in moments]
    texts = [
        openmetrics(metric, pl.DataFrame(rows)).removesuffix("# EOF\n")
        for metric, rows in (("http_requests_total", requests), ("latency_seconds_bucket", buckets), ("odd", nasty))
    ]
    return "".join([*texts, "# EOF\n"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Iterator[str]:
    """Return the address of a Prometheus with that history."""
    folder = tmp_path_factory.mktemp("history")
    backfilled(folder, history(), missing)
    with prometheus(folder, missing) as url:
        yield url


def source(url: str, **settings: object) -> PrometheusSource:
    """Return a source over a server."""
    return PrometheusSource.from_settings("shop", {"url": url, **settings}, Path())


def read(one: PrometheusSource, window: Window = WINDOW, *services: str, **limits: Any) -> pl.DataFrame:
    """Return its metrics."""
    query = Query(window, services, replace(Limits(), **limits))
    return one.read("metrics", query).data.collect()


def test_the_settings_of_the_issue_work_as_they_stand(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates by service, one point a minute, with a token that nobody asks for."""
    monkeypatch.setenv("PROM_TOKEN", "secret")
    settings = tomllib.loads(
        f"""
        [sources.production]
        kind = "prometheus"
        url = "{server}"
        step = "1m"
        service_label = "service"          # instance_label likewise
        token_env = "PROM_TOKEN"           # never the token itself
        [sources.production.queries]       # metric name = PromQL; $service, $interval, $window filled in
        request_rate = 'sum by (service) (rate(http_requests_total[$interval]))'
        """
    )["sources"]["production"]
    one = make_source("production", settings, Path())
    assert one.frames == ("metrics", "events")
    reading = one.read("metrics", Query(WINDOW))
    found = reading.data.collect()
    assert found["time"].unique().sort().to_list() == [START + n * timedelta(minutes=1) for n in range(10)]
    assert found.group_by("service").agg(pl.col("value").mean().round(6)).sort("service").rows() == [
        ("cart", 4.0),
        ("pay", 10.0),
    ]
    assert set(found["metric"]) == {"request_rate"}
    assert (set(found["instance"]), set(found["attributes"])) == ({None}, {None})
    assert "[240s]" in reading.asked
    assert reading.complete


def test_labels_become_columns_and_attributes(server: str) -> None:
    """The service and the instance have their columns; the others get OpenTelemetry's names, unless overruled."""
    found = read(source(server, metrics=["http_requests_total"], names={"code": "http.response.status_code"}))
    first = found.sort("service", "instance", "time").row(0, named=True)
    assert (first["service"], first["instance"], first["metric"]) == ("cart", "cart-a", "http_requests_total")
    assert first["attributes"] == '{"http.response.status_code":"200"}'
    swapped = read(source(server, metrics=["http_requests_total"], service_label="instance", instance_label="service"))
    assert set(swapped["service"]) == {"cart-a", "cart-b", "pay-a", "pay-b"}


def test_stored_samples_come_as_they_were_scraped(server: str) -> None:
    """Not one is repeated or left out, whatever the step."""
    found = read(source(server, metrics=['http_requests_total{instance="pay-a"}'], step="7m"))
    assert found["value"].to_list() == [float(75 * n) for n in range(80, 120)]


def test_a_long_range_is_split_and_never_thinned(server: str) -> None:
    """Far more points than the server gives at once, at the step that was set."""
    one = source(server, queries={"up": "vector(1)"}, step="1s")
    window = Window(START, START + timedelta(hours=4))
    reading = one.read("metrics", Query(window))
    times = reading.data.collect()["time"]
    assert times.to_list() == [START + timedelta(seconds=n) for n in range(4 * 3600)]
    assert "35 more of the kind" in reading.asked


def test_points_lie_on_multiples_of_the_step(server: str) -> None:
    """Wherever the window begins, so that windows which overlap have the same points."""
    window = Window(START + timedelta(seconds=7), START + timedelta(minutes=3))
    assert read(source(server, queries={"up": "vector(1)"}), window)["time"].to_list() == [
        START + timedelta(minutes=1),
        START + timedelta(minutes=2),
    ]


@pytest.mark.parametrize("quote", ['"', "'", "`"])
@pytest.mark.parametrize("service", NASTY)
def test_a_service_is_asked_for_by_exactly_its_name(server: str, service: str, quote: str) -> None:
    """By the server's own reading of the query; its neighbours that look alike don't come."""
    with FaultProxy(server) as proxy:
        one = source(proxy.url, queries={"odd": f"sum by (service) (odd{{service=~{quote}$service{quote}}})"})
        found = read(one, WINDOW, service, "nobody")
        assert set(found["service"]) == {service}
        answer = proxy.asked[-1]
    assert "nobody" in answer.param("query")
    assert set(read(source(server, metrics=["odd"]), WINDOW, service)["service"]) == {service}


def test_a_query_that_names_no_service_is_narrowed_here(server: str) -> None:
    """A series of no service stays where the query itself has asked for the services."""
    queries = {
        "all": "sum by (service) (http_requests_total)",
        "asked": 'sum(rate(http_requests_total{service=~"$service"}[$interval]))',
        "whole": "sum(http_requests_total)",
    }
    found = read(source(server, queries=queries), WINDOW, "pay")
    assert found.group_by("metric", "service").len().sort("metric").rows() == [("all", "pay", 10), ("asked", None, 10)]


def test_an_instant_query_is_of_the_windows_end(server: str) -> None:
    """Its last millisecond, for the end itself is in the next window; `$window` is the window's length."""
    one = source(server, instant={"requests": 'sum(increase(http_requests_total{service="cart"}[$window]))'})
    found = read(one)
    assert found["time"].to_list() == [WINDOW.end - timedelta(milliseconds=1)]
    assert found["value"].round(0).to_list() == [4 * 600]
    assert read(source(server, instant={"one": "scalar(vector(1))"}))["value"].to_list() == [1]


def test_histograms_become_quantiles(server: str) -> None:
    """Over all instances of a service; which quantile stands in the attributes."""
    found = read(source(server, histograms={"latency": "latency_seconds"}, quantiles=[0.25, 0.75]), WINDOW, "cart")
    assert set(found["service"]) == {"cart"}
    assert found.group_by("metric", "attributes").agg(pl.col("value").mean().round(4)).sort("value").rows() == [
        ("latency", '{"quantile":"0.25"}', 0.05),
        ("latency", '{"quantile":"0.75"}', 0.15),
    ]


def test_an_estimate_is_near_and_transfers_nothing(server: str) -> None:
    """Series times points, or times how densely samples are stored."""
    one = source(
        server, metrics=["http_requests_total"], queries={"rate": "rate(http_requests_total[$interval]) # all"}
    )
    query = Query(WINDOW)
    reading = one.read("metrics", query)
    told = reading.estimate()
    rows = reading.data.collect().height
    assert told.series == 8
    assert told.rows is not None
    assert rows * 0.9 <= told.rows <= rows * 1.1
    assert told.bytes
    assert source(server, instant={"one": "vector(1)"}).read("metrics", query).estimate().rows == 1


def test_it_lists_what_there_is_to_choose_from(server: str) -> None:
    """Services, metrics, and some values of every other label."""
    one = source(server)
    assert isinstance(one, Discovering)
    found = one.discover(Query(WINDOW))
    assert set(found.services) == {"cart", "pay", *NASTY}
    assert found.metrics == ("http_requests_total", "latency_seconds_bucket", "odd")
    assert ("code", ("200",)) in found.labels
    assert dict(found.labels)["instance"] == ("cart-a", "cart-b", "pay-a", "pay-b")


def test_series_beyond_the_limit_are_left_out_and_told(server: str) -> None:
    """The answer is marked incomplete."""
    settings = {"kind": "prometheus", "url": server, "metrics": ["http_requests_total"], "limits": {"series": 3}}
    reading = make_source("shop", settings, Path()).read("metrics", Query(WINDOW))
    assert reading.data.collect()["instance"].n_unique() == 3
    assert not reading.complete
    assert [problem.kind for problem in reading.problems] == ["limit"]
    assert "3 series" in reading.problems[0].text


def test_more_bytes_than_the_limit_end_the_reading(server: str) -> None:
    """What came before is for whoever reads to keep."""
    with pytest.raises(LimitError, match="bytes"):
        read(source(server, metrics=["http_requests_total"]), bytes=500)


def test_limits_and_the_time_out_are_told_to_the_server(server: str) -> None:
    """A server that knows them does the cutting."""
    with FaultProxy(server) as proxy:
        read(source(proxy.url, metrics=["odd"]), series=7, seconds=12.5)
        asked = proxy.asked[-1]
    assert (asked.param("limit"), asked.param("timeout")) == ("7", "12500ms")


def test_answers_come_unpacked_unless_they_are_asked_for_packed(server: str) -> None:
    """The server packs more slowly than most lines carry."""
    with FaultProxy(server) as proxy:
        for headers, wanted in (({}, "identity"), ({"accept-encoding": "gzip"}, "gzip")):
            assert read(source(proxy.url, metrics=["odd"], headers=headers)).height
            assert proxy.asked[-1].headers["accept-encoding"] == wanted


def test_a_long_query_is_sent_as_a_form(server: str) -> None:
    """Addresses have a limit on the way that nobody knows."""
    services = [f"service-{n:04}" for n in range(400)]
    with FaultProxy(server) as proxy:
        found = read(source(proxy.url, metrics=["http_requests_total"]), WINDOW, "pay", *services)
        asked = proxy.asked[-1]
    assert set(found["service"]) == {"pay"}
    assert (asked.method, asked.target) == ("POST", "/api/v1/query")
    assert "service-0399" in parse_qs(asked.body.decode())["query"][0]


def test_a_server_that_wants_a_token_gets_it(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment; a wrong one is told, and never shown."""
    with FaultProxy(server) as proxy, Loopback(by(lambda asked: guarded(asked, proxy))) as guard:
        monkeypatch.setenv("PROM_TOKEN", "opensesame")
        one = source(guard.url, metrics=["odd"], token_env="PROM_TOKEN")  # noqa: S106 - a variable's name
        assert read(one).height
        monkeypatch.setenv("PROM_TOKEN", "closedsesame")
        with pytest.raises(SourceError, match="credentials") as told:
            read(source(guard.url, metrics=["odd"], token_env="PROM_TOKEN"))  # noqa: S106 - a variable's name
        assert "sesame" not in str(told.value)


def guarded(asked: Asked, proxy: FaultProxy) -> Answered:
    """Pass a request on if it has the token."""
    if asked.headers.get("authorization") != "Bearer opensesame":
        return Answered(401, b"no")
    return proxy._forward(asked)


@pytest.mark.parametrize(
    "fault", [login_page(), answering(b"{}"), answering(b"[1]"), answering(b'{"status":"success"}')]
)
def test_a_wrong_address_is_told_in_words(server: str, fault: Any) -> None:
    """Something else answers there."""
    with FaultProxy(server) as proxy:
        proxy.inject(fault)
        with pytest.raises(SourceError) as told:
            read(source(proxy.url, metrics=["up"]))
    assert told.value.do
    with pytest.raises(SourceError, match="404"):
        read(source(f"{server}/wrong", metrics=["up"]))


def test_a_query_that_the_server_refuses_is_told_in_its_words(server: str) -> None:
    """It knows PromQL best."""
    with pytest.raises(SourceError, match="parse error"):
        read(source(server, queries={"broken": "sum by (service"}))


def test_what_the_server_says_is_missing_marks_the_answer(server: str) -> None:
    """A warning or a partial answer means incomplete; an info is only a remark; histograms can't be rows."""
    told = {
        "status": "success",
        "isPartial": True,
        "warnings": ["a store is down"],
        "infos": ["not a counter"],
        "data": {"resultType": "matrix", "result": [{"metric": {"__name__": "up"}, "histograms": [[1, {}]]}]},
    }
    with Loopback(by(lambda asked: as_json(told))) as site:
        reading = source(site.url, metrics=["up"]).read("metrics", Query(WINDOW))
        assert reading.data.collect().height == 0
    assert not reading.complete
    assert [problem.kind for problem in reading.problems] == [
        "incomplete",
        "incomplete",
        "backend-remark",
        "histogram-left-out",
    ]
    assert "a store is down" in reading.problems[0].text


def test_a_slice_that_fails_costs_only_what_comes_after_it(server: str) -> None:
    """Slices come in the order of time, side by side, and what came before is kept and marked."""
    one = source("http://127.0.0.1:9", queries={"up": "vector(1)"}, step="1s")
    with FaultProxy(server) as proxy:
        proxy.inject(answering(b"{}"), after=2)
        policy = make_source("shop", {"kind": "prometheus", "url": proxy.url}, Path()).policy
        settings: dict[str, object] = {"url": proxy.url, "queries": {"up": "vector(1)"}, "step": "1s"}
        one = PrometheusSource.from_settings("shop", settings, Path())
        limited = replace(policy, limits=replace(policy.limits, concurrency=1))
        reading = ConfiguredSource(one, limited).read("metrics", Query(Window(START, START + timedelta(hours=1))))
        times = reading.data.collect()["time"].to_list()
    assert times == [START + timedelta(seconds=n) for n in range(800)]
    assert not reading.complete


def test_no_more_requests_run_at_one_time_than_the_limit_says(server: str) -> None:
    """Counted by the server they go to."""
    import threading

    running, most, lock = set[int](), [0], threading.Lock()
    empty = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": []}}).encode()

    def answer(asked: Asked) -> Answered:
        with lock:
            running.add(id(asked))
            most[0] = max(most[0], len(running))
        threading.Event().wait(0.01)
        with lock:
            running.discard(id(asked))
        return Answered(200, empty)

    with Loopback(by(answer)) as site:
        read(
            source(site.url, queries={"up": "up"}, step="1s"), Window(START, START + timedelta(hours=2)), concurrency=3
        )
        assert len(site.asked) == 18
    assert most[0] == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"queries": {"a": "up"}, "step": "0s"}, "step"),
        ({"queries": {"a": "up"}, "step": 60}, "step"),
        ({"queries": {"a": "up"}, "step": "soon"}, "step"),
        ({"queries": {"a": "up"}, "interval": "0.0001s"}, "interval"),
        ({"queries": "up"}, "queries"),
        ({"queries": {"a": 3}}, "'a' of queries"),
        ({"queries": {"a": "up[$rate]"}}, r"\$rate"),
        ({"instant": {"a": "up{a=~$service}"}}, "outside quotes"),
        ({"metrics": "up"}, "metrics"),
        ({"metrics": ["rate(up[5m])"]}, "metrics"),
        ({"metrics": [1]}, "metrics"),
        ({"histograms": {"a": "sum(up)"}}, "histograms"),
        ({"histograms": {"a": "up"}, "quantiles": [2]}, "quantiles"),
        ({"histograms": {"a": "up"}, "quantiles": []}, "quantiles"),
        ({"queries": {"a": "up"}, "instant": {"a": "up"}}, "'a' twice"),
        ({"service_label": "service.name"}, "service_label"),
        ({"metric_label": 3}, "metric_label"),
        ({"alerts": "no"}, "alerts"),
        ({"alerts": False}, "asks for nothing"),
        ({"names": 3}, "names"),
        ({"token": "x"}, "token"),
        ({"url": "ftp://x"}, "url"),
        ({"query": {}}, "'query'"),
    ],
)
def test_settings_with_a_mistake_are_refused_by_name(settings: dict[str, object], said: str) -> None:
    """The table, and the key in it."""
    with pytest.raises(SourceError, match=said) as told:
        PrometheusSource.from_settings("shop", {"url": "http://127.0.0.1", **settings}, Path())
    assert "[sources.shop]" in str(told.value)


def test_what_is_asked_is_told_before_anything_is_asked() -> None:
    """One line for each question, without a server."""
    settings = {"queries": {"a": "rate(x[$interval])\n  # all"}, "metrics": ["y"], "instant": {"b": "z"}}
    lines = source("http://127.0.0.1:9", **settings).read("metrics", Query(WINDOW, ("cart",))).asked.splitlines()
    assert [re.sub(r"\d{10}", "T", line) for line in lines] == [
        "query_range query=rate(x[240s]) # all start=T.000 end=T.000 step=60.000",
        'query query=y{service=~"cart"}[600s] time=T.999',
        "query query=z time=T.999",
    ]
    short = Window(START + timedelta(seconds=1), START + timedelta(seconds=2))
    told = source("http://127.0.0.1:9", queries={"a": "up"}).read("metrics", Query(short))
    assert "no step lies in the window" in told.asked
    assert told.data.collect().height == 0


def test_times_are_of_the_window(server: str) -> None:
    """The smallest that can be."""
    moment = datetime.fromisoformat("2024-02-29T00:00:00+00:00")
    window = Window(moment, moment + timedelta(microseconds=1))
    assert read(source(server, metrics=["odd"]), window)["time"].unique().to_list() == [moment]
