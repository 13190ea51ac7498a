"""A field is one input with its label, hint and error, made from one attribute of a record's type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets
from markupsafe import Markup

from widgets.reader import Day, Number, Reader, Words
from workbench.record.choices import Choice

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["NOTHING", "Field"]

NOTHING = object()
"""What an empty field reads as: the type's default is taken, or it is missing."""

_WRONG = "wb-field--wrong"


class Field:
    """One input of a form. The type says its label, hint, unit and choices, and whether it is required.

    It never writes into its own input while somebody types: only ``show``, ``clear`` and the program do, on purpose.

    Args:
        model: the record's type.
        name: the attribute it fills.
        empty: the sentence shown when it is required and nothing is there.
        label: words above the input, where the type's title is not the best beside its neighbours.
        hint: a line between label and input, where the type's description is not; "" for none.
        reader: how the text becomes a value; by the type unless it is a time.
        chooser: how choices look: a list that drops down, or radio buttons for a few.
        lines: more than one makes it a text of several lines.
        rule: a further check of the value that returns what is wrong, or nothing.
    """

    def __init__(
        self,
        model: type[BaseModel],
        name: str,
        *,
        empty: str = "",
        label: str | None = None,
        hint: str | None = None,
        reader: Reader | None = None,
        chooser: Literal["list", "radio"] = "list",
        lines: int = 1,
        rule: Callable[[Any], str] | None = None,
    ) -> None:
        info = model.model_fields[name]
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        default = None if info.is_required() else info.default
        self.name, self.required = name, info.is_required()
        self.label = label if label is not None else (info.title or name)
        self.hint = hint if hint is not None else (info.description or "")
        self.unit = str(extra.get("unit", ""))
        self.empty = empty or f"{self.label} is required."
        self.reader = reader or _reader(info.annotation)
        self.choices = _choices(info.annotation)
        self.touched = False
        self.error = ""
        self._put = ""
        self._rule = rule
        self.start = "" if _nothing(default) else self.reader.show(default)
        self.widget = self._input(chooser, lines)
        for css in ("wb-field", f"wb-key-{name}", *(["wb-field--required"] if self.required else [])):
            self.widget.add_class(css)
        self._describe()
        self.clear()

    @property
    def text(self) -> str:
        """What stands in the input now."""
        return str(self.widget.value or "")

    @text.setter
    def text(self, text: str) -> None:
        self.widget.value = (text or None) if isinstance(self.widget, ipywidgets.RadioButtons) else text

    @property
    def optional(self) -> bool:
        """Whether it may be left empty."""
        return not self.required and not self.start

    def read(self) -> object:
        """Return the value that was meant, or NOTHING.

        Raises:
            ValueError: it can't be understood or breaks the field's rule; the words are for the person who typed.
        """
        if not self.text.strip():
            return NOTHING
        value = self.reader.read(self.text)
        broken = self._rule(value) if self._rule else ""
        if broken:
            raise ValueError(broken)
        return value

    @property
    def changed(self) -> bool:
        """Whether it holds something else than what the program put there last."""
        return self.text.strip() != self._put

    def restore(self) -> None:
        """Put back what the program put there last."""
        self.text = self._put

    def show(self, value: object) -> None:
        """Put a value of the record into the input."""
        self._put = "" if _nothing(value) else self.reader.show(value).strip()
        self.text = "" if _nothing(value) else self.reader.show(value)

    def words(self, value: object) -> str:
        """Return a value as a person reads it, with its unit."""
        if _nothing(value):
            return "nothing"
        unit = f"\u00a0{self.unit}" if self.unit else ""
        return f"{self.reader.show(value)}{unit}"

    def clear(self) -> None:
        """Make it as in a new form."""
        self._put = self.start
        self.text = self.start
        self.touched = False
        self.mark("")

    def mark(self, error: str) -> None:
        """Show what is wrong between label and input, or nothing."""
        if error == self.error:
            return
        self.error = error
        self._describe()
        (self.widget.add_class if error else self.widget.remove_class)(_WRONG)

    def _input(self, chooser: str, lines: int) -> Any:
        shape = {"description_allow_html": True, "layout": {"width": "auto"}}
        if self.choices:
            options = [(f"{value.capitalize()}: {value.help}", str(value)) for value in self.choices]
            if chooser == "radio":
                return ipywidgets.RadioButtons(options=options, value=self.start or None, tooltip=self.label, **shape)
            return ipywidgets.Dropdown(options=[*([] if self.start else [("Choose…", "")]), *options], **shape)
        if lines > 1:
            return ipywidgets.Textarea(rows=lines, **shape)
        return ipywidgets.Text(**shape)

    def _describe(self) -> None:
        name = f"{self.label} {self.unit}" if self.unit else self.label
        optional = Markup(' <span class="wb-optional">(optional)</span>') if self.optional else ""
        parts = [Markup('<span class="wb-label">{}{}</span>').format(name, optional)]
        parts += [
            Markup('<span class="wb-{}">{}</span>').format(kind, words)
            for kind, words in (("hint", self.hint), ("error", self.error))
            if words
        ]
        self.widget.description = str(Markup("").join(parts))


def _reader(kind: object) -> Reader:
    if kind is int:
        return Number()
    return Day() if kind is date else Words()


def _choices(kind: object) -> tuple[Choice, ...]:
    return tuple(kind) if isinstance(kind, type) and issubclass(kind, Choice) else ()


def _nothing(value: object) -> bool:
    return value is None or value in ("", ())
