"""An editor is a form over a list of the record: what is saved can be edited and withdrawn; others' saves are seen."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import ipywidgets

from widgets.conflict import Conflict, Difference
from widgets.evidence import Evidence
from widgets.field import Field
from widgets.form import Form, button
from widgets.reader import time_words
from widgets.reason import ReasonForm
from widgets.rows import Row, Rows
from widgets.watch import Watch
from workbench.errors import ConflictError
from workbench.evidence import Citation
from workbench.record import Action, ActionDraft, Record, TimelineEntry, TimelineEntryDraft

__all__ = ["Editor"]


DraftT = TypeVar("DraftT", bound=TimelineEntryDraft | ActionDraft)
ItemT = TypeVar("ItemT", bound=TimelineEntry | Action)


class Editor(Form[DraftT, ItemT]):
    """The form, the list beside it, the reason asked for before withdrawing, and the choice after a conflict.

    A subclass says how the record is asked: ``add``, ``change``, ``withdraw``, ``fetch_all``; and how one looks:
    ``row``, ``name_of``. ``view`` is the form alone, ``panel`` with what may appear under it, ``list`` the list.

    Args:
        draft: the record's type that the form fills.
        fields: rows of fields, in reading order.
        record: where it is saved.
        incident_id: whose list this is.
        noun: what one is called ("entry").
        none: what stands in the list while it is empty.
        no_evidence: what stands in place of the evidence while there is none.
    """

    def __init__(
        self,
        draft: type[DraftT],
        fields: Iterable[Sequence[Field]],
        *,
        record: Record,
        incident_id: str,
        noun: str,
        none: str,
        no_evidence: str = "",
    ) -> None:
        self.record, self.incident_id, self.noun = record, incident_id, noun
        self.editing: ItemT | None = None
        self.evidence = Evidence(none=no_evidence, removed=self._evidence_removed)
        super().__init__(draft, fields, title=f"Add {noun}", save=f"Save {noun}")
        self.clear_button = button("Clear", "wb-key-clear", "wb-send-clear")
        self.withdraw_button = button("Withdraw…", "wb-key-withdraw")
        self.buttons.children = [self.save_button, self.clear_button, self.withdraw_button, self.summary]
        self._lay_out(self.evidence.view)
        self.reason = ReasonForm(done=lambda: self.access.focus(next(iter(self.fields))))
        self.conflict = Conflict(
            keep_mine=self.callout.guard(self.keep_mine), take_theirs=self.callout.guard(self.take_theirs)
        )
        self.list = Rows(none)
        self.panel = ipywidgets.VBox([self.view, self.conflict.view, self.reason.view])
        self.panel.add_class("wb-stack")
        self._items: dict[str, ItemT] = {}
        self._theirs: ItemT | None = None
        self.clear_button.on_click(lambda _: self.callout.guard(self.start_anew)())
        self.access.on_send("clear", self.callout.guard(self.start_anew))
        self.withdraw_button.on_click(lambda _: self.callout.guard(self.ask_to_withdraw)())
        self.list.on_press(self.callout.guard(self.press))
        self._set_buttons()
        self.refresh()
        self.watch = Watch(record, self.refresh, guard=self.callout.guard)

    # What a subclass says.

    @abstractmethod
    def add(self, draft: DraftT) -> ItemT:
        """Store a new one."""

    @abstractmethod
    def change(self, saved: ItemT, draft: DraftT) -> ItemT:
        """Store a new version of one."""

    @abstractmethod
    def withdraw(self, saved: ItemT, reason: str) -> ItemT:
        """Take one back."""

    @abstractmethod
    def fetch_all(self) -> Sequence[ItemT]:
        """Return all of the incident, withdrawn ones too, in the order of the list."""

    @abstractmethod
    def row(self, saved: ItemT, *, current: bool) -> Row:
        """Return how one stands in the list."""

    @abstractmethod
    def name_of(self, saved: ItemT) -> str:
        """Return what a person calls one."""

    # What a person does.

    def edit(self, saved: ItemT) -> None:
        """Put a saved one into the form, unless something would be lost by it."""
        if self.dirty:
            self.callout.say(
                "partial", "What you typed isn't saved", do=f"Save it or clear it, then edit {self.name_of(saved)}"
            )
            self.access.focus(next(iter(self.fields)))
            return
        self.start_anew()
        self._load(saved)
        self.refresh()
        self.access.focus(next(iter(self.fields)))

    def start_anew(self) -> None:
        """Empty the form for a new one; nothing of the record changes."""
        self.clear()
        self.callout.clear()
        self.refresh()
        self.access.focus(next(iter(self.fields)))

    def clear(self) -> None:
        """Make it a form for a new one."""
        super().clear()
        self.editing = None
        self.evidence.set(())
        self.title(f"Add {self.noun}")
        self.conflict.hide()
        self._set_buttons()

    def ask_to_withdraw(self) -> None:
        """Ask for the reason, then withdraw what is being edited."""
        saved = self.editing
        if saved is not None:
            self.reason.ask(
                f"Withdraw “{self.name_of(saved)}”?",
                f"Withdraw {self.noun}",
                lambda reason: self._withdraw(saved, reason),
            )

    def press(self, item_id: str, name: str) -> None:
        """Do what a button of the list says."""
        if name == "edit":
            self.edit(self._items[item_id])

    def keep_mine(self) -> None:
        """Save what is typed over the newer version that was shown."""
        self.editing = self._theirs
        self.conflict.hide()
        self.save()

    def take_theirs(self) -> None:
        """Put the newer version into the form, in place of what was typed."""
        theirs = self._theirs
        self.start_anew()
        if theirs is not None:
            self._load(theirs)
            self.refresh()

    def save(self) -> ItemT | None:
        """Save, and show both versions when somebody saved a newer one first."""
        try:
            saved = super().save()
        except ConflictError as error:
            self._show_conflict(error)
            return None
        if saved is not None:
            self.refresh()
        return saved

    # What it says of itself.

    @property
    def dirty(self) -> bool:
        """Whether it holds something that would be lost."""
        before = self.editing.evidence if self.editing is not None else ()
        return super().dirty or self.evidence.citations != before

    def more(self) -> dict[str, Any]:
        """Return the evidence, and what an edited one keeps."""
        kept = {"example": self.editing.example} if self.editing is not None else {}
        return {"evidence": self.evidence.citations, **kept}

    def store(self, draft: DraftT) -> ItemT:
        """Save the draft as a new one, or as the next version of the one being edited."""
        return self.add(draft) if self.editing is None else self.change(self.editing, draft)

    def saved_words(self, saved: ItemT) -> str:
        """Return what was saved, when and by whom."""
        return f"Saved {self.name_of(saved)} at {time_words(saved.updated_at.replace(microsecond=0))} UTC"

    def refresh(self) -> None:
        """Read the list again; nothing that is being typed is touched."""
        items = list(self.fetch_all())
        self._items = {item.id: item for item in items}
        editing = self.editing.id if self.editing is not None else ""
        rows = [self.row(item, current=item.id == editing) for item in items]
        count = sum(not row.withdrawn for row in rows)
        self.list.show(f"{count} {self.noun if count == 1 else _plural(self.noun)}", rows)
        self._tell_of_newer()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return beside(self.list, self.panel)._repr_mimebundle_(**kwargs)

    def _lay_out(self, before_buttons: Any) -> None:
        children = list(self.view.children)
        children.insert(children.index(self.buttons), before_buttons)
        self.view.children = children

    def _load(self, saved: ItemT) -> None:
        self.editing = saved
        for name, field in self.fields.items():
            field.show(getattr(saved, name))
            field.touched = False
        self.evidence.set(saved.evidence)
        self.title(f"Edit {self.noun}")
        self._set_buttons()
        self._show({})

    def _withdraw(self, saved: ItemT, reason: str) -> None:
        self.withdraw(saved, reason)
        self.start_anew()
        self.callout.say("saved", f"Withdrew {self.name_of(saved)}", do="It stays in the history with your reason")
        self.access.say(f"Withdrew {self.name_of(saved)}")

    def _set_buttons(self) -> None:
        if hasattr(self, "withdraw_button"):
            self.withdraw_button.layout.display = "none" if self.editing is None else ""
            self.clear_button.description = "Clear" if self.editing is None else "Cancel"

    def _evidence_removed(self) -> None:
        self.access.focus("evidence" if self.evidence.citations else "save")

    def _show_conflict(self, error: ConflictError) -> None:
        theirs: Any = error.theirs
        self._theirs = theirs
        mine = self.value
        differences = [
            Difference(field.label, field.words(getattr(mine, name)), field.words(getattr(theirs, name)))
            for name, field in self.fields.items()
            if getattr(mine, name) != getattr(theirs, name)
        ]
        if mine is not None and mine.evidence != theirs.evidence:
            differences.append(Difference("Evidence", _labels(mine.evidence), _labels(theirs.evidence)))
        self.callout.clear()
        when = time_words(theirs.updated_at.replace(microsecond=0)) + " UTC"
        self.conflict.show(theirs.updated_by, when, differences)
        self.access.say(f"Not saved: {theirs.updated_by} changed this too. Choose keep mine or take theirs.")

    def _tell_of_newer(self) -> None:
        mine = self.editing
        now = self._items.get(mine.id) if mine is not None else None
        if mine is None or now is None or now.version <= mine.version or self.conflict.shown:
            return
        did = "withdrew" if now.withdrawn_reason else "changed"
        self.callout.say(
            "info",
            f"{now.updated_by} {did} this {self.noun} at {time_words(now.updated_at.replace(microsecond=0))} UTC",
            do="What you typed is untouched; when you save, you see both and choose",
        )


def beside(first: Any, second: Any) -> Any:
    """Return two widgets side by side, one under the other where there is no room."""
    box = ipywidgets.HBox([first, second])
    for css in ("wb", "wb-columns"):
        box.add_class(css)
    return box


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def _labels(citations: Iterable[Citation]) -> str:
    return ", ".join(one.label for one in citations) or "nothing"
