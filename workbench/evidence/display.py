"""A display shows a person a pull while it runs: bars on a terminal and in a notebook, a line a frame elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.evidence.progress import Progress, size, took

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["display", "lines"]


def lines(progress: Progress) -> list[str]:
    """Return what is said of a frame that has ended, a sentence and its notes; nothing of one that is being read."""
    head = f"[{progress.done}/{progress.total}] {progress.source} {progress.frame}"
    if progress.table is not None:
        table = progress.table
        told = (
            f"{head}: {table.rows:,} rows, {table.rows_in_window:,} of them in the window; took {took(table.seconds)}"
        )
        told += f", {size(table.received_bytes)} received" if table.received_bytes else ""
        told += "" if table.complete else "; INCOMPLETE"
        return [told, *(f"      {note.text}" for note in table.notes)]
    if progress.unanswered is not None:
        return [f"{head}: not pinned: {progress.unanswered.error} (after {took(progress.unanswered.seconds)})"]
    return []


@contextmanager
def display() -> Iterator[Callable[[Progress], None]]:
    """Yield what `pin` and `Workspace.pull` take as ``tell``.

    On a terminal and in a notebook each frame that is being read has a bar with its rows and bytes so far; each that
    has ended leaves its line. Elsewhere (a log, cron) there are only these lines. All goes to standard error.
    """
    from rich.console import Console  # noqa: PLC0415 - a pull without anybody to see it does without

    console = Console(stderr=True, highlight=False)
    if console.is_terminal or console.is_jupyter:
        with _bars(console) as tell:
            yield tell
        return

    def say(progress: Progress) -> None:
        for line in lines(progress):
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    yield say


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[Progress], None]]:
    from rich import progress as rich  # noqa: PLC0415 - a log does without
    from rich.text import Text  # noqa: PLC0415

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(bar_width=20),
        rich.TextColumn("{task.fields[came]}", markup=False),
        rich.TimeElapsedColumn(),
    )
    with rich.Progress(*columns, console=console, transient=True) as bars:
        whole = bars.add_task("frames", total=None, came="")
        reading: dict[tuple[str, str], rich.TaskID] = {}

        def show(progress: Progress) -> None:
            key = (progress.source, progress.frame)
            bars.update(
                whole, total=progress.total, completed=progress.done, came=f"{progress.done} of {progress.total}"
            )
            if progress.ended:
                if key in reading:
                    bars.remove_task(reading.pop(key))
                for line in lines(progress):
                    bars.console.print(Text(line))
                return
            if key not in reading:
                reading[key] = bars.add_task(f"{progress.source} {progress.frame}", total=None, came="")
            came = f"{progress.rows:,} rows" + (f", {size(progress.bytes)}" if progress.bytes else "")
            bars.update(reading[key], came=came)

        yield show
