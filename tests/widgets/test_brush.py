"""The brush shows the series that moved and hands on what is marked, with the slice of evidence under it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from widgets import BrushChart
from widgets.brush import Marked
from widgets.plot import milliseconds, moment
from workbench.evidence import Snapshot
from workbench.record import Incident


@pytest.fixture
def chart(snapshot: Snapshot, incident: Incident) -> BrushChart:
    """The chart of the sample's incident."""
    return BrushChart(snapshot, incident)


@pytest.fixture
def food(chart: BrushChart) -> BrushChart:
    """The CPU of one service, one sample a minute."""
    chart.service.value = "ts-food-service"
    chart.metric.value = "CpuUsageRate(%)"
    return chart


def samples(chart: BrushChart) -> list[datetime]:
    """Return the times of the samples that are drawn."""
    return [moment(time) for time in chart.plot.lines[0]["times"]]


def test_the_first_series_is_drawn_at_once(chart: BrushChart, snapshot: Snapshot) -> None:
    """A service and a metric are chosen, and every pinned point of the window is drawn."""
    assert chart.metric.value == chart.metric.options[0][1]
    start, end = (moment(time) for time in chart.plot.span)
    pinned = (
        snapshot.frame("metrics")
        .filter(
            pl.col("service") == chart.service.value,
            pl.col("metric") == chart.metric.value,
            pl.col("time").is_between(start, end, closed="left"),
        )
        .collect()
    )
    drawn = sum(len(line["times"]) for line in chart.plot.lines)
    assert drawn == pinned.height > 0
    assert chart.plot.lines[0]["hot"]


def test_every_service_and_its_metrics_can_be_chosen(chart: BrushChart, snapshot: Snapshot) -> None:
    """All that is pinned is offered, whatever moved."""
    pinned = snapshot.frame("metrics").select("service", "metric").unique().collect()
    offered = {service for _, service in chart.service.options}
    assert offered == set(pinned["service"])
    for service in sorted(offered)[:5]:
        chart.service.value = service
        assert {metric for _, metric in chart.metric.options} == set(
            pinned.filter(pl.col("service") == service)["metric"]
        )
        assert chart.plot.subject == service


def test_a_marked_span_carries_its_evidence(food: BrushChart, snapshot: Snapshot) -> None:
    """The citation names the pinned file and holds exactly the samples that were marked."""
    heard: list[Marked] = []
    food.on_marked(heard.append)
    times = samples(food)
    food.plot.selection = [milliseconds(times[4]), milliseconds(times[6])]
    assert heard == [food.selection]
    assert food.selection is not None
    assert (food.selection.start, food.selection.end) == (times[4], times[6])
    cited = food.selection.citation
    assert (cited.snapshot, cited.frame, cited.source) == (snapshot.version, "metrics", "telemetry")
    assert cited.sha256 == snapshot.manifest.tables[0].sha256
    assert (cited.services, cited.names) == (("ts-food-service",), ("CpuUsageRate(%)",))
    held = (
        snapshot.frame("metrics")
        .filter(pl.col("service").is_in(cited.services), pl.col("metric").is_in(cited.names), cited.window.holds())
        .collect()
    )
    assert sorted(held["time"]) == times[4:7]
    assert cited.label.startswith("ts-food-service CPU usage rate 09:")


def test_a_marked_moment_has_no_end(food: BrushChart) -> None:
    """Its citation holds the one sample."""
    times = samples(food)
    food.plot.selection = [milliseconds(times[4])]
    assert food.selection is not None
    assert (food.selection.start, food.selection.end) == (times[4], None)
    assert food.selection.citation.window.end == times[5]
    food.plot.selection = [milliseconds(times[5])] * 2
    assert food.selection.end is None


def test_backwards_or_outside_is_put_right(food: BrushChart) -> None:
    """A browser may send anything: times are ordered and kept inside the window that is drawn."""
    first, last = (moment(time) for time in food.plot.span)
    food.plot.selection = [milliseconds(last + timedelta(days=1)), milliseconds(first - timedelta(days=1))]
    assert food.selection is not None
    assert (food.selection.start, food.selection.end) == (first, last)
    food.plot.selection = [1e300]
    assert food.selection.start in {first, last}


def test_another_series_forgets_what_was_marked(food: BrushChart) -> None:
    """The mark belonged to what was looked at."""
    food.plot.selection = [milliseconds(samples(food)[4])]
    food.metric.value = "MemoryUsageRate(%)"
    assert food.plot.selection == []
    assert food.selection is None


def test_times_survive_the_way_through_the_browser() -> None:
    """To the millisecond, in UTC."""
    time = datetime(2023, 1, 29, 9, 13, 10, 123000, tzinfo=UTC)
    assert moment(milliseconds(time)) == time


def test_a_chart_needs_no_altair() -> None:
    """A form page is ready a second sooner without it."""
    import subprocess
    import sys

    told = subprocess.run(
        [sys.executable, "-c", "import widgets, sys; print('altair' in sys.modules, 'polars' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split()[0] == "False"
