"""The milestones form: a person confirms what evidence proposes; nothing is saved by itself."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import widgets
from widgets.milestones import MILESTONES, MilestonesForm
from workbench.analysis.milestones import CHANGE, Proposal, Sure
from workbench.evidence import Citation
from workbench.record import Incident, Milestones, Record
from workbench.workspace import Workspace


def at(clock: str) -> datetime:
    """Return a time of the incident's day."""
    return datetime.fromisoformat(f"2023-01-29T{clock}+00:00").astimezone(UTC)


@pytest.fixture
def form(record: Record, incident: Incident) -> MilestonesForm:
    """The form of the incident."""
    return MilestonesForm(record, incident)


@pytest.fixture
def proposal(citation: Citation) -> Proposal:
    """A proposal for when it was detected, half a second after a full one."""
    moment = at("09:13:40") + timedelta(milliseconds=500)
    return Proposal("detected_at", moment, timedelta(seconds=30), Sure.HIGH, "The alert “<b>” began", citation)


def test_it_shows_what_the_record_says(form: MilestonesForm) -> None:
    """As it would have been typed; nothing is proposed and nothing would be lost."""
    assert {name: field.text for name, field in form.fields.items()} == {
        "started_at": "09:12:56", "detected_at": "", "acknowledged_at": "",
        "mitigated_at": "09:15:30", "resolved_at": "09:16:00",
    }  # fmt: skip
    assert not form.dirty
    assert form.errors == {}
    assert all(offer.children == () for offer in form.offers.values())


def test_a_proposal_stands_beside_its_field_and_is_taken_by_a_press(
    form: MilestonesForm, proposal: Proposal, record: Record
) -> None:
    """With how sure and why; pressed, it is typed and not saved."""
    form.propose([proposal])
    button, words = form.offers["detected_at"].children
    assert button.description == "Use 09:13:40 ±\u00a030\u00a0s"
    assert "The alert “&lt;b&gt;” began. <strong>Sure: high.</strong>" in words.value
    button.click()
    assert form.fields["detected_at"].text == "09:13:40"
    assert form.dirty
    assert record.incident("slow-checkout").milestones.detected_at is None
    saved = form.save()
    assert saved is not None
    assert saved.milestones.detected_at == at("09:13:40")
    assert (saved.version, saved.updated_by) == (2, "Facilitator")
    assert form.fields["detected_at"].text == "09:13:40"
    assert not form.dirty
    assert "Saved the milestones at " in form.callout.fact
    assert form.save() is not None
    assert record.incident("slow-checkout").version == 2


def test_a_proposal_may_be_typed_over(form: MilestonesForm, proposal: Proposal) -> None:
    """It is a time like any other."""
    form.propose([proposal])
    form.take(proposal)
    form.fields["detected_at"].text = "09:13:10"
    assert form.save() is not None
    assert form.incident.milestones.detected_at == at("09:13:10")


def test_conflicts_changes_and_absence_are_told(form: MilestonesForm, citation: Citation) -> None:
    """What can't be true together, the change before the start, and why there is nothing."""
    late = Proposal("detected_at", at("09:13:00"), timedelta(0), Sure.LOW, "Said", citation, "lies 9 s before started")
    change = Proposal(CHANGE, at("09:01:00"), timedelta(0), Sure.MEDIUM, "The deploy “v2”", citation)
    form.propose([late, change])
    assert "Conflict: it lies 9 s before started." in form.offers["detected_at"].children[1].value
    assert form.offers["detected_at"].children[0].description == "Use 09:13:00"
    assert "Last change before the start: 09:01:00" in form.context.value
    form.propose((), why_none="Nothing is <pinned>.")
    assert "Nothing is &lt;pinned&gt;." in form.context.value
    assert form.offers["detected_at"].children == ()


def test_what_is_out_of_order_is_marked_while_one_types(form: MilestonesForm, record: Record) -> None:
    """At the later one, in words; nothing is saved."""
    form.fields["detected_at"].text = "09:12:00"
    assert "before the incident started" in form.fields["detected_at"].error
    assert form.save() is None
    assert record.incident("slow-checkout").version == 1
    form.fields["detected_at"].text = ""
    form.fields["started_at"].text = ""
    assert form.fields["started_at"].error == "Say when the impact began, such as 14:51:10."
    form.fields["started_at"].text = "soon"
    assert "is not a time" in form.fields["started_at"].error


def test_changes_can_be_undone(form: MilestonesForm) -> None:
    """The form shows the record again."""
    form.fields["resolved_at"].text = "09:20"
    form.restore_button.click()
    assert form.fields["resolved_at"].text == "09:16:00"
    assert not form.dirty


def test_a_colleagues_change_shows_where_nothing_was_typed(form: MilestonesForm, colleague: Record) -> None:
    """And where something was, the form says so and touches nothing."""
    first = Milestones(started_at=at("09:12:40"), resolved_at=at("09:16:00"))
    colleague.set_milestones("slow-checkout", first, 1)
    assert form.watch.look()
    assert form.fields["started_at"].text == "09:12:40"
    form.fields["detected_at"].text = "09:13"
    colleague.set_milestones("slow-checkout", Milestones(started_at=at("09:12:41")), 2)
    assert form.watch.look()
    assert form.fields["started_at"].text == "09:12:40"
    assert form.fields["detected_at"].text == "09:13"
    assert form.callout.fact.startswith("Food on-call changed this incident at ")


