"""The login takes the token once and leaves it nowhere: not in an address, a log or a kernel."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from tornado.web import HTTPError

from workbench.publish.serve.gate import Gate
from workbench.publish.serve.words import Words

__all__ = ["Login"]

_ASK = Words(
    "This desk is locked",
    "Open the address that the server printed when it started; it lets this browser in once and for all its run.",
    (),
)
_WRONG = Words("That is not the token", "Copy the address again as the server printed it, to its last character.", ())


class Login(Gate):
    """``/login?token=…`` sets a cookie and goes on to an address without the token."""

    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    public: ClassVar[bool] = True

    async def get(self) -> None:
        """Let the browser in, or say how to come in."""
        if not self.visitors.login_needed:
            raise HTTPError(404)
        token = self.get_query_argument("token", "")
        if self.current_user is not None or self.visitors.accepts(token):
            self.visitors.welcome(self)
            self.redirect("/", status=HTTPStatus.SEE_OTHER)
            return
        await self.say(HTTPStatus.FORBIDDEN, _WRONG if token else _ASK)
