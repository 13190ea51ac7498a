"""Side by side is how a backend answers several requests at one time, and their answers still come in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from workbench.telemetry.source import Query

__all__ = ["side_by_side"]

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")


class _Given(threading.Event):
    """Set when the reader has gone, or when the query's own is."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether whoever works should give up."""
        return super().is_set() or self._other.is_set()


def side_by_side(
    tasks: Iterable[_Task], work: Callable[[_Task, Query], _Done], query: Query
) -> Iterator[tuple[_Task, _Done]]:
    """Yield each task with its result, in the order of the tasks; what ``work`` raises is raised in its place.

    No more than ``query.limits.concurrency`` results are being made or waiting, so that memory has a bound. When the
    reader stops early, so does the work: ``work`` gets a query whose ``stop`` says it.
    """
    at_once = query.limits.concurrency
    stop = _Given(query.stop)
    own = replace(query, stop=stop)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="ask")
    begun: deque[tuple[_Task, Future[_Done]]] = deque()
    try:
        for task in tasks:
            if len(begun) == at_once:
                first, future = begun.popleft()
                yield first, future.result()
            begun.append((task, pool.submit(work, task, own)))
        while begun:
            first, future = begun.popleft()
            yield first, future.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
