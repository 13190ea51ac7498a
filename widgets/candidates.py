"""Candidates are the pinned events that could become entries; one press puts one into the timeline's form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import ipywidgets

from widgets.callout import Callout
from widgets.reader import day_words, time_words
from widgets.rows import Badge, Row, Rows, shortened

if TYPE_CHECKING:
    from workbench.review.candidates import Candidate

__all__ = ["CandidateList"]

_MOST = 60  # shown at once; what systems said goes before what people wrote
_NONE = "Every pinned event is in the timeline."
_NO_EVENTS = (
    "No events are pinned for this incident. Alerts, pages, deploys, status notices and chat come from a source of "
    "events in workbench.toml, with the next workbench pull."
)


class CandidateList:
    """The events that aren't in the timeline yet, each with a button that offers it to a form.

    Args:
        add: called with the candidate whose button was pressed.
    """

    def __init__(self, add: Callable[[Candidate], object]) -> None:
        self._add = add
        self._candidates: dict[str, Candidate] = {}
        self.callout = Callout()
        self.list = Rows("")
        self.view = ipywidgets.VBox([self.callout, self.list])
        for css in ("wb", "wb-candidates"):
            self.view.add_class(css)
        self.list.on_press(self.callout.guard(self._press))

    def show(self, candidates: Sequence[Candidate], *, pinned: bool) -> None:
        """Show these, in order of time; ``pinned`` says whether any event is pinned at all."""
        foremost = sorted(candidates, key=lambda one: one.rank)[:_MOST]
        shown = sorted(foremost, key=lambda one: one.at)
        self._candidates = {f"event-{place}": one for place, one in enumerate(shown)}
        left = len(candidates) - len(shown)
        more = f", {left} more after these" if left else ""
        self.list.empty = _NONE if pinned else _NO_EVENTS
        heading = f"{len(candidates)} event{'' if len(candidates) == 1 else 's'} not in the timeline{more}"
        self.list.show(heading if pinned else "Events", [_row(key, one) for key, one in self._candidates.items()])

    def say(self, words: str) -> None:
        """Say why there is nothing to show yet."""
        self.list.empty = words
        self.list.show("Events", [])

    def _press(self, item_id: str, _name: str) -> None:
        self._add(self._candidates[item_id])


def _row(key: str, one: Candidate) -> Row:
    return Row(
        id=key,
        lead=time_words(one.at),
        title=one.what,
        note=f"{one.who} · {one.kind}",
        name=f"{time_words(one.at)} {shortened(one.what)}",
        group=f"{day_words(one.at.astimezone(UTC))}, UTC",
        badges=(Badge(one.source),),
        buttons=(("add", "Add"),),
    )
