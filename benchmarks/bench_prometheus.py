"""A day of 1,000 series at one minute from a real Prometheus into a frame, beside its peer and its floor, in one run.

    python benchmarks/bench_prometheus.py

The peer is prometheus-api-client with pandas by its documented fast way: ``MetricRangeDataFrame`` of what its
``custom_query_range`` gives, and of what its ``get_metric_range_data`` gives. The floor is the download of the same
bytes by the same HTTP library, in the same slices side by side, and in one request; nothing is made of them. Seconds
are the median of several runs in new processes that have imported everything, all ways taking turns, the slow peers in
fewer rounds than the others; memory is how much the largest resident size of such a process grew. CPU is the process's
own, without the server's, which shares the machine with all of them. It takes about two minutes.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

RUNS, PEER_RUNS = 5, 2
SERIES, MINUTES = 1000, 1440
START = 1_709_164_800
END = START + 60 * MINUTES

COMMON = f"""
import json, resource, sys, time
from datetime import UTC, datetime
url = sys.argv[1]
start, end = datetime.fromtimestamp({START}, UTC), datetime.fromtimestamp({END}, UTC)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def told(rows, size):
    seconds, work = time.perf_counter() - began, time.process_time()
    print(json.dumps([seconds, work - worked, peak() - before, rows, size]))
"""

OURS = """
from pathlib import Path
import polars as pl, httpx, orjson, tenacity
from workbench.telemetry.sources.prometheus.source import PrometheusSource
from workbench.telemetry.source import Query
from workbench.window import Window
import workbench.telemetry.web.wire
source = PrometheusSource.from_settings("bench", {{"url": url, "alerts": False, {asks}}}, Path())
before, worked, began = peak(), time.process_time(), time.perf_counter()
frame = source.read("metrics", Query(Window(start, end))).data.collect()
told(frame.height, frame.estimated_size())
"""

PEER = """
import pandas
from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect
source = PrometheusConnect(url=url, disable_ssl=True)
before, worked, began = peak(), time.process_time(), time.perf_counter()
frame = MetricRangeDataFrame(source.{asks})
told(len(frame), int(frame.memory_usage(deep=True).sum()))
"""

FLOOR = """
import httpx
from concurrent.futures import ThreadPoolExecutor
client = httpx.Client(headers={{"accept-encoding": "identity"}}, timeout=60)
step, slices = 60, {asks}
points = {minutes} // slices
def load(number):
    first = {start} + number * points * step
    asked = dict(query="load", start=first, end=first + (points - 1) * step, step=step)
    with client.stream("GET", url + "/api/v1/query_range", params=asked) as answer:
        return sum(len(piece) for piece in answer.iter_bytes())
before, worked, began = peak(), time.process_time(), time.perf_counter()
with ThreadPoolExecutor(4) as pool:
    size = sum(pool.map(load, range(slices)))
told(0, size)
"""


class Run(NamedTuple):
    """Seconds, seconds of processor time, memory in bytes, rows, and the size in bytes of what came."""

    seconds: float
    work: float
    memory: float
    rows: float
    size: float


def history(path: Path) -> None:
    """Write the day as OpenMetrics."""
    numbers = random.Random(1)  # noqa: S311 - no secret is made of it
    with path.open("w") as file:
        file.write("# TYPE load gauge\n")
        for series in range(SERIES):
            labels = f'load{{service="service-{series % 50}",instance="pod-{series}",zone="z{series % 3}"}}'
            file.writelines(f"{labels} {numbers.random() * 100:.6g} {START + 60 * n}\n" for n in range(MINUTES))
        file.write("# EOF\n")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run a Prometheus over the folder's blocks and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "prometheus.yml").write_text("")
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    command += ["--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(200):
                try:
                    urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://{address}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def measured(script: str, url: str) -> Run:
    """Return the figures of one run in a new process."""
    command = [sys.executable, "-c", COMMON + script, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return Run(*json.loads(done.stdout))


def medians(ways: dict[str, str], url: str) -> dict[str, Run]:
    """Return the medians of each way; they take turns, so that what else the machine does meets all alike."""
    measured(next(iter(ways.values())), url)
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for number in range(RUNS):
        for name, script in ways.items():
            if number < PEER_RUNS or not name.startswith("peer"):
                runs[name].append(measured(script, url))
    return {name: Run(*(statistics.median(one) for one in zip(*own, strict=True))) for name, own in runs.items()}


def line(what: str, run: Run) -> None:
    """Print one way's figures."""
    told = f"{run.memory / 1e6:6.0f} MB more {run.size / 1e6:6.1f} MB {run.rows:>11,.0f} rows"
    print(f"{what:<40} {run.seconds:6.2f} s {run.work:6.2f} s CPU {told}")


def main() -> None:
    """Measure all ways on one server."""
    missing = [program for program in ("prometheus", "promtool") if shutil.which(program) is None]
    if missing:
        sys.exit(f"not measured, because there is no {missing[0]} (Debian: apt-get install prometheus)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        history(folder / "history.om")
        build = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "history.om", "data"]
        subprocess.run(build, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        window = f"start_time=start, end_time=datetime.fromtimestamp({END - 1}, UTC)"
        facts = {"minutes": MINUTES, "start": START}
        ways = {
            "floor: the same slices side by side": FLOOR.format(asks=4, **facts),
            "floor: one request": FLOOR.format(asks=1, **facts),
            "workbench, a query at one minute": OURS.format(asks='"queries": {"load": "load"}'),
            "workbench, samples as stored": OURS.format(asks='"metrics": ["load"]'),
            "peer, custom_query_range": PEER.format(asks=f'custom_query_range("load", {window}, step="60")'),
            "peer, get_metric_range_data": PEER.format(asks=f'get_metric_range_data("load", {window})'),
        }
        with serving(folder) as url:
            found = medians(ways, url)
    load = Path("/proc/loadavg").read_text().split()[0]
    print(f"{SERIES:,} series of {MINUTES:,} points each; load of the machine {load}")
    print(f"peer: prometheus-api-client {version('prometheus-api-client')} with pandas {version('pandas')}\n")
    for what, run in found.items():
        line(what, run)
    slices, whole, stepped, stored, *peers = found.values()
    fastest = min(one.seconds for one in peers)
    print("\nhow it compares         times the peer   of the floor in slices   in one request   memory, of the frame")
    for what, run in (("a query at one minute", stepped), ("samples as stored", stored)):
        print(
            f"{what:<23} {fastest / run.seconds:14.1f} {run.seconds / slices.seconds:24.2f}"
            f" {run.seconds / whole.seconds:16.2f} {run.memory / run.size:22.2f}"
        )


if __name__ == "__main__":
    main()
