"""Where time goes: to the service that works longer, or to the one whose every call takes longer to come back."""

from __future__ import annotations

from collections import Counter

from workbench.analysis.delays import delay_changes
from workbench.analysis.traces import read


def weights(given, rows) -> Counter:
    """Return the strongest evidence against each service."""
    found, _ = delay_changes(read(given.spans(rows), **given.when))
    told: Counter = Counter()
    for row in found.rows(named=True):
        told[row["service"]] = max(told[row["service"]], row["nats"] * row["part"])
        if row["caller"]:
            told[row["caller"]] = max(told[row["caller"]], row["nats"] * (1 - row["part"]))
    return told


def test_work_that_takes_longer_is_the_workers_own(given) -> None:
    """The cart is slow; the web that waits for it is not."""
    shop = given.shop().serve(-60, 0).serve(0, 5, cart_ms=100)
    found, _ = delay_changes(read(shop.spans, **given.when))
    row = found.row(0, named=True)
    assert (row["kind"], row["service"], row["caller"], row["operation"]) == ("own", "cart", None, "POST /cart")
    assert (row["n_before"], row["n_during"], row["odd_during"], row["first_odd"]) == (240, 20, 20, given.at(0))
    assert row["during"] == 20 * row["before"]
    assert weights(given, shop.rows)["web"] < row["nats"] / 10


def star(slow: set[tuple[str, str]], start: int = -60, end: int = 5):
    """Return requests of a hub that calls three services, of which some links have slow wires."""
    rows = []
    for step in range(start * 4, end * 4):
        minute, trace = step / 4, f"t{step}"
        rows.append((minute, 100, "hub", "GET /", trace, f"{trace}h", None, None))
        for number, leaf in enumerate(("a", "b", "c")):
            wire = 2 + step % 3 / 10
            wire += 50 if minute >= 0 and ("hub", leaf) in slow else 0
            rows.append((minute, 5 + wire, "hub", f"call {leaf}", trace, f"{trace}w{number}", f"{trace}h", None))
            rows.append((minute, 5, leaf, "/do", trace, f"{trace}l{number}", f"{trace}w{number}", None))
    return rows


def test_one_slow_link_speaks_against_its_far_end(given) -> None:
    """The hub's other calls are as quick as ever, so the gap is the called service's."""
    told = weights(given, star({("hub", "b")}))
    assert told.most_common(1)[0][0] == "b"
    assert told["hub"] < told["b"] / 2


def test_slow_links_all_around_speak_against_the_hub(given) -> None:
    """One cause for three gaps is likelier than three."""
    told = weights(given, star({("hub", "a"), ("hub", "b"), ("hub", "c")}))
    assert told.most_common(1)[0][0] == "hub"


def test_a_delay_in_a_part_of_the_window_is_found(given) -> None:
    """People start the clock early; the share of slow calls shows it although the median doesn't move."""
    shop = given.shop().serve(-60, 3).serve(3, 5, cart_ms=100)
    told = weights(given, shop.rows)
    assert told.most_common(1)[0][0] == "cart"
    assert told["cart"] > 3


def test_a_little_slower_is_not_slow(given) -> None:
    """A tenth more is no finding, and faster isn't either."""
    for cart_ms in (5.5, 5, 1):
        assert max(weights(given, given.shop().serve(-60, 0).serve(0, 5, cart_ms=cart_ms).rows).values(), default=0) < 3


def test_no_calls_give_no_delays(given) -> None:
    """Empty frames and frames of one side only."""
    for rows in ([], given.shop().serve(0, 5).rows, given.shop().serve(-9, 0).rows):
        assert weights(given, rows) == {}
