"""Pages are read side by side: while one is looked through, the next is on its way."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import polars as pl

__all__ = ["side_by_side"]

_WORKERS = 4


def side_by_side(tasks: Iterator[Callable[[], pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """Yield what tasks give, in their order; a few run at one time, in threads, and the others wait for them."""
    workers = min(_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        running: deque[Future[pl.DataFrame]] = deque()
        try:
            for task in tasks:
                running.append(pool.submit(task))
                if len(running) > workers:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for left in running:
                left.cancel()
