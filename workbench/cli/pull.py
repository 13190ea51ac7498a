"""The pull command: pin an incident's evidence, or what is due of every incident's; or only say what would be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import As, Format, FormatOption, WorkspaceOption, print_json, say

if TYPE_CHECKING:
    from workbench.evidence import Snapshot
    from workbench.evidence.due import Plan
    from workbench.telemetry.configured import ConfiguredSource
    from workbench.telemetry.preview import Preview
    from workbench.workspace import Workspace

__all__ = ["register"]

_Facts = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("pull")(pull)


def pull(
    incident_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The incident's id, unless --all.")] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every incident of the record.")] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Only what has to be pinned now, before a backend forgets it; for cron.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Pin nothing: print the queries, and how much they may bring.")
    ] = False,
    author: As = "",
    workspace: WorkspaceOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Read every source for the incident's window and its baseline, and pin what they answer as a new snapshot.

    Exit status 1 when a source could not be read; the others are pinned all the same.

    Example: [bold]workbench pull slow-checkout[/bold]
    """
    from workbench.errors import RequestError  # noqa: PLC0415 - help is printed without it
    from workbench.workspace import Workspace  # noqa: PLC0415

    if (incident_id is None) != everyone:
        problem = "takes an incident's id or --all, not both" if everyone else "needs an incident's id, or --all"
        raise RequestError(f"pull {problem}", do="Run: workbench incident list")
    here = Workspace.find(workspace)
    if incident_id is not None and not (due or dry_run or output is Format.JSON):
        _pull_one(here, incident_id, author)
        return
    with here.record(read_only=True) as record:
        ids = [one.id for one in record.incidents()] if incident_id is None else [record.incident(incident_id).id]
    sources, refused = _sources(here, due=due)
    each = _previewing(here, sources, due=due) if dry_run else _pulling(here, sources, author, due=due)
    told: list[_Facts] = []
    with _alone(here, due=due and not dry_run):
        for one in ids:
            told.append(_or_failed(each, one))
            if output is Format.TABLE:
                typer.echo(_line(told[-1]))
    if output is Format.JSON:
        print_json(told)
    elif not ids:
        typer.echo("There is no incident yet.")
    for error in refused:
        say(f"workbench: {error}")
    if refused or any(facts["outcome"] == "failed" or facts["outcome"].endswith("in part") for facts in told):
        raise typer.Exit(1)


def _pull_one(here: Workspace, incident_id: str, author: str) -> None:
    """Pull because a person said so, and tell it in sentences."""
    from workbench.evidence.display import display  # noqa: PLC0415 - help is printed without it

    with display() as tell:
        made = here.pull(incident_id, author=author, tell=tell)
    rows = sum(table.rows for table in made.manifest.tables)
    inside = sum(table.rows_in_window for table in made.manifest.tables)
    typer.echo(
        f"Pinned {rows:,} rows as snapshot {made.version}; {inside:,} of them in the incident's window {made.window}"
    )
    if not inside:
        typer.echo("Nothing was recorded in the window: check the incident's times, or look for another source.")
    for version in sorted({table.carried_from for table in made.manifest.tables if table.carried_from}):
        typer.echo(f"What its sources have forgotten, or could not give, was carried over from the snapshot {version}.")
    unanswered = made.manifest.unanswered
    if unanswered:
        names = ", ".join(f"{one.source} ({one.frame})" for one in unanswered)
        say(
            f"workbench: {len(unanswered)} of the frames could not be read: {names}. "
            "The reasons stand above; the others are pinned"
        )
        raise typer.Exit(1)


def _sources(here: Workspace, *, due: bool) -> tuple[list[ConfiguredSource], list[str]]:
    """Return the sources to ask. What is due must not wait until another source's table is mended."""
    if not due:
        return here.sources(), []
    usable, refused = here.usable_sources()
    return usable, [str(error) for error in refused.values()]


def _alone(here: Workspace, *, due: bool) -> Any:
    """Return what keeps two runs for what is due from pinning the same twice."""
    from contextlib import nullcontext  # noqa: PLC0415 - help is printed without it

    from workbench.versions import only_one  # noqa: PLC0415

    return only_one(here.root / "evidence", "a pull of what is due") if due else nullcontext()


def _or_failed(each: Callable[[str], _Facts], incident_id: str) -> _Facts:
    """Return what became of one incident; an error of one costs the others nothing."""
    from workbench.errors import WorkbenchError  # noqa: PLC0415 - help is printed without it

    try:
        return each(incident_id)
    except WorkbenchError as error:
        return {"incident": incident_id, "outcome": "failed", "error": str(error)}


