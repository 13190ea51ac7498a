"""Commands about evidence: list what is pinned, and rank the suspects by it."""

from __future__ import annotations

import typer

from workbench.cli.options import (
    Format,
    FormatOption,
    IncidentArgument,
    Snapshot,
    WorkspaceOption,
    print_json,
    print_table,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("evidence")(evidence)
    app.command("suspects")(suspects)


def evidence(
    incident_id: IncidentArgument,
    snapshot: Snapshot = "",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """List what a snapshot pins, the newest or the one named, and which of its clocks are apart.

    Example: [bold]workbench evidence slow-checkout --format json[/bold]
    """
    from workbench.errors import EvidenceError  # noqa: PLC0415 - help is printed without it
    from workbench.evidence.progress import size, took  # noqa: PLC0415
    from workbench.review import clocks  # noqa: PLC0415
    from workbench.window import format_time  # noqa: PLC0415
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    pinned = here.snapshot(incident_id, snapshot)
    tables = pinned.manifest.tables
    try:
        compared, unread = clocks.differences(pinned), ""
    except EvidenceError as error:  # what is pinned is listed all the same
        compared, unread = (), str(error)
    if output is Format.JSON:
        fields = {"source", "frame", "start", "end", "rows", "rows_in_window", "sha256", "complete", "asked", "notes"}
        fields |= {"seconds", "received_bytes"}
        missing = [one.model_dump(mode="json") for one in pinned.manifest.unanswered]
        place = pinned.path.relative_to(here.root)
        print_json(
            [
                table.model_dump(mode="json", include=fields)
                | {"path": (place / table.path).as_posix(), "snapshot": pinned.version, "unanswered": missing}
                | {"clocks": [clocks.facts(one) for one in compared if clocks.concerns(one, table)]}
                for table in tables
            ]
        )
        return
    typer.echo(f"Snapshot {pinned.version} of {incident_id}; the incident's window is {pinned.window}")
    print_table(
        ["Source", "Frame", "From", "To", "Rows", "In window", "Took", "Received", "SHA-256", "Complete"],
        [
            [
                t.source,
                t.frame,
                format_time(t.start),
                format_time(t.end),
                f"{t.rows:,}",
                f"{t.rows_in_window:,}",
                took(t.seconds),
                size(t.received_bytes),
                t.sha256[:12],
                "yes" if t.complete else "no",
            ]
            for t in tables
        ],
        empty="Nothing is pinned in it.",
    )
    for table in tables:
        if not table.complete:
            causes = " ".join(note.text for note in table.notes) or "It was not said why."
            typer.echo(f"Incomplete: {table.frame} of {table.source}: {causes}")
    for one in pinned.manifest.unanswered:
        typer.echo(f"Not pinned: {one.frame} of {one.source}, tried for {took(one.seconds)}: {one.error}")
    if unread:
        typer.echo(f"Clocks: not compared: {unread}")
    for different in clocks.significant(compared):
        hint = clocks.setting(different)
        typer.echo(f"Clocks: {clocks.sentence(different)}." + (f" Set {hint}, then pull again." if hint else ""))
    if compared and not clocks.significant(compared):
        typer.echo(f"Clocks: {len(compared)} pairs compared, none apart.")


def suspects(
    incident_id: IncidentArgument,
    snapshot: Snapshot = "",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Rank every service by the evidence against it, with the reasons: which series or message moved, when, how much.

    Example: [bold]workbench suspects slow-checkout --format json[/bold]
    """
    from workbench.review import tell  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    pinned = here.snapshot(incident_id, snapshot)
    found = tell(here, incident_id, snapshot=pinned.version).suspects
    if output is Format.JSON:
        print_json([one.model_dump(mode="json") for one in found])
        return
    print_table(
        ["Rank", "Service", "Score", "Why"],
        [
            [str(s.rank), s.service, f"{s.score:.2f}", "\n".join(r.text for r in s.reasons[:3]) or "nothing moved"]
            for s in found
        ],
        empty="No service is known: nothing with a service's name was pinned.",
    )
    if found and not any(one.stands_out for one in found):
        typer.echo("None stands out: nothing in this window differs enough from the baseline to name a suspect.")
