"""The timeline form holds a draft of an entry, says what is wrong with it, and saves, edits and withdraws entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from widgets import TimelineForm
from workbench.errors import StorageError
from workbench.evidence import Citation
from workbench.record import Incident, Record, TimelineEntryDraft, TimelineKind

Draft = Callable[..., TimelineEntryDraft]


@pytest.fixture
def form(record: Record, incident: Incident) -> TimelineForm:
    """An empty form."""
    return TimelineForm(record, incident)


def fill(form: TimelineForm, **texts: str) -> None:
    """Type a whole entry, or what differs from it."""
    whole = {"at": "09:13:10", "what": "CPU at its quota", "who": "CPU series", "kind": "observation"}
    for name, text in (whole | texts).items():
        form.fields[name].text = text


def test_an_empty_form_has_no_value_and_shows_no_error(form: TimelineForm) -> None:
    """What is missing is known, but nobody is told before they typed or tried to save."""
    assert form.value is None
    assert set(form.errors) == {"at", "what", "who", "kind"}
    assert [field.error for field in form.fields.values()] == [""] * len(form.fields)


def test_fields_are_made_from_the_records_type(form: TimelineForm) -> None:
    """Labels, what may be left empty, the unit and the choices come from the type."""
    described = {name: field.widget.description for name, field in form.fields.items()}
    assert "What happened" in described["what"]
    assert [name for name, text in described.items() if "(optional)" in text] == ["until", "why"]
    assert [name for name, field in form.fields.items() if field.required] == ["at", "what", "who", "kind"]
    assert "± s" in described["uncertainty_s"]
    assert [value for _, value in form.fields["kind"].widget.options] == ["", *TimelineKind]


def test_the_value_is_the_draft_that_was_meant(form: TimelineForm) -> None:
    """Times are in UTC, blanks around words go."""
    fill(form, at="10:13:10 +01:00", until="09:14", uncertainty_s="60", what="  CPU at its quota ")
    assert form.errors == {}
    assert form.value == TimelineEntryDraft(
        at=datetime(2023, 1, 29, 9, 13, 10, tzinfo=UTC),
        until=datetime(2023, 1, 29, 9, 14, tzinfo=UTC),
        uncertainty_s=60,
        what="CPU at its quota",
        who="CPU series",
        kind=TimelineKind.OBSERVATION,
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("at", "noon", "“noon” is not a time"),
        ("until", "09:13:00", "To is 2023-01-29T09:13:00Z, not after its beginning"),
        ("uncertainty_s", "-5", "± must be 0 or more."),
        ("uncertainty_s", "some", "Write a whole number"),
        ("who", "System", "Name the person, alert or series. “System” says too little to check."),
        ("who", "x" * 201, "is too long; 200 characters are the most"),
        ("what", "\x07", "control character"),
        ("what", "", "Say what happened, in one sentence."),
        ("kind", "", "Choose what sort of thing it was."),
    ],
)
def test_an_error_is_shown_beside_its_field_while_typing(form: TimelineForm, name: str, text: str, said: str) -> None:
    """In words a person would use, on this field only, and gone when it is corrected."""
    fill(form)
    good = form.fields[name].text
    form.fields[name].text = text
    assert said in form.errors[name]
    assert said in form.fields[name].widget.description.replace("&#39;", "'")
    assert "wb-field--wrong" in form.fields[name].widget._dom_classes
    assert [other for other, field in form.fields.items() if field.error] == [name]
    assert "1 field to correct" in form.summary.value
    form.fields[name].text = good
    assert form.errors == {}
    assert "wb-field--wrong" not in form.fields[name].widget._dom_classes
    assert form.summary.value == ""


def test_checking_never_writes_into_the_field_that_is_typed_in(form: TimelineForm) -> None:
    """A cleaned text put back while somebody types would eat letters."""
    for text in (" ", " 9", " 9:1", " 9:13 ", "9:13:5"):
        form.fields["at"].text = text
        assert form.fields["at"].text == text
    form.fields["what"].text = " two  blanks "
    assert form.fields["what"].text == " two  blanks "


def test_markup_in_a_text_is_text(form: TimelineForm) -> None:
    """Nothing that is typed becomes part of the page."""
    fill(form, who="<b>System</b>")
    form.fields["at"].text = "<script>alert(1)</script>"
    assert "<script" not in form.fields["at"].widget.description
    fill(form, what="<img src=x onerror=alert(1)>")
    assert form.save() is not None
    assert "<img" not in form.callout.value


def test_saving_tells_the_record_and_whoever_listens(form: TimelineForm, record: Record) -> None:
    """The entry is in the record under the author's name, and the form is ready for the next one."""
    heard = []
    form.on_saved(heard.append)
    fill(form)
    saved = form.save()
    assert saved is not None
    assert record.entries("slow-checkout") == [saved] == heard
    assert saved.created_by == "Facilitator"
    assert form.fields["what"].text == ""
    assert not form.dirty
    assert "Saved 09:13:10 CPU at its quota" in form.callout.fact
    assert [row["title"] for row in form.list.rows] == ["CPU at its quota"]
    assert form.list.heading == "1 entry"


