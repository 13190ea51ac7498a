"""The web asks with its secret, obeys limits and redirects only on the same host, and closes what it opened."""

from __future__ import annotations

import gc
import gzip
import json
import logging
import shutil
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from faults import FaultProxy, dripping_headers, redirect, silent, too_many
from hypothesis import given
from hypothesis import strategies as st
from loopback import Answered, Asked, Loopback, Wire, as_json, by

from workbench.errors import LimitError, SourceError
from workbench.telemetry.source import Limits, Query, Tally
from workbench.telemetry.web import retry, wire
from workbench.telemetry.web.client import Web
from workbench.window import Window

TOKEN = "s3cr3t-of-the-shop"  # noqa: S105 - made up for the test
WINDOW = Window.parse("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(retry, "_JITTER", 0.001)
    monkeypatch.setattr(wire, "_GLANCE", 0.01)


def echo(asked: Asked) -> Answered:
    """Answer with what was asked; ``/page`` is at hand only by a redirect to it."""
    if asked.path == "/moved":
        return Answered(302, b"", {"Location": "/page?from=moved"})
    if asked.path == "/circle":
        return Answered(307, b"", {"Location": "/circle"})
    if asked.path.startswith("/status/"):
        return Answered(int(asked.path[8:]), str(dict(asked.headers)).encode())
    if asked.path == "/bomb":
        return Answered(200, gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"})
    return as_json({"method": asked.method, "target": asked.target, "headers": asked.headers, "body": str(asked.body)})


@pytest.fixture
def site() -> Iterator[Loopback]:
    """Return a server that answers with what it was asked."""
    with Loopback(by(echo)) as running:
        yield running


def web(url: str, **settings: object) -> Web:
    """Return a web with the shop's token, or other credentials."""
    if not {"user", "token_command"} & set(settings):
        settings = {"token_env": "SHOP_TOKEN", **settings}
    return Web.from_settings("shop", {"url": url, **settings})[0]


def ask(one: Web, path: str = "/x", *, tally: Tally | None = None, **limits: Any) -> Any:
    """Return the JSON of one answer."""
    return one.get(path, query=Query(WINDOW, limits=Limits(**limits)), tally=tally or Tally()).json()


# Ways in


@pytest.mark.parametrize(
    ("settings", "scheme", "field", "sent"),
    [
        ({"token_env": "SHOP_TOKEN"}, "Bearer", "authorization", f"Bearer {TOKEN}"),
        ({"token_env": "SHOP_TOKEN"}, "Token token=", "authorization", f"Token token={TOKEN}"),
        ({"token_env": "SHOP_TOKEN", "token_header": "X-Api-Key"}, "Bearer", "x-api-key", TOKEN),
        ({"user": "me", "password_env": "SHOP_TOKEN"}, "Bearer", "authorization", "Basic bWU6czNjcjN0LW9mLXRoZS1zaG9w"),
    ],
)
def test_every_way_in_is_sent(site: Loopback, settings: dict[str, object], scheme: str, field: str, sent: str) -> None:
    """As the backend wants it."""
    made, rest = Web.from_settings("shop", {"url": site.url, "more": 1, **settings}, scheme=scheme)
    ask(made)
    assert site.asked[0].headers[field] == sent
    assert rest == {"more": 1}


def test_header_fields_and_parameters_arrive(site: Loopback) -> None:
    """And the address of a next page keeps its own query."""
    made = web(site.url + "/", headers={"X-Scope-OrgID": "tenant"})
    answer = made.get("/x", {"a": ["1", "2"], "b": ""}, query=Query(WINDOW), tally=Tally()).json()
    assert answer["target"] == "/x?a=1&a=2&b="
    assert answer["headers"]["x-scope-orgid"] == "tenant"
    assert ask(made, f"{site.url}/x?page=2&n=%2B")["target"] == "/x?page=2&n=%2B"
    assert made.post("/q", {"query": "up"}, query=Query(WINDOW), tally=Tally()).json()["body"] == "b'query=up'"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": ""}, "no url"),
        ({"url": "ftp://host"}, "the url 'ftp://host'"),
        ({"url": "http://host:port"}, "no url|the url"),
        ({"url": f"http://me:{TOKEN}@host"}, "holds a user or a password"),
        ({"url": f"http://host/?key={TOKEN}"}, "goes on after"),
        ({"url": "http://host", "headers": {"Authorization": TOKEN}}, "a secret"),
        ({"url": "http://host", "headers": {"DD-API-KEY": TOKEN}}, 'token_header = "DD-API-KEY"'),
        ({"url": "http://host", "headers": {"X-A": "line\nend"}}, "can't be sent"),
        ({"url": "http://host", "headers": ["a"]}, "not a table"),
        ({"url": "http://host", "token": TOKEN}, "holds a token itself"),
        ({"url": "http://host", "token_env": "A", "password_env": "B", "user": "c"}, "both a token and a password"),
        ({"url": "http://host", "user": "c"}, "a user alone"),
        ({"url": "http://host", "password_env": "B"}, "a password alone"),
        ({"url": "http://host", "token_header": "X-Key"}, "without a token"),
        ({"url": "http://host", "token_env": "A", "token_header": "X Key"}, "no name of a header field"),
        ({"url": "http://host", "timeout": 0}, "timeout"),
        ({"url": "http://host", "timeout": True}, "timeout"),
        ({"url": "http://host", "ca_file": 5}, "ca_file"),
    ],
)
def test_settings_that_cannot_be_are_refused_without_a_secret(settings: dict[str, object], said: str) -> None:
    """Naming the table and the key."""
    with pytest.raises(SourceError, match=said) as told:
        Web.from_settings("shop", settings)
    assert TOKEN not in str(told.value)
    assert "[sources.shop]" in str(told.value)


