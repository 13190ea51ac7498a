"""Alerts become events: from Prometheus' own series and rules, and from an Alertmanager, both real."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import polars as pl
import pytest
from conformance import START, WINDOW, SourceConformance, rows_at
from faults import FaultProxy, answering, failing
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Answered, Loopback, as_json, by
from servers import alertmanager, backfilled, free_port, openmetrics, post, prometheus, waited

from workbench.errors import SourceError
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query, Reading
from workbench.telemetry.sources.alertmanager import AlertmanagerSource
from workbench.telemetry.sources.alerts import fingerprint
from workbench.telemetry.sources.prometheus.source import PrometheusSource
from workbench.telemetry.web import retry
from workbench.window import Window

Missing = Callable[[str], NoReturn]
EVERY = timedelta(seconds=15)
CONFIG = "rule_files: [rules.yml]\n"
RULES = """
groups:
- name: shop
  interval: 15s
  rules:
  - alert: Slow
    expr: latency_seconds > 1
    for: 30s
    labels: {severity: page, team: "{{ $labels.service }}"}
    annotations: {summary: "{{ $labels.service }} is slow", runbook: "https://runbooks.example/slow"}
- name: now
  interval: 1s
  rules:
  - record: one
    expr: vector(1)
  - alert: AlwaysOn
    expr: vector(7)
    annotations: {summary: "it is {{ $value }}"}
"""


def fired(start: datetime, times: int, **labels: str) -> list[dict[str, Any]]:
    """Return the samples of an alert that fires for so many evaluations."""
    return [{"time": start + n * EVERY, "value": 1.0, "alertname": "Slow", **labels} for n in range(times)]


def alert_history() -> str:
    """Return the series of three alerts: one inside the window, one that fires twice, one from before to after it."""
    cart = fired(START + 4 * EVERY, 8, service="cart", severity="page", team="cart")
    pay = fired(START, 2, service="pay", severity="page", team="pay")
    pay += fired(START + timedelta(minutes=5), 3, service="pay", severity="page", team="pay")
    db = fired(START - timedelta(minutes=9), 100, service="db", severity="page", team="db")
    firing = [row | {"alertstate": "firing"} for row in cart + pay + db]
    firing += [row | {"alertstate": "pending"} for row in fired(START, 9, service="calm", severity="page")]
    since = [row | {"value": (START - timedelta(seconds=7)).timestamp()} for row in cart]
    first, second = (
        openmetrics(name, pl.DataFrame(rows)) for name, rows in (("ALERTS", firing), ("ALERTS_FOR_STATE", since))
    )
    return first.removesuffix("# EOF\n") + second


@pytest.fixture(scope="session")
def ruled(tmp_path_factory: pytest.TempPathFactory, missing: Missing) -> Iterator[str]:
    """Return the address of a Prometheus with these rules, this history, and an alert that fires now."""
    folder = tmp_path_factory.mktemp("ruled")
    (folder / "rules.yml").write_text(RULES)
    backfilled(folder, alert_history(), missing)
    with prometheus(folder, missing, config=CONFIG) as url:
        yield url


def of_prometheus(url: str, window: Window = WINDOW, *services: str) -> Reading:
    """Return what a Prometheus answers for the events of a window."""
    return PrometheusSource.from_settings("shop", {"url": url}, Path()).read("events", Query(window, services))


def told(found: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns as rows."""
    return found.select(columns).rows()


def attributes(found: pl.DataFrame, row: int = 0) -> dict[str, Any]:
    """Return a row's attributes."""
    return dict(json.loads(found["attributes"][row]))


def test_an_alert_fires_and_is_resolved(ruled: str) -> None:
    """When the first evaluation found it, and when the first one no longer did."""
    found = of_prometheus(ruled, WINDOW, "cart").data.collect()
    assert found.schema == FRAMES["events"]
    assert told(found, "time", "kind", "title", "service", "actor", "source") == [
        (START + 4 * EVERY, "alert", "Slow firing: cart is slow", "cart", None, "prometheus"),
        (START + 12 * EVERY, "alert", "Slow resolved: cart is slow", "cart", None, "prometheus"),
    ]
    assert found["url"][0] == f"{ruled}/graph?g0.expr=latency_seconds%20%3E%201&g0.tab=0"
    assert attributes(found) == {
        "status": "firing",
        "alertname": "Slow",
        "id": fingerprint({"alertname": "Slow", "service": "cart", "severity": "page", "team": "cart"}),
        "labels": {"severity": "page", "team": "cart"},
        "annotations": {"summary": "cart is slow", "runbook": "https://runbooks.example/slow"},
        "active_since": "2024-02-28T23:54:53Z",
    }
    assert attributes(found, 1)["status"] == "resolved"
    assert attributes(found, 1)["id"] == attributes(found)["id"]


