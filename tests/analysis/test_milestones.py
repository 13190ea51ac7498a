"""Milestones are proposed from frames alone: the time, how sure, why, and the slice it rests on."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_by
from hypothesis import strategies as st

from workbench.analysis.milestones import CHANGE, MILESTONES, Proposal, Sure, propose
from workbench.analysis.suspects import rank
from workbench.evidence import Citation


def cite(frame: Any, source: str, start: datetime, end: datetime, **told: Any) -> Citation:
    """Make a citation of frames that are pinned nowhere."""
    told["label"] = told["label"][:200]
    return Citation(snapshot="s", frame=frame, source=source, sha256="0" * 64, start=start, end=end, **told)


def proposed(given: SimpleNamespace, **frames: pl.LazyFrame) -> dict[str, Proposal]:
    """Return what frames of one source each propose, by milestone."""
    empty = dict(zip(("metrics", "logs", "spans"), given.nothing, strict=True))
    suspects = rank(*({**empty, **frames}[name] for name in ("metrics", "logs", "spans")), **given.when)
    by_source = {name: {f"{name}-source": frame} for name, frame in frames.items()}
    found = propose(by_source, suspects=suspects, services=["cart"], cite=cite, **given.when)
    assert len({one.milestone for one in found}) == len(found)
    return {one.milestone: one for one in found}


def cpu(given: SimpleNamespace, start: float, end: float, until: float = 5) -> pl.LazyFrame:
    """Return the CPU of two services each half minute, of which cart is busy in [start, end)."""
    steps = [step / 2 for step in range(-120, int(until * 2))]
    quiet = [(at, "web", "w1", "cpu", 10 + int(at * 2) % 3) for at in steps]
    busy = [(at, "cart", "c1", "cpu", 95 if start <= at < end else 10 + int(at * 2) % 3) for at in steps]
    return given.metrics([*quiet, *busy])


def test_the_first_bad_point_is_the_start_and_the_first_calm_one_the_end(given: SimpleNamespace) -> None:
    """To the distance between two samples, citing the series."""
    found = proposed(given, metrics=cpu(given, 1, 3))
    start, end = found["started_at"], found["mitigated_at"]
    assert (start.at, start.uncertainty) == (given.at(1), timedelta(seconds=30))
    assert "cart" in start.reason
    assert (start.citation.source, start.citation.names, start.citation.services) == (
        "metrics-source", ("cpu",), ("cart",),
    )  # fmt: skip
    assert (end.at, end.sure) == (given.at(3), Sure.MEDIUM)
    assert set(found) == {"started_at", "mitigated_at"}


def test_a_start_before_the_window_is_followed_back(given: SimpleNamespace) -> None:
    """Somebody wrote down too late a start: the samples before it tell."""
    found = proposed(given, metrics=cpu(given, -2, 3))["started_at"]
    assert found.at == given.at(-2)
    assert "before the window began" in found.reason


def test_calm_that_has_not_lasted_is_told_as_unsure(given: SimpleNamespace) -> None:
    """One calm sample may be a pause; without one there is no end."""
    assert proposed(given, metrics=cpu(given, 1, 4.5))["mitigated_at"].sure is Sure.LOW
    assert "mitigated_at" not in proposed(given, metrics=cpu(given, 1, 9))


def test_two_kinds_of_telemetry_make_a_start_surer(given: SimpleNamespace) -> None:
    """Metrics and traces that change at once are more than either."""
    shop = given.shop().serve(-60, 1).serve(1, 5, cart_ms=400)
    alone = proposed(given, spans=shop.spans)["started_at"]
    both = proposed(given, spans=shop.spans, metrics=cpu(given, 1, 5))["started_at"]
    assert abs(both.at - given.at(1)) <= timedelta(seconds=30)
    assert both.sure is Sure.HIGH
    assert both.sure.rank < alone.sure.rank
    assert "at the same time" in both.reason


ALARMS = [
    (-8, "deploy", "cart v2", "cart", {"status": "success"}, "ana"),
    (-6, "deploy", "cart v3", "cart", {"status": "failure"}, "ana"),
    (-3, "deploy", "web v7", "web", {}),
    (1.2, "alert", "Disk", "mail", {"status": "firing"}),
    (1.5, "alert", "HighLatency", "cart", {"status": "firing"}),
    (1.8, "page", "Cart is slow", "cart", {"status": "triggered", "id": "P1"}),
    (2.5, "page", "Cart is slow", "cart", {"status": "acknowledged", "id": "P1"}, "Mira"),
    (3.0, "chat", "Looking at it", None, {}, "Mira"),
    (3.6, "status", "Slow carts", None, {"status": "monitoring"}),
    (4.0, "alert", "HighLatency", "cart", {"status": "resolved"}),
    (4.5, "page", "Cart is slow", "cart", {"status": "resolved", "id": "P1"}),
]


def test_systems_tell_the_other_milestones(given: SimpleNamespace) -> None:
    """The first alarm of the affected service, who acknowledged it, and the last that ended."""
    found = proposed(given, metrics=cpu(given, 1, 3.5), events=given.events(ALARMS))
    assert [(name, found[name].at) for name in MILESTONES] == [
        ("started_at", given.at(1)),
        ("detected_at", given.at(1.5)),
        ("acknowledged_at", given.at(2.5)),
        ("mitigated_at", given.at(3.5)),
        ("resolved_at", given.at(4.5)),
    ]
    assert {found[name].sure for name in MILESTONES[1:]} == {Sure.HIGH}
    assert "by Mira" in found["acknowledged_at"].reason
    assert found["detected_at"].citation.names == ("HighLatency",)
    assert found["detected_at"].citation.window.start == given.at(1.5)
    assert not any(one.conflict for one in found.values())


def test_the_last_change_that_took_place_before_the_start_is_told(given: SimpleNamespace) -> None:
    """Of the affected service, and not the one that failed."""
    found = proposed(given, metrics=cpu(given, 1, 3), events=given.events(ALARMS))[CHANGE]
    assert (found.at, found.sure) == (given.at(-8), Sure.HIGH)
    assert "by ana, 9\u00a0min before the start" in found.reason


def test_an_alarm_of_another_service_is_less_sure(given: SimpleNamespace) -> None:
    """It may be of something else."""
    found = proposed(given, events=given.events(ALARMS[3:4]))
    assert found["detected_at"].sure is Sure.MEDIUM
    assert found["started_at"].sure is Sure.LOW


def test_without_alarms_the_first_message_is_the_best_there_is(given: SimpleNamespace) -> None:
    """And it is told as such."""
    found = proposed(given, metrics=cpu(given, 1, 3), events=given.events([ALARMS[7]]))
    assert (found["detected_at"].at, found["detected_at"].sure) == (given.at(3), Sure.LOW)
    assert "acknowledged_at" not in found


def test_an_alarm_that_is_still_on_makes_the_end_unsure(given: SimpleNamespace) -> None:
    """Of two alarms one ended."""
    rows = [(1, "alert", "A", "cart", {"status": "firing"}), (1, "alert", "B", "cart", {"status": "firing"}),
            (4, "alert", "B", "cart", {"status": "resolved"})]  # fmt: skip
    found = proposed(given, events=given.events(rows))["resolved_at"]
    assert (found.sure, "1 is still on" in found.reason) == (Sure.LOW, True)


def test_what_contradicts_is_said(given: SimpleNamespace) -> None:
    """An alert a little before the first bad sample can't both be true with it."""
    rows = [(0.8, "alert", "HighLatency", "cart", {"status": "firing"})]
    found = proposed(given, metrics=cpu(given, 1, 3), events=given.events(rows))["detected_at"]
    assert found.at == given.at(0.8)
    assert "12\u00a0s before the time proposed for started" in found.conflict


