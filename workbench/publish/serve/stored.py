"""Stored pages are published notebooks shown from the outputs they were saved with: no kernel, no waiting."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from tornado.web import HTTPError

from workbench.publish.serve.gate import Gate
from workbench.publish.serve.words import Words
from workbench.versions import versions

__all__ = ["HOME", "NAME", "Answer", "Home", "Review", "Shelf", "answer_of", "send"]

_LOG = logging.getLogger(__name__)
NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}"
"""What an incident and a version may be called in an address: nothing with a slash, hidden, or of our own."""
HOME = "_home"
"""The folder of the list of all reviews."""
_LIST = "index.ipynb"
_REVIEW = "review.ipynb"
_EMPTY = Words(
    "Nothing is published yet",
    "Make the first review with: workbench review ID. It appears here as soon as it is done; reload this page then.",
    (),
)
_TRIES = 20
_SOON = 0.01


@dataclass(frozen=True)
class Answer:
    """A body ready to be sent: plain, packed, and the tag by which a browser asks whether it changed."""

    plain: bytes
    packed: bytes
    tag: str
    type: str


def answer_of(plain: bytes, kind: str) -> Answer:
    """Return a body with its packed form and its tag; done once for many readers."""
    return Answer(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:32], kind)


async def send(handler: Gate, answer: Answer, *, cache: str = "no-cache") -> None:
    """Send a ready body: packed when the browser takes that, or 304 when it has it already."""
    packed = _takes_gzip(handler.request.headers.get("Accept-Encoding", ""))
    tag = f'"{answer.tag}{"-gz" if packed else ""}"'
    handler.set_header("ETag", tag)
    handler.set_header("Vary", "Accept-Encoding")
    handler.set_header("Cache-Control", cache)
    asked = handler.request.headers.get("If-None-Match", "")
    if asked.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in asked.split(",")}:
        handler.set_status(HTTPStatus.NOT_MODIFIED)
        await handler.finish()
        return
    body = answer.packed if packed else answer.plain
    handler.set_header("Content-Type", answer.type)
    handler.set_header("Content-Length", str(len(body)))
    if packed:
        handler.set_header("Content-Encoding", "gzip")
    await handler.finish(body if handler.request.method == "GET" else None)


def _takes_gzip(header: str) -> bool:
    for one in header.lower().split(","):
        name, _, rest = one.partition(";")
        if name.strip() in {"gzip", "*"}:
            return rest.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


class Shelf:
    """Finds the published notebook for an address and keeps the pages made of them.

    Args:
        published: the workspace's folder of published versions.
        render: makes the page of a notebook's path; called in a thread, once for each state of a file.
        keep: how many pages are kept.
    """

    def __init__(self, published: Path, render: Callable[[Path], str], *, keep: int = 64) -> None:
        self._published = published
        self._render = render
        self._keep = keep
        self._made: OrderedDict[tuple[str, int, int, int], asyncio.Future[Answer]] = OrderedDict()

    async def page(self, folder: str, file: str, version: str = "") -> Answer | None:
        """Return the page of a folder's newest version, or of the one named; None when there is none.

        A version that vanishes or can't be read while it is being replaced is passed over for the next older one.
        """
        for _ in range(_TRIES):
            known = [version] if version else await asyncio.to_thread(versions, self._published / folder)
            vanished = False
            for one in reversed(known):
                try:
                    return await self._kept(self._published / folder / one / file)
                except FileNotFoundError:
                    vanished = True
                except (ValueError, OSError):
                    _LOG.warning("the published version %s/%s can't be read", folder, one, exc_info=True)
            # An empty list may be one that was read while the only version was replaced.
            if version or (known and not vanished) or not await asyncio.to_thread((self._published / folder).is_dir):
                return None
            await asyncio.sleep(_SOON)
        return None

    async def warm(self, most: int = 8) -> None:
        """Make the list of reviews and the reviews published last, so that their first reader doesn't wait."""
        names = await asyncio.to_thread(self._latest)
        for folder, file in ((HOME, _LIST), *((name, _REVIEW) for name in names[:most])):
            try:
                await self.page(folder, file)
            except Exception:  # noqa: BLE001 - whoever asks for the page is told; nobody asked yet
                _LOG.warning("the page of %s can't be made", folder, exc_info=True)

    def _latest(self) -> list[str]:
        if not self._published.is_dir():
            return []
        found = [path for path in self._published.iterdir() if path.name[0] not in "._" and path.is_dir()]
        return [path.name for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]

    async def _kept(self, path: Path) -> Answer:
        state = await asyncio.to_thread(path.stat)
        key = (str(path), state.st_mtime_ns, state.st_size, state.st_ino)
        if key not in self._made:
            self._made[key] = asyncio.ensure_future(asyncio.to_thread(self._make, path))
            while len(self._made) > self._keep:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        try:
            return await asyncio.shield(self._made[key])
        except Exception:
            self._made.pop(key, None)
            raise

    def _make(self, path: Path) -> Answer:
        return answer_of(self._render(path).encode(), "text/html; charset=utf-8")


class _Page(Gate):
    @property
    def shelf(self) -> Shelf:
        found: Shelf = self.settings["shelf"]
        return found


class Home(_Page):
    """``/``: the newest list of all published reviews, or what to do when there is none."""

    async def get(self) -> None:
        """Send the list."""
        answer = await self.shelf.page(HOME, _LIST)
        if answer is None:
            await self.say(HTTPStatus.OK, _EMPTY)
            return
        await send(self, answer)

    head = get


class Review(_Page):
    """``/reviews/ID/`` and ``/reviews/ID/VERSION/``: a published review."""

    async def get(self, incident: str, version: str = "") -> None:
        """Send the review."""
        answer = await self.shelf.page(incident, _REVIEW, version)
        if answer is None:
            self.words = Words(
                "There is no such review", "It may not be published yet, or the address may be mistyped."
            )
            raise HTTPError(404)
        await send(self, answer)

    head = get
