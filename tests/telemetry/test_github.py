"""The github source reads changes of repositories as GitHub documents them, page by page and no page too many."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from documented_sites import github, record
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Answered, Asked, Loopback, as_json, by
from odd_answers import SHAPES, other, rows_or_words

from workbench.analysis.events import read as states
from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query
from workbench.telemetry.sources.github.source import GithubSource
from workbench.window import Window, format_time

TOKEN = "ghp_s3cr3t"  # noqa: S105 - made up for the test
START = datetime(2024, 1, 29, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=30))


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)


def at(minutes: float) -> str:
    """Return a moment after the start of the window, as GitHub writes it."""
    return format_time(START + timedelta(minutes=minutes))


def shop() -> dict[str, list[dict[str, Any]]]:
    """Return one of each record, as the documents show them."""
    return {
        "deployments": [record("github", "deployment", updated_at=at(3))],
        "statuses": [
            record("github", "deployment_status", deployment=1),
            record("github", "deployment_status", deployment=1, id=12, state="success", created_at=at(3)),
        ],
        "releases": [record("github", "release"), record("github", "release", draft=True, published_at=None)],
        "pull_requests": [record("github", "pull_request")],
        "workflow_runs": [record("github", "workflow_run")],
    }


def source(url: str, **more: object) -> GithubSource:
    """Return a source over the shop."""
    table = {"url": url, "token_env": "GITHUB_TOKEN", "repositories": ["acme/shop"], **more}
    return GithubSource.from_settings("changes", table, Path())


def read(url: str, window: Window = WINDOW, asked_for: tuple[str, ...] = (), **more: object) -> pl.DataFrame:
    """Return what the source answers."""
    return source(url, **more).read("events", Query(window, asked_for)).data.sort("time").collect()


@pytest.fixture
def site() -> Iterator[Loopback]:
    """Return the shop's GitHub."""
    with Loopback(by(github({"acme/shop": shop()}, token=TOKEN))) as running:
        yield running


def test_every_documented_record_becomes_an_event(site: Loopback) -> None:
    """Time, title, who, where to look, and its state; a draft has happened to nobody."""
    found = read(site.url)
    assert found.schema == FRAMES["events"]
    assert set(found["kind"]) == {"deploy"}
    assert set(found["service"]) == {"shop"}
    assert set(found["source"]) == {"github"}
    assert found.select("time", "title", "actor").rows() == [
        (START, "Deployment of main to production requested", "mona"),
        (START + timedelta(minutes=1), "Deployment of main to production: in progress", "deploybot[bot]"),
        (START + timedelta(minutes=3), "Deployment of main to production: success", "deploybot[bot]"),
        (START + timedelta(minutes=5), "Release v1.4.0: Winter sale", "mona"),
        (START + timedelta(minutes=7), "Merged #42: Retry payments twice", "hubot"),
        (START + timedelta(minutes=8), "Deploy #562: success (Retry payments twice)", "mona"),
    ]
    assert found["url"].to_list()[1:4] == ["https://ci.example/1/log"] * 2 + [
        "https://github.com/acme/shop/releases/v1.4.0"
    ]
    told = [json.loads(text) for text in found["attributes"]]
    assert [one["id"] for one in told] == ["deployment/1"] * 3 + ["release/1", "pull/4200", "run/30433642"]
    assert told[2]["deployment.environment.name"] == "production"
    assert told[4]["labels"] == ["payments"]
    assert states({"changes": found.lazy()})["state"].to_list() == [
        "requested", "in progress", "success", "published", "merged", "success"
    ]  # fmt: skip


def test_the_token_and_the_version_are_sent_and_the_question_is_told(site: Loopback) -> None:
    """What stands in the manifest is what GitHub was asked."""
    reading = source(site.url).read("events", Query(WINDOW))
    assert site.asked == []
    reading.data.collect()
    firsts = [f"GET {asked.target}" for asked in site.asked if "/statuses" not in asked.target]
    assert sorted(reading.asked.splitlines()) == sorted(firsts)
    assert {asked.headers["accept"] for asked in site.asked} == {"application/vnd.github+json"}
    assert reading.tally.bytes > 1000
    assert reading.complete
    assert not reading.problems


