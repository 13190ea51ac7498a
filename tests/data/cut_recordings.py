"""Cut the demo's telemetry and the tests' sample from the full TrainTicket recording, as small as Parquet gets it.

    python tests/data/cut_recordings.py FOLDER

FOLDER holds the recording's metrics.parquet, logs.parquet and spans.parquet (see LICENSE beside this file for its
origin). The demo gets the metrics of the whole run, and the logs and spans of the hour before one fault and of the
fault itself. The tests' sample gets everything around another fault. No row in those spans of time is dropped or
changed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "reports" / "demo" / "telemetry"
SAMPLE = Path(__file__).resolve().parent / "trainticket"
TIMES = {"metrics": "time", "logs": "time", "spans": "start_time"}
ORDER = {
    "metrics": ["metric", "service", "instance", "time"],
    "logs": ["service", "time"],
    "spans": ["service", "start_time"],
}
DEMO_FAULT = datetime(2023, 1, 29, 14, 49, 57, tzinfo=UTC)
SAMPLE_FAULT = datetime(2023, 1, 29, 9, 12, 56, tzinfo=UTC)


def cut(source: Path, target: Path, frame: str, start: datetime | None, end: datetime | None) -> int:
    """Write the rows in [start, end) of one frame, sorted so that they compress well; return how many."""
    rows = pl.read_parquet(source / f"{frame}.parquet").sort(ORDER[frame], maintain_order=True)
    if start is not None:
        rows = rows.filter((pl.col(TIMES[frame]) >= start) & (pl.col(TIMES[frame]) < end))
    target.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(target / f"{frame}.parquet", compression="zstd", compression_level=22)
    return rows.height


def main(source: Path) -> None:
    """Cut both."""
    hour, quarter = timedelta(hours=1), timedelta(minutes=15)
    for frame in TIMES:
        whole = frame == "metrics"
        rows = cut(source, DEMO, frame, None if whole else DEMO_FAULT - hour, None if whole else DEMO_FAULT + quarter)
        sample = cut(source, SAMPLE, frame, SAMPLE_FAULT - (hour if whole else quarter / 3), SAMPLE_FAULT + quarter / 3)
        print(f"{frame}: {rows:,} rows for the demo, {sample:,} for the tests")  # noqa: T201 - a script's answer
    for folder in (DEMO, SAMPLE):
        print(f"{folder.name}: {sum(file.stat().st_size for file in folder.iterdir()):,} bytes")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