def test_saving_what_is_wrong_saves_nothing_and_says_how_much_is_left(form: TimelineForm, record: Record) -> None:
    """Every field that needs correcting is marked, touched or not."""
    form.fields["who"].text = "CPU series"
    form.save_button.click()
    assert record.entries("slow-checkout") == []
    assert [name for name, field in form.fields.items() if field.error] == ["at", "what", "kind"]
    assert "3 fields to correct before saving" in form.summary.value
    assert form.fields["who"].text == "CPU series"


def test_what_stands_on_the_screen_is_saved(form: TimelineForm, record: Record) -> None:
    """The last letters may still be on their way when Enter arrives: they come along with it."""
    fill(form, what="CPU at its quo")
    form.access._heard(None, {"send": "save", "typed": {"what": "CPU at its quota", "unknown": "x"}}, None)
    assert [entry.what for entry in record.entries("slow-checkout")] == ["CPU at its quota"]


def test_a_late_message_does_not_fill_a_saved_form_again(form: TimelineForm, record: Record) -> None:
    """The text that came along with Enter arrives once more by itself, when the form is empty already."""
    fill(form, what="CPU at its quo")
    form.access._heard(None, {"send": "save", "typed": {"what": "CPU at its quota"}}, None)
    form.fields["what"].widget.set_state({"value": "CPU at its quota"})
    assert form.fields["what"].text == ""
    assert not form.dirty
    form.fields["what"].widget.set_state({"value": "CPU at its quota"})
    assert form.fields["what"].text == "CPU at its quota"


def test_a_late_message_does_not_fill_a_cleared_form_again(form: TimelineForm) -> None:
    """Clear empties what is still on its way, too."""
    fill(form, what="CPU at its quo")
    form.access._heard(None, {"send": "clear", "typed": {"what": "CPU at its quota"}}, None)
    form.fields["what"].widget.set_state({"value": "CPU at its quota"})
    assert form.fields["what"].text == ""
    assert not form.dirty


@pytest.mark.parametrize(
    "message",
    [None, "save", {"send": 1}, {"send": "delete"}, {"send": "save", "typed": {"what": 1, "kind": "nothing"}}],
)
def test_what_a_browser_makes_up_saves_nothing(form: TimelineForm, record: Record, message: object) -> None:
    """Messages are checked like typing, and never raise."""
    form.access._heard(None, message, None)
    assert record.entries("slow-checkout") == []


def test_an_entry_is_edited_from_the_list(form: TimelineForm, record: Record, entry_draft: Draft) -> None:
    """Its fields come back as they would have been typed; saving makes the next version, and keeps what isn't shown."""
    first = record.add_entry("slow-checkout", entry_draft(at="2023-01-30T00:02:00Z", uncertainty_s=60, example=True))
    form.refresh()
    form.press(first.id, "edit")
    assert {name: field.text for name, field in form.fields.items()} == {
        "at": "2023-01-30 00:02:00",
        "until": "",
        "uncertainty_s": "60",
        "what": "CPU at its quota",
        "who": "CPU series",
        "why": "",
        "kind": "observation",
    }
    assert "<h3>Edit entry</h3>" in form.heading.value
    assert [row["current"] for row in form.list.rows] == [True]
    assert not form.dirty
    form.fields["why"].text = "Later calls waited for it"
    saved = form.save()
    assert saved is not None
    assert (saved.id, saved.version, saved.at, saved.why) == (first.id, 2, first.at, "Later calls waited for it")
    assert saved.example
    assert form.editing is None