def test_only_pages_that_the_window_needs_are_asked_for() -> None:
    """Lists come newest first and are left once they reach far enough back; statuses only of what was touched since."""
    held = shop() | {
        "deployments": [
            record("github", "deployment", id=n, created_at=at(-n * 60), updated_at=at(-n * 60 + 5))
            for n in range(1000)
        ],
        "releases": [
            record("github", "release", id=n, created_at=at(-n * 1440), published_at=at(-n * 1440)) for n in range(1000)
        ],
        "statuses": [],
    }
    with Loopback(by(github({"acme/shop": held}, token=TOKEN))) as site:
        assert read(site.url, what=["deployments", "releases"])["title"].to_list() == [
            "Deployment of main to production requested", "Release v1.4.0: Winter sale"
        ]  # fmt: skip
        assert sorted(asked.target for asked in site.asked) == [
            "/repos/acme/shop/deployments/0/statuses?per_page=100",
            "/repos/acme/shop/deployments?per_page=100",
            "/repos/acme/shop/releases?per_page=100",
        ]


@pytest.mark.parametrize("what", ["pull_requests", "workflow_runs"])
def test_a_search_that_finds_more_than_it_shows_is_cut_in_halves(what: str) -> None:
    """Nothing is lost and nothing comes twice; what lies within two seconds can't be cut further, and is told."""

    def one(n: int, moment: str) -> dict[str, Any]:
        if what == "workflow_runs":
            return record("github", "workflow_run", id=n, run_number=n, created_at=moment, run_started_at=moment)
        link = {"merged_at": moment}
        return record("github", "pull_request", id=n, number=n, pull_request=link)

    held = {what: [one(n, at(n / 20)) for n in range(500)]}
    with Loopback(by(github({"acme/shop": held}, token=TOKEN, most=120))) as site:
        import workbench.telemetry.sources.github.source as module

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "_MOST_FOUND", 120)
            assert read(site.url, what=[what]).height == 500
            held[what] = [one(n, at(0)) for n in range(130)]
            reading = source(site.url, what=[what]).read("events", Query(WINDOW))
            assert reading.data.collect().height == 120
            assert not reading.complete
            assert "found 130" in reading.problems[0].text


def test_a_run_that_was_started_again_is_found(site: Loopback) -> None:
    """It was created before the window; a run of another workflow is left out where some are named."""
    runs = [
        record("github", "workflow_run", created_at=at(-300), run_attempt=2),
        record("github", "workflow_run", id=2, name="Tests", path=".github/workflows/test.yml@refs/heads/main"),
    ]
    with Loopback(by(github({"acme/shop": {"workflow_runs": runs}}, token=TOKEN))) as held:
        found = read(held.url, what=["workflow_runs"], workflows=["deploy.yml"])
        assert [json.loads(text)["attempt"] for text in found["attributes"]] == [2]
        assert read(held.url, what=["workflow_runs"]).height == 2


def test_a_deployment_that_was_replaced_has_not_failed() -> None:
    """GitHub marks it inactive once a later one takes its place, and its change may be the one that is looked for."""
    replaced = [record("github", "deployment_status", deployment=1, state="inactive", created_at=at(3))]
    with Loopback(by(github({"acme/shop": shop() | {"statuses": replaced}}, token=TOKEN))) as site:
        found = read(site.url, what=["deployments"])
        assert found["title"][1] == "Deployment of main to production: no longer active"


def test_services_name_repositories_and_narrow_them() -> None:
    """A repository of another service isn't asked."""
    held = {name: shop() for name in ("acme/shop", "acme/pay-web")}
    with Loopback(by(github(held, token=TOKEN))) as site:
        both = {"repositories": list(held), "services": {"acme/pay-web": "pay"}}
        assert set(read(site.url, **both)["service"]) == {"shop", "pay"}
        site.asked.clear()
        assert set(read(site.url, asked_for=("pay",), **both)["service"]) == {"pay"}
        assert all("acme/shop" not in asked.target for asked in site.asked)
        site.asked.clear()
        assert read(site.url, asked_for=("nobody",), **both).height == 0
        assert site.asked == []


def test_a_repository_that_cannot_be_read_does_not_lose_the_others(site: Loopback) -> None:
    """The answer is marked incomplete, and says which and why."""
    reading = source(site.url, repositories=["acme/shop", "acme/gone"], what=["releases"]).read("events", Query(WINDOW))
    assert reading.data.collect().height == 1
    assert not reading.complete
    assert "The releases of acme/gone are missing" in reading.problems[0].text
    assert "404" in reading.problems[0].text
    with pytest.raises(SourceError, match=r"acme/gone.*404: nothing is there"):
        read(site.url, repositories=["acme/gone"])


