"""Live pages are shipped notebooks with a kernel behind them, from a fixed list; nothing else can be run."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError
from voila.tornado.handler import TornadoVoilaHandler

from workbench.publish.serve.gate import Gate
from workbench.publish.serve.headers import LIVE, WITH_OWN_WIDGETS, live_policy
from workbench.publish.serve.kernels import Kernels
from workbench.publish.serve.leases import Lease
from workbench.publish.serve.words import Words

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["LIVE_PAGES", "Live", "LivePage", "Shipped", "with_parameters"]

_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_RETRY_SECONDS = 30
_TRIES = 10
_SOON = 0.1
_HEARTBEAT = "<script>window.voila_heartbeat()"


@dataclass(frozen=True)
class Live:
    """A notebook that may be run for a reader: ``name`` in the address, its file, and the policy its page needs."""

    name: str
    policy: str = LIVE

    @property
    def file(self) -> str:
        """The notebook's file among the shipped ones."""
        return f"{self.name}.ipynb"


LIVE_PAGES = {page.name: page for page in (Live("explore"), Live("capture", WITH_OWN_WIDGETS))}


class Shipped:
    """All that Voila gets of a contents manager: the shipped notebooks, read fresh; no other file, no writing."""

    allow_hidden = False

    def __init__(self, folder: Path, names: frozenset[str]) -> None:
        self._folder = folder
        self._names = names

    def get(self, path: str, **_: object) -> dict[str, Any]:
        """Return one of the notebooks on the list.

        Raises:
            HTTPError: it is not on the list, or not there.
        """
        import nbformat  # noqa: PLC0415 - voila has imported it by now

        file = self._folder / path
        if path not in self._names or not file.is_file():
            raise HTTPError(404)
        return {"type": "notebook", "path": path, "content": nbformat.read(file, as_version=4)}

    def file_exists(self, path: str) -> bool:  # noqa: ARG002 - whatever a Markdown cell names
        """Say no: pictures of Markdown cells are not read from the disk."""
        return False


def with_parameters(handler: Any, notebook: NotebookNode, cwd: str) -> NotebookNode:  # noqa: ARG001 - voila's signature
    """Give the notebook its parameters the way papermill does: a cell after the one tagged ``parameters``."""
    import nbformat  # noqa: PLC0415

    tagged = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    lines = [f"{name} = {value!r}" for name, value in handler.parameters.items() if value]
    if tagged and lines:
        cell = nbformat.v4.new_code_cell("\n".join(lines), metadata={"tags": ["injected-parameters"]})
        notebook.cells.insert(tagged[0] + 1, cell)
    return notebook


class LivePage(Gate, TornadoVoilaHandler):  # type: ignore[misc]  # voila has no types
    """``/live/NAME/?incident=ID``."""

    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    parameters: Mapping[str, str]

    def initialize(self, live: Mapping[str, Live], **arguments: Any) -> None:
        """Take the list of pages and what Voila's handler needs."""
        super().initialize(**arguments)
        self._live = live

    @property
    def kernels(self) -> Kernels:
        """The server's kernels."""
        found: Kernels = self.settings["kernel_manager"]
        return found

    async def decide(self) -> None:
        """Refuse a page that isn't on the list, an address with more than a plain incident, and pictures or frames."""
        if self.path_kwargs.get("name") not in self._live:
            raise HTTPError(404)
        asked = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        values = asked.pop("incident", [""])
        if asked or len(values) != 1 or (values[0] and not _SLUG.fullmatch(values[0])):
            raise HTTPError(400)
        self.parameters = {"incident": values[0]}
        if self.request.headers.get("Sec-Fetch-Dest", "document") != "document":
            raise HTTPError(403)

    async def get(self, name: str) -> None:
        """Start a kernel and send its page as it comes, when there is room."""
        if self.request.headers.get("Sec-Fetch-Site") == "cross-site":
            # A strict cookie isn't sent when a link elsewhere was followed. This page asks again, from here.
            await self.say(
                HTTPStatus.OK,
                Words("One moment", "Opening the page.", ((self.request.uri, "Go on"),)),
                refresh=self.request.uri,
            )
            return
        visitor = self.visitors.welcome(self)
        self.current_user = visitor
        lease = await self._lease(visitor.username, name)
        if lease is None:
            await self._full()
            return
        live = self._live[name]
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", live_policy(live.policy, nonce))
        try:
            with self.kernels.on_lease(lease):
                async for part in self._parts(live, nonce):
                    self.write(part)
                    await self.flush()
            self.kernels.leases.touch(lease)
        except StreamClosedError:
            await self.kernels.end(lease)
        except BaseException:
            await self.kernels.end(lease)
            raise

    async def _parts(self, live: Live, nonce: str) -> AsyncIterator[str]:
        # Everything a reader can have typed reaches the page as escaped JSON, so each script here is the template's.
        async for part in self.get_generator(path=live.file):
            # Voila's sign of life is a script without a nonce; a line end keeps the connection as well.
            yield "\n" if part.startswith(_HEARTBEAT) else part.replace("<script", f'<script nonce="{nonce}"')

    async def _lease(self, visitor: str, name: str) -> Lease | None:
        leases = self.kernels.leases
        for _ in range(_TRIES):
            if (lease := leases.take(visitor, name)) is not None:
                return lease
            if (left := leases.spare(visitor)) is not None:
                await self.kernels.end(left)
            else:
                # A page that is reloaded may be asked for before its old connection is known to be gone.
                await asyncio.sleep(_SOON)
        return None

    async def _full(self) -> None:
        incident = self.parameters["incident"]
        links = (
            ((f"/reviews/{incident}/", "Read the published review instead"),)
            if incident
            else (("/", "All published reviews"),)
        )
        self.set_header("Retry-After", str(_RETRY_SECONDS))
        await self.say(
            HTTPStatus.SERVICE_UNAVAILABLE,
            Words(
                "All places are taken",
                f"{len(self.kernels.leases)} people have a page like this open, as many as this server allows. "
                "Try again in a minute: a place becomes free when a page is closed.",
                links,
            ),
        )
