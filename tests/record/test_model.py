"""What can be typed, what is kept of it, and what people are told when it can't be meant."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.errors import InvalidError
from workbench.evidence import Citation
from workbench.record import (
    Action,
    ActionDraft,
    ActionKind,
    Impact,
    Incident,
    IncidentDraft,
    Milestones,
    Severity,
    TimelineEntry,
    TimelineEntryDraft,
    TimelineKind,
)

EARLIEST, LATEST = datetime(1971, 1, 1), datetime(2199, 12, 30)  # noqa: DTZ001 - hypothesis adds the zone itself
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))])
TIMES = st.datetimes(EARLIEST, LATEST, timezones=ZONES)
LETTERS = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029")
LINES = st.text(LETTERS, max_size=200).map(str.strip)
FILLED_LINES = LINES.filter(bool)
TEXTS = st.text(LETTERS | st.sampled_from("\t\n\r"), max_size=400)
FILLED_TEXTS = TEXTS.filter(str.strip)
SLUGS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?", fullmatch=True)
MILESTONES = st.lists(TIMES, min_size=5, max_size=5, unique=True).map(
    lambda times: dict(zip(Milestones.model_fields, sorted(times), strict=True))
)
CITATIONS = st.builds(
    lambda start, label: Citation(
        snapshot="v1", frame="logs", source="files", sha256="0" * 64, start=start, end=start + timedelta(1), label=label
    ),
    TIMES,
    FILLED_LINES,
)
INCIDENTS = st.builds(
    IncidentDraft,
    id=SLUGS,
    title=FILLED_LINES,
    severity=st.sampled_from(Severity),
    services=st.lists(FILLED_LINES, max_size=4),
    milestones=MILESTONES,
    impact=st.builds(
        Impact,
        summary=TEXTS,
        affected_tenants=st.none() | st.integers(0, 10**12),
        slos_breached=st.lists(FILLED_LINES, max_size=2),
        customer_visible=st.none() | st.booleans(),
    ),
)
ENTRIES = st.builds(
    TimelineEntryDraft,
    at=TIMES,
    uncertainty_s=st.integers(0, 86_400),
    what=FILLED_TEXTS,
    who=FILLED_LINES,
    why=TEXTS,
    kind=st.sampled_from(TimelineKind),
    evidence=st.lists(CITATIONS, max_size=2),
)
ACTIONS = st.builds(
    ActionDraft,
    title=FILLED_LINES,
    owner=FILLED_LINES,
    due=st.dates(),
    kind=st.sampled_from(ActionKind),
    factor=TEXTS,
    success_metric=FILLED_TEXTS,
    rationale=TEXTS,
)
SAVED = {
    "version": 3,
    "created_at": "2023-01-29T09:00:00Z",
    "created_by": "Ann",
    "updated_at": "2023-01-29T09:00:00.000001Z",
    "updated_by": "李雷",
}


@given(INCIDENTS | ENTRIES | ACTIONS)
def test_a_draft_survives_json(draft):
    """Whatever can be typed comes back from JSON as it went in, times to the microsecond."""
    assert type(draft).model_validate_json(draft.model_dump_json()) == draft
    assert type(draft).of(json.loads(draft.model_dump_json())) == draft


@given(INCIDENTS)
def test_a_saved_incident_gives_back_its_draft(draft):
    """What was saved can be edited from exactly what was typed."""
    saved = Incident.of({**draft.model_dump(), **SAVED})
    assert saved.draft() == draft
    assert Incident.model_validate_json(saved.model_dump_json()) == saved


@given(ENTRIES, ACTIONS)
def test_saved_entries_and_actions_give_back_their_drafts(entry, action):
    """The same holds for timeline entries and actions."""
    beside = {**SAVED, "id": "x-1", "incident_id": "slow-checkout"}
    assert TimelineEntry.of({**entry.model_dump(), **beside}).draft() == entry
    assert Action.of({**action.model_dump(), **beside}).draft() == action


@given(MILESTONES, st.permutations(range(5)))
def test_milestones_are_taken_in_their_order_only(times, order):
    """Five different times are taken as milestones exactly when they are sorted."""
    names, sorted_times = list(times), list(times.values())
    shuffled = {name: sorted_times[index] for name, index in zip(names, order, strict=True)}
    assert bool(Milestones.problems(shuffled)) == (list(order) != sorted(order))


@given(MILESTONES, st.sets(st.sampled_from(["detected_at", "acknowledged_at", "mitigated_at", "resolved_at"])))
def test_any_milestone_but_the_start_may_be_unknown(times, unknown):
    """Leaving out any of the later milestones is no mistake, and an unknown one hides no wrong order."""
    known = {name: None if name in unknown else time for name, time in times.items()}
    assert Milestones.problems(known) == {}
    later = [name for name in times if name not in unknown and name != "started_at"]
    if later:
        wrong = {**known, later[-1]: times["started_at"] - timedelta(microseconds=1)}
        assert later[-1] in Milestones.problems(wrong)


def test_times_become_utc():
    """A time of another zone is kept as the same moment in UTC."""
    times = Milestones.of({"started_at": "2023-01-29T10:12:30.000001+01:00"})
    assert times.started_at == datetime(2023, 1, 29, 9, 12, 30, 1, tzinfo=UTC)
    assert times.started_at.tzinfo is UTC


def test_equal_milestones_are_in_order():
    """What detects and starts in the same moment is in order; an incident over when it began is none."""
    start = "2023-01-29T09:12:30Z"
    assert Milestones.problems({"started_at": start, "detected_at": start, "acknowledged_at": start}) == {}
    assert "no time" in Milestones.problems({"started_at": start, "resolved_at": start})["resolved_at"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"title": "   "}, "title", "is required"),
        ({"title": "two\nlines"}, "title", "must be on one line"),
        ({"title": "x" * 201}, "title", "is too long; 200 characters are the most"),
        ({"title": "nul\x00"}, "title", "control character (U+0000) at position 4"),
        ({"title": "half \ud83d"}, "title", "broken character"),
        ({"title": 7}, "title", "must be text"),
        ({"severity": "SEV9"}, "severity", "must be one of 'SEV1', 'SEV2', 'SEV3', 'SEV4' or 'SEV5'"),
        ({"services": "checkout"}, "services", "must be a list"),
        ({"services": ["checkout", " "]}, "services.1", "is required"),
        ({"milestones": {}}, "milestones.started_at", "is required"),
        ({"milestones": None}, "milestones", "must be a group of fields"),
        ({"milestones": {"started_at": "2023-01-29T09:12:30"}}, "milestones.started_at", "has no time zone"),
        ({"milestones": {"started_at": "yesterday"}}, "milestones.started_at", "which is not a time"),
        ({"milestones": {"started_at": "0001-01-01T00:00:00+14:00"}}, "milestones.started_at", "is not a time"),
        ({"milestones": {"started_at": 1674983550}}, "milestones.started_at", "is not a time"),
        ({"impact": {"affected_tenants": -1}}, "impact.affected_tenants", "must be 0 or more"),
        ({"impact": {"affected_tenants": "a few"}}, "impact.affected_tenants", "must be a whole number"),
        ({"impact": {"affected_tenants": float("nan")}}, "impact.affected_tenants", "must be a whole number"),
        ({"impact": {"affected_tenants": 10**30}}, "impact.affected_tenants", "must be 1000000000000 or less"),
        ({"impact": {"customer_visible": "perhaps"}}, "impact.customer_visible", "must be true or false"),
        ({"impact": {"summary": "x" * 10_001}}, "impact.summary", "10000 characters are the most"),
        ({"colour": "red"}, "colour", "is not a field the workbench knows"),
    ],
)
def test_an_incident_is_refused_in_plain_words(incident_draft, changes, field, words):
    """Each mistake is told at its field, in words a facilitator understands."""
    with pytest.raises(InvalidError) as refused:
        incident_draft(**changes)
    assert list(refused.value.fields) == [field]
    assert words in refused.value.fields[field]
    assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    "wrong",
    ["", "A", "a/b", "..", "a..b", ".a", "-a", "_a", "a-", "a.", "ä", "a b", "a\n", "x" * 81, "a\\b", "a%2f", "\u0661"],
)
def test_an_id_is_a_safe_name(incident_draft, wrong):
    """An id that could leave its folder or hide there is refused, and a better one is offered."""
    with pytest.raises(InvalidError) as refused:
        incident_draft(id=wrong)
    assert "lower-case letters" in refused.value.fields["id"]


def test_an_entry_that_ends_before_it_begins_is_refused(entry_draft):
    """An end at or before the beginning is told at the end's field."""
    with pytest.raises(InvalidError) as refused:
        entry_draft(until="2023-01-29T09:13:00Z")
    assert "leave it empty" in refused.value.fields["until"]


