"""Assets are the files of the program that a browser loads: ours, Voila's, its extensions'; never a workspace's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tornado.web import HTTPError

from workbench.publish.serve.gate import Gate
from workbench.publish.serve.stored import Answer, answer_of, send

__all__ = ["Assets", "Icon"]

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""The only files served, by their ending, and the type each is sent as; nothing is guessed."""

_PART = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@._-]*")
_FOR_EVER = "public, max-age=31536000, immutable"


class Assets(Gate):
    """Serves files of some folders. No listing, no hidden file, no link out of a folder."""

    public: ClassVar[bool] = True
    _kept: ClassVar[dict[tuple[str, int, int], Answer]] = {}

    def initialize(self, folders: Sequence[Path], first: frozenset[str] | None = None) -> None:
        """Take what may be served.

        Args:
            folders: where the files are looked for.
            first: what an address may begin with (names of extensions or templates); None means anything.
        """
        self.folders = folders
        self.first = first

    async def get(self, path: str) -> None:
        """Send a file; for ever when its address names its content's hash."""
        found = await asyncio.to_thread(self.find, path)
        if found is None:
            raise HTTPError(404)
        answer = await asyncio.to_thread(self._answer, found)
        asked = self.get_query_argument("v", "")
        same = len(asked) >= len("12345678") and answer.tag.startswith(asked)
        await send(self, answer, cache=_FOR_EVER if same else "no-cache")

    head = get

    def find(self, path: str) -> Path | None:
        """Return the file of an address, or None when there is none that may be served."""
        parts = path.split("/")
        if not all(_PART.fullmatch(part) for part in parts) or Path(path).suffix.lower() not in TYPES:
            return None
        if self.first is not None and not any(path.startswith(f"{name}/") for name in self.first):
            return None
        for folder in self.folders:
            root = folder.resolve()
            file = root.joinpath(*parts).resolve()
            if file.is_relative_to(root) and file.is_file():
                return file
        return None

    def _answer(self, file: Path) -> Answer:
        state = file.stat()
        key = (str(file), state.st_mtime_ns, state.st_size)
        if key not in self._kept:
            self._kept[key] = answer_of(file.read_bytes(), TYPES[file.suffix.lower()])
        return self._kept[key]


class Icon(Gate):
    """``/favicon.ico``, which browsers ask for unasked."""

    public: ClassVar[bool] = True

    async def get(self) -> None:
        """Say that there is none, without an error in the console."""
        self.set_status(204)
        await self.finish()

    head: Any = get
