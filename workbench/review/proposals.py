"""Proposals are the times that an incident's milestones may have had, as its pinned evidence tells them."""

from __future__ import annotations

from workbench.analysis import milestones
from workbench.analysis.milestones import CHANGE, MILESTONES, Proposal, Sure
from workbench.review.story import Story
from workbench.telemetry.names import FrameName

__all__ = ["CHANGE", "MILESTONES", "NAMES", "Proposal", "Sure", "proposals"]

NAMES = {name: name.removesuffix("_at").capitalize() for name in MILESTONES} | {CHANGE: "Last change before"}
"""What a person calls each."""

_READ: tuple[FrameName, ...] = ("metrics", "logs", "spans", "events")


def proposals(story: Story) -> tuple[Proposal, ...]:
    """Return what the story's snapshot proposes for each milestone; nothing while none is pinned."""
    pinned = story.snapshot
    if pinned is None:
        return ()
    return milestones.propose(
        {frame: pinned.by_source(frame) for frame in _READ},
        suspects=story.suspects,
        services=story.incident.services,
        window=story.window,
        baseline=pinned.baseline or story.window.baseline(story.window.duration),
        cite=pinned.manifest.cite,
    )
