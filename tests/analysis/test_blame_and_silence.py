"""Services that others complain about, and instances that stop reporting."""

from __future__ import annotations

import pytest

from workbench.analysis.blame import blame_changes
from workbench.analysis.logs import records
from workbench.analysis.silence import silent_instances


def quiet(start=-60, end=5):
    """Return an ordinary record a minute."""
    return [(minute + 0.1, "cart", "INFO", "fine", f"t{minute}", "s") for minute in range(start, end)]


def test_minutes_with_complaints_speak_against_whom_they_name(given) -> None:
    """Four of five minutes now, none of sixty before."""
    complaints = [
        (minute, "cart", "ERROR", f"store did not answer ({minute})", "t", "s") for minute in (1, 2, 3, 3.5, 4)
    ]
    said = records(given.logs(quiet() + complaints), ["cart", "store"], **given.when)
    row = blame_changes(said, **given.when).row(0, named=True)
    assert (row["service"], row["caller"], row["name"]) == ("store", "cart", "<*> did not answer (<*>)")
    assert (row["odd_during"], row["n_during"], row["odd_before"], row["n_before"]) == (4, 5, 0, 60)
    assert row["first_odd"] == given.at(1)
    assert row["nats"] > 10


def test_one_burst_of_complaints_says_little(given) -> None:
    """A hundred errors in one minute are one event; bursts before make it less."""
    burst = [(1 + number / 200, "cart", "ERROR", "store is gone", f"b{number}", "s") for number in range(100)]
    before = [(-minute, "cart", "ERROR", f"store is gone {minute}", "t", "s") for minute in (10, 9.9, 25, 40)]
    said = records(given.logs(quiet() + burst + before), ["cart", "store"], **given.when)
    row = blame_changes(said, **given.when).row(0, named=True)
    assert (row["odd_before"], row["odd_during"]) == (3, 1)
    assert row["nats"] < 2


@pytest.mark.parametrize("rows", [[], quiet(), quiet(0), [(1, "cart", "ERROR", "store is gone", "t", "s")]])
def test_without_complaints_or_without_a_baseline_nobody_is_blamed(given, rows) -> None:
    """Nothing to count, or nothing to compare with."""
    assert blame_changes(records(given.logs(rows), ["cart", "store"], **given.when), **given.when).is_empty()


def reports(service, end, start=-60):
    """Return a point a minute of one instance."""
    return [(minute, service, f"{service}-1", "Cpu", 1.0) for minute in range(start, end)]


def test_an_instance_that_stops_while_others_go_on_is_found(given) -> None:
    """The store was last seen one minute into the incident."""
    frame = given.metrics(reports("web", 5) + reports("cart", 5) + reports("store", 2))
    row = silent_instances(frame, **given.when).row(0, named=True)
    assert (row["service"], row["instance"], row["n_before"], row["n_during"]) == ("store", "store-1", 60, 2)
    assert (row["last_seen"], row["interval_s"], row["silent_s"]) == (given.at(1), 60, 240)
    assert row["nats"] > 3


@pytest.mark.parametrize("ends", [(5, 5, 5), (1, 1, 1), (1, 1, 5), (4, 5, 5)])
def test_lost_points_and_a_recording_that_ends_are_no_silence(given, ends) -> None:
    """One missing point is none, and where most stop it is the recording."""
    rows = [row for name, end in zip(("web", "cart", "store"), ends, strict=True) for row in reports(name, end)]
    assert silent_instances(given.metrics(rows), **given.when).is_empty()


def test_an_instance_that_pauses_anyway_is_not_silent(given) -> None:
    """Who was away as long before may come back."""
    paused = [row for row in reports("store", 2) if not -30 <= row[0] < -20]
    frame = given.metrics(reports("web", 5) + reports("cart", 5) + paused)
    assert silent_instances(frame, **given.when).is_empty()


def test_no_metrics_no_silence(given) -> None:
    """An empty frame has its columns."""
    assert silent_instances(given.metrics([]), **given.when).is_empty()
