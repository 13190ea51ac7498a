"""Every source over HTTP is read through a proxy that breaks things: what may pass is asked again, the rest told."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import polars as pl
import pytest
from documented_sites import github, pagerduty, record, statuspage
from faults import (
    Fault,
    FaultProxy,
    answering,
    cut,
    dripping,
    dripping_headers,
    endless,
    failing,
    garbled_gzip,
    latency,
    login_page,
    not_http,
    other_types,
    redirect,
    reset_after_headers,
    reset_before_headers,
    reset_in_body,
    silent,
    too_many,
    truncated,
)
from loopback import Loopback, by
from servers import alertmanager, backfilled, openmetrics, post, prometheus, waited

from workbench.errors import SourceError
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Limits, Query, Reading, Source
from workbench.telemetry.sources.alertmanager import AlertmanagerSource
from workbench.telemetry.sources.github.source import GithubSource
from workbench.telemetry.sources.pagerduty import PagerdutySource
from workbench.telemetry.sources.prometheus.source import PrometheusSource
from workbench.telemetry.sources.statuspage import StatuspageSource
from workbench.telemetry.web import retry, wire
from workbench.window import Window, format_time

TOKEN = "s3cr3t-behind-the-proxy"  # noqa: S105 - made up for the test
START = datetime(2024, 1, 29, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2))
Missing = Callable[[str], NoReturn]


# The healthy backends, each with more than one page


@dataclass(frozen=True)
class Backend:
    """A kind of source, its settings but for the address, where its healthy backend is, and what is asked of it."""

    kind: type[Source]
    url: str
    settings: dict[str, object]
    frame: FrameName = "events"
    window: Window = WINDOW


@contextmanager
def _github(folder: Path, missing: Missing) -> Iterator[Backend]:
    at = [format_time(START + timedelta(minutes=n / 2)) for n in range(150)]
    held = {
        "deployments": [record("github", "deployment", id=n, updated_at="2024-01-01T00:00:00Z") for n in range(150)],
        "releases": [record("github", "release", id=n, published_at=moment) for n, moment in enumerate(at)],
    }
    site = github({"acme/shop": held | {"statuses": []}}, token=TOKEN)
    with Loopback(by(site)) as running:
        table = {"repositories": ["acme/shop"], "what": ["releases", "deployments"]}
        yield Backend(GithubSource, running.url, table)


@contextmanager
def _pagerduty(folder: Path, missing: Missing) -> Iterator[Backend]:
    at = [format_time(START + timedelta(minutes=n / 2)) for n in range(230)]
    entries = [record("pagerduty", "log_entry", id=f"Q{n}", created_at=moment) for n, moment in enumerate(at)]
    with Loopback(by(pagerduty(entries, token=TOKEN))) as running:
        yield Backend(PagerdutySource, running.url, {})


@contextmanager
def _statuspage(folder: Path, missing: Missing) -> Iterator[Backend]:
    updates = [
        record("statuspage", "incident_update", id=str(n), display_at=format_time(START + timedelta(minutes=n)))
        for n in range(20)
    ]
    held = [record("statuspage", "incident", incident_updates=updates)]
    with Loopback(by(statuspage(held, [held[0] | {"id": "m", "name": "Move of the database"}]))) as running:
        yield Backend(StatuspageSource, running.url, {})


@contextmanager
def _prometheus(folder: Path, missing: Missing) -> Iterator[Backend]:
    rows = pl.DataFrame({"time": [START + n * timedelta(minutes=1) for n in range(120)], "service": "cart"})
    metrics = [openmetrics(name, rows.with_columns(value=pl.lit(1.5))) for name in ("requests", "errors")]
    backfilled(folder, metrics[0].removesuffix("# EOF\n") + metrics[1], missing)
    with prometheus(folder, missing) as url:
        queries = {"request_rate": "requests", "error_rate": "errors"}
        # One request at a time, so that the first is broken and the second is not.
        yield Backend(PrometheusSource, url, {"queries": queries, "step": "1m"}, "metrics")


@contextmanager
def _alertmanager(folder: Path, missing: Missing) -> Iterator[Backend]:
    now = datetime.now(UTC)
    alerts = [
        {"labels": {"alertname": f"Slow{n}"}, "startsAt": now.isoformat(), "endsAt": "2100-01-01T00:00:00Z"}
        for n in range(5)
    ]
    silence = {
        "matchers": [{"name": "alertname", "value": "Slow0", "isRegex": False}],
        "startsAt": (now + timedelta(seconds=1)).isoformat(),
        "endsAt": "2100-01-01T00:00:00Z",
        "createdBy": "kim",
        "comment": "known",
    }
    with alertmanager(folder, missing) as url:
        post(f"{url}/api/v2/alerts", json.dumps(alerts).encode())
        post(f"{url}/api/v2/silences", json.dumps(silence).encode())
        window = Window(now - timedelta(hours=1), now + timedelta(hours=1))
        backend = Backend(AlertmanagerSource, url, {}, "events", window)
        source = AlertmanagerSource.from_settings("shop", {"url": url}, folder)
        waited(lambda: source.read("events", Query(window)).data.collect().height, lambda rows: rows == 6)
        yield backend


KINDS = {
    "github": _github,
    "pagerduty": _pagerduty,
    "statuspage": _statuspage,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
}


@pytest.fixture(scope="session", params=KINDS)
def backend(request, tmp_path_factory: pytest.TempPathFactory, missing: Missing) -> Iterator[Backend]:
    """Return each kind of source's healthy backend."""
    with KINDS[request.param](tmp_path_factory.mktemp(request.param), missing) as found:
        yield found


