"""The statuspage source reads every update of every incident, from a page's public API and from exports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from documented_sites import record, statuspage
from hypothesis import given, settings
from hypothesis import strategies as st
from loopback import Loopback, as_json, by
from odd_answers import SHAPES, other, rows_or_words

from workbench.analysis.events import read as states
from workbench.errors import LimitError, SourceError
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query
from workbench.telemetry.sources.statuspage import StatuspageSource
from workbench.window import Window, format_time

ROOT = Path(__file__).resolve().parents[1] / "data" / "github-status"
EVER = Window.parse("2020-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
START = datetime(2024, 1, 29, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=30))


def incident(minutes: float = 0, **changes: Any) -> dict[str, Any]:
    """Return an incident with two updates, some time after the start."""

    def at(more: float) -> str:
        return format_time(START + timedelta(minutes=minutes + more))

    updates = [
        record("statuspage", "incident_update", id="b", status="resolved", display_at=at(10)),
        record("statuspage", "incident_update", id="a", display_at=at(0)),
    ]
    return record("statuspage", "incident", **{"created_at": at(0), "incident_updates": updates, **changes})


def source(root: Path = ROOT, **table: object) -> StatuspageSource:
    """Return a source."""
    return StatuspageSource.from_settings("page", table, root)


def test_all_incidents_of_the_recording_and_every_update_come_out(recordings: Path) -> None:
    """607 incidents and 3,280 updates, each under its own incident, with its words."""
    file = recordings / "github-status" / "incidents.jsonl"
    reading = source(file.parent, file=file.name).read("events", Query(EVER))
    found = reading.data.collect()
    assert found.schema == FRAMES["events"]
    assert reading.complete
    assert not reading.problems
    wanted = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert (len(wanted), sum(len(one["updates"]) for one in wanted)) == (607, 3280)
    told = [json.loads(text) for text in found["attributes"]]
    made = sorted((a["id"], a["message"], format_time(t)) for a, t in zip(told, found["time"], strict=True))
    assert made == sorted((one["id"], up["message"], up["at"]) for one in wanted for up in one["updates"])
    assert reading.tally.bytes == reading.estimate().bytes == file.stat().st_size


def test_an_update_is_told_with_its_state_and_its_incident() -> None:
    """From the part of the recording that is here, under its licence."""
    window = Window.parse("2024-03-15T20:11:00Z", "2024-03-15T20:25:00Z")
    found = source(file="incidents.jsonl").read("events", Query(window)).data.collect()
    assert found["title"].to_list() == ["Update: Incident with Codespaces and API Requests"] * 4 + [
        "Resolved: Incident with Codespaces and API Requests"
    ]
    assert set(found["url"]) == {"https://www.githubstatus.com/incidents/9ym5p2sg6w5v"}
    assert found["service"].null_count() == 5
    told = json.loads(found["attributes"][4])
    assert told["components"] == ["API Requests", "Codespaces"]
    assert told["impact"] == "major"
    assert told["message"].startswith("On March 15, 2024")
    assert states({"page": found.lazy()})["state"].to_list() == ["update"] * 4 + ["resolved"]


def test_a_page_is_read_by_its_public_api() -> None:
    """Incidents and maintenance, with the states in the words of the page."""
    done = incident(5, id="m", name="Move of the database", status="completed")
    done["incident_updates"][0]["status"] = "in_progress"
    with Loopback(by(statuspage([incident()], [done]))) as site:
        reading = source(url=site.url).read("events", Query(WINDOW))
        assert reading.asked.splitlines() == ["GET /api/v2/incidents.json", "GET /api/v2/scheduled-maintenances.json"]
        found = reading.data.sort("time").collect()
        assert [asked.headers.get("authorization") for asked in site.asked] == [None, None]
    assert found["title"].to_list() == [
        "Investigating: Checkout unavailable", "Investigating: Move of the database",
        "Resolved: Checkout unavailable", "In progress: Move of the database",
    ]  # fmt: skip
    assert found["url"][0] == "https://stspg.example/p31zjtct2jer"
    assert set(found["service"]) == {"Checkout"}
    assert reading.complete


def test_what_the_page_no_longer_shows_is_marked_missing() -> None:
    """It shows its fifty latest; a window that they reach back beyond is complete."""
    with Loopback(by(statuspage([incident(-n) for n in range(60)]))) as site:
        reading = source(url=site.url).read("events", Query(WINDOW))
        assert reading.data.collect().height > 10
        assert reading.complete
        reading = source(url=site.url).read("events", Query(WINDOW.pad(before=timedelta(days=1))))
        reading.data.collect()
        assert not reading.complete
        assert "shows its 50 latest incidents, back to 2024-01-29T09:11:00Z" in reading.problems[0].text


def test_components_become_services_and_services_narrow() -> None:
    """By the team's own names; an update to several components belongs to each of them and is none's own."""
    both = incident(2, id="2", components=[{"name": "Checkout"}, {"name": "Search"}])
    for update in both["incident_updates"]:
        update["affected_components"] = None
    with Loopback(by(statuspage([incident(), both]))) as site:
        named = source(url=site.url, services={"Checkout": "shop"})
        assert set(named.read("events", Query(WINDOW)).data.collect()["service"]) == {"shop", None}
        assert named.read("events", Query(WINDOW, ("shop",))).data.collect().height == 4
        assert named.read("events", Query(WINDOW, ("Search",))).data.collect()["service"].to_list() == [None, None]
        assert named.read("events", Query(WINDOW, ("cart",))).data.collect().height == 0
        about = source(url=site.url, service="acme").read("events", Query(WINDOW)).data.collect()
        assert set(about["service"]) == {"acme"}


def test_an_export_with_broken_lines_gives_the_others(tmp_path: Path) -> None:
    """And is marked; an incident without updates, and one without a name, are counted."""
    good = (ROOT / "incidents.jsonl").read_text(encoding="utf-8")
    odd = ['{"id": 1, "title": "No updates"}', '{"updates": [{"at": "2024-01-01T00:00:00Z", "status": "x"}]}', "[1]"]
    (tmp_path / "i.jsonl").write_text("\ufeff" + "\n".join([good[:2000], "", *odd, good]), encoding="utf-8")
    reading = source(tmp_path, file="i.jsonl").read("events", Query(EVER))
    assert reading.data.collect().height >= 21
    assert not reading.complete
    assert {problem.kind for problem in reading.problems} == {"unreadable-row"}
    assert sum(problem.rows for problem in reading.problems) == 4


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    """Missing, a folder, or something else."""
    (tmp_path / "page.html").write_text("<html>")
    for file, said in (("gone.jsonl", "gone.jsonl can't be read"), ("", "can't be read"), ("page.html", "no line of")):
        with pytest.raises(SourceError, match=said):
            source(tmp_path, file=file or str(tmp_path)).read("events", Query(EVER)).data.collect()
    with pytest.raises(SourceError, match=r"gone\.jsonl can't be read"):
        source(tmp_path, file="gone.jsonl").read("events", Query(EVER)).estimate()
    with pytest.raises(LimitError, match="over 1,000 bytes"):
        source(file="incidents.jsonl").read("events", Query(EVER, limits=Limits(bytes=1000))).data.collect()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "no url"),
        ({"url": "https://a.example", "file": "b"}, "has the key 'url' beside file"),
        ({"url": "https://a.example", "colour": "b"}, "has the key 'colour'"),
        ({"file": ["a"]}, "file of"),
        ({"file": "a", "service": 5}, "service of"),
        ({"file": "a", "services": {"a": 5}}, "services of"),
    ],
)
def test_settings_that_cannot_be_are_refused(table: dict[str, object], said: str) -> None:
    """Naming the table and the key."""
    with pytest.raises(SourceError, match=said) as told:
        source(**table)
    assert "[sources.page]" in str(told.value)


@pytest.fixture(scope="module")
def odd() -> Iterator[tuple[list[Any], StatuspageSource]]:
    """Return a list whose last item is the answer, and a source that gets it."""
    made: list[Any] = []
    with Loopback(
        by(lambda asked: as_json(made[-1] if "incidents" in asked.path else {"scheduled_maintenances": []}))
    ) as site:
        yield made, source(url=site.url)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_answer_gives_rows_or_an_error_in_words(odd, data: st.DataObject) -> None:
    """The documented one with any part of it exchanged for something else, and any JSON at all."""
    made, page = odd
    made.append(data.draw(other({"page": {}, "incidents": [incident(), incident(3)]}) | SHAPES))
    rows_or_words(page, WINDOW)


@settings(max_examples=80, deadline=None)
@given(st.lists(other(incident()) | SHAPES), st.binary(max_size=40))
def test_any_file_gives_rows_or_an_error_in_words(tmp_path_factory, lines: list[Any], rest: bytes) -> None:
    """Of any JSON, and of what is none."""
    file = tmp_path_factory.mktemp("export") / "incidents.jsonl"
    file.write_bytes(b"\n".join([*(json.dumps(line).encode() for line in lines), rest]))
    rows_or_words(source(file.parent, file=file.name), WINDOW)
