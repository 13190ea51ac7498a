"""Access is what stock inputs can't do from Python: names for screen readers, keys that save, focus, announcements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

__all__ = ["Access"]


class Access(anywidget.AnyWidget):
    """The helper of one form; it must lie in the same box of class ``wb-form`` as the inputs it serves.

    In the browser it ties label, hint and error to each input of class ``wb-key-NAME``, and sends the form when a
    button of class ``wb-send-NAME`` is pressed, or Enter in a one-line input, or Ctrl+Enter anywhere. Along come all
    texts as they stand on the screen: what was typed last may still be on its way when the press arrives.
    """

    _esm: ClassVar[Path] = Path(__file__).with_name("access.js")

    form = traitlets.Unicode(help="what a screen reader calls the form").tag(sync=True)

    def __init__(self, form: str) -> None:
        super().__init__(form=form)
        self._senders: dict[str, Callable[[], None]] = {}
        self._typed: Callable[[Mapping[str, str]], None] = lambda _: None
        self.on_msg(self._heard)

    def on_typed(self, callback: Callable[[Mapping[str, str]], None]) -> None:
        """Have ``callback`` told every text on the screen, by field name, before anything is sent."""
        self._typed = callback

    def on_send(self, name: str, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when the button ``wb-send-NAME`` or its key is pressed."""
        self._senders[name] = callback

    def say(self, text: str) -> None:
        """Have a screen reader say it when it is done with what it says now."""
        self.send({"say": text})

    def focus(self, name: str) -> None:
        """Put the keyboard into the field, or onto the first button, of class ``wb-key-NAME``."""
        self.send({"focus": name})

    def _heard(self, _: object, content: Any, __: object) -> None:
        # Anything may come from a browser: texts are taken for known names only, and checked like any other.
        if not isinstance(content, dict) or not isinstance(content.get("send"), str):
            return
        sender = self._senders.get(content["send"])
        typed = content.get("typed")
        try:
            if isinstance(typed, dict):
                self._typed({str(key): text for key, text in typed.items() if isinstance(text, str)})
            if sender is not None:
                sender()
        finally:
            self.send({"done": content["send"]})
