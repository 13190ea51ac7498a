"""Options that many commands share, and the two ways a command answers: a table for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workbench.publish.runs import CellDone

__all__ = [
    "As",
    "Format",
    "FormatOption",
    "IncidentArgument",
    "Snapshot",
    "WorkspaceOption",
    "notebook_progress",
    "print_json",
    "print_table",
    "say",
]


class Format(StrEnum):
    """How a command prints what it found."""

    TABLE = "table"
    JSON = "json"


WorkspaceOption = Annotated[
    str,
    typer.Option(
        "--workspace",
        "-w",
        metavar="DIR",
        help="The workspace; else WORKBENCH_WORKSPACE, else the nearest from here up.",
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="A table for people, or JSON for programs.")]
As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="PERSON",
        help="Who acts; else WORKBENCH_AUTHOR, else the workspace's setting, else your user name.",
    ),
]
Snapshot = Annotated[str, typer.Option("--snapshot", metavar="VERSION", help="Another snapshot than the newest.")]
IncidentArgument = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, such as slow-checkout.")]


def print_json(facts: Any) -> None:
    """Print facts as JSON, for programs."""
    typer.echo(json.dumps(facts, indent=2, ensure_ascii=False, default=str, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print rows under their columns, wrapped to the terminal; ``empty`` is said when there are none."""
    from rich import box  # noqa: PLC0415 - only a table needs it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not rows:
        typer.echo(empty)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As Text: what people or machines wrote is shown as it is, never read as markup.
        table.add_row(*(Text(cell) for cell in row))
    width = None if sys.stdout.isatty() else 160
    Console(width=width, highlight=False).print(table)


@contextmanager
def notebook_progress() -> Iterator[Callable[[CellDone], None]]:
    """Yield what to call after each cell of a notebook: a bar on a terminal, a line for each notebook elsewhere."""
    if not sys.stderr.isatty():

        def tell(cell: CellDone) -> None:
            if cell.done == cell.total:
                say(f"ran the notebook {cell.notebook!r}, {cell.total} cells")

        yield tell
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress, TaskID  # noqa: PLC0415

    with Progress(console=Console(stderr=True)) as progress:
        bars: dict[str, TaskID] = {}

        def show(cell: CellDone) -> None:
            if cell.notebook not in bars:
                bars[cell.notebook] = progress.add_task(f"notebook {cell.notebook}", total=cell.total)
            progress.update(bars[cell.notebook], completed=cell.done)

        yield show


def say(line: str) -> None:
    """Tell a person how it is going, beside the command's own output."""
    typer.echo(line, err=True)
