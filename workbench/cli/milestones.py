"""The command that proposes when an incident's milestones were; it writes nothing."""

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
    """Add the command to the command line."""
    app.command("milestones")(milestones)


def milestones(
    incident_id: IncidentArgument,
    snapshot: Snapshot = "",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Propose from pinned evidence when the incident started, was detected, acknowledged, mitigated and resolved.

    Nothing is written: a person confirms, in the forms of workbench facilitate.

    Example: [bold]workbench milestones slow-checkout[/bold]
    """
    from workbench.review import tell  # noqa: PLC0415 - help is printed without it
    from workbench.review.proposals import NAMES, proposals  # noqa: PLC0415
    from workbench.window import format_duration, format_time  # noqa: PLC0415
    from workbench.workspace import Workspace  # noqa: PLC0415

    here = Workspace.find(workspace)
    story = tell(here, incident_id, snapshot=here.snapshot(incident_id, snapshot).version)
    found = proposals(story)
    recorded = story.incident.milestones
    if output is Format.JSON:
        print_json(
            [
                {
                    "milestone": one.milestone,
                    "at": format_time(one.at),
                    "uncertainty_s": one.uncertainty.total_seconds(),
                    "sure": one.sure,
                    "reason": one.reason,
                    "conflict": one.conflict,
                    "recorded": format_time(now) if (now := getattr(recorded, one.milestone, None)) else None,
                    "evidence": one.citation.model_dump(mode="json"),
                }
                for one in found
            ]
        )
        return
    rows = []
    for one in found:
        now = getattr(recorded, one.milestone, None)
        sure = f"{one.sure}, ± {format_duration(one.uncertainty)}" if one.uncertainty else str(one.sure)
        why = f"{one.reason}\nConflict: it {one.conflict}" if one.conflict else one.reason
        rows.append([NAMES[one.milestone], format_time(one.at), sure, format_time(now) if now else "", why])
    print_table(
        ["Milestone", "Proposed (UTC)", "Sure", "In the record", "Why"],
        rows,
        empty="Nothing pinned tells of a milestone: no service stands out, and no alert, page or status is pinned.",
    )
    if found:
        typer.echo("Proposals only: nothing was written. A person confirms them in the forms: workbench facilitate")
