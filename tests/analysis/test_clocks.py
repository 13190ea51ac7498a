"""Clocks are compared by what must lie within what: a known difference is found again, and none where there is none."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_by
from hypothesis import strategies as st

from workbench.analysis.clocks import FEWEST, LEAST, Difference, of_events, of_logs, of_spans
from workbench.analysis.events import read

ORDERS = "ts-order-service"
BUSY = (  # pairs with many calls in the sample
    ("ts-seat-service", "ts-order-service"), ("ts-seat-service", "ts-config-service"),
    ("ts-travel-service", "ts-seat-service"), ("ts-basic-service", "ts-station-service"),
)  # fmt: skip


def shifted(frame: pl.LazyFrame, column: str, by: timedelta, service: str | None = None) -> pl.LazyFrame:
    """Return a frame whose times, all or those of one service, were stamped by another clock."""
    moved = pl.col(column) + by
    where = pl.col("service") == service if service else pl.lit(value=True)
    return frame.with_columns(pl.when(where).then(moved).otherwise(column).alias(column))


def loud(found: tuple[Difference, ...]) -> list[Difference]:
    """Return the significant ones."""
    return [one for one in found if one.significant]


def test_a_real_system_in_step_shows_no_difference(recorded: SimpleNamespace) -> None:
    """Services, and logs against spans: nothing is reported that isn't there."""
    _, logs, spans = recorded.frames
    assert {(one.one, one.other) for one in of_spans({"s": spans})} >= set(BUSY)
    assert loud(of_spans({"s": spans})) == []
    [records] = of_logs({"l": logs}, {"s": spans})
    assert (records.one, records.other, records.significant) == ("s", "l", False)
    assert records.n > FEWEST


@given_by(ahead=st.integers(-600_000, 600_000).filter(lambda ms: abs(ms) >= 20), pair=st.sampled_from(BUSY))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_injected_difference_of_a_service_is_found_again(
    recorded: SimpleNamespace, ahead: int, pair: tuple[str, str]
) -> None:
    """From 20 ms to ten minutes, in both directions, within what the difference says of itself."""
    one, other = pair
    skew = timedelta(milliseconds=ahead)
    known = {
        (found.one, found.other): found
        for found in of_spans({"s": shifted(recorded.frames[2], "start_time", skew, other)})
    }
    found = known[one, other]
    assert found.significant
    assert abs(found.ahead - skew) <= found.spread
    assert all(other in names for names, other_one in known.items() if other_one.significant)


@given_by(ahead=st.integers(-3_600_000, 3_600_000).filter(lambda ms: abs(ms) >= 20))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_injected_difference_of_the_logs_is_found_again(recorded: SimpleNamespace, ahead: int) -> None:
    """Records carry the span that they were written in."""
    _, logs, spans = recorded.frames
    skew = timedelta(milliseconds=ahead)
    [found] = of_logs({"l": shifted(logs, "time", skew)}, {"s": spans})
    assert abs(found.ahead - skew) <= found.spread
    assert found.significant or abs(skew) < timedelta(seconds=1)


def test_two_sources_that_share_traces_are_compared(given: SimpleNamespace) -> None:
    """The spans of web come from one source, all others from another that is two seconds ahead."""
    spans = given.shop().serve(-5, 5).spans
    own, others = spans.filter(pl.col("service") == "web"), spans.filter(pl.col("service") != "web")
    assert loud(of_spans({"web": own, "rest": others}, side="source")) == []
    moved = shifted(others, "start_time", timedelta(seconds=2))
    [found] = of_spans({"web": own, "rest": moved}, side="source")
    assert (found.one, found.other, found.side, found.significant) == ("web", "rest", "source", True)
    assert abs(found.ahead - timedelta(seconds=2)) <= found.spread


@pytest.mark.parametrize("kind", ["CONSUMER", "SPAN_KIND_PRODUCER"])
def test_messages_say_nothing(given: SimpleNamespace, kind: str) -> None:
    """They are handled when nobody waits any more."""
    rows = [(n, 10, "web", "send", f"t{n}", f"{n}a", None, None) for n in range(20)]
    rows += [(n + 0.01, 5, "mail", "handle", f"t{n}", f"{n}b", f"{n}a", None) for n in range(20)]
    spans = given.spans(rows)
    assert loud(of_spans({"s": spans}))
    assert of_spans({"s": spans.with_columns(kind=pl.lit(kind))}) == ()


