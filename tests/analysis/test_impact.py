"""Who was hurt and how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from workbench.analysis.impact import phases, requests

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
NAMES = ["unnoticed", "seen", "being mitigated", "watching"]


def times(*minutes):
    """Return milestones from minutes after the start, None where unknown."""
    names = ("started_at", "detected_at", "acknowledged_at", "mitigated_at", "resolved_at")
    return SimpleNamespace(**{
        name: None if minute is None else START + timedelta(minutes=minute)
        for name, minute in zip(names, minutes, strict=True)
    })  # fmt: skip


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        ((0, 2, 5, 9, 20), [(NAMES[0], 2), (NAMES[1], 3), (NAMES[2], 4), (NAMES[3], 11)]),
        ((0, None, 5, 9, 20), [(NAMES[0], 5), (NAMES[2], 4), (NAMES[3], 11)]),
        ((0, None, None, None, 20), [(NAMES[0], 20)]),
        ((0, None, None, None, None), [(NAMES[0], None)]),
        ((0, 2, 5, None, None), [(NAMES[0], 2), (NAMES[1], 3), (NAMES[2], None)]),
        ((0, 0, 5, 9, 9), [(NAMES[1], 5), (NAMES[2], 4)]),
    ],
)
def test_phases_meet_and_skip_what_is_unknown(minutes, told) -> None:
    """Each ends where the next known one starts; a going incident has an open phase; empty ones are left out."""
    found = phases(times(*minutes))
    assert [(phase.name, phase.duration and phase.duration / timedelta(minutes=1)) for phase in found] == told
    assert all(one.end == other.start for one, other in pairwise(found))
    assert found[0].start == START


def test_requests_are_counted_by_where_they_start(given) -> None:
    """Slow means slower than 19 in 20 before; a root that failed is a failed request."""
    shop = given.shop().serve(-60, 0).serve(0, 2, cart_ms=500).serve(2, 5, failed=True)
    told = requests(shop.spans, **given.when)
    assert (told.n_before, told.n_during, told.slow, told.failed_before, told.failed_during) == (240, 20, 8, 0, 12)
    assert told.sentence.startswith("Of 20 requests 12 failed and 8 (40%) took over ")
    assert "(240 requests)" in told.sentence


def test_without_requests_there_is_no_sentence(given) -> None:
    """Nothing recorded is not nobody hurt."""
    assert requests(given.spans([]), **given.when).sentence == ""
    only = requests(given.shop().serve(0, 5).spans, **given.when)
    assert (only.n_before, only.limit_ms, only.slow) == (0, None, None)
    assert only.sentence == "20 requests were recorded."
    assert requests(given.shop().serve(-5, 0).spans, **given.when).sentence == ""
