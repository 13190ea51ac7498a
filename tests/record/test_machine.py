"""Several people work on one record in any order; a plain dictionary says what must come of it."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from workbench.errors import ConflictError, RecordError
from workbench.record import ActionState, Record
from workbench.record.states import STEPS

PEOPLE = st.sampled_from(["Ann", "Bob", "李雷"])
WORDS = st.sampled_from(["Latency rose", "👩\u200d🚒 came", "a\n\tb", "'; DROP TABLE incident; --", "\u202eedis"])


class Desk(RuleBasedStateMachine):
    """Everybody has the record open; ``seen`` are versions somebody once had on the screen."""

    empty: Path
    incident_draft: Callable
    entry_draft: Callable
    action_draft: Callable

    seen = Bundle("seen")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "records.db"
        shutil.copy(self.empty, path)
        self.doors = {name: Record.open(f"sqlite:///{path}", author=name) for name in ("Ann", "Bob", "李雷")}
        self.reader = Record.open(f"sqlite:///{path}", read_only=True)
        self.stands = {}
        self.changes = 0

    @initialize()
    def an_incident(self):
        """There is one incident to work on."""
        self.stands["slow-checkout"] = self.doors["Ann"].add_incident(self.incident_draft())
        self.changes += 1

    def kept(self, saved):
        """Note what must stand now."""
        self.stands[saved.id] = saved
        self.changes += 1
        return saved

    @rule(target=seen, who=PEOPLE, words=WORDS)
    def add_entry(self, who, words):
        """Somebody adds a timeline entry."""
        saved = self.kept(self.doors[who].add_entry("slow-checkout", self.entry_draft(what=words, who=who)))
        assert (saved.version, saved.created_by, saved.what) == (1, who, words)
        return saved

    @rule(target=seen, who=PEOPLE, words=WORDS)
    def add_action(self, who, words):
        """Somebody adds an action."""
        return self.kept(self.doors[who].add_action("slow-checkout", self.action_draft(rationale=words)))

    @rule(target=seen, who=PEOPLE, old=seen, words=WORDS)
    def edit(self, who, old, words):
        """Somebody saves what they had on the screen, perhaps long ago."""
        is_entry = hasattr(old, "what")
        save = self.doors[who].edit_entry if is_entry else self.doors[who].edit_action
        draft = self.entry_draft(what=words, who=who) if is_entry else self.action_draft(rationale=words)
        return self.saved_or_refused(old, draft, lambda: save(old.id, draft, old.version))

    @rule(target=seen, who=PEOPLE, old=seen)
    def withdraw(self, who, old):
        """Somebody withdraws what they had on the screen."""
        door = self.doors[who]
        save = door.withdraw_entry if hasattr(old, "what") else door.withdraw_action
        return self.saved_or_refused(old, None, lambda: save(old.id, old.version, f"{who} says so"))

    @rule(target=seen, who=PEOPLE, old=consumes(seen), state=st.sampled_from(ActionState))
    def move(self, who, old, state):
        """Somebody moves an action, if that is one of its steps."""
        if hasattr(old, "what"):
            return multiple()
        now = self.stands[old.id]
        possible = state in STEPS[now.state] and now.version == old.version and not now.withdrawn_reason
        try:
            saved = self.doors[who].move_action(old.id, state, old.version, "because")
        except RecordError:
            assert not possible
            return multiple()
        assert possible
        return self.kept(saved)

    def saved_or_refused(self, old, draft, save):
        """A save succeeds exactly when nobody was faster and it wasn't withdrawn."""
        now = self.stands[old.id]
        if old.version != now.version:
            with pytest.raises(ConflictError) as refused:
                save()
            assert refused.value.theirs == now
            return multiple()
        try:
            saved = save()
        except RecordError:
            assert now.withdrawn_reason
            return multiple()
        if draft is not None and draft == now.draft():
            assert saved == now
            return multiple()
        assert saved.version == now.version + 1
        return self.kept(saved)

    @invariant()
    def everybody_reads_what_stands(self):
        """A reader sees exactly what was saved, and as many changes as there were."""
        if not self.stands:
            return
        assert self.reader.data_version() == self.changes
        entries = self.reader.entries("slow-checkout", withdrawn=True)
        actions = self.reader.actions(withdrawn=True)
        assert {one.id: one for one in [*entries, *actions, *self.reader.incidents()]} == self.stands

    def teardown(self):
        """The chain holds every change."""
        assert self.reader.verify() == []
        assert len(self.reader.history()) == self.changes
        for door in (*self.doors.values(), self.reader):
            door.close()
        self.folder.cleanup()


def test_several_people_at_one_desk(empty, incident_draft, entry_draft, action_draft):
    """Whatever they do in whatever order, nothing is lost, nothing is saved over, and the chain is whole."""
    drafts = {"incident_draft": incident_draft, "entry_draft": entry_draft, "action_draft": action_draft}
    machine = type("DeskOfThisTest", (Desk,), {"empty": empty, **{k: staticmethod(v) for k, v in drafts.items()}})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
