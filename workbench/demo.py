"""The demo is a workspace made from one real incident that ships with the workbench, with an example review of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import resources
from workbench.errors import WorkspaceError
from workbench.settings import FILE
from workbench.versions import refused, versions
from workbench.workspace import Workspace

if TYPE_CHECKING:
    from workbench.record import ActionDraft, Record, TimelineEntryDraft
    from workbench.review import Story

__all__ = ["AUTHOR", "build", "prepare"]

AUTHOR = "Example facilitator"
"""In whose name the demo's record is written, so that nobody takes it for a person's work."""

_SOURCE = """
[sources.ticketshop]
kind = "parquet"
metrics = "telemetry/metrics.parquet"
logs = "telemetry/logs.parquet"
spans = "telemetry/spans.parquet"
"""


def prepare(root: Path, *, tell: Callable[[str], None] = lambda _: None) -> Workspace:
    """Return the demo workspace in ``root`` with its review published, making only what isn't there yet.

    Args:
        root: where it is, or will be made.
        tell: called with one line for each step.

    Raises:
        WorkspaceError: the folder holds something else.
        WorkbenchError: a step failed; what is there is kept, and the next call goes on from it.
    """
    root = root.expanduser().absolute()
    if (root / FILE).is_file():
        workspace = Workspace.open(root)
        incident = _incident(workspace)
        tell(f"1/4 workspace: {root} is there already")
        tell(f"2/4 evidence: pinned as {workspace.snapshot(incident).version}")
    else:
        workspace = build(root, tell=lambda line: tell(f"1/4 workspace: {line}"))
        incident = _incident(workspace)
        tell(f"2/4 evidence: pinned as {workspace.snapshot(incident).version}")
    _tell_suspects(workspace, incident, tell)
    _publish(workspace, incident, tell)
    return workspace


def build(root: Path, *, author: str = "", tell: Callable[[str], None] = lambda _: None) -> Workspace:
    """Make the demo workspace: its telemetry, its incident, the pinned evidence, and an example timeline and actions.

    The example's entries are read off the pinned evidence by the same analysis that everybody's incident gets; nothing
    here knows what was broken.

    Raises:
        WorkspaceError: the folder is a workspace already or isn't empty.
        StorageError: it can't be written.
    """
    from workbench.record import read_incident_draft  # noqa: PLC0415 - the database's library is needed only here
    from workbench.review import tell as story_of  # noqa: PLC0415 - so is polars

    author = author or AUTHOR
    root = root.expanduser().absolute()
    Workspace.check_new(root)
    # Made beside its place and moved there when it is whole, so that an interrupted run leaves nothing half-made.
    aside = root.with_name(f".{root.name}.half-made")
    shutil.rmtree(aside, ignore_errors=True)
    workspace = Workspace.create(aside, name=root.name)
    try:
        shutil.copytree(resources.DEMO / "telemetry", workspace.root / "telemetry")
        shutil.copy(resources.DEMO / "LICENSE", workspace.root / "telemetry" / "LICENSE")
        with (workspace.root / FILE).open("a", encoding="utf-8") as settings:
            settings.write(_SOURCE)
    except OSError as error:
        raise refused(workspace.root, error) from error
    workspace = Workspace.open(workspace.root)
    tell("copied the telemetry of a real incident (TrainTicket, 29 January 2023)")
    with workspace.record(author=author) as record:
        incident = record.add_incident(read_incident_draft({}, resources.DEMO / "incident.toml"))
    snapshot = workspace.pull(incident.id, author=author)
    tell(f"pulled {sum(table.rows for table in snapshot.manifest.tables):,} rows around it and pinned them")
    with workspace.record(author=author) as record:
        _tell_example(record, story_of(workspace, incident.id))
    tell("wrote an example timeline and example actions")
    try:
        workspace.root.rename(root)
    except OSError as error:
        raise refused(root, error) from error
    return Workspace.open(root)


def _incident(workspace: Workspace) -> str:
    """Return the id of the demo's incident."""
    with workspace.record(read_only=True) as record:
        for incident in record.incidents():
            if incident.example:
                return incident.id
    raise WorkspaceError(
        f"{workspace.root} is a workspace, but not the demo's", do="Choose another folder for the demo"
    )


