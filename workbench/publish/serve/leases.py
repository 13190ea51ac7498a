"""A lease is the right of one visitor to one live page's kernel: how long it lasts and who else has to wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

__all__ = ["Lease", "Leases", "Limits"]


@dataclass(frozen=True)
class Limits:
    """How many live pages there may be, and for how long, in seconds."""

    pages: int = 4
    idle: float = 600.0
    age: float = 8 * 3600.0
    unseen: float = 20.0
    """For how long a page may be without a connection: a reload or a short cut in the line must not cost its kernel."""
    loading: float = 120.0
    """For how long a page may take until it connects for the first time."""


@dataclass(eq=False)
class Lease:
    """One live page: whose it is, its kernel once that has started, and when something last happened."""

    visitor: str
    page: str
    begun: float
    touched: float
    kernel: str = ""
    connections: int = 0
    seen: bool = False
    """Whether the page has ever connected to its kernel."""


@dataclass
class Leases:
    """All live pages of a server. Pure book-keeping: it starts and ends nothing itself.

    Args:
        limits: how many and how long.
        clock: seconds that only grow.
    """

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    _all: list[Lease] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Lease]:
        return iter(list(self._all))

    def take(self, visitor: str, page: str) -> Lease | None:
        """Return a new lease, or None when all places are taken."""
        if len(self._all) >= self.limits.pages:
            return None
        now = self.clock()
        lease = Lease(visitor, page, begun=now, touched=now)
        self._all.append(lease)
        return lease

    def give_back(self, lease: Lease) -> None:
        """End a lease; ending it twice is no mistake."""
        if lease in self._all:
            self._all.remove(lease)

    def of_kernel(self, kernel: str) -> Lease | None:
        """Return the lease of a kernel, or None."""
        return next((lease for lease in self._all if kernel and lease.kernel == kernel), None)

    def owns(self, visitor: str, kernel: str) -> bool:
        """Return whether this kernel was started for this visitor."""
        lease = self.of_kernel(kernel)
        return lease is not None and bool(visitor) and lease.visitor == visitor

    def touch(self, lease: Lease) -> None:
        """Note that the visitor did something."""
        lease.touched = self.clock()

    def connect(self, lease: Lease) -> None:
        """Note that a page connected to its kernel."""
        lease.connections += 1
        lease.seen = True
        self.touch(lease)

    def disconnect(self, lease: Lease) -> None:
        """Note that a connection of a page ended."""
        lease.connections = max(0, lease.connections - 1)
        self.touch(lease)

    def over(self) -> list[Lease]:
        """Return the leases whose time is up: nobody looks any more, nobody acts, or it has just been too long."""
        now = self.clock()
        return [lease for lease in self._all if self._is_over(lease, now)]

    def spare(self, visitor: str) -> Lease | None:
        """Return a lease that may end early because somebody waits: one that nobody is connected to.

        The visitor's own comes first, because a reloaded page leaves its old kernel behind; another's only after it has
        been connected once and has been left for a moment.
        """
        now = self.clock()
        left = [lease for lease in self._all if lease.seen and not lease.connections]
        mine = [lease for lease in left if lease.visitor == visitor]
        others = [lease for lease in left if now - lease.touched > self.limits.unseen / 4]
        return min(mine or others, key=lambda lease: lease.touched, default=None)

    def _is_over(self, lease: Lease, now: float) -> bool:
        if now - lease.begun > self.limits.age:
            return True
        quiet = now - lease.touched
        if lease.connections:
            return quiet > self.limits.idle
        return quiet > (self.limits.unseen if lease.seen else self.limits.loading)
