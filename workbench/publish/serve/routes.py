"""Routes that are too small for a file of their own."""

from __future__ import annotations

from http import HTTPStatus
from typing import ClassVar

from workbench.publish.serve.gate import Gate

__all__ = ["Desk", "Health", "Slash"]


class Health(Gate):
    """``/healthz``: whether the server answers."""

    public: ClassVar[bool] = True

    async def get(self) -> None:
        """Say so."""
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        await self.finish("ok\n")

    head = get


class Slash(Gate):
    """``/reviews/ID`` without its last slash."""

    async def get(self, incident: str) -> None:
        """Go to the address with it."""
        del incident
        self.redirect(f"{self.request.path}/", status=HTTPStatus.PERMANENT_REDIRECT)

    head = get


class Desk(Gate):
    """``/`` of the facilitator's server."""

    async def get(self) -> None:
        """Go to the forms."""
        self.redirect("/live/capture/", status=HTTPStatus.SEE_OTHER)

    head = get
