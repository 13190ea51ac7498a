"""What was found in an incident's evidence, looked for beside the page, so that forms can be used meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.record import TimelineEntry
    from workbench.review import Story
    from workbench.review.candidates import Candidate
    from workbench.review.proposals import Proposal
    from workbench.workspace import Workspace

__all__ = ["Found", "find"]

_TASKS: set[asyncio.Task[None]] = set()  # a task that nobody holds may be collected before it is done


@dataclass(frozen=True)
class Found:
    """The proposals for milestones, and the events that entries can be made of; ``why_none`` says why none are."""

    proposals: tuple[Proposal, ...] = ()
    why_none: str = ""
    story: Story | None = None

    @property
    def pinned(self) -> bool:
        """Whether any event is pinned."""
        return self.story is not None and not self.story.events.is_empty()

    def candidates(self, entries: Sequence[TimelineEntry]) -> tuple[Candidate, ...]:
        """Return the events that aren't among the entries."""
        from workbench.review.candidates import candidates  # noqa: PLC0415 - a page without evidence does without polars

        if self.story is None or self.story.snapshot is None:
            return ()
        services = (*self.story.incident.services, *(one.service for one in self.story.suspects[:1]))
        return candidates(self.story.events, self.story.snapshot, entries, services=services)


def find(
    workspace: Workspace,
    incident_id: str,
    tell: Callable[[Found], object],
    *,
    guard: Callable[[Callable[[], object]], Callable[[], None]],
) -> None:
    """Look at what is pinned and have ``tell`` called with it: soon, in a kernel; at once, where no event loop runs.

    ``guard`` wraps the telling, so that an error is told on the form.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        guard(lambda: tell(_look(workspace, incident_id)))()
        return

    async def go() -> None:
        [found] = await asyncio.gather(asyncio.to_thread(_look, workspace, incident_id), return_exceptions=True)
        guard(lambda: tell(_got(found)))()

    task = loop.create_task(go())
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)


def _got(found: Found | BaseException) -> Found:
    if isinstance(found, BaseException):
        raise found
    return found


def _look(workspace: Workspace, incident_id: str) -> Found:
    from workbench.review import tell  # noqa: PLC0415 - the page is there before polars is
    from workbench.review.proposals import proposals  # noqa: PLC0415

    try:
        workspace.snapshot(incident_id)
        story = tell(workspace, incident_id)
        made = proposals(story)
    except WorkbenchError as error:
        return Found(why_none=f"No proposals: {error.what}. {error.do}.")
    return Found(made, "" if made else "Nothing pinned tells of a milestone.", story)
