"""Commands about sources: list them, check that they answer, choose from what they hold, see how they name things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import Format, FormatOption, WorkspaceOption, print_json, print_table, say

if TYPE_CHECKING:
    from workbench.telemetry.check import Checked
    from workbench.telemetry.configured import ConfiguredSource
    from workbench.telemetry.discovery import Discovery
    from workbench.window import Window
    from workbench.workspace import Workspace

__all__ = ["register"]

Name = Annotated[str, typer.Argument(metavar="NAME", help="The NAME of [sources.NAME] in workbench.toml.")]
At = Annotated[
    str, typer.Option("--at", metavar="TIME", help="Until when, with its zone; until now unless told.", show_default="")
]
_SHOWN = 8


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Check the sources of telemetry, and choose from what they hold.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("check")(check)
    group.command("discover")(discover)
    group.command("names")(names)
    app.add_typer(group, name="sources")


def list_(workspace: WorkspaceOption = "", output: FormatOption = Format.TABLE) -> None:
    """List the sources with what the team set for each. Nothing is asked of them.

    Exit status 1 when one can't be used as its table stands.

    Example: [bold]workbench sources list[/bold]
    """
    from workbench.window import format_duration  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    usable, refused = _made(Workspace.find(workspace))
    if output is Format.JSON:
        print_json([_listed(one) for one in usable] + _refusals(refused))
    else:
        rows = [
            [
                one.name,
                one.kind,
                ", ".join(one.frames),
                format_duration(one.policy.retention) if one.policy.retention else "not set",
                _limits(one),
            ]
            for one in usable
        ]
        print_table(
            ["Source", "Kind", "Frames", "Retention", "Limits"],
            rows,
            empty="No source can be used." if refused else "No source is configured yet: add a [sources.NAME] table.",
        )
    for one_name, error in refused.items():
        say(f"{one_name}: {error}")
    if refused:
        raise typer.Exit(1)


def check(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One source; all of them unless named.", show_default="")
    ] = "",
    at: At = "",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Ask each source for one minute of data, and say in a line whether it answers, or what is wrong and what to do.

    Exit status 1 when one fails.

    Example: [bold]workbench sources check --at 2023-01-29T09:13:00Z[/bold]
    """
    from workbench.telemetry.check import LENGTH  # noqa: PLC0415 - help is printed without it
    from workbench.telemetry.check import check as ask  # noqa: PLC0415
    from workbench.workspace import Workspace  # noqa: PLC0415

    window = _until(at, LENGTH)
    usable, refused = _made(Workspace.find(workspace), name)
    found: list[Checked] = []
    if not usable and not refused and output is Format.TABLE:
        typer.echo("No source is configured yet: add a [sources.NAME] table.")
    for one in ask(usable, window):
        found.append(one)
        if output is Format.TABLE:
            typer.echo(_line(one))
    if output is Format.JSON:
        print_json([_answered(one) for one in found] + _refusals(refused))
    else:
        for one_name, error in refused.items():
            typer.echo(f"FAILED  {one_name}: {error}")
    if refused or not all(one.ok for one in found):
        raise typer.Exit(1)


