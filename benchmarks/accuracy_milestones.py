"""Print how far the proposed start is from the moment of the injection, on labelled recordings of real systems.

    python benchmarks/accuracy_milestones.py [--quick]

Each fault is asked about by windows that begin early, exactly or late. For each step of how sure a proposal is: how
many there were, the median and the 90th percentile of how far off it was (seconds, without the sign), and how many were
within a minute and a half. ``none`` counts the faults for which nothing was proposed.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from workbench.analysis import suspects
from workbench.analysis.milestones import propose
from workbench.evidence import Citation
from workbench.telemetry.conform import conform
from workbench.telemetry.source import Query
from workbench.window import Window

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"
SYSTEMS = {"TrainTicket": "trainticket-2023-01-29", "OnlineBoutique": "onlineboutique-2022-08-22"}
STYLES = {"2 min early": -120, "26 s early": -26, "exact": 0, "1 min late": 60, "2 min late": 120}
LASTS = timedelta(minutes=4)
FRAME_NAMES = ("metrics", "logs", "spans")


def cite(frame, source, start, end, *, label, services=(), names=()) -> Citation:
    """Return a citation of what is pinned nowhere."""
    return Citation(
        snapshot="none", frame=frame, source=source, sha256="0" * 64, services=services, names=names, start=start,
        end=end, label=label[:200],
    )  # fmt: skip


def off(frames: list[pl.LazyFrame], injected: datetime, early: int) -> tuple[str, float]:
    """Return how sure the proposed start is, and how many seconds after the injection."""
    window = Window(injected + timedelta(seconds=early), injected + LASTS)
    when = {"window": window, "baseline": window.baseline(timedelta(hours=1))}
    asked = Query(Window(when["baseline"].start, window.end))
    given = [
        conform(frame, name, asked, origin=name)[0].collect().lazy()
        for frame, name in zip(frames, FRAME_NAMES, strict=True)
    ]
    by_source = {name: {"recording": frame} for name, frame in zip(FRAME_NAMES, given, strict=True)}
    found = propose(by_source, suspects=suspects.rank(*given, **when), cite=cite, **when)
    start = next((one for one in found if one.milestone == "started_at"), None)
    return ("none", 0.0) if start is None else (str(start.sure), (start.at - injected).total_seconds())


def line(told: list[float]) -> str:
    """Return n, median, 90th percentile and how many are near."""
    away = sorted(abs(one) for one in told)
    high = away[min(len(away) - 1, round(0.9 * (len(away) - 1)))]
    return f"{len(away):>4}{statistics.median(away):>8.0f}{high:>8.0f}{sum(one <= 90 for one in away):>8}"


def main(*, quick: bool) -> int:
    """Print the table; 2 where the recordings aren't on this machine."""
    if not RECORDINGS.is_dir():
        print(f"The labelled recordings are not at {RECORDINGS}, so there is nothing to measure.", file=sys.stderr)
        return 2
    print(f"{'recording':<16}{'window begins':<16}{'sure':<8}{'n':>4}{'median':>8}{'p90':>8}{'<=90 s':>8}")
    for system, folder in SYSTEMS.items():
        frames = [pl.read_parquet(RECORDINGS / folder / f"{name}.parquet").lazy() for name in FRAME_NAMES]
        faults = json.loads((RECORDINGS / folder / "faults.json").read_text())
        for style, early in [("exact", 0)] if quick else STYLES.items():
            told: dict[str, list[float]] = defaultdict(list)
            for fault in faults:
                sure, seconds = off(frames, datetime.fromisoformat(fault["injected_at"]), early)
                told[sure].append(seconds)
            known = [one for sure, each in told.items() if sure != "none" for one in each]
            print(f"{system:<16}{style:<16}{'all':<8}{line(known)}   none: {len(told['none'])}", flush=True)
            for sure in ("high", "medium", "low"):
                if told[sure]:
                    print(f"{'':<32}{sure:<8}{line(told[sure])}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv[1:]))
