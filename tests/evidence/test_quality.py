"""What is odd about pinned rows is counted as plain loops would count it, and told in a sentence."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evidence import quality
from workbench.evidence.manifest import Note
from workbench.evidence.quality import Counted, delivered, examined
from workbench.telemetry.stream import table
from workbench.window import Window

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
WINDOW = Window(START + timedelta(minutes=5), START + timedelta(minutes=10))
NOW = START + timedelta(minutes=10)
SERIES = [
    ("cart", "requests_total", None),
    ("cart", "requests_total", '{"zone":"b"}'),
    (None, "seen", '{"monotonic": true,"zone":"b"}'),
    ("pay", "load", None),
    ("pay", "took_sum", '{"temporality":"delta"}'),
]
POINTS = st.lists(
    st.tuples(
        st.sampled_from(range(len(SERIES))),
        st.integers(0, 60),
        st.sampled_from([0.0, 1.0, 2.0, 3.0, None, math.nan, math.inf]),
    ),
    max_size=120,
)


def metrics(points: list[tuple[int, int, float | None]]) -> pl.LazyFrame:
    """Return points, given as the series' place, a multiple of ten seconds and a value, in order of time."""
    made = sorted(points, key=lambda point: point[1])
    return table(
        "metrics",
        {
            "time": [START + timedelta(seconds=10 * at) for _, at, _ in made],
            "service": [SERIES[place][0] for place, _, _ in made],
            "metric": [SERIES[place][1] for place, _, _ in made],
            "attributes": [SERIES[place][2] for place, _, _ in made],
            "value": [value for _, _, value in made],
        },
    ).lazy()


def counted(points: list[tuple[int, int, float | None]]) -> Counted:
    """Return what is found in points."""
    return examined("metrics", metrics(points), window=WINDOW, now=NOW)


def note(found: Counted, kind: str) -> Note:
    """Return the note of a kind, one of no rows when there is none."""
    return next((one for one in found.notes if one.kind == kind), Note(kind=kind, rows=0, text=""))


@settings(deadline=None, max_examples=80)
@given(points=POINTS, at_once=st.sampled_from([7, 2_000_000]))
def test_gaps_resets_and_odd_values_are_counted_as_by_hand(
    points: list[tuple[int, int, float | None]], at_once: int
) -> None:
    """Whether all series are looked at together or a few at a time."""
    gaps, gone, longest, resets = 0, set(), 0.0, 0
    ordered = sorted(points, key=lambda point: point[1])
    for place, (_, metric, attributes) in enumerate(SERIES):
        mine = [(at, value) for which, at, value in ordered if which == place]
        times = sorted({at for at, _ in mine})
        steps = [later - sooner for sooner, later in itertools.pairwise(times)]
        if len(times) >= 5:
            wide = [step for step in steps if step > 2.5 * statistics.median(steps)]
            gaps += len(wide)
            gone |= {place} if wide else set()
            longest = max([longest, *wide])
        if metric.endswith(("_total", "_count", "_sum")) or "monotonic" in str(attributes):
            values = [value for _, value in mine if value is not None and math.isfinite(value)]
            fell = sum(later < sooner for sooner, later in itertools.pairwise(values))
            resets += 0 if "delta" in str(attributes) else fell
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "_AT_ONCE", at_once)
        found = counted(points)
    assert found.rows == len(points)
    assert found.inside == sum(30 <= at < 60 for _, at, _ in points)
    assert note(found, "not-a-number").rows == sum(v is None or not math.isfinite(v) for _, _, v in points)
    assert note(found, "gaps").rows == gaps
    assert note(found, "counter-reset").rows == resets
    if gaps:
        total = len({place for place, _, _ in points})
        assert note(found, "gaps").text.startswith(f"{len(gone)} of {total} metric series ha")
        shown = timedelta(seconds=10 * longest)
        minutes, seconds = divmod(round(shown.total_seconds()), 60)
        told = "\u00a0".join([f"{minutes}\u00a0min"] * bool(minutes) + [f"{seconds}\u00a0s"] * bool(seconds))
        assert f"the longest lasts {told}, from" in note(found, "gaps").text


def test_a_gap_is_told_with_place_and_time() -> None:
    """From the last sample before it to the first one after it."""
    points = [(3, at, 1.0) for at in range(30) if not 10 < at < 20]
    assert note(counted(points), "gaps").text == (
        "1 of 1 metric series has gaps; the longest lasts 1\u00a0min\u00a040\u00a0s, "
        "from 2024-02-28T23:56:40Z to 2024-02-28T23:58:20Z, in load of pay."
    )


@pytest.mark.parametrize(("steps", "is_gap"), [(5, False), (6, True)])
def test_two_and_a_half_usual_steps_are_no_gap_yet(steps: int, is_gap: bool) -> None:
    """One sample may be late, or lost; the usual step is twenty seconds here."""
    times = [*range(0, 20, 2), 18 + steps, 18 + steps + 2]
    assert bool(note(counted([(3, at, 1.0) for at in times]), "gaps").rows) == is_gap


def test_a_counter_that_began_again_is_named() -> None:
    """How often, and in which metric; a gauge may fall."""
    points = [(place, at, float(value)) for place in (0, 3) for at, value in enumerate([1, 5, 2, 3, 0, 4])]
    assert note(counted(points), "counter-reset").text == (
        "Counters began again from a lower value 2 times: requests_total (2)."
    )


def test_what_is_later_than_the_pull_is_told() -> None:
    """No clock is right that says so."""
    logs = table("logs", [{"time": NOW + timedelta(seconds=n), "body": "x"} for n in (0, 1, 2)]).lazy()
    found = examined("logs", logs, window=WINDOW, now=NOW)
    assert [(one.kind, one.rows) for one in found.notes] == [("future-time", 2)]


def test_the_most_frequent_names_are_told_and_the_others_counted() -> None:
    """A sentence stays a sentence."""
    conflicts = Counter({"a": 2, "b": 4, "c": 2, "d": 2, "e": 2})
    (told,) = delivered("metrics", conflicts=conflicts)
    assert told.rows == 12
    assert "b (4), a (2), c (2) and 2 more" in told.text


def test_nothing_odd_is_nothing_told() -> None:
    """Evenly spaced, rising, finite points, and no points at all."""
    assert counted([(0, at, float(at)) for at in range(30)]).notes == ()
    assert counted([]) == Counted(0, 0, ())
    assert delivered("spans") == []
