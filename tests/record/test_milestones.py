"""An incident's milestones are edited over the version that was seen, in their order, with history."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import ConflictError, InvalidError, UnknownError
from workbench.record import Milestones

NAMES = tuple(Milestones.model_fields)
START = "2023-01-29T09:12:30Z"


def times(**given: str) -> Milestones:
    """Return milestones with some of the times."""
    return Milestones.of({"started_at": START} | {name: f"2023-01-29T{at}Z" for name, at in given.items()})


def test_only_the_milestones_change(record, incident_draft) -> None:
    """All else stays; the version counts, and the history has both."""
    before = record.add_incident(incident_draft())
    after = record.set_milestones(before.id, times(detected_at="09:13:40", resolved_at="09:16:30"), before.version)
    assert (after.version, after.updated_by) == (2, "Ann")
    assert after.milestones.detected_at == times(detected_at="09:13:40").detected_at
    assert after.draft().model_copy(update={"milestones": before.milestones}) == before.draft()
    change = record.history(before.id)[-1]
    assert (change.action, change.kind, change.author) == ("edited", "incident", "Ann")
    assert change.before["milestones"]["detected_at"] is None
    assert change.after["milestones"]["detected_at"] == "2023-01-29T09:13:40Z"
    assert record.verify() == []


def test_the_same_milestones_make_no_version(record, incident_draft) -> None:
    """Nothing changed, nothing is written."""
    before = record.add_incident(incident_draft())
    assert record.set_milestones(before.id, before.milestones, 1) == before
    assert len(record.history(before.id)) == 1


def test_a_newer_version_is_not_overwritten(record, incident_draft) -> None:
    """The refusal carries theirs."""
    saved = record.add_incident(incident_draft())
    theirs = record.edit_incident(saved.id, incident_draft(title="Nobody can pay"), saved.version)
    with pytest.raises(ConflictError) as refused:
        record.set_milestones(saved.id, times(detected_at="09:13:40"), saved.version)
    assert refused.value.theirs == theirs
    assert record.incident(saved.id) == theirs


def test_an_unknown_incident_is_refused(record, incident_draft) -> None:
    """By its name."""
    record.add_incident(incident_draft())
    with pytest.raises(UnknownError, match="slow-chekout"):
        record.set_milestones("slow-chekout", times(), 1)


@given(minutes=st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=4, max_size=4))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_milestones_out_of_order_are_refused_by_name(record, incident_draft, minutes: list[int | None]) -> None:
    """Started ≤ detected ≤ acknowledged ≤ mitigated ≤ resolved, of those that are known; copies are checked too."""
    name = "order"
    if name not in [one.id for one in record.incidents()]:
        record.add_incident(incident_draft(id=name, milestones={"started_at": START}))
    version = record.incident(name).version
    start = times().started_at
    from datetime import timedelta

    values = {n: None if m is None else start + timedelta(minutes=m) for n, m in zip(NAMES[1:], minutes, strict=True)}
    unchecked = times().model_copy(update=values)
    known = [start, *(value for value in values.values() if value is not None)]
    right = all(one <= other for one, other in pairwise(known)) and values["resolved_at"] != start
    if right:
        assert record.set_milestones(name, unchecked, version).milestones == unchecked
    else:
        with pytest.raises(InvalidError) as refused:
            record.set_milestones(name, unchecked, version)
        assert set(refused.value.fields) <= set(NAMES)
        assert record.incident(name).version == version