def discover(
    name: Name,
    at: At = "",
    last: Annotated[str, typer.Option("--last", metavar="DURATION", help="How much before that is looked at.")] = "1h",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """List the services, metrics and labels that a source holds, to choose from.

    Example: [bold]workbench sources discover production --last 6h[/bold]
    """
    from workbench.telemetry.discovery import discover as ask  # noqa: PLC0415 - help is printed without it
    from workbench.window import parse_duration  # noqa: PLC0415
    from workbench.workspace import Workspace  # noqa: PLC0415

    window = _until(at, parse_duration(last, "--last"))
    found = ask(Workspace.find(workspace).source(name), window)
    if output is Format.JSON:
        labels = {label: list(values) for label, values in found.labels}
        facts = {"source": name, "window": str(window), "services": found.services, "metrics": found.metrics}
        print_json(facts | {"labels": labels, "note": found.note})
        return
    _print_discovery(found, window)


def names(name: Name, workspace: WorkspaceOption = "", output: FormatOption = Format.TABLE) -> None:
    """Show what a source's labels and columns are called in the frames, and whether the settings say so.

    Example: [bold]workbench sources names production[/bold]
    """
    from workbench.telemetry.mapping import mapping  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    here.source(name)
    found = mapping(name, here.settings.sources[name], here.root)
    if output is Format.JSON:
        told = {"names": found.names, "columns": found.columns}
        print_json({key: None if rows is None else [vars(row) for row in rows] for key, rows in told.items()})
        return
    if found.columns is not None:
        print_table(
            ["Frame", "Column", "Looked for as", "Because"],
            [[one.frame, one.column, ", ".join(one.theirs), one.by] for one in found.columns],
            empty="",
        )
    if found.names is not None:
        print_table(
            ["Label or attribute", "In the frames", "Because"],
            [[one.theirs, one.ours, one.by] for one in found.names],
            empty="",
        )
        typer.echo('Any other keeps the name it comes with. To overrule one: names = { pod = "k8s.pod.name" }')
    if found.names is None and found.columns is None:
        typer.echo("Sources of this kind have no names of their own: what they answer fits the frames as it is.")


def _made(here: Workspace, name: str = "") -> tuple[list[ConfiguredSource], dict[str, str]]:
    """Return the sources that can be used, and why the others can't."""
    from workbench.errors import SourceError  # noqa: PLC0415 - only a command that runs needs it

    usable: list[ConfiguredSource] = []
    refused: dict[str, str] = {}
    for one in [name] if name else here.settings.sources:
        try:
            usable.append(here.source(one))
        except SourceError as error:
            refused[one] = str(error)
    return usable, refused


def _until(at: str, length: timedelta) -> Window:
    from workbench.window import Window, parse_time  # noqa: PLC0415 - help is printed without it

    end = parse_time(at, "--at") if at else datetime.now(UTC)
    return Window(end - length, end)


def _listed(one: ConfiguredSource) -> dict[str, Any]:
    kept, limits = one.policy.retention, vars(one.policy.limits)
    retention = kept.total_seconds() if kept else None
    return {
        "source": one.name,
        "kind": one.kind,
        "frames": one.frames,
        "retention_s": retention,
        "clock_ahead_s": one.policy.clock_ahead.total_seconds(),
        "limits": limits,
    }


def _refusals(refused: dict[str, str]) -> list[dict[str, Any]]:
    return [{"source": name, "ok": False, "error": error} for name, error in refused.items()]


def _limits(one: ConfiguredSource) -> str:
    limits = one.policy.limits
    told = [f"{limits.rows:,} rows", _size(limits.bytes), f"{limits.series:,} series", f"{limits.seconds:g} s"]
    return ", ".join([*told, f"{limits.concurrency} at once"])


def _answered(one: Checked) -> dict[str, Any]:
    frames = [
        {
            "frame": frame.frame,
            "rows": frame.rows,
            "error": frame.error,
            "notes": [vars(problem) for problem in frame.problems],
        }
        for frame in one.frames
    ]
    facts = {"source": one.source, "kind": one.kind, "ok": one.ok, "frames": frames}
    return facts | {"bytes": one.bytes, "seconds": round(one.seconds, 3)}


def _line(one: Checked) -> str:
    told = "; ".join(f"{frame.frame}: {frame.error or f'{frame.rows:,} rows'}" for frame in one.frames)
    cost = (f"{_size(one.bytes)} in " if one.bytes else "in ") + f"{one.seconds:.1f} s"
    return f"{'ok    ' if one.ok else 'FAILED'}  {one.source} ({one.kind}): {told} ({cost})"


def _size(count: int) -> str:
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= step:
            return f"{count / step:.3g} {unit}"
    return f"{count} bytes"


def _print_discovery(found: Discovery, window: Window) -> None:
    typer.echo(f"In {window}:")
    for title, listed in (("Service", found.services), ("Metric", found.metrics)):
        print_table([f"{title}s ({len(listed)})"], [[one] for one in listed], empty=f"No {title.lower()} is named.")
    rows = [
        [label, ", ".join(values[:_SHOWN]) + (", …" if len(values) > _SHOWN else "")] for label, values in found.labels
    ]
    print_table([f"Labels ({len(rows)})", "Some of their values"], rows, empty="No label is there.")
    if found.note:
        typer.echo(found.note)
