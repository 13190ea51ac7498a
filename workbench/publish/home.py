"""The home page lists every incident of the workspace, and links to the reviews that are published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.publish.sections import Section, reviews
from workbench.versions import versions

if TYPE_CHECKING:
    from workbench.record import Incident
    from workbench.workspace import Workspace

__all__ = ["list_reviews"]


def list_reviews(workspace: Workspace) -> Section:
    """Return the list of all incidents with severity, state and duration, as of today.

    Raises:
        RecordError: the record can't be read.
    """
    with workspace.record(read_only=True) as record:
        incidents = record.incidents()

    def address(incident: Incident) -> str:
        return f"/reviews/{incident.id}/" if versions(workspace.published / incident.id) else ""

    return reviews(incidents, href=address, as_of=datetime.now(UTC).date())
