"""Commands about incidents: add one, list them, show one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.options import As, Format, FormatOption, IncidentArgument, WorkspaceOption, print_json, print_table

__all__ = ["register"]

_MILESTONES = ("started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Add, list and show incidents.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group, name="incident")


def _time(name: str) -> Any:
    return typer.Option(
        f"--{name.replace('_', '-')}", metavar="TIME", help="With its zone, such as 2023-01-29T09:12:30Z."
    )


def add(
    incident_id: Annotated[
        str, typer.Option("--id", help="A short readable name, such as slow-checkout; it stays.")
    ] = "",
    title: Annotated[str, typer.Option("--title", help="What went wrong, as its users would say it.")] = "",
    severity: Annotated[str, typer.Option("--severity", help="SEV1 (worst) to SEV5.")] = "",
    service: Annotated[
        list[str] | None, typer.Option("--service", help="A service known to be affected; repeat for more.")
    ] = None,
    started_at: Annotated[str, _time("started_at")] = "",
    detected_at: Annotated[str, _time("detected_at")] = "",
    acknowledged_at: Annotated[str, _time("acknowledged_at")] = "",
    mitigated_at: Annotated[str, _time("mitigated_at")] = "",
    resolved_at: Annotated[str, _time("resolved_at")] = "",
    impact: Annotated[str, typer.Option("--impact", help="What people could not do, in their words.")] = "",
    affected_tenants: Annotated[
        int | None, typer.Option("--affected-tenants", help="How many customers were hurt.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Read it from a TOML file; flags win over the file.")
    ] = None,
    author: As = "",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Add an incident to the record. The five milestones but the first may be unknown yet.

    Example: [bold]workbench incident add --id slow-checkout --title "Checkout is slow" --severity SEV2
    --started-at 2023-01-29T09:12:30Z --resolved-at 2023-01-29T09:16:00Z[/bold]
    """
    from workbench.record import read_incident_draft  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    times = dict(zip(_MILESTONES, (started_at, detected_at, acknowledged_at, mitigated_at, resolved_at), strict=True))
    flags: dict[str, Any] = {
        "id": incident_id,
        "title": title,
        "severity": severity,
        "services": service,
        "milestones": {name: text for name, text in times.items() if text},
        "impact": {
            name: value
            for name, value in (("summary", impact), ("affected_tenants", affected_tenants))
            if value not in ("", None)
        },
    }
    draft = read_incident_draft({name: value for name, value in flags.items() if value}, file)
    with here.record(author=author) as record:
        added = record.add_incident(draft)
    if output is Format.JSON:
        print_json(added.model_dump(mode="json"))
    else:
        typer.echo(f"Added {added.id}. Next: workbench pull {added.id}")


def list_(workspace: WorkspaceOption = "", output: FormatOption = Format.TABLE) -> None:
    """List the incidents, the newest first.

    Example: [bold]workbench incident list --format json[/bold]
    """
    from workbench.window import format_duration, format_time  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    with Workspace.find(workspace).record(read_only=True) as record:
        incidents = sorted(record.incidents(), key=lambda one: (one.milestones.started_at, one.id), reverse=True)
    if output is Format.JSON:
        print_json([one.model_dump(mode="json") for one in incidents])
        return
    rows = []
    for one in incidents:
        times = one.milestones
        lasted = format_duration(times.resolved_at - times.started_at) if times.resolved_at else "lasts"
        rows.append([one.id, str(one.severity), format_time(times.started_at), lasted, one.title])
    print_table(
        ["Incident", "Severity", "Started", "Duration", "Title"],
        rows,
        empty="There is no incident yet. Add one: workbench incident add --help",
    )


def show(incident_id: IncidentArgument, workspace: WorkspaceOption = "", output: FormatOption = Format.TABLE) -> None:
    """Show one incident: its milestones, impact, timeline entries and actions.

    Example: [bold]workbench incident show slow-checkout[/bold]
    """
    from workbench.window import format_time  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    with Workspace.find(workspace).record(read_only=True) as record:
        one = record.incident(incident_id)
        entries, actions = record.entries(one.id), record.actions(one.id)
    if output is Format.JSON:
        timeline = [entry.model_dump(mode="json") for entry in entries]
        promised = [action.model_dump(mode="json") for action in actions]
        print_json(one.model_dump(mode="json") | {"timeline": timeline, "actions": promised})
        return
    typer.echo(f"{one.id} · {one.severity} · {one.title}" + (" (example)" if one.example else ""))
    typer.echo(f"Services: {', '.join(one.services) or 'not known yet'}")
    typer.echo(f"Impact: {one.impact.summary or 'not told yet'}")
    times = [(name, getattr(one.milestones, name)) for name in _MILESTONES]
    print_table(
        ["Milestone", "When (UTC)"],
        [[name.removesuffix("_at").capitalize(), format_time(at) if at else "not known yet"] for name, at in times],
        empty="",
    )
    print_table(
        ["When (UTC)", "What", "Who", "Evidence"],
        [
            [format_time(e.at), e.what, e.who, ", ".join(c.label for c in e.evidence) or "not yet supported"]
            for e in entries
        ],
        empty="No timeline entry yet.",
    )
    print_table(
        ["Action", "Owner", "Due", "State"],
        [[a.title, a.owner, a.due.isoformat(), str(a.state)] for a in actions],
        empty="No action yet.",
    )
