"""Which series moved, how far, since when, and which of them stayed there."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
import pytest

from workbench.analysis.changes import moved_series, series_changes, unit_of

LEVEL = [9.0, 10.0, 11.0, 10.0]


def steady(service="cart", metric="CpuUsage(%)", values=LEVEL, start=-60):
    """Return a point a minute from an hour before to the start."""
    return [(minute, service, f"{service}-1", metric, values[minute % len(values)]) for minute in range(start, 0)]


def during(*values, service="cart", metric="CpuUsage(%)"):
    """Return a point a minute from the start on."""
    return [(minute, service, f"{service}-1", metric, value) for minute, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "direction", "moved", "extreme"),
    [
        ((10, 30, 90, 20), "up", 1, 90),
        ((10, 1, 10, 10), "down", 1, 1),
        ((10, 10, 10, 10), "flat", None, 10),
        ((40, 10, 10, 10), "up", 0, 40),
        ((11, 11, 10, 10), "up", None, 11),
    ],
)
def test_a_series_moved_when_a_point_is_three_deviations_off(given, values, direction, moved, extreme) -> None:
    """Before is the median, during the farthest value, and the time that of the first point that moved."""
    row = series_changes(given.metrics(steady() + during(*values)), **given.when).row(0, named=True)
    assert (row["before"], row["during"], row["direction"]) == (10, extreme, direction)
    assert row["moved_at"] == (None if moved is None else given.at(moved))
    assert (row["score"] >= 3) == (moved is not None)
    assert (row["n_before"], row["n_during"]) == (60, 4)


def test_values_that_are_no_numbers_are_left_out_and_counted(given) -> None:
    """NaN, infinities and nulls change nothing but the count."""
    clean = steady() + during(10, 50, 60)
    dirty = [
        (minute, "cart", "cart-1", "CpuUsage(%)", value)
        for minute, value in ((-3.5, math.nan), (-2.5, -math.inf), (1.5, math.inf), (2.5, None))
    ]
    one, other = (series_changes(given.metrics(rows), **given.when) for rows in (clean, clean + dirty))
    assert other["n_excluded"].to_list() == [4]
    assert one.drop("n_excluded").equals(other.drop("n_excluded"))
    assert moved_series(given.metrics(clean), **given.when).equals(
        moved_series(given.metrics(clean + dirty), **given.when)
    )


def test_the_window_is_half_open(given) -> None:
    """A point at the start is in the window, one at the end in neither, and neither is one from over an hour ago."""
    rows = [
        *steady(),
        (-60.5, "cart", "cart-1", "CpuUsage(%)", 99.0),
        *during(10.0),
        (5, "cart", "cart-1", "CpuUsage(%)", 99.0),
    ]
    row = series_changes(given.metrics(rows), **given.when).row(0, named=True)
    assert (row["n_before"], row["n_during"], row["during"]) == (60, 1, 10)


def test_a_series_on_one_side_only_has_no_score(given) -> None:
    """Nothing to compare with is not the same as no change."""
    found = series_changes(given.metrics(steady("old") + during(5, service="new")), **given.when)
    assert found.filter(pl.col("score").is_null())["service"].sort().to_list() == ["new", "old"]
    assert series_changes(given.metrics([]), **given.when).is_empty()


def test_an_earlier_fault_in_the_baseline_does_not_hide_this_one(given) -> None:
    """Medians don't follow a quarter of an hour of another fault."""
    earlier = [(minute, *rest[:-1], 95.0) if -40 <= minute < -25 else (minute, *rest) for minute, *rest in steady()]
    others = [row for number in range(8) for row in steady(f"s{number}") + during(10, 9, 11, 10, service=f"s{number}")]
    frame = given.metrics(earlier + others + during(80, 90, 90, 90))
    assert series_changes(frame, **given.when).row(0, named=True)["service"] == "cart"
    assert moved_series(frame, **given.when)["service"].to_list() == ["cart"]


def test_a_change_for_the_better_is_no_evidence(given) -> None:
    """Latency and errors that fall, and success that rises, are seen but speak against nobody."""
    rows = []
    for service, metric, usual, now in [
        ("a", "latency_p90", 10.0, 0.5), ("b", "errors_total", 10.0, 0.0), ("c", "success_rate", 50.0, 99.0),
        ("d", "latency_p90", 10.0, 90.0), ("e", "errors_total", 10.0, 80.0), ("f", "success_rate", 90.0, 20.0),
    ]:  # fmt: skip
        values = [usual, usual + 0.1, usual - 0.1]
        rows += steady(service, metric, values) + during(*[now] * 4, service=service, metric=metric)
    assert sorted(moved_series(given.metrics(rows), **given.when)["service"]) == ["d", "e", "f"]


def test_what_describes_a_shared_host_speaks_against_no_service(given) -> None:
    """A series that two services report to the digit is their machine's."""
    shared = [
        row
        for name in ("a", "b")
        for row in steady(name, "NodeCpu") + during(90, 91, 92, 93, service=name, metric="NodeCpu")
    ]
    own = steady("c", "NodeCpu", [5.0, 6.0]) + during(90, 91, 92, 94, service="c", metric="NodeCpu")
    assert moved_series(given.metrics(shared + own), **given.when)["service"].to_list() == ["c"]


def test_a_success_rate_is_measured_by_its_failures(given) -> None:
    """From 100 % to 96 % is little success lost and a lot of failures gained."""
    good = [100.0, 99.9, 100.0, 99.8]
    frame = given.metrics(
        steady("a", "Availability(%)", good) + during(96, 95.5, 96, 96, service="a", metric="Availability(%)")
    )
    assert moved_series(frame, **given.when)["service"].to_list() == ["a"]


def test_few_points_before_count_for_less(given) -> None:
    """Three minutes of baseline don't show what is usual as an hour does."""
    long = moved_series(given.metrics(steady() + during(90, 90, 90)), **given.when)["nats"].item()
    short = moved_series(given.metrics(steady(start=-3) + during(90, 90, 90)), **given.when)["nats"].item()
    assert 0 < short < long / 2


def test_rows_may_come_in_any_order_and_at_any_time(given) -> None:
    """Permuting rows, and moving everything by a day, changes nothing but the times."""
    rows = steady() + steady("b", values=[1.0, 3.0]) + during(10, 40, 60) + during(2, 9, 9, service="b")
    mixed = rows[1::2] + rows[::2][::-1]
    told = [series_changes(given.metrics(these), **given.when) for these in (rows, mixed)]
    assert told[0].equals(told[1])
    assert moved_series(given.metrics(rows), **given.when).equals(moved_series(given.metrics(mixed), **given.when))
    day = pl.duration(days=1)
    later = {name: window.pad(-timedelta(days=1), timedelta(days=1)) for name, window in given.when.items()}
    moved = series_changes(given.metrics(rows).with_columns(pl.col("time") + day), **later)
    assert moved.with_columns(pl.col("moved_at") - day).equals(told[0])


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("CpuUsageRate(%)", "%"),
        ("PodLatencyP90(s)", "s"),
        ("MemoryUsage(Mi)", "Mi"),
        ("NetworkReceiveBytes", ""),
        ("http_duration_seconds", "s"),
        ("sent_bytes_total", "B"),
        ("queue.wait.ms", "ms"),
        ("requests_total", ""),
        ("", ""),
    ],
)
def test_a_unit_is_read_from_the_end_of_a_name(metric, unit) -> None:
    """In brackets, or as Prometheus writes it."""
    assert unit_of(metric) == unit
