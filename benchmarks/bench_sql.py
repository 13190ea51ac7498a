"""A window out of a day in DuckDB: ours, the query written by hand, and pandas reading the same, in one run.

    python benchmarks/bench_sql.py            the hours from 8 to 10 of the day
    python benchmarks/bench_sql.py --full     the whole day, 100 million rows: ten minutes, and 6 GB of disk meanwhile

The day is made inside DuckDB of the recorded log records under tests/data, repeated and spread over it: 1,157 in each
second. All read the same fifteen minutes with all columns:

- ours: the sql source, from its settings to a polars frame;
- by hand: DuckDB's query for the same rows, as it gives them to polars;
- pandas: `pandas.read_sql` of that query, over DuckDB's own connection, which is how pandas reads a database.

Each figure is the median of five runs (of two where pandas is, which take long), each in a new process, after one that
warms the disk. The time counts from before the connection is made to when the frame is there; imports are told apart.
DuckDB's own `.df()` is told beside them: pandas has no part in its reading.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

RUNS = 5
RUNS_OF_PEERS = 2
ROWS = 100_000_000
DAY = 24 * 60 * 60
SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "trainticket" / "logs.parquet"
START, END = "2023-01-29 09:00:00+00:00", "2023-01-29 09:15:00+00:00"
QUERY = f"""SELECT time, service, severity, body, trace_id, span_id FROM logs
WHERE time >= TIMESTAMPTZ '{START}' AND time < TIMESTAMPTZ '{END}'
"""  # noqa: S608 - of constants
BEFORE = """
import json, resource, sys, time
begun = time.perf_counter()
"""
AFTER = """
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([loaded - begun, done - loaded, rows, memory]))
"""
OURS = f"""
from datetime import datetime
from pathlib import Path
import duckdb, ibis, polars, pyarrow
ibis.duckdb
from workbench.telemetry.source import Query
from workbench.telemetry.sources.sql.source import SqlSource
from workbench.window import Window
loaded = time.perf_counter()
source = SqlSource.from_settings("day", {{"url": "duckdb://day.duckdb", "logs": "logs"}}, Path(sys.argv[1]))
window = Window(datetime.fromisoformat("{START}"), datetime.fromisoformat("{END}"))
rows = source.read("logs", Query(window)).data.collect().height
done = time.perf_counter()
"""
BY_HAND = """
import duckdb, polars, pyarrow
loaded = time.perf_counter()
with duckdb.connect(sys.argv[1] + "/day.duckdb", read_only=True) as database:
    database.execute("SET enable_progress_bar = false")
    rows = database.sql(sys.argv[2]).pl().height
done = time.perf_counter()
"""
PANDAS = """
import warnings
import duckdb, pandas
warnings.simplefilter("ignore")  # pandas says that it has tested SQLAlchemy's connections only
loaded = time.perf_counter()
with duckdb.connect(sys.argv[1] + "/day.duckdb", read_only=True) as database:
    database.execute("SET enable_progress_bar = false")
    rows = len(pandas.read_sql(sys.argv[2], database))
done = time.perf_counter()
"""
FRAME = """
import duckdb, pandas
loaded = time.perf_counter()
with duckdb.connect(sys.argv[1] + "/day.duckdb", read_only=True) as database:
    database.execute("SET enable_progress_bar = false")
    rows = len(database.sql(sys.argv[2]).df())
done = time.perf_counter()
"""


MAKE = f"""
import sys
import duckdb
folder, first, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with duckdb.connect() as database:
    database.execute(f"SET memory_limit = '4GB'; SET temp_directory = '{{folder}}/spill'; SET TimeZone = 'UTC'; "
        "SET enable_progress_bar = false")
    # DuckDB leaves texts as long as these uncompressed unless it is told otherwise: that would be 75 GB.
    database.execute("SET force_compression = 'zstd'")
    database.execute(f"ATTACH '{{folder}}/day.duckdb' AS day (STORAGE_VERSION 'latest')")
    database.execute("CREATE TABLE recorded AS SELECT row_number() OVER (ORDER BY time) - 1 AS n, * FROM '{SAMPLE}'")
    (recorded,) = database.sql("SELECT count(*) FROM recorded").fetchall()[0]
    database.execute(f'''
        CREATE TABLE day.logs AS
        SELECT TIMESTAMPTZ '2023-01-29 00:00:00+00' + to_microseconds(i * {DAY}_000_000 // {ROWS}) AS time,
            service, severity, body, trace_id, span_id
        FROM range({{first}}, {{end}}) AS r(i) JOIN recorded ON n = i % {{recorded}}
    ''')
"""  # noqa: S608 - of constants


def measured(script: str, folder: Path, times: int) -> tuple[float, float, int, float]:
    """Return the medians of a script's runs: seconds to load, seconds to read, rows, and memory in MB."""
    runs = []
    for _ in range(times + 1):
        told = subprocess.run(
            [sys.executable, "-c", BEFORE + script + AFTER, str(folder), QUERY],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode:
            sys.exit(told.stderr[-1000:])
        runs.append(json.loads(told.stdout))
    loading, reading, rows, memory = (statistics.median(run[n] for run in runs[1:]) for n in range(4))
    return loading, reading, int(rows), memory


def main() -> None:
    """Make the day, read the window in each way, and tell."""
    first, end = (0, ROWS) if "--full" in sys.argv[1:] else (ROWS * 8 // 24, ROWS * 10 // 24)
    with tempfile.TemporaryDirectory(prefix="bench-sql-") as name:
        folder = Path(name)
        begun = time.perf_counter()
        # In a process of its own, so that its memory isn't counted for those that come after.
        subprocess.run([sys.executable, "-c", MAKE, name, str(first), str(end)], check=True)
        size = (folder / "day.duckdb").stat().st_size / 1e9
        print(f"{end - first:,} log records in {size:.1f} GB of DuckDB, made in {time.perf_counter() - begun:.0f} s")
        ours, hand = (measured(script, folder, RUNS) for script in (OURS, BY_HAND))
        peer, frame = (measured(script, folder, RUNS_OF_PEERS) for script in (PANDAS, FRAME))
    if not ours[2] == hand[2] == peer[2] == frame[2]:
        sys.exit(f"they read different rows: {ours[2]}, {hand[2]}, {peer[2]}, {frame[2]}")
    told = ", ".join(f"{package} {version(package)}" for package in ("duckdb", "ibis-framework", "polars", "pandas"))
    print(f"15 minutes of it, {ours[2]:,} rows, into a frame; {told}; medians")
    for what, (loading, reading, _, memory) in (
        ("the sql source", ours),
        ("DuckDB's query by hand, into polars", hand),
        ("pandas.read_sql over DuckDB", peer),
        ("DuckDB's own .df()", frame),
    ):
        ratio = f"ours is {ours[1] / reading:6.3f} of it"
        print(f"{what:<36} {reading:8.3f} s   {ratio}   {memory:7,.0f} MB   imports {loading:5.2f} s")
    by_hand, by_pandas = ours[1] / hand[1], ours[1] / peer[1]
    print(f"wanted: at most 1.3 of the query by hand: {by_hand:.2f}; at most 0.1 of pandas: {by_pandas:.3f}")


if __name__ == "__main__":
    main()
