"""A watch is kept over a backend that may hang: what it gives is handed on as it comes, and awaited only so long."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import TypeVar

__all__ = ["Overdue", "Stopped", "watched"]

_T = TypeVar("_T")
_LOOK = 0.1  # seconds between two looks at whether to go on
_AHEAD = 2  # batches that may wait for whoever takes them


class Overdue(Exception):  # noqa: N818 - a state of affairs, which its catcher turns into a note or an error
    """The time that was allowed is over."""


class Stopped(Exception):  # noqa: N818 - likewise
    """Whoever asked doesn't want it any more."""


class _End:
    """Is handed over after the last page, with what ended the giving when that was an error."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def watched(pages: Callable[[], Iterable[_T]], *, seconds: float, stop: threading.Event) -> Generator[_T]:
    """Yield what ``pages`` gives, which runs in a thread of its own; an error of it is raised here, unchanged.

    A backend that hangs can't be made to return. It is left behind in its thread, which doesn't keep the process alive.

    Args:
        pages: starts the giving.
        seconds: how long all of it may take, counted from the first page asked for.
        stop: is looked at while waiting.

    Raises:
        Overdue: the seconds are over.
        Stopped: ``stop`` was set.
    """
    handed: queue.Queue[_T | _End] = queue.Queue(_AHEAD)
    left = threading.Event()
    threading.Thread(target=_give, args=(pages, handed, left), name="source", daemon=True).start()
    ends = time.monotonic() + seconds
    try:
        while True:
            page = _next(handed, ends, stop)
            if isinstance(page, _End):
                if page.error is not None:
                    raise page.error
                return
            yield page
    finally:
        left.set()


def _next(handed: queue.Queue[_T | _End], ends: float, stop: threading.Event) -> _T | _End:
    while True:
        if stop.is_set():
            raise Stopped
        left = ends - time.monotonic()
        if left <= 0:
            raise Overdue
        with suppress(queue.Empty):
            return handed.get(timeout=min(_LOOK, left))


def _give(pages: Callable[[], Iterable[_T]], handed: queue.Queue[_T | _End], left: threading.Event) -> None:
    end = _End()
    giving: Iterable[_T] = ()
    try:
        giving = pages()
        for page in giving:
            if not _put(handed, page, left):
                return
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where somebody waits
        end = _End(error)
    finally:
        if isinstance(giving, Generator):
            giving.close()
    _put(handed, end, left)


def _put(handed: queue.Queue[_T | _End], page: _T | _End, left: threading.Event) -> bool:
    """Hand a page over, and return whether anybody is still there to take it."""
    while not left.is_set():
        with suppress(queue.Full):
            handed.put(page, timeout=_LOOK)
            return True
    return False
