"""Commands about the workspace: make one, and prove that nothing in it was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import As, Format, FormatOption, WorkspaceOption, print_json, say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("init")(init)
    app.command("verify")(verify)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must be new or empty.")],
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill it with a real incident, its telemetry and an example review.")
    ] = False,
    author: As = "",
) -> None:
    """Make a workspace: settings, an empty record, and room for evidence and published reviews.

    Example: [bold]workbench init desk && cd desk[/bold]
    """
    if demo:
        from workbench.demo import build  # noqa: PLC0415 - only the demo needs it

        made = build(directory, author=author, tell=say)
    else:
        from workbench.workspace import Workspace  # noqa: PLC0415 - help is printed without it

        made = Workspace.create(directory)
    typer.echo(f"Made the workspace {made.root}")


def verify(workspace: WorkspaceOption = "", output: FormatOption = Format.TABLE) -> None:
    """Prove that pinned evidence and the record's history are as they were written; name what is not.

    Exit status 1 when anything was changed, removed or added.

    Example: [bold]workbench verify[/bold]
    """
    from workbench.workspace import Workspace  # noqa: PLC0415 - help is printed without it

    here = Workspace.find(workspace)
    found = here.verify()
    if output is Format.JSON:
        print_json({"whole": not found, "found": found})
    elif found:
        for line in found:
            typer.echo(line)
    else:
        typer.echo("All pinned evidence and the record's history are as they were written.")
    if found:
        raise typer.Exit(1)
