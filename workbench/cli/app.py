"""The command line: one short command for each thing a person does, each of which calls one function and prints."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from workbench import __version__
from workbench.cli import evidence, incident, milestones, pages, pull, sources, workspace
from workbench.errors import WorkbenchError

__all__ = ["app", "main"]

_STOPPED = 130

app = typer.Typer(
    name="workbench",
    help="Turn an incident's telemetry into pinned evidence, a reviewed timeline and actions, and a readable page.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


workspace.register(app)
incident.register(app)
sources.register(app)
pull.register(app)
evidence.register(app)
milestones.register(app)
pages.register(app)


def main() -> None:
    """Run the command line and exit: 0 when all went well, 1 when it could not be done, 2 when it can't be meant."""
    try:
        app()
    except WorkbenchError as error:
        typer.echo("workbench: " + " ".join(str(error).split()), err=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # The reader of our output has gone (a pager was left): not an error of anybody's.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        if os.environ.get("WORKBENCH_DEBUG"):
            raise
        typer.echo(
            f"workbench: something went wrong that should not have ({type(error).__name__}: {said}). "
            "This is a defect: report it with what WORKBENCH_DEBUG=1 prints",
            err=True,
        )
        sys.exit(1)
    except SystemExit as ended:
        # How typer ends after Ctrl-C, without a word.
        if ended.code == _STOPPED:
            typer.echo("workbench: stopped; nothing half-made was kept", err=True)
        raise