def test_what_no_header_can_carry_is_told(site: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line end within a token, and a certificate that is none."""
    monkeypatch.setenv("SHOP_TOKEN", f"{TOKEN}\r\nX-Evil: 1")
    with pytest.raises(SourceError, match="no header field can carry") as told:
        ask(web(site.url))
    assert TOKEN not in "".join(traceback.format_exception(told.value))
    with pytest.raises(SourceError, match=r"ca_file 'gone\.pem'"):
        ask(web(site.url, ca_file="gone.pem"))


# Where the secret goes


def test_a_redirect_on_the_same_host_is_followed(site: Loopback) -> None:
    """With the token."""
    answer = ask(web(site.url), "/moved")
    assert answer["target"] == "/page?from=moved"
    assert [asked.headers["authorization"] for asked in site.asked] == [f"Bearer {TOKEN}"] * 2
    with pytest.raises(SourceError, match="circle"):
        ask(web(site.url), "/circle")


@pytest.mark.parametrize("settings", [{}, {"token_header": "X-Api-Key"}, {"user": "me", "password_env": "SHOP_TOKEN"}])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_is_refused(site: Loopback, settings: dict[str, object], status: int) -> None:
    """The other host isn't asked at all, so that it sees no token."""
    with Loopback(by(echo)) as other, FaultProxy(site.url) as proxy:
        proxy.inject(redirect(other.url, status))
        with pytest.raises(SourceError, match="leads to another host"):
            ask(web(proxy.url, **settings))
        assert other.asked == []


@pytest.mark.parametrize("evil", ["{}@127.0.0.1:1/x", "{}.evil.example/x", "http://127.0.0.1:1/x"])
def test_a_next_page_on_another_host_is_refused(site: Loopback, evil: str) -> None:
    """However its address is written."""
    with pytest.raises(SourceError) as told:
        ask(web(site.url), evil.format(site.url))
    assert TOKEN not in str(told.value)
    assert site.asked == []


def test_nothing_shows_the_token(site: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a log at its most talkative, nor an error whose body repeats the request, nor a note, nor a traceback."""
    caplog.set_level(logging.DEBUG)
    for settings in ({}, {"user": "me", "password_env": "SHOP_TOKEN"}):
        made = web(site.url, **settings)
        ask(made)
        sent = site.asked[-1].headers["authorization"]
        for status in (401, 403, 404, 418, 500):
            with pytest.raises(SourceError) as told:
                ask(made, f"/status/{status}")
            shown = "".join(traceback.format_exception(told.value)) + repr(vars(made)) + repr(made.endpoint)
            assert str(status) in shown
            assert TOKEN not in shown
            assert sent.split()[1] not in shown
    assert TOKEN not in caplog.text + repr([vars(record) for record in caplog.records])


# Encrypted


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Path:
    """Return a file with a key and a certificate of 127.0.0.1 that nobody but itself has signed."""
    if shutil.which("openssl") is None:
        missing("there is no openssl on this machine")
    folder = tmp_path_factory.mktemp("certificate")
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", *made.split(), *names], cwd=folder, capture_output=True, check=True)
    both = folder / "both.pem"
    both.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return both


def encrypted(certificate: Path, answer: Callable[[Asked, Wire], None]) -> Loopback:
    """Return a server that speaks TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    return Loopback(answer, tls=tls)


def test_a_certificate_is_checked_against_the_file_that_is_named(certificate: Path) -> None:
    """Without it nobody is let to see the token; with it the answer comes, though it takes longer than a glance."""

    def slowly(asked: Asked, wire: Wire) -> None:
        wire.stopping.wait(0.1)
        answer = echo(asked)
        wire.head(answer)
        for place in range(0, len(answer.body), 50):
            wire.raw(answer.body[place : place + 50])
            wire.stopping.wait(0.02)

    with encrypted(certificate, slowly) as site:
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(web(site.url))
        assert site.asked == []
        made = web(site.url, ca_file=str(certificate))
        assert [ask(made, f"/{n}")["target"] for n in range(3)] == ["/0", "/1", "/2"]
        with pytest.raises(LimitError):
            ask(made, seconds=0.05)


# Patience and its end


def test_a_short_retry_after_is_waited_for_and_noted(site: Loopback) -> None:
    """The time between the two requests is at least what was asked."""
    with FaultProxy(site.url) as proxy:
        proxy.inject(too_many(1), times=1)
        tally, began = Tally(), time.monotonic()
        ask(web(proxy.url), tally=tally)
        assert time.monotonic() - began >= 1
        assert ["429" in problem.text for problem in tally.problems if problem.kind == "asked-again"] == [True]


@pytest.mark.parametrize("as_date", [False, True])
def test_a_long_retry_after_is_given_up_at_once(site: Loopback, as_date: bool) -> None:
    """With the time to come back at."""
    with FaultProxy(site.url) as proxy:
        proxy.inject(too_many(7200, as_date=as_date))
        with pytest.raises(SourceError, match=r"Pull again after \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
            ask(web(proxy.url))
        assert len(proxy.asked) == 1


def test_a_spent_rate_limit_is_a_reason_to_wait() -> None:
    """GitHub says 403, and when the next hour's requests begin."""
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3000)}
    with Loopback(by(lambda _: Answered(403, b"rate limit exceeded", spent))) as site:
        with pytest.raises(SourceError, match="Pull again after"):
            ask(web(site.url))
        assert len(site.asked) == 1


@given(st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]), st.text()))
def test_any_header_field_is_understood_or_passed_over(headers: dict[str, str]) -> None:
    """A wait is a number of seconds, never less than none."""
    found = retry.come_back(headers)
    assert found is None or 0 <= found < 4e11