def _pulling(here: Workspace, sources: list[ConfiguredSource], author: str, *, due: bool) -> Callable[[str], _Facts]:
    from workbench.evidence.display import display  # noqa: PLC0415 - help is printed without it

    def pull_one(incident_id: str) -> _Facts:
        plan = here.plan_due(incident_id, sources) if due else here.plan(incident_id, sources)
        if due and not plan.asks:
            return _nothing(incident_id, plan)
        with display() as tell:
            made = here.pull(incident_id, author=author, tell=tell, plan=plan)
        return _pinned(incident_id, plan, made)

    return pull_one


def _previewing(here: Workspace, sources: list[ConfiguredSource], *, due: bool) -> Callable[[str], _Facts]:
    from workbench.telemetry.preview import preview  # noqa: PLC0415 - help is printed without it

    named = {source.name: source for source in sources}

    def preview_one(incident_id: str) -> _Facts:
        plan = here.plan_due(incident_id, sources) if due else here.plan(incident_id, sources)
        if due and not plan.asks:
            return _nothing(incident_id, plan)
        asked = [(named[ask.part[0]], ask.part[1], ask.window) for ask in plan.asks]
        found = [_previewed(one) for one in preview(asked)]
        carried = [
            {"source": c.held.part[0], "frame": c.held.part[1], "snapshot": c.held.version} for c in plan.carries
        ]
        outcome = "would be pulled in part" if any(one["error"] for one in found) else "would be pulled"
        return {"incident": incident_id, "outcome": outcome, "asked": found, "carried": carried, "lost": _lost(plan)}

    return preview_one


def _nothing(incident_id: str, plan: Plan) -> _Facts:
    lost = _lost(plan)
    return {"incident": incident_id, "outcome": "too late" if lost else "nothing to do", "lost": lost}


def _pinned(incident_id: str, plan: Plan, made: Snapshot) -> _Facts:
    tables, lost = made.manifest.tables, _lost(plan)
    failed = [
        {"source": one.source, "frame": one.frame, "error": one.error}
        for one in made.manifest.unanswered[: len(made.manifest.unanswered) - len(lost)]
    ]
    return {
        "incident": incident_id,
        "outcome": "pinned in part" if failed else "pinned",
        "snapshot": made.version,
        "rows": sum(table.rows for table in tables),
        "pulled": [f"{table.source} {table.frame}" for table in tables if not table.carried_from],
        "carried": [f"{table.source} {table.frame}" for table in tables if table.carried_from],
        "unanswered": failed,
        "lost": lost,
    }


def _lost(plan: Plan) -> list[_Facts]:
    from workbench.window import format_time  # noqa: PLC0415 - help is printed without it

    return [
        {
            "source": one.part[0],
            "frame": one.part[1],
            "start": format_time(one.window.start),
            "end": format_time(one.window.end),
        }
        for one in plan.lost
    ]


def _previewed(one: Preview) -> _Facts:
    from workbench.window import format_time  # noqa: PLC0415 - help is printed without it

    return {
        "source": one.source,
        "frame": one.frame,
        "start": format_time(one.window.start),
        "end": format_time(one.window.end),
        "queries": one.asked.splitlines(),
        "rows": one.estimate.rows,
        "bytes": one.estimate.bytes,
        "series": one.estimate.series,
        "error": one.error,
    }


def _line(facts: _Facts) -> str:
    """Return what became of an incident in a line; of a preview also what would be asked."""
    head = f"{facts['incident']}: {facts['outcome']}"
    lost = [f"{one['source']} {one['frame']} of [{one['start']}, {one['end']})" for one in facts.get("lost", ())]
    forgotten = f"; forgotten before it was pinned: {', '.join(lost)}" if lost else ""
    if "error" in facts:
        return f"{head}: {facts['error']}"
    if "asked" in facts:
        carried = [
            f"  {one['source']} {one['frame']}: carried over from the snapshot {one['snapshot']}"
            for one in facts["carried"]
        ]
        return "\n".join([head + forgotten, *map(_query_lines, facts["asked"]), *carried])
    if "snapshot" not in facts:
        return head + forgotten
    told = f"{head} as snapshot {facts['snapshot']}, {facts['rows']:,} rows: {', '.join(facts['pulled'])}"
    told += f"; carried over: {', '.join(facts['carried'])}" if facts["carried"] else ""
    failed = [f"{one['source']} {one['frame']} ({one['error']})" for one in facts["unanswered"]]
    return told + (f"; not pinned: {'; '.join(failed)}" if failed else "") + forgotten


def _query_lines(one: _Facts) -> str:
    from workbench.evidence.progress import size  # noqa: PLC0415 - help is printed without it

    counts = [f"{one[what]:,} {what}" for what in ("rows", "series") if one[what] is not None]
    counts += [size(one["bytes"])] if one["bytes"] is not None else []
    brings = f"about {', '.join(counts)}" if counts else "unknown until it is read"
    last = f"can't be asked: {one['error']}" if one["error"] else f"would bring: {brings}"
    head = f"  {one['source']} {one['frame']} of [{one['start']}, {one['end']})"
    return "\n".join([head, *(f"    {query}" for query in one["queries"]), f"    {last}"])
