"""Time and peak memory of pull, review and first page, beside the floor of each, in one run.

    make bench

Floors: for the pull, the hand-written polars query that copies the same rows; for the review, a papermill run of an
empty notebook; for the page, Voila's page of one line of text. Each figure is the median of several runs in new
processes; memory is the largest resident size that one process of the run reached.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

RUNS = 5
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WORKBENCH = [sys.executable, "-c", "from workbench.cli.app import main; main()"]
COPY = """
import sys
from datetime import UTC, datetime
import polars as pl
start, end = datetime(2023, 1, 29, 13, 49, 57, tzinfo=UTC), datetime(2023, 1, 29, 14, 55, 9, tzinfo=UTC)
for name, column in (("metrics", "time"), ("logs", "time"), ("spans", "start_time")):
    rows = pl.scan_parquet(f"{sys.argv[1]}/telemetry/{name}.parquet")
    rows = rows.filter((pl.col(column) >= start) & (pl.col(column) < end))
    rows.sink_parquet(f"{sys.argv[2]}/{name}.parquet", compression="zstd")
"""
EMPTY = "import papermill, sys; papermill.execute_notebook(sys.argv[1], sys.argv[2], progress_bar=False)"
HELLO = [["markdown", "# Hello"], ["code", "print('hello')"]]


def measured(command: list[str], **options: object) -> tuple[float, float]:
    """Run a command to its end; return seconds and the largest resident memory of its processes, in MB."""
    # A process of its own does the measuring, so that only this command's children are counted.
    probe = (
        "import json, resource, subprocess, sys, time\n"
        "started = time.perf_counter()\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)\n"
        "seconds = time.perf_counter() - started\n"
        "sys.stderr.buffer.write(done.stderr) if done.returncode else None\n"
        "print(json.dumps([done.returncode, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", probe, *command], capture_output=True, text=True, check=True, **options
    )  # type: ignore[call-overload]
    status, seconds, memory = json.loads(told.stdout)
    if status:
        sys.exit(f"{command} failed: {told.stderr[-500:]}")
    return seconds, memory


def median(step: Callable[[], tuple[float, float]]) -> tuple[float, float]:
    """Return the median seconds and memory of several runs, after one that warms the disk."""
    step()
    runs = [step() for _ in range(RUNS)]
    return statistics.median(s for s, _ in runs), statistics.median(m for _, m in runs)


def notebook(path: Path, cells: list[list[str]]) -> Path:
    """Write a notebook."""
    made = [
        {"cell_type": kind, "metadata": {}, "source": source, "id": f"c{n}"}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for n, (kind, source) in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


@contextmanager
def serving(command: list[str], port: int, path: str) -> Iterator[tuple[str, int]]:
    """Run a server until the block ends; yield the page's address once it answers, and the server's process."""
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}{path}"
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(address.rsplit("/", 1)[0] + "/", timeout=30):  # noqa: S310 - loopback
                    break
            except OSError:
                time.sleep(0.1)
        yield address, server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def memory_of(pid: int) -> float:
    """Return the peak resident memory of a server and the kernels it has started, in MB."""
    server = psutil.Process(pid)
    lines = [
        line
        for process in (server, *server.children(recursive=True))
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return sum(int(line.split()[1]) for line in lines) / 1024


def free_port() -> int:
    """Return a port nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page(address: str, complete: str) -> float:
    """Return the median seconds until a page is complete in a new Chromium context, cold."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        times = []
        for _ in range(RUNS + 1):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            tab = context.new_page()
            started = time.perf_counter()
            tab.goto(address, wait_until="domcontentloaded")
            # Asked from outside: the pages' policy forbids what Playwright would poll with.
            while not tab.evaluate(complete):
                time.sleep(0.005)
            times.append(time.perf_counter() - started)
            context.close()
        browser.close()
    return statistics.median(times[1:])


def tell(what: str, ours: float, floor: float, unit: str) -> None:
    """Print one line: our figure, the floor, the ratio."""
    print(f"{what:<42} {ours:9.2f} {unit:<2}   floor {floor:9.2f} {unit:<2}   ratio {ours / floor:6.2f}")


def main() -> None:
    """Measure the demo's way."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        desk = scratch / "desk"
        subprocess.run([*WORKBENCH, "demo", str(desk), "--no-serve"], check=True, stderr=subprocess.DEVNULL)
        incident = json.loads(
            subprocess.run(
                [*WORKBENCH, "incident", "list", "--format", "json", "-w", str(desk)], check=True, capture_output=True
            ).stdout
        )[0]["id"]

        pull = median(lambda: measured([*WORKBENCH, "pull", incident, "-w", str(desk)]))
        copy = median(lambda: measured([sys.executable, "-c", COPY, str(desk), str(scratch)]))
        tell("pull, seconds", pull[0], copy[0], "s")
        tell("pull, peak memory", pull[1], copy[1], "MB")

        empty = notebook(scratch / "empty.ipynb", [["code", "pass"]])
        bare = [sys.executable, "-c", EMPTY, str(empty), str(scratch / "out.ipynb")]
        review = median(lambda: measured([*WORKBENCH, "review", incident, "-w", str(desk)]))
        floor = median(lambda: measured(bare))
        tell("review and list of reviews, seconds", review[0], floor[0], "s")
        tell("review and list of reviews, peak memory", review[1], floor[1], "MB")

        if CHROMIUM is None:
            print("first page: not measured, because there is no Chromium (Debian: apt-get install chromium)")
            return
        port = free_port()
        with serving([*WORKBENCH, "serve", "--port", str(port), "-w", str(desk)], port, f"/reviews/{incident}/") as (
            address,
            pid,
        ):
            figures = "[...document.querySelectorAll('.wb-figure')]"
            drawn = f"{figures}.length > 0 && {figures}.every(figure => figure.querySelector('svg'))"
            ours, our_memory = page(address, drawn), memory_of(pid)
        port = free_port()
        hello = notebook(scratch / "hello.ipynb", HELLO)
        voila = [sys.executable, "-m", "voila", str(hello), f"--port={port}", "--no-browser", "--Voila.ip=127.0.0.1"]
        with serving(voila, port, "/") as (address, pid):
            theirs, their_memory = page(address, "document.body.innerText.includes('hello')"), memory_of(pid)
        tell("first page complete in Chromium", ours, theirs, "s")
        tell("first page, peak memory of the server", our_memory, their_memory, "MB")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
