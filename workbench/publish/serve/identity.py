"""Identity here is being known again: a signed cookie names the browser that a kernel belongs to."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_server.auth.identity import User

if TYPE_CHECKING:
    from tornado.web import RequestHandler

__all__ = ["Visitors"]

_DAYS = 1.0


@dataclass(frozen=True)
class Visitors:
    """Knows visitors by a random name in a signed cookie; with a ``token`` only who has shown it gets one.

    The cookie's name has the port in it, because browsers keep one jar for all ports of a host.
    """

    port: int
    token: str = ""

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return f"workbench-{self.port}"

    @property
    def login_needed(self) -> bool:
        """Whether somebody unknown must show the token first."""
        return bool(self.token)

    def recognise(self, handler: RequestHandler) -> User | None:
        """Return the visitor that the request's cookie names, or None."""
        value = handler.get_signed_cookie(self.cookie, max_age_days=_DAYS)
        return User(username=value.decode("ascii", "replace")) if value else None

    def welcome(self, handler: RequestHandler) -> User:
        """Return the visitor, naming a new one with a cookie of this browser session that no script can read."""
        known = self.recognise(handler)
        if known is not None:
            return known
        name = secrets.token_urlsafe(24)
        handler.set_signed_cookie(self.cookie, name, expires_days=None, path="/", httponly=True, samesite="Strict")
        return User(username=name)

    def accepts(self, token: str) -> bool:
        """Return whether this is the token, in a time that doesn't tell how much of it was right."""
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())
