"""Commands about pages: make the review, serve the dashboards, open the forms and the notebooks, run the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import As, IncidentArgument, Snapshot, WorkspaceOption, notebook_progress, say

__all__ = ["register"]

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port on 127.0.0.1; 0 picks a free one.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("review")(review)
    app.command("serve")(serve)
    app.command("facilitate")(facilitate)
    app.command("lab")(lab)
    app.command("demo")(demo)


def review(incident_id: IncidentArgument, snapshot: Snapshot = "", workspace: WorkspaceOption = "") -> None:
    """Run the standard notebooks with papermill and publish the review as a new version.

    A notebook that fails leaves the version before it served.

    Example: [bold]workbench review slow-checkout[/bold]
    """
    from workbench.publish.runs import publish_review  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    with notebook_progress() as tell:
        made = publish_review(Workspace.find(workspace), incident_id, snapshot=snapshot, tell=tell)
    typer.echo(f"Published {incident_id} as version {made.name}. See it: workbench serve")


def serve(port: Port = 8866, workspace: WorkspaceOption = "") -> None:
    """Serve the published reviews, read-only, on this machine until Ctrl-C.

    Example: [bold]workbench serve --port 8866[/bold]
    """
    from workbench.publish.serve import serve as run  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    run(Workspace.find(workspace).root, port=port)


def facilitate(port: Port = 8867, author: As = "", workspace: WorkspaceOption = "") -> None:
    """Open the forms in the browser, with write access for whoever has the token that is printed.

    Example: [bold]workbench facilitate --as "Ana Silva"[/bold]
    """
    from workbench.publish.serve import facilitate as run  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    run(here.root, port=port, author=here.author(author))


def lab(
    port: Port = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in your browser.")] = True,
    author: As = "",
    workspace: WorkspaceOption = "",
) -> None:
    """Open JupyterLab on this workspace's notebooks.

    Example: [bold]workbench lab --no-browser[/bold]
    """
    from workbench.publish.serve import lab as run  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    run(here.root, port=port, author=here.author(author), browser=browser)


def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the demo workspace is, or will be made.")
    ] = Path("demo"),
    port: Port = 8866,
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it, or stop when it is made.")] = True,
) -> None:
    """Make the demo workspace from a real incident, publish its review, and serve it; what is there is used again.

    Example: [bold]workbench demo /tmp/demo --port 8866[/bold]
    """
    from workbench.demo import prepare  # noqa: PLC0415 - help is printed without it

    here = prepare(directory, tell=say)
    if serving:
        from workbench.publish.serve import serve as run  # noqa: PLC0415 - only a server needs it

        run(here.root, port=port)