def _tell_suspects(workspace: Workspace, incident: str, tell: Callable[[str], None]) -> None:
    from workbench.review import tell as story_of  # noqa: PLC0415 - polars is needed only here

    first = ", ".join(suspect.service for suspect in story_of(workspace, incident).suspects[:3])
    tell(f"3/4 analysis: the first suspects are {first}")


def _publish(workspace: Workspace, incident: str, tell: Callable[[str], None]) -> None:
    known = versions(workspace.published / incident)
    if known and versions(workspace.published / "_home"):
        tell(f"4/4 review: published as {known[-1]}")
        return
    from workbench.publish.runs import CellDone, publish_review  # noqa: PLC0415 - papermill is slow to import

    def told(cell: CellDone) -> None:
        if cell.done == cell.total:
            tell(f"4/4 review: ran the notebook {cell.notebook!r}, {cell.total} cells")

    made = publish_review(workspace, incident, tell=told)
    tell(f"4/4 review: published as {made.name}")


def _tell_example(record: Record, story: Story) -> None:
    """Write the few entries and actions of the example."""
    for entry in _entries(story):
        record.add_entry(story.incident.id, entry)
    for action in _actions():
        record.add_action(story.incident.id, action)


def _entries(story: Story) -> list[TimelineEntryDraft]:
    from workbench.record import TimelineEntryDraft, TimelineKind  # noqa: PLC0415 - see build
    from workbench.review.numbering import kind_of  # noqa: PLC0415

    times = story.incident.milestones
    drafts = [
        TimelineEntryDraft(
            at=times.started_at,
            what="Orders began to take longer than usual.",
            who="Customers of the ticket shop",
            kind=TimelineKind.OBSERVATION,
            uncertainty_s=30,
            example=True,
        )
    ]
    kinds = {"metric": "metrics", "log": "logs", "span": "traces"}
    for suspect in story.suspects[:1]:
        # The weightiest reason of each kind: a few entries that differ say more than many of the same.
        weightiest = {reason.kind: reason for reason in reversed(suspect.reasons) if reason.time is not None}
        drafts += [
            TimelineEntryDraft(
                at=reason.time or times.started_at,
                what=reason.text if suspect.service in reason.text else f"{suspect.service}: {reason.text}",
                who=f"The {kinds[reason.kind]} of {suspect.service}",
                why="Found in the pinned telemetry after the incident.",
                kind=TimelineKind.OBSERVATION,
                evidence=tuple(one.citation for one in story.behind(suspect.service, kind_of(reason.kind))),
                example=True,
            )
            for reason in sorted(weightiest.values(), key=lambda one: one.time or times.started_at)
        ]
    if times.mitigated_at:
        drafts.append(
            TimelineEntryDraft(
                at=times.mitigated_at,
                what="Orders were fast again; nobody had intervened.",
                who="On-call engineer of the ticket shop",
                kind=TimelineKind.MITIGATION,
                uncertainty_s=60,
                example=True,
            )
        )
    return drafts


def _actions() -> list[ActionDraft]:
    from workbench.record import ActionDraft, ActionKind  # noqa: PLC0415 - see build

    today = datetime.now(UTC).date()
    return [
        ActionDraft(
            title="Alert when a service leaves its usual range for two minutes",
            owner="Platform on-call",
            due=today + timedelta(days=30),
            kind=ActionKind.DETECT,
            factor="Nobody was told while customers waited.",
            success_metric="The next incident of this kind is detected within 3 minutes of its start.",
            rationale="This one ended by itself before anybody noticed.",
            example=True,
        ),
        ActionDraft(
            title="Give every service of the order path a second instance",
            owner="Ticket shop team",
            due=today + timedelta(days=90),
            kind=ActionKind.PREVENT,
            factor="One instance that slows down slows every order.",
            success_metric="With one instance stopped, 95 % of orders take less than 500 ms over 30 minutes.",
            rationale="Removes the weakness wherever it shows next.",
            example=True,
        ),
    ]
