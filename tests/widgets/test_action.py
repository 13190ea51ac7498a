"""The action form holds a draft of an action, and saves, edits, moves and withdraws actions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from widgets import ActionForm
from workbench.evidence import Citation
from workbench.record import Action, ActionDraft, ActionKind, ActionState, Incident, Record

Draft = Callable[..., ActionDraft]


@pytest.fixture
def form(record: Record, incident: Incident) -> ActionForm:
    """An empty form."""
    return ActionForm(record, incident)


@pytest.fixture
def saved(form: ActionForm, record: Record, action_draft: Draft) -> Action:
    """An action in the list."""
    made = record.add_action("slow-checkout", action_draft())
    form.refresh()
    return made


def test_an_action_needs_owner_day_kind_and_measure(form: ActionForm) -> None:
    """What is missing is told in words; factor and rationale may be left empty."""
    form.save_button.click()
    assert {name: field.error for name, field in form.fields.items() if field.error} == {
        "title": "Say what will be different, in one line.",
        "owner": "Name who answers for it.",
        "due": "Name the day: an action without one is an idea.",
        "kind": "Choose what it is to do for the next time.",
        "success_metric": "Say what will be measured; without it nobody can tell whether it worked.",
    }
    assert "5 fields to correct" in form.summary.value


def test_an_action_is_saved(form: ActionForm, record: Record) -> None:
    """With its day, its kind and its measure, open, under the author's name."""
    for name, text in {
        "title": "Alert on CPU at its quota",
        "owner": "Food team",
        "due": "2026-12-23",
        "kind": "detect",
        "factor": "No alert on CPU",
        "success_metric": "Alert within 2 min",
    }.items():
        form.fields[name].text = text
    saved = form.save()
    assert record.actions("slow-checkout") == [saved]
    assert saved is not None
    assert (saved.kind, saved.state, saved.due.isoformat(), saved.created_by) == (
        ActionKind.DETECT,
        ActionState.OPEN,
        "2026-12-23",
        "Facilitator",
    )
    row = form.list.rows[0]
    assert (row["lead"], row["title"], row["note"]) == (
        "23\u00a0Dec\u00a02026",
        "Alert on CPU at its quota",
        "Food team · detect",
    )
    assert [badge["text"] for badge in row["badges"]] == ["Open"]
    assert form.fields["kind"].widget.value is None


@pytest.mark.parametrize("day", ["23/12/2026", "tomorrow", "2026-02-30"])
def test_a_day_that_can_not_be_meant_is_refused_while_typing(form: ActionForm, day: str) -> None:
    """The words say how to write it."""
    form.fields["due"].text = day
    assert "year-month-day" in form.fields["due"].error


def test_states_are_moved_by_buttons(form: ActionForm, record: Record, saved: Action) -> None:
    """Start, then done; what is done waits for its measurement and can be opened again."""
    assert [name for name, _ in form.list.rows[0]["buttons"]] == ["start", "drop", "edit"]
    form.press(saved.id, "start")
    assert [name for name, _ in form.list.rows[0]["buttons"]] == ["done", "drop", "edit"]
    form.press(saved.id, "done")
    assert record.action(saved.id).state is ActionState.DONE
    assert [badge["text"] for badge in form.list.rows[0]["badges"]] == ["Done, not verified"]
    form.press(saved.id, "start")
    assert record.action(saved.id).state is ActionState.IN_PROGRESS


def test_dropping_needs_a_reason(form: ActionForm, record: Record, saved: Action) -> None:
    """It is asked for, kept, and shown."""
    form.press(saved.id, "drop")
    assert form.reason.shown
    form.reason.save_button.click()
    assert record.action(saved.id).state is ActionState.OPEN
    form.reason.fields["reason"].text = "The service is going away"
    form.reason.save_button.click()
    assert record.action(saved.id).state is ActionState.DROPPED
    assert "The service is going away" in form.list.rows[0]["note"]
    assert [name for name, _ in form.list.rows[0]["buttons"]] == ["edit"]


def test_a_state_that_somebody_else_moved_is_not_moved_over(
    form: ActionForm, record: Record, colleague: Record, saved: Action
) -> None:
    """The list was older than the record: nothing happens, the form says why, and the list is new."""
    colleague.move_action(saved.id, ActionState.DROPPED, saved.version, "Not needed")
    form.list._heard(None, {"press": "start", "id": saved.id}, None)
    assert record.action(saved.id).state is ActionState.DROPPED
    assert "was changed by Food on-call" in form.callout.fact


def test_an_edit_keeps_state_and_evidence(
    form: ActionForm, record: Record, action_draft: Draft, citation: Citation
) -> None:
    """What the form doesn't show stays as it was."""
    first = record.add_action("slow-checkout", action_draft(evidence=(citation,)))
    first = record.move_action(first.id, ActionState.IN_PROGRESS, first.version)
    form.refresh()
    form.press(first.id, "edit")
    form.fields["owner"].text = "Platform team"
    saved = form.save()
    assert saved is not None
    assert (saved.owner, saved.state, saved.evidence) == ("Platform team", ActionState.IN_PROGRESS, (citation,))


def test_a_button_that_a_row_has_not_does_nothing(form: ActionForm, record: Record, saved: Action) -> None:
    """A browser may send anything."""
    for message in (None, {"press": "done", "id": saved.id}, {"press": "edit", "id": "other"}, {"id": saved.id}, []):
        form.list._heard(None, message, None)
    assert record.action(saved.id).state is ActionState.OPEN
    assert form.editing is None


def test_an_action_is_withdrawn(form: ActionForm, record: Record, saved: Action) -> None:
    """With a reason, as a mistake."""
    form.press(saved.id, "edit")
    form.withdraw_button.click()
    form.reason.fields["reason"].text = "Entered twice"
    form.reason.save_button.click()
    assert record.action(saved.id).withdrawn_reason == "Entered twice"
    assert record.actions("slow-checkout") == []
