"""Every service ranked, the broken one first, and nobody accused where nothing stands out."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as every
from hypothesis import strategies as st

from workbench.analysis import suspects
from workbench.analysis.suspects import Suspect

FAULTS = {
    "it leaves a record out": ({"says": False}, "cart"),
    "it raises errors": ({"error": "pool is empty"}, "cart"),
    "its calls fail": ({"failed": True}, "cart"),
    "it works slowly": ({"cart_ms": 90}, "cart"),
    "it asks again and again": ({"loads": 6}, "cart"),
    "others say it is gone": ({"blames": "store", "says": False}, "store"),
}


def rank(frames, when):
    """Return the suspects."""
    return suspects.rank(*frames, **when)


def names(found):
    """Return the services in order."""
    return [one.service for one in found]


@pytest.mark.parametrize(("fault", "service"), FAULTS.values(), ids=FAULTS)
def test_the_broken_service_is_first_and_stands_out(given, fault, service) -> None:
    """Each way in which a service breaks, told by traces and logs; the others are listed after it."""
    shop = given.shop().serve(-60, 0).serve(0, 5, **fault)
    found = rank((given.nothing[0], shop.logs, shop.spans), given.when)
    assert sorted(names(found)) == ["cart", "store", "web"]
    assert [one.rank for one in found] == [1, 2, 3]
    assert found[0].service == service
    assert [one.stands_out for one in found] == [True, False, False]
    assert found[0].reasons


def test_a_slow_link_makes_suspects_of_both_its_ends(given) -> None:
    """Between two services that have no other link like it, nobody can tell which end is slow."""
    shop = given.shop().serve(-60, 0).serve(0, 5, wire_ms=90)
    found = rank((given.nothing[0], shop.logs, shop.spans), given.when)
    assert {one.service for one in found if one.reasons} == {"cart", "web"}
    assert {why.measure for one in found for why in one.reasons} == {"gap"}


def test_a_series_that_moved_is_enough(given) -> None:
    """Metrics alone: of many services with many series, the one whose processor is busy."""
    rows = []
    for number in range(12):
        for metric, level in (("CpuUsage(m)", 50.0), ("LatencyP90(s)", 0.2)):
            usual = [
                (minute, f"s{number}", f"s{number}-1", metric, level * (1 + minute % 7 / 50))
                for minute in range(-60, 5)
            ]
            rows += [(*row[:4], row[4] * 30) if number == 7 and row[0] >= 0 else row for row in usual]
    first = rank((given.metrics(rows), *given.nothing[1:]), given.when)[0]
    assert (first.service, first.stands_out) == ("s7", True)
    assert {why.name for why in first.reasons} == {"CpuUsage(m)", "LatencyP90(s)"}
    assert {why.instance for why in first.reasons} == {"s7-1"}


def test_when_nothing_happened_every_service_is_listed_and_none_stands_out(given) -> None:
    """The order still holds them all."""
    shop = given.shop().serve(-60, 5)
    points = [(minute, "store", "store-1", "Cpu", 5.0 + minute % 3) for minute in range(-60, 5)]
    found = rank((given.metrics(points), shop.logs, shop.spans), given.when)
    assert sorted(names(found)) == ["cart", "store", "web"]
    assert not any(one.stands_out for one in found)


@pytest.mark.parametrize("span", [(-60, 0), (0, 5)])
def test_one_side_without_records_accuses_nobody(given, span) -> None:
    """Nothing recorded in the window, or nothing before it: the services known are listed."""
    shop = given.shop().serve(*span, error="boom")
    found = rank((given.nothing[0], shop.logs, shop.spans), given.when)
    assert sorted(names(found)) == ["cart", "store", "web"]
    assert not any(one.stands_out or one.reasons for one in found)


def test_empty_frames_give_no_services(given) -> None:
    """Nothing is known, so nobody is listed."""
    assert rank(given.nothing, given.when) == []


def test_a_measurement_from_outside_is_a_symptom(given) -> None:
    """Where services have instances, a series of none is seen from outside and listed after all services."""
    rows = [(minute, "Users", None, "LatencyP95(s)", 0.2 if minute < 0 else 9.0) for minute in range(-60, 5)]
    rows += [(minute, "store", "store-1", "Cpu", 5.0 + minute % 3) for minute in range(-60, 5)]
    first, last = rank((given.metrics(rows), *given.nothing[1:]), given.when)
    assert (first.service, last.service) == ("store", "Users")
    assert last.reasons
    assert not last.stands_out
    alone = rank((given.metrics(rows).filter(service="Users"), *given.nothing[1:]), given.when)
    assert alone[0].stands_out


def test_a_window_of_three_points_is_enough(given) -> None:
    """One point a minute is what many systems keep."""
    rows = []
    for number in range(10):
        usual = [(minute, f"s{number}", "i", "Cpu", 10.0 + (minute + number) % 4) for minute in range(-60, 3)]
        rows += [(*row[:4], 95.0) if number == 4 and row[0] >= 0 else row for row in usual]
    assert rank((given.metrics(rows), *given.nothing[1:]), given.when)[0].service == "s4"


def mixed(rows):
    """Return the rows in another order."""
    return rows[1::2] + rows[::2][::-1]


def test_rows_may_come_in_any_order(given) -> None:
    """A permutation changes nothing at all."""
    shop = given.shop().serve(-60, 0).serve(0, 5, cart_ms=50, says=False)
    other = given.shop(mixed(shop.rows), mixed(shop.said))
    points = [(minute, "store", "store-1", "Cpu", float(minute % 9)) for minute in range(-60, 5)]
    assert rank((given.metrics(points), shop.logs, shop.spans), given.when) == rank(
        (given.metrics(mixed(points)), other.logs, other.spans), given.when
    )


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@every(hours=st.integers(-200_000, 200_000))
def test_everything_may_happen_at_another_time(given, hours) -> None:
    """Shifting all times by the same changes the order of nobody, and moves the reasons' times with them."""
    shop = given.shop().serve(-20, 0).serve(0, 5, cart_ms=50, says=False)
    points = given.metrics([(minute, "store", "s-1", "Cpu", float(minute % 9)) for minute in range(-60, 5)])
    by = timedelta(hours=hours)
    later = {name: window.pad(-by, by) for name, window in given.when.items()}
    frames = [
        frame.with_columns(pl.col(column) + by)
        for frame, column in ((points, "time"), (shop.logs, "time"), (shop.spans, "start_time"))
    ]
    found, shifted = rank((points, shop.logs, shop.spans), given.when), rank(frames, later)
    assert [(one.service, one.score) for one in found] == [(one.service, one.score) for one in shifted]
    assert [why.time + by for one in found for why in one.reasons if why.time] == [
        why.time for one in shifted for why in one.reasons if why.time
    ]


