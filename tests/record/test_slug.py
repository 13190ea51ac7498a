"""Ids offered for titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.record import IncidentDraft, slug

MILESTONES = {"started_at": "2023-01-29T09:12:30Z"}


@pytest.mark.parametrize(
    ("title", "offered"),
    [
        ("Checkout is slow", "checkout-is-slow"),
        ("  Bücher & Café: 50% lost!  ", "bucher-cafe-50-lost"),
        ("Can't pay", "cant-pay"),
        ("支付缓慢", "incident"),
        ("x" * 200, "x" * 80),
        ("word " * 30, "-".join(["word"] * 16)),
    ],
)
def test_an_id_is_offered_for_a_title(title, offered):
    """The offer is readable, whole words where they fit."""
    assert slug(title) == offered


@given(st.text())
def test_every_offer_is_taken(title):
    """Whatever the title, what is offered is an id."""
    values = {"id": slug(title), "title": "Title", "severity": "SEV1", "milestones": MILESTONES}
    assert IncidentDraft.problems(values) == {}