def test_lists_are_asked_side_by_side_and_come_in_their_order() -> None:
    """As many at one time as the source's limits allow: the site answers none of them before both are there."""
    gate = threading.Barrier(2, timeout=20)
    answer = github({name: shop() for name in ("acme/shop", "acme/pay")}, token=TOKEN)

    def both(asked: Asked) -> Answered:
        gate.wait()
        return answer(asked)

    with Loopback(by(both)) as site:
        made = source(site.url, repositories=["acme/shop", "acme/pay"], what=["releases"])
        found = made.read("events", Query(WINDOW, limits=Limits(concurrency=2))).data.collect()
    assert found["service"].to_list() == ["shop", "pay"]


def test_bad_credentials_are_told_without_them(site: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the word of GitHub."""
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_0ther")
    with pytest.raises(SourceError, match=r"credentials were not accepted.*Bad credentials") as told:
        read(site.url)
    assert "ghp_0ther" not in str(told.value)


def test_pages_that_go_in_a_circle_are_left() -> None:
    """Rather than asked for ever."""

    def circle(asked: Asked) -> Answered:
        return as_json([record("github", "release")], Link=f'<{asked.origin}{asked.path}?page=1>; rel="next"')

    with Loopback(by(circle)) as site:
        reading = source(site.url, what=["releases"]).read("events", Query(WINDOW))
        assert reading.data.collect().height == 1
        assert "lead back" in reading.problems[0].text


def test_an_enterprise_server_is_read_by_its_address() -> None:
    """Its pages for people lie beside its API."""
    with Loopback(by(github({"acme/shop": shop()}, token=TOKEN))) as site:
        inside = Loopback(lambda asked, wire: wire.send(_moved(asked, site)))
        with inside:
            found = read(f"{inside.url}/api/v3", what=["deployments"])
            assert found["url"][0] == f"{inside.url}/acme/shop/deployments"


def _moved(asked: Asked, site: Loopback) -> Answered:
    import httpx

    said = httpx.get(
        site.url + asked.target.removeprefix("/api/v3"),
        headers={key: asked.headers[key] for key in ("authorization", "accept", "x-github-api-version")},
    )
    return Answered(said.status_code, said.content)


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({}, "names none"),
        ({"repositories": ["shop"]}, "holds 'shop'"),
        ({"repositories": "acme/shop"}, "not a list"),
        ({"repositories": ["acme/shop"], "services": {"acme/other": "x"}}, "names 'acme/other'"),
        ({"repositories": ["acme/shop"], "services": ["x"]}, "not a table"),
        ({"repositories": ["acme/shop"], "what": ["issues"]}, "holds 'issues'"),
        ({"repositories": ["acme/shop"], "repos": []}, "has the key 'repos'"),
        ({"repositories": ["acme/shop"], "token": TOKEN}, "holds a token itself"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings_: dict[str, object], said: str) -> None:
    """Naming the table and the key."""
    with pytest.raises(SourceError, match=said) as told:
        GithubSource.from_settings("changes", settings_, Path())
    assert "[sources.changes]" in str(told.value)


@pytest.fixture(scope="module")
def odd() -> Iterator[tuple[dict[str, Any], GithubSource]]:
    """Return answers by path that a test may fill, and a source that gets them."""
    made: dict[str, Any] = {}
    with Loopback(by(lambda asked: as_json(made[asked.path]))) as site:
        yield made, GithubSource.from_settings("changes", {"url": site.url, "repositories": ["acme/shop"]}, Path())


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_answer_gives_rows_or_an_error_in_words(odd, data: st.DataObject) -> None:
    """Every record of the documents with any part of it exchanged for something else, and any JSON at all."""
    held = shop()
    answers = {
        "/repos/acme/shop/deployments": held["deployments"],
        "/repos/acme/shop/deployments/1/statuses": held["statuses"],
        "/repos/acme/shop/releases": held["releases"],
        "/search/issues": {"total_count": 1, "incomplete_results": False, "items": held["pull_requests"]},
        "/repos/acme/shop/actions/runs": {"total_count": 1, "workflow_runs": held["workflow_runs"]},
    }
    made, changes = odd
    made |= {path: data.draw(other(value) | SHAPES) for path, value in answers.items()}
    rows_or_words(changes, WINDOW)