def test_values_that_are_no_numbers_change_nothing(given) -> None:
    """NaN and infinities are left out."""
    points = [
        (minute, f"s{minute % 3}", "i", "Cpu", 5.0 + minute % 7 + 50 * (minute % 3 == 1 and minute >= 0))
        for minute in range(-60, 5)
    ]
    noise = [
        (minute + 0.5, "s0", "i", "Cpu", value) for minute in (-7, 3) for value in (math.nan, math.inf, -math.inf, None)
    ]
    clean, dirty = (rank((given.metrics(rows), *given.nothing[1:]), given.when) for rows in (points, points + noise))
    assert clean == dirty


def test_suspects_are_json(given) -> None:
    """What the command line prints can be read back."""
    shop = given.shop().serve(-60, 0).serve(0, 5, wire_ms=90, error="boom")
    found = rank((given.nothing[0], shop.logs, shop.spans), given.when)
    told = json.loads(json.dumps([one.model_dump(mode="json") for one in found]))
    assert [Suspect.model_validate(one) for one in told] == found
    assert all(
        math.isfinite(why[field])
        for one in told
        for why in one["reasons"]
        for field in ("before", "during", "change", "weight")
    )


def test_the_truly_broken_service_of_the_sample_is_first(recorded) -> None:
    """A real fault of a real system, of which the sample holds five minutes of traces."""
    found = rank(recorded.frames, recorded.when)
    assert found[0].service == "ts-basic-service"
    assert len(found) == 47
    assert found[-1].service == "Frontend"
