"""The pagerduty source reads who was called and what they did, as PagerDuty documents it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from documented_sites import pagerduty, record
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Loopback, as_json, by
from odd_answers import SHAPES, other, rows_or_words

from workbench.analysis.events import read as states
from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query
from workbench.telemetry.sources import pagerduty as module
from workbench.telemetry.sources.pagerduty import PagerdutySource
from workbench.window import Window, format_time

TOKEN = "y_NbAkKc66ryYTWUXYEu"  # noqa: S105 - the one of PagerDuty's own examples
START = datetime(2024, 1, 29, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=30))


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PD_TOKEN", TOKEN)


def entry(shape: str = "log_entry", minutes: float = 0, **changes: Any) -> dict[str, Any]:
    """Return a log entry some time after the start."""
    at = format_time(START + timedelta(minutes=minutes))
    return record("pagerduty", shape, created_at=at, **{"id": f"{shape}-{minutes}", **changes})


def source(url: str, **more: object) -> PagerdutySource:
    """Return a source over an account."""
    return PagerdutySource.from_settings("pages", {"url": url, "token_env": "PD_TOKEN", **more}, Path())


def read(entries: list[dict[str, Any]], window: Window = WINDOW, asked_for: tuple[str, ...] = (), **more: object):
    """Return what the source answers, and the requests."""
    with Loopback(by(pagerduty(entries, token=TOKEN))) as site:
        found = source(site.url, **more).read("events", Query(window, asked_for)).data.sort("time").collect()
        return found, site.asked


def test_an_incident_is_told_from_its_trigger_to_its_end() -> None:
    """What was done, to what, by whom; who did it is a person, a service stands in the attributes."""
    shapes = ["log_entry", "escalated", "acknowledged", "annotated", "resolved"]
    found, _ = read([entry(shape, 5 * n) for n, shape in enumerate(shapes)])
    assert found.schema == FRAMES["events"]
    assert found.select("title", "actor").rows() == [
        ("Triggered: Checkout fails", None),
        ("Escalated: Checkout fails", None),
        ("Acknowledged: Checkout fails", "Earline Greenholt"),
        ("Annotated: Checkout fails", "Kim Ito"),
        ("Resolved: Checkout fails", "Kim Ito"),
    ]
    assert set(found["kind"]) == {"page"}
    assert set(found["service"]) == {"Web shop"}
    assert set(found["url"]) == {"https://acme.pagerduty.com/incidents/PT4KHLK"}
    told = [json.loads(text) for text in found["attributes"]]
    assert {one["id"] for one in told} == {"PT4KHLK"}
    assert (told[0]["number"], told[0]["urgency"], told[0]["priority"], told[0]["by"]) == (
        1234,
        "high",
        "P2",
        "Web shop",
    )
    assert told[1]["assignees"] == ["Kim Ito"]
    assert told[3]["note"] == "Rolled back v1.4.0"
    read_so = states({"pages": found.lazy()})
    assert read_so["state"].to_list() == ["triggered", "escalated", "acknowledged", "annotated", "resolved"]
    assert set(read_so["name"]) == {"Checkout fails"}


@pytest.mark.parametrize("kind", ["notify_log_entry", "something_new_log_entry"])
def test_other_entries_are_kept_and_are_no_trigger(kind: str) -> None:
    """A kind that isn't known is called by its own name."""
    found, _ = read([entry(type=kind)])
    assert states({"pages": found.lazy()})["state"].to_list() in (["notified"], ["something new"])


def test_pages_are_turned_by_offset_until_there_are_no_more() -> None:
    """And the question is the documented one."""
    found, asked = read([entry(minutes=n / 20) for n in range(450)])
    assert found.height == 450
    assert [one.param("offset") for one in asked] == ["0", "100", "200", "300", "400"]
    assert asked[0].params["include[]"] == ["incidents", "services", "channels"]
    assert asked[0].param("is_overview") == "false"
    assert asked[0].headers["authorization"] == f"Token token={TOKEN}"


def test_more_than_pages_reach_is_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """PagerDuty shows the first 10,000 of a question only; here 300."""
    monkeypatch.setattr(module, "_MOST", 300)
    with Loopback(by(pagerduty([entry(minutes=n / 40) for n in range(1100)], token=TOKEN, most=300))) as site:
        reading = source(site.url).read("events", Query(WINDOW))
        assert reading.estimate().rows == 1100
        assert reading.data.collect().height == 1100
        assert reading.complete
    with Loopback(by(pagerduty([entry(id=f"same-{n}") for n in range(400)], token=TOKEN, most=300))) as site:
        reading = source(site.url).read("events", Query(WINDOW))
        assert reading.data.collect().height == 300
        assert "shows 300 log entries" in reading.problems[0].text


def test_a_year_is_asked_for_in_spans_of_half_a_year() -> None:
    """A longer one is refused by PagerDuty."""
    year = Window(START - timedelta(days=365), START + timedelta(minutes=30))
    entries = [entry(minutes=-60 * 24 * n) for n in range(365)]
    found, asked = read(entries, year)
    assert found.height == 365
    spans = {(one.param("since"), one.param("until")) for one in asked}
    assert len(spans) == 3


def test_teams_are_pushed_down_and_services_renamed_and_narrowed() -> None:
    """By the team's own names."""
    entries = [entry(), entry(minutes=1, service={"summary": "Pay"}), entry(minutes=2, teams=[{"id": "POTHER"}])]
    found, asked = read(entries, teams=["PQ9K7I8"], services={"Web shop": "web"})
    assert found["service"].to_list() == ["web", "Pay"]
    assert asked[0].params["team_ids[]"] == ["PQ9K7I8"]
    assert read(entries, asked_for=("web",), services={"Web shop": "web"})[0]["service"].to_list() == ["web", "web"]


def test_an_account_that_is_not_let_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words."""
    monkeypatch.setenv("PD_TOKEN", "an0ther")
    with pytest.raises(SourceError, match="credentials were not accepted") as told:
        read([])
    assert "an0ther" not in str(told.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [({"team": "a"}, "has the key 'team'"), ({"teams": "a"}, "not a list"), ({"services": {"a": 1}}, "not a table")],
)
def test_settings_that_cannot_be_are_refused(table: dict[str, object], said: str) -> None:
    """Naming the table and the key."""
    with pytest.raises(SourceError, match=said):
        PagerdutySource.from_settings("pages", table, Path())


@pytest.fixture(scope="module")
def odd() -> Iterator[tuple[list[Any], PagerdutySource]]:
    """Return a list whose last item is the answer, and a source that gets it."""
    made: list[Any] = []
    with Loopback(by(lambda _: as_json(made[-1]))) as site:
        yield made, PagerdutySource.from_settings("pages", {"url": site.url}, Path())


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_answer_gives_rows_or_an_error_in_words(odd, data: st.DataObject) -> None:
    """The documented one with any part of it exchanged for something else, and any JSON at all."""
    made, pages = odd
    answer = {"log_entries": [entry(), entry("acknowledged", 1)], "more": False, "total": 2, "offset": 0}
    made.append(
        data.draw(other(answer).filter(lambda one: not isinstance(one, dict) or one.get("more") is not True) | SHAPES)
    )
    rows_or_words(pages, WINDOW)


def test_a_service_that_says_more_for_ever_is_left() -> None:
    """An empty page that promises another."""
    with Loopback(by(lambda _: as_json({"log_entries": [], "more": True}))) as site:
        reading = source(site.url).read("events", Query(WINDOW))
        assert reading.data.collect().height == 0
        assert not reading.complete
        assert isinstance(reading.data, pl.LazyFrame)
