"""A form is the fields of one draft of the record, checked while somebody types; it is never the store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import ipywidgets
from markupsafe import Markup

from widgets.access import Access
from widgets.callout import Callout
from widgets.field import NOTHING, Field
from workbench.errors import InvalidError
from workbench.record.words import Fact

__all__ = ["Form", "button"]

DraftT = TypeVar("DraftT", bound=Fact)
SavedT = TypeVar("SavedT")

_REST = Markup('<p class="wb-hint">Fill in all that isn\'t marked optional.</p>')


class Form(ABC, Generic[DraftT, SavedT]):
    """Fields, their errors, and a button that saves.

    ``value`` is the draft, or None while something is wrong; ``errors`` says what, by field; ``view`` is what a
    notebook shows. A subclass says where a draft goes (``store``).

    Args:
        draft: the record's type that the form fills.
        fields: rows of fields, in reading order.
        title: what the form is called.
        save: the words on the button.
    """

    def __init__(self, draft: type[DraftT], fields: Iterable[Sequence[Field]], *, title: str, save: str) -> None:
        rows = [list(row) for row in fields]
        self.draft = draft
        self.fields = {field.name: field for row in rows for field in row}
        self.callout = Callout()
        self.access = Access(title)
        self._strict = False
        self._ahead: dict[str, str] = {}
        self._late: dict[str, str] = {}
        self._saved: list[Callable[[SavedT], object]] = []
        self._cleared: list[Callable[[], object]] = []
        self.heading = ipywidgets.HTML()
        self.heading.add_class("wb-heading")
        self.summary = ipywidgets.HTML()
        self.summary.add_class("wb-summary")
        self.save_button = button(save, "wb-button--primary", "wb-send-save", "wb-key-save")
        self.buttons = ipywidgets.HBox([self.save_button, self.summary])
        self.buttons.add_class("wb-buttons")
        self.rows = [self._row(row) for row in rows]
        self.view = ipywidgets.VBox([self.heading, self.callout, *self.rows, self.buttons, self.access])
        self.view.add_class("wb")
        self.view.add_class("wb-form")
        self.title(title)
        for field in self.fields.values():
            field.widget.observe(self.callout.guard(lambda _, field=field: self._typed(field)), "value")
        self.save_button.on_click(lambda _: self.guarded_save())
        self.access.on_typed(self._take)
        self.access.on_send("save", self.guarded_save)

    @property
    def value(self) -> DraftT | None:
        """The draft that the fields make, or None while something is wrong."""
        values, wrong = self._values()
        if wrong or self.draft.problems(values):
            return None
        return self.draft.of(values)

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by field, in words; also of fields that nobody has touched yet."""
        values, wrong = self._values()
        told = {name: self._sentence(name, text) for name, text in self.draft.problems(values).items()}
        return told | wrong

    @property
    def dirty(self) -> bool:
        """Whether it holds something that would be lost."""
        return any(field.changed for field in self.fields.values())

    def on_saved(self, callback: Callable[[SavedT], object]) -> None:
        """Have ``callback`` called with what was saved, after each save."""
        self._saved.append(callback)

    def on_cleared(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` called each time the form was emptied."""
        self._cleared.append(callback)

    @abstractmethod
    def store(self, draft: DraftT) -> SavedT:
        """Save the draft and return what was saved."""

    def after_save(self, saved: SavedT) -> None:
        """Say that it is saved and make ready for the next one."""
        words = self.saved_words(saved)
        self.callout.say("saved", words)
        self.access.say(words)
        self.access.focus(next(iter(self.fields)))

    def saved_words(self, saved: SavedT) -> str:  # noqa: ARG002 - a subclass may name what was saved
        """Return what is said after a save."""
        return "Saved"

    def more(self) -> dict[str, Any]:
        """Return values of the draft that nobody types."""
        return {}

    def save(self) -> SavedT | None:
        """Save what the fields say; when something is wrong, mark it, go to the first such field, and return None."""
        ahead, self._ahead = self._ahead, {}
        self._strict = True
        self.show_errors()
        draft = self.value
        if draft is None:
            self._go_to_first()
            return None
        try:
            saved = self.store(draft)
        except InvalidError as error:
            self._show({name: self._sentence(name, text) for name, text in error.fields.items()})
            self._go_to_first()
            return None
        self._ahead = ahead
        self.clear()
        self.after_save(saved)
        for callback in self._saved:
            callback(saved)
        return saved

    def guarded_save(self) -> None:
        """Save, with every error told in words on the form."""
        self.callout.guard(self.save)()

    def clear(self) -> None:
        """Make it a new form."""
        self._strict = False
        self._late, self._ahead = self._ahead, {}
        for field in self.fields.values():
            field.clear()
        self._show({})
        for callback in self._cleared:
            callback()

    def title(self, words: str) -> None:
        """Set what stands above the form."""
        self.access.form = words
        rest = _REST if any(field.optional for field in self.fields.values()) else ""
        self.heading.value = str(Markup("<h3>{}</h3>{}").format(words, rest))

    def show_errors(self) -> None:
        """Mark what is wrong: in fields that were touched, and in all once somebody tried to save."""
        wrong = self.errors
        self._show(
            {n: text for n, text in wrong.items() if self._strict or n not in self.fields or self.fields[n].touched}
        )

    def typed(self) -> None:
        """Do what a subclass does after each change of a field."""

    def _values(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what the fields read as, and what is wrong with those that can't be read."""
        values = self.more()
        wrong: dict[str, str] = {}
        for field in self.fields.values():
            try:
                value = field.read()
            except ValueError as error:
                wrong[field.name] = str(error)
                continue
            if value is not NOTHING:
                values[field.name] = value
        return values, wrong

    def _sentence(self, name: str, text: str) -> str:
        field = self.fields.get(name.partition(".")[0])
        if field is None:
            return f"{text[:1].upper()}{text[1:]}."
        if text == "is required":
            return field.empty
        return f"{field.label} {text}."

    def _typed(self, field: Field) -> None:
        late = self._late.get(field.name)
        if late is not None and field.changed:
            del self._late[field.name]
            if late == field.text:
                field.restore()
                return
        field.touched = field.touched or field.changed
        if self.callout.kind == "saved":
            self.callout.clear()
        self.show_errors()
        self.typed()

    def _take(self, texts: Mapping[str, str]) -> None:
        """Take the texts on the screen, which may be newer than what has arrived.

        The message of such a text is late: it arrives when the form is saved and empty already, and must not fill it
        again.
        """
        for name, text in texts.items():
            field = self.fields.get(name)
            if field is not None and not field.choices and field.text != text:
                field.text = text
                self._ahead[name] = text

    def _show(self, wrong: Mapping[str, str]) -> None:
        for field in self.fields.values():
            field.mark(wrong.get(field.name, ""))
        count = sum(bool(field.error) for field in self.fields.values())
        words = f"{count} field{'s' if count > 1 else ''} to correct before saving" if count else ""
        others = [text for name, text in wrong.items() if name not in self.fields]
        self.summary.value = str(Markup('<p class="wb-correct">{}</p>').format(words)) if words else ""
        if others and self._strict:
            self.callout.say("failed", others[0])

    def _go_to_first(self) -> None:
        first = next((field for field in self.fields.values() if field.error), None)
        if first is not None:
            count = sum(bool(field.error) for field in self.fields.values())
            self.access.say(f"Not saved: {count} to correct. {first.label}: {first.error}")
            self.access.focus(first.name)

    @staticmethod
    def _row(row: Sequence[Field]) -> Any:
        if len(row) == 1:
            return row[0].widget
        box = ipywidgets.HBox([field.widget for field in row])
        box.add_class("wb-row")
        return box


def button(words: str, *classes: str, tooltip: str = "") -> Any:
    """Return a button of the forms' look."""
    made = ipywidgets.Button(description=words, tooltip=tooltip, layout={"width": "auto", "height": "auto"})
    for css in ("wb-button", *classes):
        made.add_class(css)
    return made
