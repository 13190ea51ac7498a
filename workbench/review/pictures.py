"""A picture is a chart of a story: what the room of charts draws from its frames, with its numbers of evidence."""

from __future__ import annotations

from workbench import charts
from workbench.charts import Figure
from workbench.evidence import Citation
from workbench.review.moments import moments
from workbench.review.story import Story
from workbench.telemetry.schema import FrameName

__all__ = ["at_a_glance", "error_messages", "top_suspects"]

_FIELDS = {
    "Started": "started_at",
    "Detected": "detected_at",
    "Acknowledged": "acknowledged_at",
    "Mitigated": "mitigated_at",
    "Resolved": "resolved_at",
}


def at_a_glance(story: Story) -> Figure:
    """Return phases, milestones and the series that moved most, on one axis of time."""
    return charts.glance(
        story.frame("metrics"),
        story.frame("spans"),
        suspects=story.suspects,
        changes=story.changes,
        milestones=story.incident.milestones,
        phases=story.phases,
        window=story.window,
        baseline=story.baseline,
        unproven=frozenset(_FIELDS[one.milestone] for one in moments(story) if one.milestone and one.unproven),
        citation=_cited(story, "metrics", "spans"),
    )


def top_suspects(story: Story) -> Figure:
    """Return the most suspect services, each with the series that speaks loudest against it."""
    return charts.suspects(
        story.frame("metrics"),
        story.frame("spans"),
        ranked=story.suspects,
        changes=story.changes,
        window=story.window,
        baseline=story.baseline,
        citation=_cited(story, "metrics", "spans"),
    )


def error_messages(story: Story) -> Figure:
    """Return the error messages over time, new ones apart from known ones."""
    return charts.messages(
        story.frame("logs"),
        templates=story.errors,
        window=story.window,
        baseline=story.baseline,
        citation=_cited(story, "logs"),
    )


def _cited(story: Story, *frames: FrameName) -> Citation | None:
    """Return the evidence of the frames that covers the most services, all named with their numbers."""
    found = []
    for frame in frames:
        known = [one for one in story.evidence if one.citation.frame == frame]
        found += sorted(known, key=lambda one: (-len(one.citation.services), one.number))[:1]
    if not found:
        return None
    label = ", and ".join(f"{one.name}, {one.citation.label}" for one in found)
    return found[0].citation.model_copy(update={"label": label[:200]})