@pytest.mark.parametrize("fault", [silent(), dripping_headers(0.005)])
def test_seconds_hold_while_nothing_useful_comes(site: Loopback, fault) -> None:
    """Though each byte comes in time, and for all requests of a reading together."""
    with FaultProxy(site.url) as proxy:
        proxy.inject(fault, after=1)
        asking = web(proxy.url).asking(Query(WINDOW, limits=Limits(seconds=0.3)), Tally())
        asking.get("/x")
        with pytest.raises(LimitError, match=r"longer than 0\.3 s"):
            asking.get("/x")


def test_a_time_out_is_told_in_seconds(site: Loopback) -> None:
    """And asked again before that."""
    with FaultProxy(site.url) as proxy:
        proxy.inject(silent())
        with pytest.raises(SourceError, match=r"no answer within 0\.02 s.*5 times"):
            ask(web(proxy.url, timeout=0.02))


@pytest.mark.parametrize("fault", [silent(), too_many(20)])
def test_who_has_gone_is_not_waited_for(site: Loopback, fault) -> None:
    """Neither in a read nor between two requests."""
    stop = threading.Event()
    with FaultProxy(site.url) as proxy:
        proxy.inject(fault)
        timer = threading.Timer(0.1, stop.set)
        timer.start()
        with pytest.raises(SourceError, match="was stopped"):
            web(proxy.url).get("/x", query=Query(WINDOW, stop=stop), tally=Tally())
        timer.join()


