"""The steps of an action, all of them tried."""

import itertools

import pytest

from workbench.errors import InvalidError, RecordError
from workbench.record import ActionState
from workbench.record.states import STEPS

PATHS = {
    "open": [],
    "in progress": ["in progress"],
    "done": ["in progress", "done"],
    "verified": ["in progress", "done", "verified"],
    "failed": ["in progress", "done", "failed"],
    "dropped": ["dropped"],
}


@pytest.fixture
def taken(record, incident_draft, action_draft):
    """Return a new action that was taken to a state."""
    record.add_incident(incident_draft())

    def take(state):
        action = record.add_action("slow-checkout", action_draft())
        for step in PATHS[state]:
            if step in {"verified", "failed"}:
                action = record.measure_action(
                    action.id, action.version, holds=step == "verified", measured="p99 250 ms, 1 to 7 February"
                )
            else:
                action = record.move_action(action.id, step, action.version, "no longer needed")
        assert action.state == state
        return action

    return take


@pytest.mark.parametrize(("now", "wanted"), list(itertools.product(PATHS, PATHS)))
def test_only_the_steps_that_exist_are_taken(record, taken, now, wanted):
    """Of all pairs of states, exactly the named steps work; any other is refused with those that do."""
    action = taken(now)
    allowed = {
        ("open", "in progress"), ("open", "dropped"), ("in progress", "done"), ("in progress", "dropped"),
        ("done", "in progress"), ("failed", "in progress"),
    }  # fmt: skip
    if (now, wanted) in allowed:
        moved = record.move_action(action.id, wanted, action.version, "because")
        assert (moved.state, moved.state_reason) == (wanted, "because")
        return
    with pytest.raises(RecordError) as refused:
        record.move_action(action.id, wanted, action.version, "because")
    if wanted in {"verified", "failed"}:
        assert "Only measuring" in refused.value.do
    else:
        assert all(state in refused.value.do for state in STEPS[ActionState(now)])
    assert record.action(action.id) == action


@pytest.mark.parametrize("now", PATHS)
@pytest.mark.parametrize("holds", [True, False])
def test_only_what_is_done_is_measured(record, taken, now, holds):
    """A measurement decides about an action that is done, and about no other."""
    action = taken(now)
    if now == "done":
        measured = record.measure_action(action.id, action.version, holds=holds, measured="p99 250 ms")
        assert (measured.state, measured.state_reason) == ("verified" if holds else "failed", "p99 250 ms")
        assert record.history()[-1].action == "measured"
        return
    with pytest.raises(RecordError, match=f"is {now} and can't become verified or failed"):
        record.measure_action(action.id, action.version, holds=holds, measured="p99 250 ms")


def test_dropping_and_measuring_say_why(record, taken):
    """Dropping needs its reason, and a measurement what was measured."""
    action = taken("in progress")
    with pytest.raises(InvalidError, match="reason: is required"):
        record.move_action(action.id, "dropped", action.version, " ")
    done = record.move_action(action.id, "done", action.version)
    with pytest.raises(InvalidError, match="reason: is required"):
        record.measure_action(done.id, done.version, holds=True, measured="")


def test_a_state_that_does_not_exist_is_refused_at_its_field(record, taken):
    """A state nobody knows is told as a wrong field."""
    action = taken("open")
    with pytest.raises(InvalidError, match="state: must be one of"):
        record.move_action(action.id, "finished", action.version)


def test_an_edit_keeps_the_state(record, taken, action_draft):
    """Correcting an action's words takes it nowhere."""
    action = taken("done")
    edited = record.edit_action(action.id, action_draft(title="Cap the pool at 20"), action.version)
    assert (edited.state, edited.title) == ("done", "Cap the pool at 20")


def test_every_state_has_its_steps():
    """A new state can't be forgotten in the table of steps."""
    assert set(STEPS) == set(ActionState)
