"""Evidence, on a form, is the list of citations that a claim will be saved with; each can be taken off again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ipywidgets
from markupsafe import Markup

from widgets.form import button
from workbench.evidence import Citation

__all__ = ["Evidence"]


class Evidence:
    """The chips of a form: one for each citation, pressed to take it off.

    Args:
        none: what stands there while there is none; with no words for it, nothing is shown then.
        removed: called after one was taken off.
    """

    def __init__(self, *, none: str, removed: Callable[[], object]) -> None:
        self._none = ipywidgets.HTML(str(Markup('<span class="wb-hint">{}</span>').format(none))) if none else None
        self._removed = removed
        self._citations: tuple[Citation, ...] = ()
        title = ipywidgets.HTML('<span class="wb-label">Evidence <span class="wb-optional">(optional)</span></span>')
        self._chips = ipywidgets.HBox()
        self._chips.add_class("wb-chips")
        self.view = ipywidgets.VBox([title, self._chips])
        for css in ("wb-evidence", "wb-key-evidence"):
            self.view.add_class(css)
        self.set(())

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What will be saved."""
        return self._citations

    def set(self, citations: Iterable[Citation]) -> None:
        """Show these and no others."""
        self._citations = tuple(citations)
        self._chips.children = [self._chip(one) for one in self._citations] or ([self._none] if self._none else [])
        self.view.layout.display = "" if self._chips.children else "none"

    def add(self, citation: Citation) -> None:
        """Attach a citation; it takes the place of the last one when that shows another span of the same series."""
        kept = list(self._citations)
        if kept and _series(kept[-1]) == _series(citation):
            kept.pop()
        self.set([*(one for one in kept if one != citation), citation])

    def _chip(self, citation: Citation) -> ipywidgets.Button:
        chip = button(citation.label, "wb-chip", tooltip=f"Take off this evidence: {citation.label}")
        chip.on_click(lambda _: self._remove(citation))
        return chip

    def _remove(self, citation: Citation) -> None:
        self.set(one for one in self._citations if one != citation)
        self._removed()


def _series(citation: Citation) -> tuple[object, ...]:
    return (citation.snapshot, citation.sha256, citation.services, citation.names)
