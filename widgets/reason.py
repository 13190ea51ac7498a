"""A reason is asked for before something is taken back or given up: nothing is deleted, and people read it later."""

from __future__ import annotations

from collections.abc import Callable

import pydantic

from widgets.field import Field
from widgets.form import Form, button
from workbench.record.fields import RequiredText
from workbench.record.words import Fact

__all__ = ["ReasonForm"]


class Reason(Fact):
    """Why."""

    called = "reason"

    reason: RequiredText = pydantic.Field(title="Reason", description="In a sentence; it stays in the history")


class ReasonForm(Form[Reason, Reason]):
    """Asks for a reason, hidden until ``ask`` and again after it was given or refused."""

    def __init__(self, *, done: Callable[[], object]) -> None:
        field = Field(Reason, "reason", empty="Say why, for those who read it later.")
        super().__init__(Reason, [[field]], title="Reason", save="Go on")
        self._act: Callable[[str], object] = lambda _: None
        self._done = done
        self.cancel = button("Keep it", "wb-key-cancel")
        self.cancel.on_click(lambda _: self.close())
        self.buttons.children = [self.save_button, self.cancel, self.summary]
        self.view.add_class("wb-reason")
        self.view.layout.display = "none"

    @property
    def shown(self) -> bool:
        """Whether a reason is being asked for."""
        return bool(self.view.layout.display != "none")

    def ask(self, title: str, words: str, act: Callable[[str], object]) -> None:
        """Ask for the reason of ``title``; the button says ``words`` and calls ``act`` with it."""
        self._act = act
        self.clear()
        self.callout.clear()
        self.title(title)
        self.save_button.description = words
        self.view.layout.display = ""
        self.access.focus("reason")

    def close(self) -> None:
        """Ask no more."""
        self.clear()
        self.view.layout.display = "none"
        self._done()

    def store(self, draft: Reason) -> Reason:
        """Do what the reason was asked for."""
        self._act(draft.reason)
        return draft

    def after_save(self, saved: Reason) -> None:  # noqa: ARG002 - the base's signature
        """Go away."""
        self.close()
