"""What services did for a call that they usually don't, or left out."""

from __future__ import annotations

import pytest

from workbench.analysis.behaviour import behaviour_changes
from workbench.analysis.logs import records
from workbench.analysis.traces import read


def changes(given, shop):
    """Return the surest change of each service."""
    said = records(shop.logs, ["web", "cart", "store"], **given.when)
    found, _ = behaviour_changes(read(shop.spans, **given.when), said, **given.when)
    return {row["service"]: row for row in reversed(found.filter(found["nats"] > 1).rows(named=True))}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"says": False}, ("log", "loaded <*> items", "less", 1)),
        ({"error": "pool is empty"}, ("log", "pool is empty", "more", 0)),
        ({"loads": 1}, ("span", "GET", "less", 2)),
        ({"loads": 3}, ("span", "GET", "more", 2)),
    ],
)
def test_what_is_missing_new_or_repeated_is_found_where_it_happens(given, fault, told) -> None:
    """The cart behaves otherwise; its caller and the services it calls are as always."""
    shop = given.shop().serve(-60, 0).serve(0, 5, **fault)
    found = changes(given, shop)
    assert set(found) == {"cart"}
    row = found["cart"]
    assert (row["kind"], row["name"], row["direction"], row["usual"]) == told
    assert (row["operation"], row["n_before"], row["odd_before"], row["n_during"], row["odd_during"]) == (
        "POST /cart",
        240,
        0,
        20,
        20,
    )
    assert row["first_odd"] == given.at(0)


def test_more_load_is_not_a_change_of_behaviour(given) -> None:
    """Three times the requests make three times the records, and as many for each call."""
    shop = given.shop().serve(-60, 0).serve(0, 5)
    for copy in ("x", "y"):
        shop.rows += [
            (*row[:4], row[4] + copy, row[5] + copy, row[6] and row[6] + copy, row[7])
            for row in list(shop.rows)
            if row[0] >= 0 and row[4][-1] not in "xy"
        ]
        shop.said += [
            (*row[:4], row[4] + copy, row[5] + copy)
            for row in list(shop.said)
            if row[0] >= 0 and row[4][-1] not in "xy"
        ]
    assert changes(given, shop) == {}


def test_who_was_failed_by_another_is_excused(given) -> None:
    """A cart that says the store didn't answer, and leaves its own record out, did as it should; so did its caller."""
    shop = given.shop().serve(-60, 0).serve(0, 5, says=False, blames="store")
    assert changes(given, shop) == {}


def test_who_always_complains_is_not_excused(given) -> None:
    """Where complaining is what an operation usually does, it explains nothing."""
    shop = given.shop().serve(-60, 0, blames="store").serve(0, 5, says=False, blames="store")
    assert set(changes(given, shop)) == {"cart"}


def test_a_failure_is_laid_at_the_deepest_door(given) -> None:
    """Cart and web both fail; web only because the cart did."""
    shop = given.shop().serve(-60, 0).serve(0, 5, failed=True)
    found = changes(given, shop)
    assert set(found) == {"cart"}
    assert (found["cart"]["name"], found["cart"]["severe"]) == ("POST /cart", True)


def test_records_that_were_not_kept_are_not_missing(given) -> None:
    """Where the logs of the window's requests aren't there at all, no service stopped speaking."""
    shop = given.shop().serve(-60, 5)
    shop.said = [row for row in shop.said if row[0] < 0]
    assert changes(given, shop) == {}


def test_records_of_no_span_are_compared_by_their_share(given) -> None:
    """Logs alone, without any trace, still show what is new."""
    usual = [(minute / 4, "cart", "INFO", f"loaded {minute} items", None, None) for minute in range(-240, 20)]
    odd = [(minute / 4, "cart", "ERROR", f"pool {minute} is empty", None, None) for minute in range(20)]
    said = records(given.logs(usual + odd), [], **given.when)
    found, _ = behaviour_changes(read(given.spans([]), **given.when), said, **given.when)
    row = found.row(0, named=True)
    assert (row["service"], row["operation"], row["name"], row["first_odd"]) == (
        "cart",
        None,
        "pool <*> is empty",
        given.at(0),
    )
    assert (row["odd_during"], row["n_during"], row["odd_before"], row["n_before"]) == (20, 40, 0, 240)


def test_nothing_recorded_is_nothing_found(given) -> None:
    """Empty frames, and frames with one side only, give an empty answer."""
    for shop in (given.shop(), given.shop().serve(-60, 0), given.shop().serve(0, 5, error="boom")):
        assert changes(given, shop) == {}
