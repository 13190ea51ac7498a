"""A secret is a token or password that a source needs; from the environment or a command, never a file."""

from __future__ import annotations

import base64
import binascii
import html
import json
import os
import re
import subprocess
from collections.abc import Iterable
from functools import cached_property
from typing import Self
from urllib.parse import quote, quote_plus

from workbench.errors import SourceError
from workbench.telemetry.web.discretion import keep

__all__ = ["Secret"]

_PATIENCE = 60.0
_HIDDEN = "•••"
_NO_CHANCE = 12
_BASIC = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")


class Secret:
    """Where a secret is to be had. It is fetched when first needed, stays in memory, and shows nothing."""

    def __init__(self, where: str, *, variable: str = "", command: tuple[str, ...] = ()) -> None:
        self._where = where
        self._variable = variable
        self._command = command

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], key: str) -> Self | None:
        """Return the secret that ``KEY_env`` (a variable's name) or ``KEY_command`` (a list of words) names, if any.

        Args:
            name: the source's name, for errors.
            settings: the source's table.
            key: such as ``token`` or ``password``.

        Raises:
            SourceError: the secret itself stands in the table, both ways are named, or one isn't as it must be.
        """
        where = f"[sources.{name}] in workbench.toml"
        if key in settings:
            raise SourceError(
                f"{where} holds a {key} itself",
                do=f'Take it out and change it at its service; name a variable that holds it: {key}_env = "NAME"',
            )
        variable, command = settings.get(f"{key}_env"), settings.get(f"{key}_command")
        if variable is None and command is None:
            return None
        if variable is not None and command is not None:
            raise SourceError(f"{where} has both {key}_env and {key}_command", do="Keep one of them")
        if variable is not None:
            if not isinstance(variable, str) or not variable.isidentifier():
                # Not shown: a person may have written the secret here by mistake.
                raise SourceError(
                    f"{key}_env of {where} is not the name of a variable", do=f'Write it like {key}_env = "MY_TOKEN"'
                )
            return cls(where, variable=variable)
        if not isinstance(command, list) or not command or not all(isinstance(word, str) and word for word in command):
            raise SourceError(
                f"{key}_command of {where} is not a list of words",
                do=f'Write it like {key}_command = ["pass", "show", "prometheus"]',
            )
        return cls(where, command=tuple(command))

    @cached_property
    def value(self) -> str:
        """The secret.

        Raises:
            SourceError: the variable isn't set, or the command fails; neither's content is shown.
        """
        found = self._fetched()
        keep(self)
        return found

    def _fetched(self) -> str:
        if self._variable:
            found = os.environ.get(self._variable, "").strip()
            if not found:
                raise SourceError(
                    f"the environment variable {self._variable}, which {self._where} names, is not set",
                    do=f"Set it where the command runs: export {self._variable}=…",
                )
            return found
        program = self._command[0]
        try:
            run = subprocess.run(  # noqa: S603 - the command stands in the workspace's own settings
                self._command, capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise SourceError(
                f"the command {program!r}, which {self._where} names, could not be run ({reason})",
                do="Try it by hand in the same terminal",
            ) from None
        found = run.stdout.partition("\n")[0].strip()
        if run.returncode or not found:
            raise SourceError(
                f"the command {program!r}, which {self._where} names, gave no secret (status {run.returncode})",
                do="Try it by hand in the same terminal",
            )
        return found

    def hide(self, text: str) -> str:
        """Return the text with the secret taken out, plain or as an address, a header field, JSON or HTML holds it."""
        known = self.__dict__.get("value")
        if not known:
            return text
        addressed = (quote(known), quote(known, safe=""), quote_plus(known))
        for told in (known, *addressed, *_written(known), repr(known)[1:-1]):
            text = text.replace(told, _HIDDEN)
        # Basic credentials hold the user too, so that the password's own letters depend on where it begins.
        return _BASIC.sub(lambda found: _HIDDEN if _holds(found[0], known) else found[0], text)

    def hide_in_data(self, body: bytes, *, user: str = "") -> bytes:
        """Return what a backend answered with the secret taken out, should it give it back among its data.

        Only one of 12 signs or more, which no data holds by chance; data that holds a shorter one is kept as it came.

        Args:
            body: the answer.
            user: whose password it is; then HTTP basic credentials are taken out, too.
        """
        known = self.__dict__.get("value", "")
        if len(known) < _NO_CHANCE:
            return body
        sent = [base64.b64encode(f"{user}:{known}".encode()).decode()] if user else []
        for told in dict.fromkeys((known, *_written(known), *sent)):
            if told.encode() in body:
                body = body.replace(told.encode(), _HIDDEN.encode())
        return body

    @staticmethod
    def hide_all(secrets: Iterable[Secret | None], text: str) -> str:
        """Return the text with every one of the secrets taken out."""
        for secret in secrets:
            text = secret.hide(text) if secret else text
        return text

    def __repr__(self) -> str:
        return f"Secret({self._variable or self._command[0]!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Travel without the value."""
        return (_again, (self._where, self._variable, self._command))


def _written(secret: str) -> tuple[str, ...]:
    """Return how JSON and HTML write a secret; HTML in both of the usual ways."""
    in_html = html.escape(secret)
    return json.dumps(secret)[1:-1], secret.replace("/", "\\/"), in_html, in_html.replace("&#x27;", "&#39;")


def _holds(word: str, secret: str) -> bool:
    """Return whether a word holds a secret in base64, perhaps after letters of something else (``%20``)."""
    return any(secret in _unpacked(word[start:]) for start in range(4))


def _unpacked(word: str) -> str:
    """Return what stands in a word of base64; empty where it is none."""
    whole = word.rstrip("=")
    try:
        return base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _again(where: str, variable: str, command: tuple[str, ...]) -> Secret:
    return Secret(where, variable=variable, command=command)
