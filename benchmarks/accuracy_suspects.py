"""Print how often the truly broken service is among the first suspects, on labelled recordings of real systems.

    python benchmarks/accuracy_suspects.py [--quick]

Each fault is asked about as a person would ask: by several windows around it, exact or sloppy, with the hour before as
baseline. AC@k is the share of faults whose service is among the first k; Avg@5 is the mean of AC@1 to AC@5. ``stood
out`` counts the faults where one service was said to stand out, and how many of these were the right one. PetShop has
no logs and traces, and one sample every five minutes; the fault-free recording is moved to just before each of its
issues.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import polars as pl

from workbench.analysis import suspects
from workbench.telemetry.conform import conform
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query
from workbench.window import Window

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"
SYSTEMS = {"TrainTicket": "trainticket-2023-01-29", "OnlineBoutique": "onlineboutique-2022-08-22"}
STYLES = {  # seconds from the injection to the window's start and end
    "26 s early, 3:04 long": (-26, 184),
    "exact, 3 min": (0, 180),
    "1 min early, 1 min late": (-60, 240),
    "2 min early": (-120, 180),
    "1 min too late": (60, 180),
    "10 min long": (0, 600),
}
FRAME_NAMES = ("metrics", "logs", "spans")


class Outcome(NamedTuple):
    """The place of the broken service, whether the first one was said to stand out, and the seconds it took."""

    place: int
    stands_out: bool
    seconds: float


def main(*, quick: bool) -> int:
    """Print the table; 2 where the recordings aren't on this machine."""
    if not RECORDINGS.is_dir():
        print(f"The labelled recordings are not at {RECORDINGS}, so there is nothing to measure.", file=sys.stderr)
        return 2
    print(f"{'recording':<34}{'window':<26}{'n':>4}{'AC@1':>7}{'AC@3':>7}{'AC@5':>7}{'Avg@5':>7}  stood out   slowest")
    for system, folder in SYSTEMS.items():
        frames = [pl.read_parquet(RECORDINGS / folder / f"{name}.parquet").lazy() for name in FRAME_NAMES]
        faults = json.loads((RECORDINGS / folder / "faults.json").read_text())
        for style, (early, late) in list(STYLES.items())[: 1 if quick else None]:
            tell(system, style, list(injected(frames, faults, early, late)))
    for group in ("low_traffic/train", "low_traffic/test", "temporal_traffic1/train", "temporal_traffic1/test"):
        tell(f"PetShop {group}", "the issue, 1 h before", list(issues(RECORDINGS / "petshop", group)))
    return 0


def injected(frames: list[pl.LazyFrame], faults: list[dict[str, str]], early: int, late: int) -> Iterator[Outcome]:
    """Yield what was found for each injected fault."""
    for fault in faults:
        at = datetime.fromisoformat(fault["injected_at"])
        window = Window(at + timedelta(seconds=early), at + timedelta(seconds=late))
        baseline = window.baseline(timedelta(hours=1))
        asked = Query(Window(baseline.start, window.end))
        given = [conform(frame, name, asked, origin=name)[0] for frame, name in zip(frames, FRAME_NAMES, strict=True)]
        yield judge(given, window, baseline, fault["service"])


def issues(folder: Path, group: str) -> Iterator[Outcome]:
    """Yield what was found for each issue of PetShop."""
    usual = cloudwatch(folder / "low_traffic" / "noissue" / "metrics.csv")
    hour, sample = timedelta(hours=1), timedelta(minutes=5)
    nothing = [pl.DataFrame(schema=FRAMES[name]).lazy() for name in ("logs", "spans")]
    for issue in sorted((folder / group).iterdir()):
        label = json.loads((issue / "target.json").read_text())
        rows = cloudwatch(issue / "metrics.csv")
        window = Window(rows["time"].min(), rows["time"].max() + sample)
        last = usual["time"].max()
        before = usual.filter(pl.col("time") > last - hour).with_columns(
            pl.col("time") + (window.start - sample - last)
        )
        metrics = pl.concat([before, rows]).lazy()
        yield judge([metrics, *nothing], window, window.baseline(hour), label["root_cause"]["node"])


def cloudwatch(path: Path) -> pl.DataFrame:
    """Return PetShop's wide table as a metrics frame; each component is a service without instances."""
    with path.open() as file:
        services, names, statistics, *rows = csv.reader(file)
    long = [
        (datetime.fromtimestamp(float(row[0]), UTC), service, f"{name} {statistic}", float(value))
        for row in rows
        if row[0].replace(".", "").isdigit()
        for service, name, statistic, value in zip(services[1:], names[1:], statistics[1:], row[1:], strict=False)
        if value
    ]
    told = [dict(zip(("time", "service", "metric", "value"), each, strict=True)) for each in long]
    schema = FRAMES["metrics"]
    return pl.DataFrame([{column: one.get(column) for column in schema} for one in told], schema=schema)


def judge(frames: Iterable[pl.LazyFrame], window: Window, baseline: Window, service: str) -> Outcome:
    """Rank, and look up the broken service."""
    began = time.perf_counter()
    found = suspects.rank(*frames, window=window, baseline=baseline)
    seconds = time.perf_counter() - began
    place = next((one.rank for one in found if one.service == service), len(found) + 1)
    return Outcome(place, bool(found) and found[0].stands_out, seconds)


def tell(system: str, style: str, outcomes: list[Outcome]) -> None:
    """Print one line of the table."""
    count = len(outcomes)
    accuracy = [sum(one.place <= places for one in outcomes) / count for places in range(1, 6)]
    stood = [one for one in outcomes if one.stands_out]
    right = sum(one.place == 1 for one in stood)
    print(
        f"{system:<34}{style:<26}{count:>4}{accuracy[0]:>7.2f}{accuracy[2]:>7.2f}{accuracy[4]:>7.2f}"
        f"{sum(accuracy) / 5:>7.2f}{f'{right} of {len(stood)}':>11}{max(one.seconds for one in outcomes):>8.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv[1:]))