@pytest.mark.parametrize("due", ["2026-02-30", "soon", 1234567, True, "2026-12-24T00:00:00Z", datetime.now(UTC)])
def test_a_due_day_is_a_day(action_draft, due):
    """A day the calendar lacks, a number or a time of day is no due date."""
    with pytest.raises(InvalidError) as refused:
        action_draft(due=due)
    assert "due" in refused.value.fields


def test_a_due_day_can_be_typed_or_given(action_draft):
    """A form gives a date, a file a text; both are the same day."""
    assert action_draft(due="2026-12-24").due == action_draft(due=date(2026, 12, 24)).due


def test_every_mistake_is_told_at_once():
    """Nobody has to correct one field to hear of the next."""
    assert set(ActionDraft.problems({})) == {"title", "owner", "due", "kind", "success_metric"}
    assert set(TimelineEntryDraft.problems({"uncertainty_s": 1.5})) == {"at", "what", "who", "kind", "uncertainty_s"}


def test_wrong_evidence_is_told_as_such(entry_draft, citation):
    """Evidence whose window can't be is an error of the evidence field, not a crash of the form."""
    wrong = {**citation.model_dump(), "end": citation.model_dump()["start"]}
    with pytest.raises(InvalidError, match="evidence"):
        entry_draft(evidence=[wrong])


def test_what_people_type_is_kept(entry_draft):
    """Any script, emoji with joiners, right-to-left marks, tabs and line ends stay as typed."""
    typed = "  \u0623\u0647\u0644\u0627\u064b \u200f👩\u200d🚒 e\u0301 \u202ex\u202c \t a\r\n b {braces} %s <b>\n"
    assert entry_draft(what=typed).what == typed


def test_a_draft_is_never_changed_in_place(incident_draft):
    """A draft that two people hold can't change under one of them."""
    with pytest.raises(ValidationError):
        incident_draft().title = "Other"


@pytest.mark.parametrize("draft", [IncidentDraft, Milestones, Impact, TimelineEntryDraft, ActionDraft])
def test_every_field_has_a_label(draft):
    """A form can be built from the types: each field has the label people see."""
    assert all(field.title for field in draft.model_fields.values())


@pytest.mark.parametrize("choices", [Severity, TimelineKind, ActionKind])
def test_every_choice_has_its_help(choices):
    """Each choice says when to pick it."""
    assert all(choice.help for choice in choices)
