"""A watch sees that somebody else saved: it asks the record for its change number twice a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

__all__ = ["Watch"]


class Changing(Protocol):
    """What can be watched: the record."""

    def data_version(self) -> int:
        """Return a number that differs after every change."""
        ...


class Watch:
    """Calls back when the record has changed since it last looked.

    Half a second between looks, so that two people see each other's saves within two even when a look comes just too
    early. It needs a running event loop, which every kernel has; without one (a script, a test) ``look`` does one look.
    ``guard`` wraps each look, so that an unreadable record is told on the form and the looking goes on.
    """

    def __init__(
        self,
        record: Changing,
        changed: Callable[[], object],
        *,
        seconds: float = 0.5,
        guard: Callable[[Callable[[], object]], Callable[[], None]] | None = None,
    ) -> None:
        self._record, self._changed, self._seconds = record, changed, seconds
        self._look: Callable[[], object] = guard(self.look) if guard else self.look
        self._seen = record.data_version()
        self._task: asyncio.Task[None] | None = None
        try:
            self._task = asyncio.get_running_loop().create_task(self._go_on())
        except RuntimeError:
            self._task = None

    def look(self) -> bool:
        """Ask once; return whether something had changed, after calling back."""
        now = self._record.data_version()
        if now == self._seen:
            return False
        self._seen = now
        self._changed()
        return True

    def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            self._look()
