"""A callout is a bold fact with its next step, where something must be said that belongs to no single field."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec
from uuid import uuid4

import ipywidgets
from markupsafe import Markup

from workbench.errors import WorkbenchError

__all__ = ["Callout", "keep_log"]

P = ParamSpec("P")
Kind = Literal["info", "partial", "failed", "saved"]

_LOG = logging.getLogger("workbench.widgets")
_LOG.addHandler(logging.NullHandler())  # without a handler Python writes to stderr, which a kernel sends to the browser


_LOOKS: dict[Kind, tuple[str, str]] = {
    "info": ("info", "info"),
    "partial": ("unproven", "warning"),
    "failed": ("fails", "warning"),
    "saved": ("holds", "tick"),
}


class Callout(ipywidgets.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """Says one thing at a time: a fact, what to do next, and nothing when it is cleared."""

    def __init__(self) -> None:
        super().__init__(layout={"width": "auto"})
        self.add_class("wb-callouts")
        self.add_class("wb")
        self.fact = ""
        self.kind: Kind | None = None

    def say(self, kind: Kind, fact: str, *, do: str = "") -> None:
        """Show a fact and the next step; both are taken as plain text."""
        self.fact, self.kind = fact, kind
        look, icon = _LOOKS[kind]
        self.value = str(
            Markup(
                '<div class="wb-callout wb-callout--{}" role="{}"><span class="wb-icon wb-icon--{}" aria-hidden="true">'
                "</span><p><strong>{}</strong> {}</p></div>"
            ).format(look, "alert" if kind in {"failed", "partial"} else "note", icon, _stop(fact), _stop(do))
        )

    def clear(self) -> None:
        """Say nothing."""
        self.fact, self.kind = "", None
        self.value = ""

    def guard(self, callback: Callable[P, object]) -> Callable[P, None]:
        """Return the callback with its errors told in words: ours as they are, any other by a number found in the log.

        A browser must never be shown a traceback, and a kernel sends every uncaught one there.
        """

        @wraps(callback)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                callback(*args, **kwargs)
            except WorkbenchError as error:
                self.say("failed", error.what, do=error.do)
            except Exception:  # noqa: BLE001 - the last door before the browser; the log has the whole of it
                number = uuid4().hex[:8]
                _LOG.exception("A form's callback failed (%s)", number)
                self.say(
                    "failed",
                    "That did not work, and it is not your doing",
                    do="What you typed is still here. Try again, or tell whoever runs the workbench the number "
                    f"{number}",
                )

        return guarded


def _stop(sentence: str) -> str:
    sentence = sentence[:1].upper() + sentence[1:]
    return sentence if not sentence or sentence.endswith((".", "!", "?", "”")) else f"{sentence}."


def keep_log(path: Path) -> None:
    """Have what forms can't tell a person written down for whoever runs the workbench, and never shown.

    The kernel of our server says it to stderr, which goes to the server's log; elsewhere (JupyterLab, plain Voila) that
    would reach the page, so that it goes to a file of the workspace, where one can be made.
    """
    if any(not isinstance(handler, logging.NullHandler) for handler in _LOG.handlers):
        return
    handler: logging.Handler
    if "WORKBENCH_SCRATCH" in os.environ:
        handler = logging.StreamHandler()
    else:
        try:
            path.parent.mkdir(exist_ok=True)
            handler = logging.FileHandler(path, encoding="utf-8", delay=True)
        except OSError:
            return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOG.addHandler(handler)
    _LOG.propagate = False
