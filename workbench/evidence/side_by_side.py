"""Side by side is how sources are read: each frame in a thread of its own, as many of one source as it allows."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, NoReturn, TypeVar

from workbench.telemetry.watch import Stopped

__all__ = ["Job", "Outcome", "side_by_side", "terminable"]

_T = TypeVar("_T")
_LOOK = 0.2  # seconds between two looks at how far the jobs have come
_PATIENCE = 2.0  # seconds for threads to end by themselves once everything is stopped


@dataclass(frozen=True)
class Job(Generic[_T]):
    """Something to do: ``group`` says whom it asks, ``at_once`` how many of the group may run at one time."""

    group: str
    at_once: int
    run: Callable[[], _T]


@dataclass(frozen=True)
class Outcome(Generic[_T]):
    """How the job at a place of the list ended: its result, or the error it raised."""

    place: int
    result: _T | None = None
    error: BaseException | None = None


def side_by_side(
    jobs: Sequence[Job[_T]], *, stop: threading.Event, look: Callable[[set[int]], None]
) -> Generator[Outcome[_T]]:
    """Yield how each job ended, the first to end first.

    When the caller leaves before the last, by an error or Ctrl-C, ``stop`` is set. Threads get a moment to end; one
    that hangs is left behind, and doesn't keep the process alive.

    Args:
        jobs: what to do.
        stop: looked at by the jobs.
        look: called several times a second, between outcomes, with the places of the jobs that run.
    """
    ended: queue.Queue[Outcome[_T]] = queue.Queue()
    room = {job.group: threading.Semaphore(job.at_once) for job in jobs}
    running: set[int] = set()

    def work(place: int, job: Job[_T]) -> None:
        with room[job.group]:
            running.add(place)
            try:
                outcome = Outcome(place, error=Stopped()) if stop.is_set() else Outcome(place, job.run())
            except BaseException as error:  # noqa: BLE001 - it is raised, or told, where somebody waits
                outcome = Outcome(place, error=error)
            finally:
                running.discard(place)
        ended.put(outcome)

    threads = [
        threading.Thread(target=work, args=one, name=f"pull {one[1].group}", daemon=True) for one in enumerate(jobs)
    ]
    try:
        for thread in threads:
            thread.start()
        left, looked = len(jobs), time.monotonic()
        while left:
            with suppress(queue.Empty):
                yield ended.get(timeout=_LOOK)
                left -= 1
            if left and time.monotonic() - looked >= _LOOK:
                look(set(running))
                looked = time.monotonic()
    finally:
        stop.set()
        ends = time.monotonic() + _PATIENCE
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, ends - time.monotonic()))


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that it is left in order; where nobody else handles it already."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def ask(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