def test_bytes_are_counted_and_limited(site: Loopback) -> None:
    """As received over all requests of a reading; what is small until it is unpacked is no way round it."""
    tally = Tally()
    ask(web(site.url), tally=tally)
    assert tally.bytes > 100
    with pytest.raises(LimitError, match="more than 150 bytes"):
        ask(web(site.url), tally=tally, bytes=150)
    with pytest.raises(LimitError, match="more than 1,000,000 bytes"):
        web(site.url).get("/bomb", query=Query(WINDOW, limits=Limits(bytes=1_000_000)), tally=Tally())


def test_nobody_there_is_told(site: Loopback) -> None:
    """A port nobody listens on."""
    site.stop()
    with pytest.raises(SourceError, match="can't be reached") as told:
        ask(web(site.url))
    assert "runs" in told.value.do


# The house around it


def test_it_may_be_asked_from_many_threads(site: Loopback) -> None:
    """One client is made, and each gets its own answer."""
    made, answers = web(site.url), {}
    gate = threading.Barrier(8)

    def one(number: int) -> None:
        gate.wait()
        answers[number] = ask(made, f"/{number}")["target"]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"/{number}" for number in range(8)}


def test_connections_are_closed_with_the_last_who_holds_it(site: Loopback) -> None:
    """Without a word from the garbage collector, which would be an error of this suite."""
    made = web(site.url)
    ask(made)
    with pytest.raises(SourceError, match="key=•••"):
        ask(made, f"/status/404?key={TOKEN}")
    client = made.client()
    assert not client.is_closed
    del made
    gc.collect()
    assert client.is_closed


def test_a_proxy_of_the_environment_is_used_and_watched(site: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """And left aside where NO_PROXY says so; one of a kind that isn't known is told."""
    with FaultProxy(site.url) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert ask(web("http://inside.example"))["target"] == "http://inside.example/x"
        proxy.inject(dripping_headers(0.005))
        with pytest.raises(LimitError):
            ask(web("http://inside.example"), seconds=0.2)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert ask(web(site.url))["target"] == "/x"
    monkeypatch.setenv("HTTP_PROXY", "socks4://me:pass@proxy:1")
    with pytest.raises(SourceError, match="no connection can be prepared") as told:
        ask(web("http://inside.example"))
    assert "pass@" not in str(told.value)


@given(st.binary() | st.text(st.characters(codec="ascii")).map(json.dumps).map(str.encode))
def test_a_body_is_json_or_told(body: bytes) -> None:
    """Whatever it is."""
    from workbench.telemetry.web.client import Answer

    try:
        wanted = json.loads(body)
    except ValueError:
        with pytest.raises(SourceError, match="isn't JSON"):
            Answer("http://host/x", {}, body).json()
    else:
        assert Answer("http://host/x", {}, body).json() == wanted
