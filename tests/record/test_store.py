"""Saving, editing, withdrawing and reading through the record."""

from datetime import UTC, datetime

import pytest

from workbench.errors import ConflictError, InvalidError, RecordError, UnknownError
from workbench.record import Record


def test_what_was_saved_is_there_for_everybody(record, url, incident_draft, entry_draft, action_draft, citation):
    """Another who opens the record reads exactly what was saved, evidence and all."""
    incident = record.add_incident(incident_draft())
    entry = record.add_entry(incident.id, entry_draft(evidence=[citation], why="🚒\r\n\u0623\u0647\u0644\u0627\u064b"))
    action = record.add_action(incident.id, action_draft(evidence=[citation]))
    with Record.open(url, read_only=True) as other:
        assert other.incidents() == [incident]
        assert other.entries(incident.id) == [entry]
        assert other.actions() == other.actions(incident.id) == [action]
        assert other.incident(incident.id) == incident
        assert other.entry(entry.id).evidence == (citation,)
        assert other.action(action.id).state == "open"


def test_a_save_says_who_and_when(url, incident_draft):
    """The first save names who made it, later ones who changed it last; the version counts."""
    at = datetime(2026, 11, 23, 8, 0, 0, 1, tzinfo=UTC)
    with Record.open(url, author=" Ann ", clock=lambda: at) as ann:
        made = ann.add_incident(incident_draft())
    with Record.open(url, author="李雷") as other:
        edited = other.edit_incident(made.id, incident_draft(title="Checkout is down"), made.version)
    assert (made.version, made.created_by, made.created_at) == (1, "Ann", at)
    assert (edited.version, edited.created_by, edited.created_at) == (2, "Ann", at)
    assert (edited.updated_by, edited.title) == ("李雷", "Checkout is down")
    assert edited.updated_at > at
    with Record.open(url, read_only=True) as reader:
        assert [(one.author, one.at) for one in reader.history()] == [("Ann", at), ("李雷", edited.updated_at)]


def test_an_id_is_taken_once(record, incident_draft):
    """A second incident of the same id is refused at that field, and the first stays."""
    first = record.add_incident(incident_draft())
    with pytest.raises(InvalidError, match="is taken") as refused:
        record.add_incident(incident_draft(title="Another"))
    assert list(refused.value.fields) == ["id"]
    assert record.incidents() == [first]


def test_an_incident_keeps_its_id(record, incident_draft):
    """An edit can't rename an incident: its evidence and reviews lie under the id."""
    made = record.add_incident(incident_draft())
    with pytest.raises(InvalidError, match="stays slow-checkout"):
        record.edit_incident(made.id, incident_draft(id="other"), 1)


def test_a_copy_that_was_changed_is_checked_again(record, incident_draft, entry_draft):
    """A draft that was copied with new values, which pydantic doesn't check, is checked when it is saved."""
    record.add_incident(incident_draft())
    with pytest.raises(InvalidError, match="what: is required"):
        record.add_entry("slow-checkout", entry_draft().model_copy(update={"what": " "}))
    assert record.entries("slow-checkout") == []


def test_what_is_saved_can_be_saved_again_as_it_stands(record, incident_draft, entry_draft):
    """A saved object is taken where a draft is, and saving it unchanged makes no new version and no history."""
    incident = record.add_incident(incident_draft())
    entry = record.add_entry(incident.id, entry_draft())
    before = record.data_version()
    assert record.edit_incident(incident.id, incident, 1) == incident
    assert record.edit_entry(entry.id, entry.draft(), 1) == entry
    assert record.data_version() == before


def test_a_save_over_a_newer_version_is_refused(record, url, incident_draft, entry_draft, action_draft):
    """Who edited an older version is told who was first, and gets their version to compare with; it stays."""
    record.add_incident(incident_draft())
    entry = record.add_entry("slow-checkout", entry_draft())
    action = record.add_action("slow-checkout", action_draft())
    with Record.open(url, author="Bob") as bob:
        theirs = bob.edit_entry(entry.id, entry_draft(what="Bob's"), 1)
        bob.edit_incident("slow-checkout", incident_draft(title="Bob's"), 1)
        bob.move_action(action.id, "in progress", 1)
    late = [
        lambda: record.edit_entry(entry.id, entry_draft(what="Ann's"), 1),
        lambda: record.withdraw_entry(entry.id, 1, "Ann's"),
        lambda: record.edit_incident("slow-checkout", incident_draft(title="Ann's"), 1),
        lambda: record.edit_action(action.id, action_draft(title="Ann's"), 1),
        lambda: record.move_action(action.id, "dropped", 1, "Ann's"),
        lambda: record.withdraw_action(action.id, 1, "Ann's"),
        lambda: record.edit_entry(entry.id, entry_draft(what="Ann's"), 3),
    ]
    before = record.head()
    for save in late:
        with pytest.raises(ConflictError, match=r"changed by Bob at 2.*version 2") as refused:
            save()
        assert refused.value.theirs.version == 2
    assert record.head() == before
    assert record.entry(entry.id) == theirs


