"""A candidate is a pinned event that could become an entry of the timeline; a person decides, and may reword it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from workbench.analysis.events import CHANGES
from workbench.review.happenings import Happening, all_of, sentence, who
from workbench.review.numbering import same

if TYPE_CHECKING:
    from workbench.evidence import Citation, Snapshot
    from workbench.record import TimelineEntry, TimelineKind

__all__ = ["Candidate", "candidates"]

_LONGEST_WHO = 200


@dataclass(frozen=True)
class Candidate:
    """An entry that could be: ``rank`` is 1 for what systems and customers' pages say, 2 for what people wrote."""

    at: datetime
    what: str
    who: str
    kind: TimelineKind
    citation: Citation
    rank: int
    source: str
    """What sort of event it is: alert, deploy, chat …"""


def candidates(
    events: pl.DataFrame, snapshot: Snapshot, entries: Sequence[TimelineEntry], *, services: Sequence[str] = ()
) -> tuple[Candidate, ...]:
    """Return the events that aren't in the timeline yet, in order of time.

    Changes are looked for in the baseline too; of all else what lies in the window. An event that an entry cites is in
    the timeline, and so is one of the same second with the same words. A message that was deleted is none.

    Args:
        events: as `workbench.analysis.events.read` gives them.
        snapshot: where they are pinned.
        entries: the timeline so far.
        services: those that are affected; changes of others, before the window, are left out where these are known.
    """
    cited = [citation for entry in entries for citation in entry.evidence if citation.frame == "events"]
    written = {(entry.at.replace(microsecond=0), entry.what.strip()) for entry in entries}
    found = []
    for one in all_of(events.filter(pl.col("state").ne_missing("deleted")), snapshot):
        before = one.at < snapshot.window.start
        if before and (one.kind not in CHANGES or (services and one.service and one.service not in services)):
            continue
        made = Candidate(
            one.at, sentence(one), who(one)[:_LONGEST_WHO], _kind(one), one.citation, 2 if one.kind == "chat" else 1,
            one.kind,
        )  # fmt: skip
        known = (one.at.replace(microsecond=0), made.what.strip()) in written
        if not known and not any(same(one.citation, citation) for citation in cited):
            found.append(made)
    return tuple(found)


def _kind(one: Happening) -> TimelineKind:
    from workbench.record import TimelineKind  # noqa: PLC0415 - a page is told without the database's library

    if one.kind in CHANGES:
        return TimelineKind.CHANGE
    if one.kind in {"chat", "status"}:
        return TimelineKind.COMMUNICATION
    if one.kind == "page" and one.state == "escalated":
        return TimelineKind.ESCALATION
    if one.state in {"acknowledged", "resolved"}:
        return TimelineKind.OBSERVATION
    return TimelineKind.DETECTION