@pytest.fixture(scope="session")
def healthy(backend: Backend) -> pl.DataFrame:
    """Return what the backend answers when nothing breaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAULT_TOKEN", TOKEN)
        reading = _source(backend, backend.url).read(backend.frame, Query(backend.window))
        found = reading.data.collect()
    assert found.height
    assert "asked-again" not in {problem.kind for problem in reading.problems}
    return found


@pytest.fixture
def proxy(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Return a proxy before the backend, in a world where nobody waits long."""
    monkeypatch.setenv("FAULT_TOKEN", TOKEN)
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(retry, "_JITTER", 0.001)
    monkeypatch.setattr(wire, "_GLANCE", 0.02)
    with FaultProxy(backend.url) as running:
        yield running


def _source(backend: Backend, url: str, **more: object) -> Source:
    return backend.kind.from_settings(
        "shop", {"url": url, "token_env": "FAULT_TOKEN", **backend.settings, **more}, Path()
    )


def _read(backend: Backend, proxy: FaultProxy, *, timeout: float = 30, **limits: Any) -> Reading:
    """Return the unread answer, kept to limits as a workspace keeps it."""
    policy = Policy(Limits(**{"concurrency": 1, **limits}))
    source = ConfiguredSource(_source(backend, proxy.url, timeout=timeout), policy)
    return source.read(backend.frame, Query(backend.window))


def _same(found: pl.DataFrame, wanted: pl.DataFrame) -> bool:
    # Some links to pages for people begin with the address, which is the proxy's.
    found, wanted = (one.drop("url", strict=False).sort(pl.all()) for one in (found, wanted))
    return found.equals(wanted)


# What passes is asked again