def test_what_fires_twice_is_four_events_and_pending_is_none(ruled: str) -> None:
    """And what fired all the while has none, which is told."""
    reading = of_prometheus(ruled)
    found = reading.data.collect()
    assert told(found.filter(service="pay"), "time", "title") == [
        (START, "Slow firing: pay is slow"),
        (START + 2 * EVERY, "Slow resolved: pay is slow"),
        (START + timedelta(minutes=5), "Slow firing: pay is slow"),
        (START + timedelta(minutes=5) + 3 * EVERY, "Slow resolved: pay is slow"),
    ]
    assert set(found["service"]) == {"cart", "pay"}
    assert [problem.kind for problem in reading.problems] == ["firing-before"]
    assert reading.complete


def test_slices_of_a_window_have_each_event_once(ruled: str) -> None:
    """Where an alert begins or ends isn't moved by where the window does."""
    whole = of_prometheus(ruled).data.collect()
    parts = [of_prometheus(ruled, part).data.collect() for part in WINDOW.split(timedelta(seconds=37))]
    assert pl.concat(parts).equals(whole)


def test_an_alert_that_fires_now_has_its_own_words_and_no_end(ruled: str) -> None:
    """The annotations as the server filled them in."""
    now = datetime.now(UTC)
    window = Window(now - timedelta(minutes=5), now + timedelta(minutes=5))
    found = waited(of_prometheus(ruled, window).data.collect, lambda found: found.height)
    assert told(found, "title", "service") == [("AlwaysOn firing: it is 7", None)]
    assert of_prometheus(ruled, window, "cart").data.collect().height == 0


@pytest.mark.parametrize(
    "fault", [failing(404), answering(b"{}"), answering(b'{"status":"success","data":{"groups":3}}')]
)
def test_alerts_without_rules_are_alerts_all_the_same(ruled: str, fault: Any) -> None:
    """Not every server that speaks PromQL knows the rules."""
    with FaultProxy(ruled) as proxy:
        proxy.inject(fault, after=2)
        reading = of_prometheus(proxy.url, WINDOW, "cart")
        found = reading.data.collect()
    assert told(found, "time", "title", "url") == [
        (START + 4 * EVERY, "Slow firing", None),
        (START + 12 * EVERY, "Slow resolved", None),
    ]
    assert [problem.kind for problem in reading.problems] == ["rules-unknown"]


def test_what_is_missing_of_alerts_marks_the_answer() -> None:
    """A warning means incomplete."""
    body = {"status": "success", "warnings": ["x"], "infos": ["y"], "data": {"resultType": "matrix", "result": []}}
    with Loopback(by(lambda asked: as_json(body))) as site:
        reading = of_prometheus(site.url)
        assert reading.data.collect().height == 0
    assert not reading.complete
    assert {problem.kind for problem in reading.problems} == {"incomplete", "backend-remark"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(st.sampled_from(["groups", "rules", "labels", "alerts", "name", "type", "interval"]), one)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_rules_of_any_shape_are_read_or_noted(groups: object) -> None:
    """They come from outside, and an alert doesn't need them."""
    from workbench.telemetry.sources.prometheus.alerts import read_rules

    sure = {"groups": [{"name": "g", "interval": 15, "rules": [{"type": "alerting", "name": "Slow"}, groups]}]}
    for data in (groups, {"groups": groups}, sure):
        known, fault = read_rules(data)
        assert bool(fault) or all(isinstance(name, str) for name in known)


# Alertmanager


@pytest.fixture(scope="session")
def manager(tmp_path_factory: pytest.TempPathFactory, missing: Missing) -> Iterator[str]:
    """Return the address of an Alertmanager."""
    with alertmanager(tmp_path_factory.mktemp("alertmanager"), missing) as url:
        yield url


_NUMBERS = count()


def alerting(manager: str, alerts: list[dict[str, Any]]) -> AlertmanagerSource:
    """Send alerts, and return a source that reads these only."""
    run = str(next(_NUMBERS))
    for alert in alerts:
        alert["labels"] |= {"run": run}
    post(f"{manager}/api/v2/alerts", json.dumps(alerts).encode())
    one = AlertmanagerSource.from_settings("shop", {"url": manager, "matchers": [f'run="{run}"']}, Path())
    query = Query(Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)))
    waited(lambda: one.read("events", query).data.collect().height, lambda rows: rows == len(alerts))
    return one