def test_one_that_keeps_the_order_goes_before_one_that_does_not(given: SimpleNamespace) -> None:
    """Where both are as sure; the other is told all the same."""
    rows = [(0.1, "alert", "Early", "cart", {"status": "firing"}), (1.5, "alert", "Late", "cart", {"status": "firing"})]
    found = proposed(given, metrics=cpu(given, 1, 3), events=given.events(rows))["detected_at"]
    assert (found.at, found.conflict) == (given.at(1.5), "")
    assert "another, at 12:00:06, lies" in found.reason


def test_nothing_pinned_proposes_nothing(given: SimpleNamespace) -> None:
    """No suspect, no event, no proposal; calm metrics propose none either."""
    assert proposed(given) == {}
    assert propose({}, suspects=(), cite=cite, **given.when) == ()


def test_a_real_fault_is_found_within_its_uncertainty(recorded: SimpleNamespace) -> None:
    """The fault of the licensed sample was injected 26 seconds after its window begins."""
    frames = dict(zip(("metrics", "logs", "spans"), recorded.frames, strict=True))
    suspects = rank(*recorded.frames, **recorded.when)
    found = propose({n: {"s": f} for n, f in frames.items()}, suspects=suspects, cite=cite, **recorded.when)
    start = next(one for one in found if one.milestone == "started_at")
    injected = recorded.when["window"].start + timedelta(seconds=26)
    assert abs(start.at - injected) <= start.uncertainty + timedelta(seconds=30)


STATES = {
    "alert": ["firing", "resolved"], "page": ["triggered", "acknowledged", "escalated", "resolved"],
    "status": ["investigating", "monitoring", "resolved"], "deploy": ["success", "failure"], "chat": [None],
}  # fmt: skip
EVENT = st.sampled_from(sorted(STATES)).flatmap(
    lambda kind: st.tuples(
        st.integers(-300, 299).map(lambda step: step / 60), st.just(kind), st.sampled_from(["A", "B"]),
        st.sampled_from(["cart", "web", None]), st.sampled_from(STATES[kind]).map(lambda state: {"status": state}),
    )
)  # fmt: skip


@given_by(rows=st.lists(EVENT, max_size=12))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_holds_or_the_conflict_is_said(given: SimpleNamespace, rows: list[Any]) -> None:
    """Whatever systems said: each proposal comes after those before it, or says that it can't."""
    found = propose({"events": {"team": given.events(rows)}}, suspects=(), services=["cart"], cite=cite, **given.when)
    latest = None
    for one in found:
        if one.milestone == CHANGE:
            continue
        assert latest is None or one.at >= latest or one.conflict
        latest = one.at if latest is None else max(latest, one.at)
        assert one.citation.start == one.at


@pytest.mark.parametrize("sure", list(Sure))
def test_a_sureness_has_its_rank(sure: Sure) -> None:
    """High comes first."""
    assert sure.rank == ["high", "medium", "low"].index(sure)