@pytest.fixture
def clash(form: MilestonesForm, colleague: Record) -> MilestonesForm:
    """A form whose save was refused because a colleague saved a newer version."""
    theirs = Milestones(started_at=at("09:12:40"), mitigated_at=at("09:15:30"), resolved_at=at("09:16:00"))
    colleague.set_milestones("slow-checkout", theirs, 1)
    form.fields["detected_at"].text = "09:13:40"
    form.save_button.click()
    return form


def test_a_conflict_shows_both_and_mine_can_be_kept(clash: MilestonesForm, record: Record) -> None:
    """Nothing is lost before somebody chooses."""
    assert clash.conflict.shown
    assert [tuple(one) for one in clash.conflict.differences] == [
        ("Started", "29\u00a0Jan\u00a02023, 09:12:56", "29\u00a0Jan\u00a02023, 09:12:40"),
        ("Detected", "29\u00a0Jan\u00a02023, 09:13:40", "nothing"),
    ]
    clash.conflict.keep.click()
    saved = record.incident("slow-checkout")
    assert (saved.milestones.started_at, saved.milestones.detected_at) == (at("09:12:56"), at("09:13:40"))
    assert saved.version == 3
    assert not clash.conflict.shown


def test_theirs_can_be_taken(clash: MilestonesForm, record: Record) -> None:
    """The form shows theirs, to be gone on with."""
    clash.conflict.take.click()
    assert clash.fields["started_at"].text == "09:12:40"
    assert clash.fields["detected_at"].text == ""
    assert not clash.conflict.shown
    clash.fields["detected_at"].text = "09:13:40"
    assert clash.save() is not None
    assert record.incident("slow-checkout").version == 3


@pytest.fixture
def desk(eventful: Path, tmp_path: Path) -> widgets.Capture:
    """The page of an incident whose events are pinned."""
    shutil.copytree(eventful, tmp_path / "events-desk")
    return widgets.capture("slow-checkout", str(tmp_path / "events-desk"))


def test_the_page_proposes_and_follows_what_is_saved(desk: widgets.Capture) -> None:
    """From the pinned evidence; the head and the timeline's clock go on with the new times."""
    desk.header()
    desk.milestones()
    desk.timeline()
    assert desk.times is not None
    assert desk.entries is not None
    assert [name for name in MILESTONES if desk.times.offers[name].children] == [
        "started_at", "detected_at", "acknowledged_at", "resolved_at",
    ]  # fmt: skip
    desk.times.fields["resolved_at"].text = "2023-01-30 00:10"
    assert desk.times.save() is not None
    assert "to 00:10:00" in desk._told.value
    desk.entries.fields["at"].text = "00:05"
    assert desk.entries.fields["at"].read() == datetime(2023, 1, 30, 0, 5, tzinfo=UTC)


def test_an_event_is_added_through_the_form(desk: widgets.Capture) -> None:
    """With its citation, to be reworded before it is saved; then it is no candidate any more."""
    desk.milestones()
    desk.timeline()
    desk.candidates()
    assert desk.events is not None
    assert desk.entries is not None
    assert desk.workspace is not None
    rows = desk.events.list.rows
    assert (len(rows), desk.events.list.heading) == (7, "7 events not in the timeline")
    row = next(row for row in rows if row["lead"] == "09:14:31")
    desk.events.list._heard(None, {"id": row["id"], "press": "add"}, None)
    form = desk.entries
    assert {name: form.fields[name].text for name in ("at", "what", "who", "kind")} == {
        "at": "09:14:31", "what": "Looking at basic, the CPU is at its quota", "who": "Mira", "kind": "communication",
    }  # fmt: skip
    form.fields["what"].text = "On-call found the CPU at its quota"
    desk.events.list._heard(None, {"id": rows[0]["id"], "press": "add"}, None)
    assert "isn't saved" in form.callout.fact
    assert form.fields["what"].text == "On-call found the CPU at its quota"
    saved = form.save()
    assert saved is not None
    assert saved.evidence[0].frame == "events"
    assert len(desk.events.list.rows) == 6
    assert desk.workspace.verify() == []


def test_a_page_without_events_or_evidence_says_why(workspace: Workspace, tmp_path: Path) -> None:
    """Each part is there, with what to do."""
    desk = widgets.capture("slow-checkout", str(workspace.root))
    desk.milestones()
    desk.timeline()
    desk.candidates()
    assert desk.events is not None
    assert desk.events.list.rows == []
    assert "No events are pinned" in desk.events.list.empty
    bare = Workspace.create(tmp_path / "bare")
    with workspace.record(read_only=True) as other, bare.record(author="Mira") as record:
        record.add_incident(other.incident("slow-checkout").draft())
    empty = widgets.capture("slow-checkout", str(bare.root))
    empty.milestones()
    assert empty.times is not None
    assert "othing is pinned for slow-checkout yet. Run: workbench pull slow-checkout" in empty.times.context.value
    nobody = widgets.capture("", str(workspace.root))
    assert "Choose an incident first" in nobody.milestones().value
    assert "Choose an incident first" in nobody.candidates().value


def test_what_fails_while_looking_is_told_on_the_form(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fields can be used all the same."""
    monkeypatch.setattr("workbench.review.tell", lambda *_: 1 / 0)
    desk = widgets.capture("slow-checkout", str(workspace.root))
    desk.milestones()
    assert desk.times is not None
    assert "That did not work" in desk.times.callout.value
    assert desk.times.save() is not None