def test_few_calls_and_longer_ones_say_nothing(given: SimpleNamespace) -> None:
    """Under ten nothing is significant; a call longer than its caller wasn't waited for."""
    rows = [(n, 10, "web", "GET", f"t{n}", f"{n}a", None, None) for n in range(20)]
    late = [(n + 0.5, 5, "cart", "GET", f"t{n}", f"{n}b", f"{n}a", None) for n in range(FEWEST - 1)]
    long = [(n + 0.5, 50, "mail", "GET", f"t{n}", f"{n}c", f"{n}a", None) for n in range(20)]
    found = of_spans({"s": given.spans(rows + late + long)})
    assert [(one.other, one.n, one.significant) for one in found] == [("cart", FEWEST - 1, False)]
    assert found[0].spread >= LEAST


def test_a_few_calls_that_nobody_waited_for_are_no_difference(given: SimpleNamespace) -> None:
    """A third of the calls end after their callers; a clock would move them all."""
    rows = [(n, 100, "web", "GET", f"t{n}", f"{n}a", None, None) for n in range(30)]
    rows += [(n + (0.5 if n % 3 == 0 else 0), 50, "cart", "GET", f"t{n}", f"{n}b", f"{n}a", None) for n in range(30)]
    [found] = of_spans({"s": given.spans(rows)})
    assert (found.n, found.significant) == (30, False)


def alarm(given: SimpleNamespace, kind: str, minutes: list[float], state: str) -> pl.LazyFrame:
    """Return alerts or pages A, B, … one at each of these minutes."""
    rows: list[Any] = [
        (at, kind, f"{chr(65 + place)} is bad", "cart", {"status": state, "alertname": chr(65 + place)})
        for place, at in enumerate(minutes)
    ]
    return given.events(rows)


def test_a_page_before_its_alert_shows_a_clock_behind(given: SimpleNamespace) -> None:
    """After it, it may just have taken its time."""
    alerts = alarm(given, "alert", [1, 2, 3], "firing")
    late = of_events(read({"prom": alerts, "pager": alarm(given, "page", [1.5, 2.4, 3.6], "triggered")}))
    early = of_events(read({"prom": alerts, "pager": alarm(given, "page", [0.5, 1.4, 2.6], "triggered")}))
    assert [(one.one, one.other, one.n, one.significant) for one in late] == [("prom", "pager", 3, False)]
    assert [(one.significant, one.ahead) for one in early] == [(True, timedelta(seconds=-30))]
    few = of_events(read({"prom": alerts, "pager": alarm(given, "page", [0.5, 1.4], "triggered")}))
    assert loud(few) == []


def test_the_same_alert_in_two_sources_differs_by_a_minute_at_most(given: SimpleNamespace) -> None:
    """More is a clock; an alert of another name, or half an hour away, is another alert."""
    alerts = alarm(given, "alert", [-30, 2, 3], "firing")
    same = of_events(read({"am": alarm(given, "alert", [-29.5, 2.5, 3.5], "firing"), "prom": alerts}))
    ahead = of_events(read({"am": alerts, "prom": alarm(given, "alert", [-28, 4, 5], "firing")}))
    assert loud(same) == []
    assert [(one.one, one.other, one.ahead, one.significant) for one in ahead] == [
        ("am", "prom", timedelta(minutes=2), True)
    ]


def test_alerts_before_what_they_watch_show_a_clock_behind(given: SimpleNamespace) -> None:
    """Three services' alerts, each two minutes before the first bad point of its metrics."""
    rows = [(n, "alert", f"{n}", f"s{n}", {"status": "firing"}) for n in range(3)]
    moved = pl.DataFrame(
        [{"service": f"s{n}", "time": given.at(n + 2), "step": 30_000_000, "pinned": "metrics"} for n in range(3)]
    )
    [found] = of_events(read({"prom": given.events(rows)}), moved)
    assert (found.one, found.other, found.ahead, found.significant) == ("metrics", "prom", timedelta(minutes=-2), True)
    later = moved.with_columns(pl.col("time") - timedelta(minutes=3))
    assert loud(of_events(read({"prom": given.events(rows)}), later)) == []


def test_nothing_to_compare_gives_nothing(given: SimpleNamespace) -> None:
    """No spans, no records with a trace, no events."""
    _, logs, spans = given.nothing
    assert of_spans({}) == of_spans({"s": spans}) == of_logs({"l": logs}, {"s": spans}) == of_events(read({})) == ()
