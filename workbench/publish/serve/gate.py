"""The gate is the one class under every route: it decides for a request before anything else happens."""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlsplit

from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import split_host_and_port
from tornado.web import HTTPError

from workbench.publish.serve.headers import COMMON, SETTLED
from workbench.publish.serve.identity import Visitors
from workbench.publish.serve.words import Words, page

__all__ = ["Gate", "Missing"]


class Gate(JupyterHandler):
    """A route's handler puts this first among its bases; `prepare` below is then the only one that runs.

    It doesn't call the `prepare` of Jupyter's handler: that one redirects to logins, answers other origins, and asks an
    authorizer on some routes only.
    """

    methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})
    """Which methods the route has; every other is refused."""
    public: ClassVar[bool] = False
    """Whether the route is open where a login is needed: files of the program itself, and the login."""
    same_origin: ClassVar[bool] = False
    """Whether the browser must say that a page of this very server asks."""
    policy: str = SETTLED
    words: Words | None = None

    @property
    def visitors(self) -> Visitors:
        """Who may come in, and how they are known again."""
        found: Visitors = self.settings["visitors"]
        return found

    async def prepare(self) -> None:  # type: ignore[override]  # Jupyter's takes arguments of its own subclasses
        """Decide. Nothing of a handler's own runs before this has let the request through."""
        self.current_user = self._jupyter_current_user = None
        if not _is_local(self.request.host):
            self.words = Words(
                "This address is not known here",
                "The server answers on this machine only. Open it as http://127.0.0.1 with its port.",
                (),
            )
            raise HTTPError(403)
        if self.request.method not in self.methods:
            self.set_header("Allow", ", ".join(sorted(self.methods)))
            raise HTTPError(405)
        if self.same_origin and not self._asked_from_here():
            raise HTTPError(403)
        user = self.visitors.recognise(self)
        self.current_user = self._jupyter_current_user = user
        if self.visitors.login_needed and user is None and not self.public:
            await self.turn_away()
            return
        await self.decide()

    async def decide(self) -> None:
        """Refuse what only this route can know about; called when everything else is right."""

    async def turn_away(self) -> None:
        """Send somebody who isn't known yet to the login, or refuse where a login page makes no sense."""
        if self.request.method != "GET" or self.request.headers.get("Upgrade"):
            raise HTTPError(403)
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            # A strict cookie isn't sent when a link elsewhere was followed; it is when this page goes on by itself.
            await self.say(HTTPStatus.OK, Words("One moment", "Opening the page.", (("/", "Go on"),)), refresh="/")
            return
        self.redirect("/login", status=HTTPStatus.SEE_OTHER)

    def _asked_from_here(self) -> bool:
        origin = self.request.headers.get("Origin", "")
        site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        return site == "same-origin" and origin != "" and urlsplit(origin).netloc == self.request.host

    # What every answer looks like

    @property
    def content_security_policy(self) -> str:
        """The policy of this route."""
        return self.policy

    def set_default_headers(self) -> None:
        """Give every answer, errors too, the same headers, and don't tell which server this is."""
        self.clear_header("Server")
        for name, value in COMMON.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", self.content_security_policy)
        self.set_header("Cache-Control", "no-store")

    async def say(self, status: int, words: Words | int, *, refresh: str = "") -> None:
        """Answer with a small page in words."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", SETTLED)
        await self.finish(page(words, refresh=refresh))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Say in words what went wrong; what exactly it was stands in the log only."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", SETTLED)
        self.finish(page(self.words or status_code))

    def _request_summary(self) -> str:
        """Name the request in the log without its query, where secrets could stand."""
        return f"{self.request.method} {self.request.path}"


class Missing(Gate):
    """The answer to every address that isn't a route."""

    methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})

    async def decide(self) -> None:
        """Say that there is nothing."""
        raise HTTPError(404)


def _is_local(host: str) -> bool:
    """Return whether a Host header names this machine; a name that only resolves to it is how rebinding works."""
    name = split_host_and_port(host.lower())[0].removeprefix("[").removesuffix("]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