PASSING: dict[str, Fault] = {
    "reset before the headers": reset_before_headers(),
    "reset after the headers": reset_after_headers(),
    "reset in the body": reset_in_body(),
    "truncated": truncated(),
    "500": failing(500),
    "502": failing(502),
    "503 with Retry-After": failing(503, **{"Retry-After": "0"}),
    "504": failing(504),
    "429": too_many(),
    "429 with seconds": too_many(0),
    "429 with a date": too_many(0, as_date=True),
    "damaged gzip": garbled_gzip(),
    "not HTTP": not_http(),
    "no answer": silent(),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_asked_again_and_nothing_is_lost(
    backend: Backend, proxy: FaultProxy, healthy: pl.DataFrame, name: str
) -> None:
    """Two failures at the first page and one at the next: the answer is whole, and says that it was asked again.

    What gives no answer does so once: each time is waited for, and a busy machine may be slow without any fault.
    """
    silence = name == "no answer"
    proxy.inject(PASSING[name], times=1 if silence else 2)
    proxy.inject(PASSING[name], times=0 if silence else 1, after=1)
    reading = _read(backend, proxy, timeout=0.8 if silence else 30)
    assert _same(reading.data.collect(), healthy)
    assert reading.complete
    told = [problem.text for problem in reading.problems if problem.kind == "asked-again"]
    assert told
    assert all(TOKEN not in text for text in told)


def test_an_answer_that_is_late_is_whole(backend: Backend, proxy: FaultProxy, healthy: pl.DataFrame) -> None:
    """Nothing is asked again, and nothing is remarked."""
    proxy.inject(latency(0.05))
    reading = _read(backend, proxy)
    assert _same(reading.data.collect(), healthy)
    assert "asked-again" not in {problem.kind for problem in reading.problems}


# What stays is told


STAYING: dict[str, tuple[Fault, str]] = {
    "reset before the headers": (reset_before_headers(), "can't be reached or broke off.*5 times"),
    "reset after the headers": (reset_after_headers(), "can't be reached or broke off.*5 times"),
    "reset in the body": (reset_in_body(), "can't be reached or broke off.*5 times"),
    "truncated": (truncated(), "can't be reached or broke off.*5 times"),
    "500": (failing(500), "answered 500.*not well.*5 times"),
    "502": (failing(502), "answered 502"),
    "503": (failing(503), "answered 503"),
    "400": (failing(400), "answered 400"),
    "401": (failing(401), "credentials were not accepted"),
    "403": (failing(403), "credentials may not"),
    "404": (failing(404), "nothing is there"),
    "429": (too_many(), "answered 429.*slow down"),
    "429 for hours": (too_many(7200), "answered 429.*once.*Pull again after"),
    "503 for hours": (failing(503, **{"Retry-After": "7200"}), "answered 503.*Pull again after"),
    "login page": (login_page(), "isn't JSON.*login page"),
    "cut JSON": (cut(), "JSON"),
    "null": (answering(b"null"), ""),
    "a number": (answering(b"5"), ""),
    "an empty object": (answering(b"{}"), ""),
    "nothing": (answering(b""), "isn't JSON"),
    "a list of other things": (answering(b'[1, null, "a", [], {}]'), ""),
    "NUL bytes": (answering(bytes(1000)), "isn't JSON"),
    "other types": (other_types(), ""),
    "damaged gzip": (garbled_gzip(), "compressed answer is damaged"),
    "not HTTP": (not_http(), "can't be reached or broke off"),
    "to itself": (redirect(""), "redirects in a circle"),
}


def _outcome(reading: Reading) -> str:
    """Return in words how a reading failed, or what its half answer lacks."""
    try:
        reading.data.collect()
    except SourceError as error:
        return "".join(traceback.format_exception(error)) if error.do else ""
    return "" if reading.complete else repr(reading.problems)


@pytest.mark.parametrize("name", STAYING)
def test_what_stays_is_told_in_words(backend: Backend, proxy: FaultProxy, name: str) -> None:
    """An error that says what and what to do, or a mark on a half answer; no error of a third party, and no secret."""
    fault, said = STAYING[name]
    proxy.inject(fault)
    told = _outcome(_read(backend, proxy))
    assert told
    assert TOKEN not in told
    assert pl.Series([" ".join(told.split())]).str.contains(said).all(), told


@pytest.mark.parametrize("name", ["500", "login page", "reset in the body", "429 for hours", "other types"])
def test_what_came_before_it_broke_is_kept(
    backend: Backend, proxy: FaultProxy, healthy: pl.DataFrame, name: str
) -> None:
    """The first page is there, and the answer is marked incomplete."""
    proxy.inject(STAYING[name][0], after=1)
    reading = _read(backend, proxy)
    found = reading.data.collect()
    assert 0 < found.height < healthy.height
    assert not reading.complete
    assert TOKEN not in repr(reading.problems)


BEYOND: dict[str, tuple[Fault, dict[str, Any]]] = {
    "no answer": (silent(), {"seconds": 0.3}),
    "a drip": (dripping(0.02), {"seconds": 0.3}),
    "a drip of headers": (dripping_headers(0.005), {"seconds": 0.3}),
    "no end": (endless(), {"bytes": 300_000}),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", BEYOND)
def test_limits_hold_whatever_the_backend_does(backend: Backend, proxy: FaultProxy, name: str) -> None:
    """Each byte of a drip comes in time, and an endless body is well-formed as far as it goes."""
    fault, limits = BEYOND[name]
    proxy.inject(fault)
    assert "limit" in _outcome(_read(backend, proxy, **limits))


@pytest.mark.parametrize("status", [301, 307])
def test_the_token_does_not_travel_to_another_host(backend: Backend, proxy: FaultProxy, status: int) -> None:
    """The other host isn't asked."""
    with Loopback(by(lambda _: pytest.fail("asked"))) as other:
        proxy.inject(redirect(other.url, status))
        assert "another host" in _outcome(_read(backend, proxy))
        assert other.asked == []
    assert all(asked.headers["authorization"].endswith(TOKEN) for asked in proxy.asked)
