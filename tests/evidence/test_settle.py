"""Rows are brought into the order of time, each once, whatever the order and the pieces they come in."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evidence import settle
from workbench.evidence.arrival import Arrival
from workbench.evidence.settle import Settling
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.stream import table
from workbench.telemetry.watch import Stopped
from workbench.window import Window

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
SPAN = Window(START, START + timedelta(seconds=40))
POINTS = st.lists(
    st.tuples(st.integers(-5, 45), st.sampled_from(["a", "b"]), st.sampled_from([1.0, 2.0, float("nan")])), max_size=60
)


def page(points: list[tuple[int, str, float]]) -> pl.DataFrame:
    """Return points of metrics, given as second, service and value."""
    return table(
        "metrics",
        {
            "time": [START + timedelta(seconds=at) for at, _, _ in points],
            "service": [service for _, service, _ in points],
            "metric": ["load"] * len(points),
            "value": [value for _, _, value in points],
        },
    )


def rows(frame: pl.DataFrame) -> list[tuple[int, str, str]]:
    """Return points as a person would write them, NaN as text, because it equals nothing."""
    return [
        (round((time - START).total_seconds()), service, str(value))
        for time, service, value in frame.select("time", "service", "value").iter_rows()
    ]


@settings(deadline=None, max_examples=60)
@given(pages=st.lists(POINTS, max_size=6), most=st.integers(1, 9))
def test_any_arrival_is_settled_as_by_hand(pages: list[list[tuple[int, str, float]]], most: int) -> None:
    """Order, what is left out, and every count are those of a few plain loops; in one piece and in many."""
    arrival = Arrival("metrics", SPAN)
    came = [page(points) for points in pages]
    kept = list(arrival.passing(came))
    told = [one for points in pages for one in points]
    inside = [(at, service, str(value)) for at, service, value in told if 0 <= at < 40]
    assert arrival.rows == len(inside)
    assert arrival.outside == len(told) - len(inside)
    assert arrival.ordered == all(one[0] <= other[0] for one, other in itertools.pairwise(inside))
    newest: dict[str, int] = {}
    late = 0
    for at, service, _ in inside:
        late += at < newest.get(service, at)
        newest[service] = max(at, newest.get(service, at))
    assert arrival.late == late

    expected = list(dict.fromkeys(sorted(inside, key=lambda one: one[0])))
    clashing = [one[:2] for one in expected if one[2] != "nan"]
    conflicts = sum(clashing.count(one) > 1 for one in clashing)
    whole = Settling("metrics", threading.Event())
    assert rows(whole.small(pl.concat([page([]), *kept]))) == expected
    assert (whole.duplicates, whole.conflicts.total()) == (len(inside) - len(expected), conflicts)
    if not kept:
        return
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(settle, "PIECE", most * arrival.size // arrival.rows)
        file = Path(folder) / "raw.parquet"
        pl.concat(kept).write_parquet(file)
        pieces = Settling("metrics", threading.Event())
        found = list(pieces.large(file, arrival))
        assert rows(pl.concat(found)) == expected
        assert (pieces.duplicates, pieces.conflicts) == (whole.duplicates, whole.conflicts)


@pytest.mark.parametrize("mixed", [True, False])
def test_pieces_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mixed: bool) -> None:
    """No piece holds more rows than it may, where their times differ, also where most lie close together."""
    near = [(at % 40, "a", float(at)) for at in range(2000)]
    arrival = Arrival("metrics", SPAN)
    came = [page(near[n::10]) for n in range(10)] if mixed else [page(sorted(near))]
    pl.concat(list(arrival.passing(came))).write_parquet(tmp_path / "raw.parquet")
    monkeypatch.setattr(settle, "PIECE", 100 * arrival.size // arrival.rows)
    found = list(Settling("metrics", threading.Event()).large(tmp_path / "raw.parquet", arrival))
    assert max(piece.height for piece in found) <= 100
    assert sum(piece.height for piece in found) == 2000
    assert bool(list(tmp_path.glob("*.run"))) == mixed


def test_settling_stops_between_pieces(tmp_path: Path) -> None:
    """Who has gone isn't waited for."""
    arrival, stop = Arrival("metrics", SPAN), threading.Event()
    pl.concat(list(arrival.passing([page([(1, "a", 1.0)])]))).write_parquet(tmp_path / "raw.parquet")
    stop.set()
    with pytest.raises(Stopped):
        list(Settling("metrics", stop).large(tmp_path / "raw.parquet", arrival))


def test_log_records_that_are_alike_are_all_kept() -> None:
    """A message said twice was said twice."""
    twice = table("logs", [{"time": START, "body": "full"}] * 2)
    settling = Settling("logs", threading.Event())
    assert settling.small(twice).height == 2
    assert settling.duplicates == 0
    spans = pl.DataFrame([{"start_time": START, "name": "x"}] * 2, schema=FRAMES["spans"])
    assert Settling("spans", threading.Event()).small(spans).height == 1