def test_nothing_is_deleted_only_withdrawn(record, incident_draft, entry_draft, action_draft):
    """What was withdrawn leaves the lists, can still be read with its reason, and can't be changed any more."""
    record.add_incident(incident_draft())
    entry = record.add_entry("slow-checkout", entry_draft())
    action = record.add_action("slow-checkout", action_draft())
    gone = record.withdraw_entry(entry.id, 1, "another service")
    record.withdraw_action(action.id, 1, "double")
    assert record.entries("slow-checkout") == record.actions() == record.actions("slow-checkout") == []
    assert record.entries("slow-checkout", withdrawn=True) == [gone] == [record.entry(entry.id)]
    assert gone.withdrawn_reason == "another service"
    assert [one.withdrawn_reason for one in record.actions(withdrawn=True)] == ["double"]
    for again in (
        lambda: record.withdraw_entry(entry.id, 2, "again"),
        lambda: record.edit_entry(entry.id, entry_draft(what="Other"), 2),
        lambda: record.edit_action(action.id, action_draft(title="Other"), 2),
        lambda: record.move_action(action.id, "in progress", 2),
        lambda: record.measure_action(action.id, 2, holds=True, measured="p99 200 ms"),
    ):
        with pytest.raises(RecordError, match="was withdrawn"):
            again()
    assert not [name for name in dir(Record) if "delete" in name or "remove" in name]


@pytest.mark.parametrize("reason", ["", "  \n", "nul \x00"])
def test_withdrawing_needs_a_reason(record, incident_draft, entry_draft, reason):
    """Without a readable reason nothing is withdrawn, and the field is named."""
    record.add_incident(incident_draft())
    entry = record.add_entry("slow-checkout", entry_draft())
    with pytest.raises(InvalidError) as refused:
        record.withdraw_entry(entry.id, 1, reason)
    assert list(refused.value.fields) == ["reason"]
    assert record.entry(entry.id).withdrawn_reason is None


def test_what_is_not_there_is_named_with_what_is(record, incident_draft, entry_draft, action_draft):
    """A name that isn't there is refused everywhere, with the nearest that is."""
    record.add_incident(incident_draft())
    for ask in (
        lambda: record.incident("slow-chekout"),
        lambda: record.entries("slow-chekout"),
        lambda: record.actions("slow-chekout"),
        lambda: record.snapshots("slow-chekout"),
        lambda: record.history("slow-chekout"),
        lambda: record.edit_incident("slow-chekout", incident_draft(), 1),
        lambda: record.add_entry("slow-chekout", entry_draft()),
        lambda: record.add_action("slow-chekout", action_draft()),
        lambda: record.note_snapshot("slow-chekout", "v1", "0" * 64),
    ):
        with pytest.raises(UnknownError, match=r"no incident 'slow-chekout'\. Did you mean slow-checkout"):
            ask()
    for ask in (lambda: record.entry("entry-1"), lambda: record.withdraw_entry("entry-1", 1, "x")):
        with pytest.raises(UnknownError, match="no timeline entry 'entry-1'"):
            ask()
    with pytest.raises(UnknownError, match="no action 'action-1'"):
        record.move_action("action-1", "done", 1)
    assert record.data_version() == 1


def test_lists_are_in_the_order_people_read_them(record, incident_draft, entry_draft, action_draft):
    """Incidents come latest first, the timeline as it happened, actions by their due day."""
    for day in ("02", "01", "03"):
        milestones = {"started_at": f"2023-01-{day}T00:00:00Z"}
        record.add_incident(incident_draft(id=f"on-{day}", milestones=milestones))
        record.add_entry("on-02" if day != "02" else f"on-{day}", entry_draft(at=f"2023-01-{day}T05:00:00+05:00"))
        record.add_action("on-02", action_draft(due=f"2023-02-{day}"))
    assert [one.id for one in record.incidents()] == ["on-03", "on-02", "on-01"]
    assert [one.at.day for one in record.entries("on-02")] == [1, 2, 3]
    assert [one.due.day for one in record.actions()] == [1, 2, 3]


def test_a_snapshot_is_noted_once(record, incident_draft):
    """The same note again changes nothing; another hash for the same version is refused."""
    record.add_incident(incident_draft())
    noted = record.note_snapshot("slow-checkout", "v1", "ab" * 32)
    assert record.note_snapshot("slow-checkout", "v1", "ab" * 32) == noted
    assert noted.author == "Ann"
    with pytest.raises(RecordError, match="noted already"):
        record.note_snapshot("slow-checkout", "v1", "cd" * 32)
    with pytest.raises(InvalidError, match="manifest_sha256"):
        record.note_snapshot("slow-checkout", "v2", "no hash")
    assert record.snapshots("slow-checkout") == [noted]
    assert record.data_version() == 2


def test_the_change_number_grows_with_every_change(told):
    """A page that polls sees each change as a larger number."""
    before = told.data_version()
    assert before == len(told.history()) == told.head().count == 8
    told.note_snapshot("slow-checkout", "v2", "ab" * 32)
    assert told.data_version() == before + 1


@pytest.mark.parametrize("author", ["", "  ", "two\nlines", "nul\x00", "x" * 201])
def test_nobody_writes_without_a_name(url, author):
    """A record to be written in is opened only in somebody's name."""
    with pytest.raises(InvalidError, match="author"):
        Record.open(url, author=author)
