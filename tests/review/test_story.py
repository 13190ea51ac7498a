"""A story is computed from the record and one snapshot, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from workbench.errors import UnknownError
from workbench.review import Story, compose, tell
from workbench.review.coverage import Coverage, coverage
from workbench.review.lengths import lengths
from workbench.review.moments import moments
from workbench.review.telling import answers, dek, finding, overdue
from workbench.workspace import Workspace

Make = Callable[..., Any]


def test_the_same_parts_give_the_same_story(demo: Workspace, told: Story) -> None:
    """No clock, no order of a set: numbers of evidence, sentences and suspects are the same every time."""
    again = tell(demo, told.incident.id)
    assert again.evidence == told.evidence
    assert again.suspects == told.suspects
    assert again.as_of == told.as_of
    assert [answers(story) for story in (again,)] == [answers(told)]
    assert moments(again) == moments(told)


def test_every_reason_rests_on_numbered_evidence(told: Story) -> None:
    """Each service in the table has evidence, numbered from 1 without a gap, whose hash is that of a pinned file."""
    assert told.snapshot is not None
    assert [one.number for one in told.evidence] == list(range(1, len(told.evidence) + 1))
    hashes = {table.sha256 for table in told.snapshot.manifest.tables}
    assert {one.citation.sha256 for one in told.evidence} <= hashes
    for suspect in told.suspects[:5]:
        for reason in suspect.reasons:
            frame = {"metric": "metrics", "log": "logs", "span": "spans"}[reason.kind]
            behind = told.behind(suspect.service, frame)
            assert behind
            assert not reason.name or any(reason.name in one.citation.names for one in behind)


def test_an_entrys_citation_gets_its_number(told: Story) -> None:
    """What people attached is found again among the page's evidence."""
    cited = [entry for entry in told.entries if entry.evidence]
    assert cited
    assert all(told.numbered(entry.evidence) for entry in cited)


def test_without_evidence_the_story_says_so(incident: Make) -> None:
    """An incident of which nothing is pinned can be told; nobody is suspected, and the page says why."""
    story = compose(incident())
    assert story.suspects == ()
    assert story.templates.is_empty()
    assert "Nothing is pinned" in story.problems[0]
    assert finding(story) == "Slow"
    assert "No telemetry" in dek(story)
    assert [answer.big for answer in answers(story)] == [
        "Not known yet", "5\u00a0min", "Not known yet", "No action yet", "Nothing to measure",
    ]  # fmt: skip


def test_an_incident_that_goes_on_is_told_until_now(incident: Make) -> None:
    """While nobody knows the end, its length isn't invented."""
    story = compose(incident(milestones={"started_at": incident().milestones.started_at}))
    assert story.duration is None
    assert story.window.start == story.incident.milestones.started_at
    assert answers(story)[1].small == "not resolved yet"
    assert "not resolved yet" in dek(story)
    assert [one.length for one in lengths(story)] == [None] * 4


def test_an_unknown_snapshot_is_refused_but_none_is_told(demo: Workspace, told: Story) -> None:
    """A name that was asked for has to be there."""
    with pytest.raises(UnknownError):
        tell(demo, told.incident.id, snapshot="20010101T000000.000000Z")
    with pytest.raises(UnknownError):
        tell(demo, "no-such-incident")


def test_actions_are_late_by_the_storys_moment_only(incident: Make, action: Make) -> None:
    """The same page made a year later says the same, unless something changed."""
    due = action().due
    actions = [action("open"), action("done"), action("verified"), action("in progress", due=due + timedelta(days=9))]
    noon = incident().milestones.started_at.replace(day=1, month=2) + timedelta(days=5)
    story = compose(incident(), actions=actions, as_of=noon)
    assert [one.state for one in overdue(story)] == ["open"]
    assert overdue(compose(incident(), actions=actions)) == ()
    told = answers(story)
    assert told[3].big == "4\u00a0actions"
    assert "1 overdue" in "".join(told[3].words)
    assert told[4].big == "So far, yes"


def test_a_finished_action_proves_nothing(incident: Make, action: Make) -> None:
    """Done isn't verified, and a failed measure is told as such."""
    assert answers(compose(incident(), actions=[action("done")]))[4].big == "Not known yet"
    assert answers(compose(incident(), actions=[action("failed")]))[4].big == "No"
    assert answers(compose(incident(), actions=[action("failed"), action("verified")]))[4].big == "Partly"
    assert answers(compose(incident(), actions=[action("dropped")]))[4].big == "Nothing to measure"


def test_milestones_take_up_the_entry_of_their_moment(incident: Make, entry: Make) -> None:
    """Detected stands once in the timeline, in the words of who saw it, and is unproven while nothing shows it."""
    story = compose(incident(detected_at=60), [entry(60, kind="detection", uncertainty_s=30), entry(70)])
    found = moments(story)
    assert [(one.milestone, one.what) for one in found] == [
        ("Started", ""), ("Detected", "It was seen"), ("", "It was seen"), ("Resolved", ""),
    ]  # fmt: skip
    assert all(one.unproven for one in found)
    detected = lengths(story)[0]
    assert (detected.length, detected.uncertainty, detected.unproven) == (
        timedelta(seconds=60),
        timedelta(seconds=30),
        True,
    )


def test_the_timeline_is_in_order_and_says_what_is_computed(told: Story) -> None:
    """The first suspect's first changes stand among what people wrote, marked as nobody's word, with evidence."""
    found = moments(compose(told.incident, snapshot=told.snapshot))
    assert [one.at for one in found] == sorted(one.at for one in found)
    computed = [one for one in found if one.computed]
    assert computed
    assert all(one.evidence and not one.unproven for one in computed)


def test_what_somebody_wrote_down_is_not_computed_again(told: Story) -> None:
    """An entry with the same evidence at the same second takes the place of the analysis's own line."""
    found = moments(told)
    written = {(one.at.replace(microsecond=0), e.number) for one in found if not one.computed for e in one.evidence}
    again = {(one.at.replace(microsecond=0), e.number) for one in found if one.computed for e in one.evidence}
    assert written
    assert not written & again


def test_missing_stretches_are_told(told: Story) -> None:
    """A frame that ends before the incident does is named, with how much of it is covered."""
    window = told.window
    half = Coverage("logs", 10, 5, window.start, window.start + window.duration / 2, None)
    whole = Coverage("logs", 10, 5, window.start, window.end - timedelta(seconds=1), None)
    none = Coverage("spans", 10, 0, None, None, None)
    assert half.gap(window).startswith("Logs end at ")
    assert whole.gap(window) == ""
    assert none.gap(window) == "Traces hold nothing of the incident’s window."
    sparse = Coverage("metrics", 9, 3, window.start + timedelta(seconds=40), window.end, timedelta(seconds=60))
    assert sparse.gap(window) == ""


def test_coverage_is_counted_from_the_pinned_rows(told: Story) -> None:
    """What the page says it looked at is what the files hold."""
    assert told.snapshot is not None
    for one in coverage(told.snapshot):
        column = "start_time" if one.frame == "spans" else "time"
        rows = told.frame(one.frame).filter(told.window.holds(column)).select(pl.len()).collect().item()
        assert one.rows_in_window == rows


def test_example_content_marks_the_whole_story(incident: Make, entry: Make, action: Make) -> None:
    """Anything made to show the workbench makes the page an example."""
    assert not compose(incident(), [entry(1)], [action()]).is_example
    assert compose(incident(example=True)).is_example
    assert compose(incident(), [entry(1, example=True)]).is_example
    assert compose(incident(), actions=[action(example=True)]).is_example
