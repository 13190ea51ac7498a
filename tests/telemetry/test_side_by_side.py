"""Work is done side by side, comes in order, has a bound, and ends when nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from workbench.telemetry.web.side_by_side import Gone, side_by_side


def run(tasks: list[int], work: Callable[[int], object], *, at_once: int = 3) -> list[tuple[int, object]]:
    """Return all results."""
    return [*side_by_side(tasks, work, at_once=at_once, gone=Gone(threading.Event()))]


def test_results_come_in_the_order_of_the_tasks() -> None:
    """Also when the first takes longest: it waits here until another has been done."""
    second = threading.Event()

    def work(task: int) -> int:
        if task == 0:
            assert second.wait(10)
        if task == 1:
            second.set()
        return task * task

    assert run([0, 1, 2, 3, 4], work) == [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)]


def test_no_more_is_made_than_was_allowed() -> None:
    """While the reader looks at a result, only so many others are made or waiting."""
    begun: list[int] = []
    given = side_by_side(range(50), begun.append, at_once=3, gone=Gone(threading.Event()))
    next(given)
    assert len(begun) <= 3
    given.close()


def test_an_error_is_raised_in_its_place() -> None:
    """After the results before it."""

    def work(task: int) -> int:
        return 10 // task

    given = side_by_side([2, 1, 0, 5], work, at_once=2, gone=Gone(threading.Event()))
    assert [next(given), next(given)] == [(2, 5), (1, 10)]
    with pytest.raises(ZeroDivisionError):
        next(given)


def test_work_ends_when_the_reader_leaves_or_is_stopped() -> None:
    """It would otherwise wait for ever."""
    gone = Gone(threading.Event())
    given = side_by_side([0, 1, 2], lambda task: task or None if task == 0 else gone.wait(), at_once=3, gone=gone)
    assert next(given) == (0, None)
    given.close()
    assert gone.is_set()

    person = threading.Event()
    follower = Gone(person)
    assert not follower.wait(0)
    person.set()
    assert follower.wait()
