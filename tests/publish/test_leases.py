"""A live page lasts while somebody looks and acts; there are never more than allowed, and a kernel has one owner."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from workbench.publish.serve.leases import Lease, Leases, Limits

LIMITS = Limits(pages=3, idle=600, age=3600, unseen=20, loading=120)


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def leases(clock: Clock) -> Leases:
    """Three places, none taken."""
    return Leases(LIMITS, clock)


def test_places_are_limited(leases: Leases) -> None:
    """When all are taken the next visitor waits, until one is given back."""
    held = [leases.take("ada", "explore") for _ in range(3)]
    assert leases.take("bob", "explore") is None
    assert held[0] is not None
    leases.give_back(held[0])
    leases.give_back(held[0])
    assert leases.take("bob", "explore") is not None


def test_a_kernel_belongs_to_one_visitor(leases: Leases) -> None:
    """Nobody else owns it, nobody owns what isn't there, and no name owns nothing."""
    lease = leases.take("ada", "explore")
    assert lease is not None
    assert not leases.owns("ada", "")
    lease.kernel = "k"
    assert leases.owns("ada", "k")
    assert not leases.owns("bob", "k")
    assert not leases.owns("", "k")
    assert not leases.owns("ada", "other")
    leases.give_back(lease)
    assert not leases.owns("ada", "k")


@pytest.mark.parametrize(
    ("connected", "seconds", "over"),
    [
        ("never", 119, False),
        ("never", 121, True),
        ("now", 599, False),
        ("now", 601, True),
        ("before", 19, False),
        ("before", 21, True),
    ],
)
def test_a_page_is_over_in_time(leases: Leases, clock: Clock, connected: str, seconds: float, *, over: bool) -> None:
    """A page that never connects, is left, or is not used ends, each after its own time."""
    lease = leases.take("ada", "explore")
    assert lease is not None
    if connected != "never":
        leases.connect(lease)
    if connected == "before":
        leases.disconnect(lease)
    clock.now = seconds
    assert leases.over() == ([lease] if over else [])


def test_a_page_does_not_live_for_ever(leases: Leases, clock: Clock) -> None:
    """However busy, a tab that is forgotten gives its kernel back."""
    lease = leases.take("ada", "explore")
    assert lease is not None
    leases.connect(lease)
    while clock.now < LIMITS.age:
        clock.now += 300
        leases.touch(lease)
    assert not leases.over()
    clock.now += 1
    leases.touch(lease)
    assert leases.over() == [lease]


def test_ones_own_left_page_makes_room_at_once(leases: Leases, clock: Clock) -> None:
    """A reload takes the place of the page it replaces; another's page is left alone for a moment."""
    left = leases.take("ada", "explore")
    assert left is not None
    leases.connect(left)
    assert leases.spare("ada") is None
    leases.disconnect(left)
    assert leases.spare("ada") is left
    assert leases.spare("bob") is None
    clock.now += LIMITS.unseen / 2
    assert leases.spare("bob") is left


class Desk(RuleBasedStateMachine):
    """Visitors come, connect, leave and time passes, in any order."""

    taken = Bundle("taken")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.leases = Leases(LIMITS, self.clock)
        self.number = 0

    @rule(target=taken, visitor=st.sampled_from(["ada", "bob", "eve"]))
    def take(self, visitor: str) -> Lease | None:
        """Somebody opens a page."""
        lease = self.leases.take(visitor, "explore")
        if lease:
            self.number += 1
            lease.kernel = f"k{self.number}"
        return lease

    @rule(lease=taken)
    def connect(self, lease: Lease | None) -> None:
        """A page connects."""
        if lease:
            self.leases.connect(lease)

    @rule(lease=taken)
    def disconnect(self, lease: Lease | None) -> None:
        """A connection ends."""
        if lease:
            self.leases.disconnect(lease)

    @rule(lease=consumes(taken))
    def give_back(self, lease: Lease | None) -> None:
        """A page is closed."""
        if lease:
            self.leases.give_back(lease)

    @rule(seconds=st.floats(0, 5000))
    def wait(self, seconds: float) -> None:
        """Time passes, and what is over ends."""
        self.clock.now += seconds
        for lease in self.leases.over():
            self.leases.give_back(lease)
        assert not self.leases.over()

    @rule(visitor=st.sampled_from(["ada", "bob", "eve"]))
    def make_room(self, visitor: str) -> None:
        """Somebody waits, and a page that nobody looks at ends for them."""
        if spare := self.leases.spare(visitor):
            assert not spare.connections
            self.leases.give_back(spare)

    @invariant()
    def never_too_many(self) -> None:
        """There are never more pages than places."""
        assert len(self.leases) <= LIMITS.pages

    @invariant()
    def one_owner(self) -> None:
        """Each kernel is one visitor's, who opened its page."""
        for lease in self.leases:
            owners = [name for name in ("ada", "bob", "eve") if self.leases.owns(name, lease.kernel)]
            assert owners == [lease.visitor]


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
