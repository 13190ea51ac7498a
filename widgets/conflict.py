"""A conflict is two versions of one thing: somebody saved a newer one while this one was being typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets
from markupsafe import Markup

from widgets.form import button

__all__ = ["Conflict", "Difference"]


class Difference(NamedTuple):
    """One field in which the two versions differ, in words."""

    label: str
    mine: str
    theirs: str


class Conflict:
    """Shows both versions line by line and lets a person choose; nothing is lost until they do."""

    def __init__(self, *, keep_mine: Callable[[], object], take_theirs: Callable[[], object]) -> None:
        self._text = ipywidgets.HTML()
        self.keep = button("Keep mine", "wb-button--primary")
        self.take = button("Take theirs")
        self.keep.on_click(lambda _: keep_mine())
        self.take.on_click(lambda _: take_theirs())
        buttons = ipywidgets.HBox([self.keep, self.take])
        buttons.add_class("wb-buttons")
        self.view = ipywidgets.VBox([self._text, buttons])
        for css in ("wb", "wb-conflict"):
            self.view.add_class(css)
        self.differences: tuple[Difference, ...] = ()
        self.hide()

    @property
    def shown(self) -> bool:
        """Whether somebody has to choose."""
        return bool(self.view.layout.display != "none")

    def show(self, who: str, when: str, differences: Sequence[Difference]) -> None:
        """Show who saved when, and what differs."""
        self.differences = tuple(differences)
        rows = Markup("").join(
            Markup('<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>').format(*one) for one in differences
        )
        table = (
            Markup(
                '<table class="wb-table"><thead><tr><th scope="col">Field</th><th scope="col">Yours, unsaved</th>'
                '<th scope="col">{}, {}</th></tr></thead><tbody>{}</tbody></table>'
            ).format(who, when, rows)
            if differences
            else Markup("<p>Both versions say the same.</p>")
        )
        self._text.value = str(
            Markup(
                '<div role="alert"><h3>{} changed this too, at {}</h3><p>Nothing is lost. Choose one.</p></div>{}'
            ).format(who, when, table)
        )
        self.view.layout.display = ""

    def hide(self) -> None:
        """Show nothing."""
        self.differences = ()
        self._text.value = ""
        self.view.layout.display = "none"
