"""Numbers, units and names as a person reads them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.charts.values import count, family, number, quantity, scaled, series_name


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.402, "s", "402\u00a0ms"),
        (0.0, "s", "0\u00a0s"),
        (2.35, "s", "2.35\u00a0s"),
        (3600.0, "s", "1\u00a0h"),
        (99.93, "%", "99.9\u00a0%"),
        (0.0, "%", "0\u00a0%"),
        (2350.0, "ms", "2,350\u00a0ms"),
        (1_200_000.0, "B", "1.2\u00a0MB"),
        (12.0, "B", "12\u00a0B"),
        (1.0, "records", "1\u00a0record"),
        (3.0, "records", "3\u00a0records"),
        (0.2667, "Ops", "0.267\u00a0/s"),
        (-5.5, "", "−5.5"),
        (None, "%", "–"),
        (math.nan, "s", "–"),
        (math.inf, "", "–"),
    ],
)
def test_a_quantity_has_its_unit_glued_on(value: float | None, unit: str, told: str) -> None:
    """Small times are told in milliseconds, long ones in minutes, and no unit can be parted from its number."""
    assert quantity(value, unit) == told


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_number_reads_back_within_its_three_digits(value: float) -> None:
    """What is shown is never farther than half a unit of the third digit from what was measured."""
    shown = float(number(value).replace("−", "-").replace(",", ""))
    assert shown == pytest.approx(value, rel=0.00501, abs=0)


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("CpuUsageRate(%)", "CPU usage rate"),
        ("PodServerLatencyP95(s)", "Pod server latency p95"),
        ("http_request_duration_seconds", "HTTP request duration"),
        ("NodeNetworkReceiveBytes", "Node network receive"),
        ("jvm.gc.pause", "JVM GC pause"),
        ("", "Metric"),
        ("(%)", "(%)"),
    ],
)
def test_a_metric_is_named_in_words(metric: str, name: str) -> None:
    """The unit is left out, abbreviations keep their capitals."""
    assert series_name(metric) == name


@given(st.text(max_size=40))
def test_any_metric_has_a_name(metric: str) -> None:
    """A name somebody typed in another script or of signs only is still shown."""
    assert series_name(metric).strip() or not metric.strip()


def test_metrics_of_one_thing_share_their_family() -> None:
    """A rate and its amount, and two percentiles, are one thing measured twice."""
    assert family("CpuUsage(m)") == family("CpuUsageRate(%)")
    assert family("PodServerLatencyP90(s)") == family("PodServerLatencyP99(s)")
    assert family("PodServerLatencyP90(s)") != family("PodClientLatencyP90(s)")


@pytest.mark.parametrize(
    ("unit", "peak", "expected"),
    [
        ("s", 0.4, (0.001, "ms")),
        ("s", 3.0, (1.0, "s")),
        ("s", 600.0, (60.0, "min")),
        ("B", 5e6, (1e6, "MB")),
        ("%", 5.0, (1.0, "%")),
    ],
)
def test_an_axis_has_the_unit_that_reads_best(unit: str, peak: float, expected: tuple[float, str]) -> None:
    """Nobody has to read 0.0004 s or 5,000,000 bytes."""
    assert scaled(unit, peak) == expected


def test_amounts_agree_with_their_noun() -> None:
    """One action, four actions, no actions."""
    assert [count(n, "action") for n in (0, 1, 4)] == ["no actions", "1\u00a0action", "4\u00a0actions"]