def test_an_edit_never_throws_away_what_was_typed(form: TimelineForm, record: Record, entry_draft: Draft) -> None:
    """A half-typed entry stays; the form says to save or clear it first."""
    saved = record.add_entry("slow-checkout", entry_draft())
    form.refresh()
    form.fields["what"].text = "Half a sen"
    form.press(saved.id, "edit")
    assert form.editing is None
    assert form.fields["what"].text == "Half a sen"
    assert "isn't saved" in form.callout.fact
    form.clear_button.click()
    form.press(saved.id, "edit")
    assert form.fields["what"].text == "CPU at its quota"


def test_an_entry_is_withdrawn_with_a_reason(form: TimelineForm, record: Record, entry_draft: Draft) -> None:
    """It goes from the list to the withdrawn ones and stays in the record; without a reason nothing happens."""
    saved = record.add_entry("slow-checkout", entry_draft())
    form.refresh()
    form.press(saved.id, "edit")
    form.withdraw_button.click()
    assert form.reason.shown
    form.reason.save_button.click()
    assert "Say why" in form.reason.fields["reason"].error
    assert record.entry(saved.id).withdrawn_reason is None
    form.reason.fields["reason"].text = "It was another day"
    form.reason.save_button.click()
    assert record.entry(saved.id).withdrawn_reason == "It was another day"
    assert not form.reason.shown
    assert form.editing is None
    assert form.list.heading == "0 entries"
    assert [row["withdrawn"] for row in form.list.rows] == ["It was another day"]
    assert form.list.rows[0]["buttons"] == ()


def test_the_reason_can_be_kept_to_oneself(form: TimelineForm, record: Record, entry_draft: Draft) -> None:
    """Asking for a reason withdraws nothing."""
    saved = record.add_entry("slow-checkout", entry_draft())
    form.refresh()
    form.press(saved.id, "edit")
    form.withdraw_button.click()
    form.reason.cancel.click()
    assert not form.reason.shown
    assert form.editing == saved


def test_evidence_is_attached_taken_off_and_saved(
    form: TimelineForm, record: Record, incident: Incident, citation: Citation
) -> None:
    """A marked time fills From and To with the slice looked at; another mark on the same series replaces it."""
    start, end = datetime(2023, 1, 29, 9, 13, tzinfo=UTC), datetime(2023, 1, 29, 9, 14, tzinfo=UTC)
    form.fill(start, end, citation)
    assert (form.fields["at"].text, form.fields["until"].text) == ("09:13:00", "09:14:00")
    later = citation.model_copy(update={"label": "CPU 09:13–09:15"})
    other = citation.model_copy(update={"names": ("MemoryUsageRate(%)",), "label": "Memory 09:13"})
    form.fill(start, end, later)
    form.fill(start, None, other)
    assert form.fields["until"].text == ""
    assert form.evidence.citations == (later, other)
    form.evidence._chips.children[0].click()
    fill(form, at="09:13:00")
    assert form.save() is not None
    assert record.entries("slow-checkout")[0].evidence == (other,)
    assert form.evidence.citations == ()
    badges = [badge["text"] for badge in form.list.rows[0]["badges"]]
    assert badges == ["Memory 09:13"]


def test_an_entry_without_evidence_says_so(form: TimelineForm, record: Record, entry_draft: Draft) -> None:
    """Its absence shows in the list."""
    record.add_entry("slow-checkout", entry_draft())
    form.refresh()
    assert [badge["text"] for badge in form.list.rows[0]["badges"]] == ["No evidence"]


