"""Rows are the list beside a form: what is saved, each with the buttons that do something with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

__all__ = ["Badge", "Row", "Rows", "shortened"]

_SHORT = 60


@dataclass(frozen=True)
class Badge:
    """A short fact with a shape before its colour: ``kind`` is its look, ``icon`` its shape, by the style's names."""

    text: str
    kind: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Row:
    """One saved thing as the list shows it.

    Attributes:
        id: what the buttons send.
        lead: its time or day.
        title: what it is.
        note: a second line.
        name: how a button calls it ("Edit 14:51:10 CPU at its quota").
        group: what stands once above all rows that have it (the day).
        badges: its evidence, its state.
        buttons: names and words of what can be done with it.
        current: whether it is in the form now.
        withdrawn: why it was withdrawn, if it was.
    """

    id: str
    lead: str
    title: str
    note: str = ""
    name: str = ""
    group: str = ""
    badges: tuple[Badge, ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()
    current: bool = False
    withdrawn: str = ""


class Rows(anywidget.AnyWidget):
    """A list of rows that keeps the keyboard where it is when it changes."""

    _esm: ClassVar[Path] = Path(__file__).with_name("rows.js")

    heading = traitlets.Unicode().tag(sync=True)
    empty = traitlets.Unicode().tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)

    def __init__(self, empty: str) -> None:
        super().__init__(empty=empty)
        self._pressed: Callable[[str, str], object] = lambda _id, _name: None
        self.on_msg(self._heard)

    def show(self, heading: str, rows: Sequence[Row]) -> None:
        """Show these rows under this heading; nothing is sent when nothing changed."""
        self.heading = heading
        self.rows = [asdict(row) for row in rows]

    def on_press(self, callback: Callable[[str, str], object]) -> None:
        """Have ``callback`` called with a row's id and the name of the button that was pressed on it."""
        self._pressed = callback

    def _heard(self, _: object, content: Any, __: object) -> None:
        # Anything may come from a browser: only a button that this row has is pressed.
        if not isinstance(content, dict):
            return
        row = next((row for row in self.rows if row["id"] == content.get("id")), None)
        if row is not None and any(name == content.get("press") for name, _ in row["buttons"]):
            self._pressed(row["id"], content["press"])


def shortened(text: str) -> str:
    """Return a text short enough for a button's name, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 1].rstrip()}…"
