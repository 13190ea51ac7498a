"""A pull of more log records than fit in memory is pinned in order of time, and summarised, within 2 GiB."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

MEMORY = 2 * 1024**3
ROOM = 12_000_000_000  # bytes on the disk, several times what is needed

CHILD = """
import json, random, resource, sys, time
from datetime import timedelta
from pathlib import Path

import polars as pl

from workbench.analysis.logs import templates
from workbench.evidence.pin import pin
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Reading
from workbench.telemetry.stream import stream
from workbench.window import Window

recorded, folder, wanted, order = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
real = pl.read_parquet(recorded).with_columns(
    pl.col("time").dt.cast_time_unit("us"), attributes=pl.lit(None, dtype=pl.String)
).select(list(FRAMES["logs"])).sort("time")
first = real["time"].min()
length = real["time"].max() - first + timedelta(microseconds=1)
repeats = -(-wanted // real.height)
AT_ONCE = 20


class Repeated:
    name, kind, frames = "repeated", "repeated", ("logs",)

    def pages(self):
        places = list(range(repeats))
        if order == "mixed":
            random.Random(20230129).shuffle(places)
        for begin in range(0, repeats, AT_ONCE):
            shifted = [real.with_columns(pl.col("time") + length * n) for n in places[begin : begin + AT_ONCE]]
            page = pl.concat(shifted)
            yield page.sample(fraction=1.0, shuffle=True, seed=begin) if order == "mixed" else page

    def read(self, frame, query):
        return Reading(frame, stream(frame, self.pages), "repeated")


rows = repeats * real.height
end = first + length * repeats
window = Window(end - length * (repeats // 10), end)
baseline = Window(first, window.start)
source = ConfiguredSource(Repeated(), Policy(Limits(rows=rows, seconds=3600)))
began = time.monotonic()
made = pin([source], incident="large", window=window, baseline=baseline, folder=folder)
pinned = time.monotonic()
told = templates(made.frame("logs"), window=window, baseline=baseline)
summed = time.monotonic()
once = Window(first, first + length)
expected = templates(real.lazy(), window=once, baseline=once.baseline(length))
table = made.manifest.tables[0]
print(json.dumps({
    "rows": [rows, table.rows, table.rows_in_window, (repeats // 10) * real.height],
    "complete": table.complete,
    "notes": [note.kind for note in table.notes],
    "templates": [told.height, expected.height],
    "counted": int(told["before"].sum() + told["during"].sum()),
    "in_order": made.frame("logs").select(
        (pl.col("time").diff().dt.total_microseconds() < 0).sum()
    ).collect(engine="streaming").item(),
    "file_bytes": table.bytes,
    "seconds": [round(pinned - began, 1), round(summed - pinned, 1)],
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}))
"""


@pytest.mark.parametrize(("rows", "order"), [(100_000_000, "ordered"), (20_000_000, "mixed")])
def test_more_log_records_than_memory_are_pinned_and_summarised(
    tmp_path: Path, sample: Path, missing, record_property, rows: int, order: str
) -> None:
    """Real records, repeated and moved on in time: all are pinned in order, and every one is counted in a template.

    Those that come mixed are fewer, because they are written three times and take several times as long.
    """
    if shutil.disk_usage(tmp_path).free < ROOM:
        missing(f"there are no {ROOM / 1e9:g} GB free on the disk of {tmp_path}")
    command = [sys.executable, "-c", CHILD, str(sample / "logs.parquet"), str(tmp_path / "large"), str(rows), order]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(tmp_path / "large", ignore_errors=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout)
    record_property("found", found)
    made, pinned, inside, recent = found["rows"]
    assert made == pinned >= rows
    assert inside == recent
    assert found["complete"]
    assert found["counted"] == made
    assert found["templates"][0] == found["templates"][1] > 0
    assert found["in_order"] == 0
    assert found["peak_bytes"] <= MEMORY, found
