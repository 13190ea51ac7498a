"""Time of a pull of eight sources that each answer late, beside the pull of the slowest of them alone, in one run.

    make bench

Each source is a server of its own on the loopback interface, which answers every request after 200 ms with a page of
metrics; each needs two requests. All go through the real `pin`: threads, Parquet, checks, hashes, manifest. The floor
is the slowest of the eight, pulled alone. Each figure is the median of several runs.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl

from workbench.evidence.pin import pin
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Query, Reading, Tally
from workbench.telemetry.stream import stream, table
from workbench.telemetry.web.client import Web
from workbench.window import Window

LATENCY = 0.2
SOURCES = 8
RUNS = 7
MOST = 1.3
START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=60))
POINTS = 1000


class Late(BaseHTTPRequestHandler):
    """Answers after a while."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send one page of points."""
        time.sleep(LATENCY)
        body = json.dumps([[3 * n, n / 7] for n in range(POINTS)]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Remote:
    """A source of metrics that needs two requests, one after the other."""

    kind = "remote"
    frames: tuple[FrameName, ...] = ("metrics",)

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.web, _ = Web.from_settings(name, {}, url=url)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the points, unread."""
        tally = Tally()

        def pages() -> Iterator[pl.DataFrame]:
            for metric in ("requests_total", "latency"):
                points = self.web.get("/points", {"metric": metric}, query=query, tally=tally).json()
                yield table(
                    frame,
                    {
                        "time": [START + timedelta(seconds=at) for at, _ in points],
                        "metric": [metric] * len(points),
                        "service": [self.name] * len(points),
                        "value": [float(value) for _, value in points],
                    },
                )

        return Reading(frame, stream(frame, pages), f"GET {self.name}/points", tally)


@contextmanager
def serving() -> Iterator[str]:
    """Run a server until the block ends, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def pulled(sources: list[ConfiguredSource]) -> float:
    """Return how many seconds a pull takes."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        made = pin(sources, incident="late", window=WINDOW, baseline=None, folder=Path(folder))
        seconds = time.perf_counter() - began
    assert [one.rows for one in made.manifest.tables] == [2 * POINTS] * len(sources)  # noqa: S101
    return seconds


def main() -> None:
    """Measure, and print one line."""
    with ExitStack() as stack:
        sources = [ConfiguredSource(Remote(f"s{n}", stack.enter_context(serving()))) for n in range(SOURCES)]
        pulled(sources)
        together, alone = [], []
        for _ in range(RUNS):
            together.append(pulled(sources))
            alone.append([pulled([source]) for source in sources])
    ours = statistics.median(together)
    floor = max(statistics.median(times) for times in zip(*alone, strict=True))
    print(
        f"{f'pull of {SOURCES} sources, {LATENCY * 1000:.0f} ms late':<42} {ours:9.2f} s    "
        f"floor {floor:9.2f} s    ratio {ours / floor:6.2f}   (at most {MOST})"
    )


if __name__ == "__main__":
    main()