class TestAlertmanager(SourceConformance):
    """Alerts that fire, by their start; whatever a row says becomes a label."""

    frames: ClassVar[tuple[FrameName, ...]] = ("events",)
    resolution: ClassVar[timedelta] = timedelta(milliseconds=1)
    refused: ClassVar[Mapping[str, object]] = {"url": "http://127.0.0.1", "matcher": "x"}

    manager: str

    @pytest.fixture(autouse=True)
    def _server(self, manager: str) -> None:
        self.manager = manager

    @pytest.fixture(autouse=True)
    def _hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
        monkeypatch.setattr(retry, "_JITTER", 0.001)

    def spread(self, count: int) -> list[datetime]:
        """Return moments of whole milliseconds."""
        return [WINDOW.start + n * (20 // count) * timedelta(seconds=30) for n in range(count)]

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> AlertmanagerSource:
        """Return a source over a server with these alerts."""
        alerts = [
            {
                "labels": {"alertname": row["title"], "service": row["service"]},
                "startsAt": row["time"].isoformat(),
                "endsAt": "2100-01-01T00:00:00Z",
                "generatorURL": "http://127.0.0.1/graph",
            }
            for row in rows.iter_rows(named=True)
        ]
        return alerting(self.manager, alerts)

    def broken(self, folder: Path, frame: FrameName) -> AlertmanagerSource:
        """Return a source whose server is down."""
        return AlertmanagerSource.from_settings("shop", {"url": f"http://127.0.0.1:{free_port()}"}, folder)

    def test_every_value_arrives_as_it_was(self, tmp_path: Path, frame: FrameName) -> None:
        """Those an alert has; the rest of its facts stand in the attributes."""
        times = self.spread(9)
        found = self.read(tmp_path, frame, times)
        wanted = rows_at(frame, times)
        assert found.schema == FRAMES[frame]
        assert found.select("time", "service").equals(wanted.select("time", "service"))
        assert found["title"].to_list() == [f"{title} firing" for title in wanted["title"]]
        assert set(told(found, "kind", "source", "url", "actor")) == {
            ("alert", "alertmanager", "http://127.0.0.1/graph", None)
        }


def test_alertmanager_and_prometheus_call_an_alert_the_same(manager: str) -> None:
    """So that one is found again in the other."""
    labels = {"alertname": "Slow", "service": "näh·er", "severity": "page"}
    alert = {"labels": labels, "startsAt": START.isoformat(), "endsAt": "2100-01-01T00:00:00Z"}
    alert["annotations"] = {"summary": "cart is slow"}
    found = alerting(manager, [alert]).read("events", Query(WINDOW)).data.collect()
    assert told(found, "title", "service") == [("Slow firing: cart is slow", "näh·er")]
    facts = attributes(found)
    assert facts["id"] == fingerprint(labels)
    assert facts["labels"] == {"run": labels["run"], "severity": "page"}
    assert (facts["status"], facts["receivers"]) == ("firing", ["nobody"])


def test_a_silence_is_an_event_of_the_person_who_set_it(manager: str) -> None:
    """It begins, and ends when somebody lets it; what it silences says so."""
    now = datetime.now(UTC)
    alert = {"labels": {"alertname": "Loud", "service": "cart"}, "startsAt": now.isoformat()}
    one = alerting(manager, [alert])
    run = alert["labels"]["run"]  # type: ignore[index]
    matchers = [("alertname", "Loud", False, True), ("service", "cart", False, True), ("run", run, False, True)]
    matchers += [("team", "a|b", True, True), ("zone", "x", False, False)]
    silence = {
        "matchers": [dict(zip(("name", "value", "isRegex", "isEqual"), one, strict=True)) for one in matchers[:3]],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "Ana Silva",
        "comment": "known",
    }
    made = json.loads(post(f"{manager}/api/v2/silences", json.dumps(silence).encode()))["silenceID"]
    window = Window(now - timedelta(hours=1), now + timedelta(hours=1))

    def read() -> pl.DataFrame:
        return one.read("events", Query(window)).data.collect()

    found = waited(read, lambda found: found.height == 2 and "silenced_by" in found["attributes"].str.join("")[0])
    begun = found.filter(pl.col("actor") == "Ana Silva")
    text = f'alertname="Loud", run="{run}", service="cart"'
    assert sorted(begun["title"][0].partition(" ")[2].partition(": ")[0].split(", ")) == text.split(", ")
    assert told(begun, "kind", "service") == [("alert", "cart")]
    facts = attributes(begun)
    assert (facts["status"], facts["id"], facts["alertname"]) == ("silenced", made, "Loud")
    assert attributes(found.filter(pl.col("actor").is_null()))["silenced_by"] == [made]

    request = urllib.request.Request(f"{manager}/api/v2/silence/{made}", method="DELETE")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - loopback
        pass
    found = waited(read, lambda found: found.height == 3)
    assert "Silence ended" in found.sort("time")["title"][-1]


def test_an_alert_that_ended_is_resolved() -> None:
    """Where the server still tells it; Alertmanager itself doesn't. What can't be read is counted."""
    ended = {
        "labels": {"alertname": "Slow"},
        "annotations": {},
        "startsAt": START.isoformat(),
        "endsAt": (START + EVERY).isoformat(),
        "fingerprint": "0f",
    }
    silence = {
        "id": "1",
        "matchers": [
            {"name": "a", "value": "b", "isRegex": True, "isEqual": False},
            {"name": "c", "value": "d", "isRegex": True},
            {"name": "e", "value": "f", "isRegex": False, "isEqual": False},
        ],
        "startsAt": START.isoformat(),
        "endsAt": (START + EVERY).isoformat(),
        "createdBy": "",
        "comment": "",
    }
    answers = {"/api/v2/alerts": [ended, {}, {"labels": 3}, 4], "/api/v2/silences": [silence, {"id": 1}]}
    with Loopback(by(lambda asked: as_json(answers[asked.path]))) as site:
        reading = AlertmanagerSource.from_settings("shop", {"url": site.url}, Path()).read("events", Query(WINDOW))
        found = reading.data.collect()
    assert told(found.sort("time", "title"), "time", "title") == [
        (START, 'Silenced a!~"b", c=~"d", e!="f"'),
        (START, "Slow firing"),
        (START + EVERY, 'Silence ended a!~"b", c=~"d", e!="f"'),
        (START + EVERY, "Slow resolved"),
    ]
    assert not reading.complete
    assert sum(problem.rows for problem in reading.problems) == 4


@settings(max_examples=20, deadline=None)
@given(JSON | st.lists(st.dictionaries(st.sampled_from(["labels", "startsAt", "endsAt", "matchers", "id"]), JSON)))
def test_any_json_is_read_or_refused_in_words(value: object) -> None:
    """An answer from outside."""
    with Loopback(by(lambda asked: as_json(value))) as site:
        reading = AlertmanagerSource.from_settings("shop", {"url": site.url}, Path()).read("events", Query(WINDOW))
        if isinstance(value, list):
            assert reading.data.collect().height == 0
            assert reading.complete == (not value)
        else:
            with pytest.raises(SourceError, match="Alertmanager API"):
                reading.data.collect()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"service_label": 3}, "service_label"), ({"matchers": "x"}, "matchers"), ({"matchers": [""]}, "matchers")],
)
def test_settings_with_a_mistake_are_refused_by_name(wrong: dict[str, object], said: str) -> None:
    """The table, and the key in it."""
    with pytest.raises(SourceError, match=said) as error:
        AlertmanagerSource.from_settings("shop", {"url": "http://127.0.0.1", **wrong}, Path())
    assert "[sources.shop]" in str(error.value)


def test_a_wrong_address_is_told_in_words() -> None:
    """Something else answers there."""
    with Loopback(by(lambda asked: Answered(200, b"<html>"))) as site:
        one = AlertmanagerSource.from_settings("shop", {"url": site.url}, Path())
        with pytest.raises(SourceError, match="JSON"):
            one.read("events", Query(WINDOW)).data.collect()
