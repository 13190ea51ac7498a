"""Side by side is how a backend answers several requests at one time, and their answers still come in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Gone", "side_by_side"]

_GLANCE = 0.1

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")


class Gone(threading.Event):
    """Set when whoever reads has gone: it is set itself, or the event it is made of is."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether whoever works should give up."""
        return super().is_set() or self._other.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most so many seconds, and return whether it is."""
        ends = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _GLANCE if ends is None else min(_GLANCE, ends - time.monotonic())
            if left <= 0:
                break
            super().wait(left)
        return self.is_set()


def side_by_side(
    tasks: Iterable[_Task], work: Callable[[_Task], _Done], *, at_once: int, gone: Gone
) -> Iterator[tuple[_Task, _Done]]:
    """Yield each task with its result, in the order of the tasks; what ``work`` raises is raised in its place.

    Args:
        tasks: what is to be done.
        work: does one of them, in a thread.
        at_once: how many results are being made or waiting at most, so that memory has a bound.
        gone: is set when the reader stops before the end; ``work`` looks at it, and gives up.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="ask")
    begun: deque[tuple[_Task, Future[_Done]]] = deque()
    try:
        for task in tasks:
            if len(begun) == at_once:
                yield begun[0][0], begun[0][1].result()
                begun.popleft()
            begun.append((task, pool.submit(work, task)))
        while begun:
            yield begun[0][0], begun[0][1].result()
            begun.popleft()
    finally:
        if begun:
            gone.set()
        pool.shutdown(wait=True, cancel_futures=True)
