"""Events are read with the state that they tell of, whatever source told it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given as given_by
from hypothesis import strategies as st

from workbench.analysis import alarms
from workbench.analysis.events import COLUMNS, read
from workbench.telemetry.schema import FRAMES


def state(kind: str, title: str, attributes: Any = None) -> tuple[str | None, str | None]:
    """Return the state and the name that one event is read with."""
    told = attributes if isinstance(attributes, str) or attributes is None else json.dumps(attributes)
    row = {"time": None, "kind": kind, "title": title, "attributes": told}
    frame = pl.DataFrame([{name: row.get(name) for name in FRAMES["events"]}], schema=FRAMES["events"]).lazy()
    found = read({"team": frame}).row(0, named=True)
    return found["state"], found["name"]


@pytest.mark.parametrize(
    ("kind", "title", "attributes", "expected"),
    [
        ("alert", "HighLatency", {"status": "firing"}, "firing"),
        ("alert", "HighLatency", {"status": "Resolved"}, "resolved"),
        ("alert", "HighLatency", {"status": "triggered"}, "firing"),
        ("alert", "HighLatency", {"status": "suppressed"}, "suppressed"),
        ("page", "Checkout is slow", {"status": "acknowledge"}, "acknowledged"),
        ("page", "Checkout is slow", {"status": "escalated"}, "escalated"),
        ("status", "Errors", {"status": "in_progress"}, "in progress"),
        ("alert", "[FIRING:3] HighLatency", None, "firing"),
        ("alert", "Resolved: HighLatency", {"status": " "}, "resolved"),
        ("status", "Monitoring - a fix is out", {}, "monitoring"),
        ("alert", "Checkout is slow", None, "firing"),
        ("page", "Checkout is slow", "not JSON", "triggered"),
        ("status", "Checkout is slow", None, None),
        ("chat", "Resolved it for now", None, None),
        ("deploy", "checkout v2", {"status": "failure"}, "failure"),
    ],
)
def test_a_state_is_read_from_the_attribute_else_the_title(
    kind: str, title: str, attributes: Any, expected: str | None
) -> None:
    """What says nothing of its state counts as the beginning, where such a thing has one."""
    assert state(kind, title, attributes)[0] == expected


def test_a_name_tells_an_alert_from_another() -> None:
    """The rule's name where there is one, else the title without its state."""
    assert state("alert", "p95 over 1 s", {"alertname": "HighLatency"})[1] == "HighLatency"
    assert state("alert", "[RESOLVED] HighLatency", None)[1] == "HighLatency"
    assert state("chat", "Resolved it", None)[1] == "Resolved it"


def test_no_source_gives_the_columns() -> None:
    """An incident without events has a frame all the same."""
    assert read({}).schema == pl.Schema(COLUMNS)


@given_by(
    st.text(max_size=40), st.one_of(st.none(), st.text(max_size=40)), st.sampled_from(["alert", "page", "status", ""])
)
def test_any_text_is_read(title: str, attributes: str | None, kind: str) -> None:
    """Titles and attributes come from outside; none of them stops the reading."""
    state(kind, title, attributes)


def test_events_of_one_thing_make_an_alarm(given: SimpleNamespace) -> None:
    """From firing to resolved; what fires again is a second one, and what ended before the window is none."""
    rows = [
        (-20, "alert", "Early", "web", {"status": "firing"}),
        (-10, "alert", "Early", "web", {"status": "resolved"}),
        (1, "page", "Slow", "cart", {"status": "triggered", "id": "P1"}),
        (2, "page", "Slow again", "cart", {"status": "acknowledged", "id": "P1"}),
        (3, "page", "Slow", "cart", {"status": "resolved", "id": "P1"}),
        (4, "page", "Slow", "cart", {"status": "triggered", "id": "P1"}),
        (-5, "alert", "On", None, {"status": "firing"}),
    ]
    told = read({"team": given.events(rows)})
    found = alarms.read(told, affected={"cart"}, window=given.window)
    assert [(one.name, one.affected, one.ended is None) for one in found] == [
        ("On", False, True), ("Slow", True, False), ("Slow", True, True),
    ]  # fmt: skip
    assert found[1].acknowledged is not None
    assert found[1].acknowledged.at == given.at(2)
