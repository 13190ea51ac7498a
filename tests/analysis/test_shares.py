"""How much a share of odd calls says, against the slices of a baseline."""

from __future__ import annotations

import math

import polars as pl
import pytest

from workbench.analysis.shares import share_changes


def weigh(before, during, *, independent=1.0):
    """Return the row for slices of (odd, calls) before and one during, or None."""
    slices = [*enumerate(before), (None, during)]
    rows = [{"key": "k", "slice": place, "odd": odd, "n": n} for place, (odd, n) in slices]
    frame = pl.DataFrame(rows, schema={"key": pl.String, "slice": pl.Int64, "odd": pl.UInt32, "n": pl.UInt32})
    found = share_changes(frame.with_columns(independent=pl.lit(independent)), ["key"])
    return found.row(0, named=True) if found.height else None


def test_the_weight_is_a_binomial_likelihood_ratio() -> None:
    """Ten odd of ten, where half a call in 401 is usual, less what so few slices are trusted."""
    row = weigh([(0, 10)] * 40, (10, 10))
    assert row["nats"] == pytest.approx(10 * math.log(401 / 0.5) * 40 / 45, rel=1e-6)
    assert (row["n_before"], row["odd_before"], row["n_during"], row["odd_during"]) == (400, 0, 10, 10)


@pytest.mark.parametrize(
    ("before", "during"), [([(5, 10)] * 9, (5, 10)), ([(5, 10)] * 9, (2, 10)), ([], (9, 9)), ([(0, 9)], (0, 9))]
)
def test_no_more_than_usual_is_no_finding(before, during) -> None:
    """The same, fewer, or nothing to compare with."""
    assert weigh(before, during) is None


def test_what_varies_much_anyway_says_little() -> None:
    """Shares that jump between slices weaken the evidence (overdispersion)."""
    calm, wild = weigh([(3, 10)] * 30, (8, 10)), weigh([(0, 10), (6, 10), (3, 10)] * 10, (8, 10))
    assert wild["nats"] < calm["nats"] / 2


def test_an_earlier_incident_is_not_usual() -> None:
    """A few slices far off the others are left out of what is usual."""
    quiet, marred = weigh([(0, 10)] * 30, (10, 10)), weigh([(0, 10)] * 22 + [(10, 10)] * 8, (10, 10))
    assert marred["nats"] > quiet["nats"] / 2
    assert marred["odd_before"] == 80


def test_calls_of_one_trace_count_as_one() -> None:
    """Evidence is not multiplied by asking the same request ten times."""
    assert weigh([(0, 10)] * 30, (10, 10), independent=0.1)["nats"] == pytest.approx(
        weigh([(0, 10)] * 30, (10, 10))["nats"] / 10, abs=1e-5
    )