def test_anothers_save_shows_and_touches_nothing_typed(
    form: TimelineForm, colleague: Record, entry_draft: Draft
) -> None:
    """The list follows the record; half-typed text stays."""
    form.fields["what"].text = "Half a sen"
    assert not form.watch.look()
    colleague.add_entry("slow-checkout", entry_draft(what="Acknowledged"))
    assert form.watch.look()
    assert [row["title"] for row in form.list.rows] == ["Acknowledged"]
    assert form.fields["what"].text == "Half a sen"


def test_a_colleagues_newer_version_is_told_while_one_edits(
    form: TimelineForm, record: Record, colleague: Record, entry_draft: Draft
) -> None:
    """The form says who changed it when, and leaves the fields alone."""
    first = record.add_entry("slow-checkout", entry_draft())
    form.refresh()
    form.press(first.id, "edit")
    colleague.edit_entry(first.id, entry_draft(what="Theirs"), first.version)
    form.watch.look()
    assert form.callout.fact.startswith("Food on-call changed this entry at ")
    assert form.fields["what"].text == "CPU at its quota"


@pytest.fixture
def clash(form: TimelineForm, record: Record, colleague: Record, entry_draft: Draft) -> TimelineForm:
    """A form whose save was refused because a colleague saved a newer version."""
    first = record.add_entry("slow-checkout", entry_draft())
    form.refresh()
    form.press(first.id, "edit")
    colleague.edit_entry(first.id, entry_draft(what="I saw it on the dashboard", who="Food on-call"), first.version)
    form.fields["what"].text = "I saw it"
    form.save_button.click()
    return form


def test_a_conflict_shows_both_versions_field_by_field(clash: TimelineForm, record: Record) -> None:
    """Nothing is saved or lost before somebody chooses."""
    assert clash.conflict.shown
    assert [tuple(one) for one in clash.conflict.differences] == [
        ("What happened", "I saw it", "I saw it on the dashboard"),
        ("Who or what observed it", "CPU series", "Food on-call"),
    ]
    assert "Food on-call changed this too" in clash.conflict._text.value
    assert record.entries("slow-checkout")[0].what == "I saw it on the dashboard"
    assert clash.fields["what"].text == "I saw it"


def test_mine_can_be_kept(clash: TimelineForm, record: Record) -> None:
    """What was typed becomes the newest version."""
    clash.conflict.keep.click()
    saved = record.entries("slow-checkout")[0]
    assert (saved.what, saved.who, saved.version) == ("I saw it", "CPU series", 3)
    assert not clash.conflict.shown


def test_theirs_can_be_taken(clash: TimelineForm, record: Record) -> None:
    """Their version is in the form, ready to be edited further."""
    clash.conflict.take.click()
    assert clash.fields["what"].text == "I saw it on the dashboard"
    assert not clash.conflict.shown
    clash.fields["why"].text = "It was the first sign"
    assert clash.save() is not None
    assert record.entries("slow-checkout")[0].version == 3


def test_a_refusal_is_told_in_words(form: TimelineForm, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the record says stands on the form, and what was typed is still there."""

    def full(*_: object) -> None:
        raise StorageError("the disk is full", do="Free some space, then save once more")

    monkeypatch.setattr(form.record, "add_entry", full)
    fill(form)
    form.save_button.click()
    assert "The disk is full.</strong> Free some space" in form.callout.value
    assert form.fields["what"].text == "CPU at its quota"


def test_an_unexpected_error_never_shows_a_traceback(
    form: TimelineForm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person reads a number, the log has the rest, and nothing is printed: a kernel would send it to the page."""
    monkeypatch.setattr(form.record, "add_entry", lambda *_: 1 / 0)
    fill(form)
    form.save_button.click()
    assert "ZeroDivision" not in form.callout.value
    assert "the number" in form.callout.value
    assert form.fields["what"].text == "CPU at its quota"
    assert capsys.readouterr() == ("", "")


def test_a_read_only_record_is_refused_in_words(workspace: object, incident: Incident) -> None:
    """A form over a record that was opened to be read says so and saves nothing."""
    with workspace.record(read_only=True) as record:
        form = TimelineForm(record, incident)
        fill(form)
        form.save_button.click()
        assert "read only" in form.callout.fact
        assert record.entries("slow-checkout") == []
