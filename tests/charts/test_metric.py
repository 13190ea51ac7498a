"""The picture of one chosen metric: its title is read off the points, and it says when there is nothing to show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from workbench.charts.metric import metric
from workbench.charts.values import quantity
from workbench.telemetry.schema import FRAMES
from workbench.window import Window
from workbench.workspace import Workspace

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
BASELINE = WINDOW.baseline(timedelta(minutes=30))
NAME = "cpu_percent"


def frame(values: dict[str, list[float | None]]) -> pl.LazyFrame:
    """Return a point a minute from the baseline's start for each instance of a service called shop."""
    rows = [
        {
            "time": BASELINE.start + timedelta(minutes=minute),
            "service": "shop",
            "instance": one,
            "metric": NAME,
            "value": v,
        }
        for one, series in values.items()
        for minute, v in enumerate(series)
    ]
    full = [{column: row.get(column) for column in FRAMES["metrics"]} for row in rows]
    return pl.DataFrame(full, schema=FRAMES["metrics"]).lazy()


@pytest.mark.parametrize(
    ("during", "told"),
    [
        (90.0, "CPU of shop rose from 10 % to 90 %"),
        (0.0, "CPU of shop fell from 10 % to 0 %"),
        (10.0, "CPU of shop stayed near 10 %"),
    ],
)
def test_the_title_tells_what_happened(during: float, told: str) -> None:
    """It names the change, its direction and its size, or that there was none."""
    made = metric(
        frame({"a": [10.0] * 30 + [during] * 10}), service="shop", name=NAME, window=WINDOW, baseline=BASELINE
    )
    assert made.title.replace("\u00a0", " ") == told
    assert made.spec["description"] == made.alt
    assert len(made.table) > 10


def test_of_several_series_the_one_that_moved_is_shown() -> None:
    """A service of many instances is told by the one that changed, and the words say that there are others."""
    still, moved = [10.0] * 40, [10.0] * 30 + [80.0] * 10
    made = metric(frame({"a": still, "b": moved}), service="shop", name=NAME, window=WINDOW, baseline=BASELINE)
    assert made.title.endswith("to 80\u00a0%")
    assert "The one of 2 series that moved most." in made.subtitle.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("service", "name", "values"),
    [("other", NAME, [1.0]), ("shop", "other", [1.0]), ("shop", NAME, []), ("shop", NAME, [None] * 40)],
)
def test_nothing_is_said_to_be_nothing(service: str, name: str, values: list[float | None]) -> None:
    """What isn't pinned is no error and no empty axis: the title says so."""
    made = metric(frame({"a": values}), service=service, name=name, window=WINDOW, baseline=BASELINE)
    assert "Nothing is pinned" in made.title
    assert made.spec == {}


def test_without_a_baseline_nothing_is_compared() -> None:
    """The series is drawn, and nobody claims that it rose."""
    made = metric(frame({"a": [10.0] * 30 + [90.0] * 10}), service="shop", name=NAME, window=WINDOW, baseline=None)
    assert "nothing to compare" in made.title
    assert made.spec


def test_the_title_can_be_recomputed(demo: Workspace) -> None:
    """On real evidence, the numbers in the title are the median before and the farthest value during."""
    snapshot = demo.snapshot("slow-orders")
    metrics, baseline = snapshot.frame("metrics"), snapshot.baseline
    assert baseline is not None
    service, name = "ts-food-service", "CpuUsage(m)"
    made = metric(metrics, service=service, name=name, window=snapshot.window, baseline=baseline)
    mine = metrics.filter(pl.col("service") == service, pl.col("metric") == name)
    before = mine.filter(baseline.holds()).select(pl.col("value").median()).collect().item()
    values = mine.filter(snapshot.window.holds()).select("value").collect()["value"]
    farthest = max(values, key=lambda value: abs(value - before))
    assert made.title.endswith(f"from {quantity(before, 'm')} to {quantity(farthest, 'm')}")
    text = json.dumps(made.spec)
    assert '"url"' not in text
    assert "usermeta" not in text
