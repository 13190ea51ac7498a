"""The reader's page follows two lists, and says in words what it can't show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from traitlets import TraitError

from widgets.explore import Explorer, explore
from workbench.workspace import Workspace

INCIDENT = "slow-orders"
MIME = "application/vnd.vegalite.v6+json"


@pytest.fixture
def page(demo: Workspace) -> Explorer:
    """The page of the demo's incident."""
    return Explorer(demo.snapshot(INCIDENT))


def title(page: Explorer) -> str:
    """Return the finding that the page shows."""
    return str(page.stage.outputs[0]["metadata"][MIME]["figure"]["title"])


def words(widget: Any) -> str:
    """Return all text of a widget and those in it."""
    return getattr(widget, "value", "") or " ".join(words(child) for child in getattr(widget, "children", ()))


def test_it_starts_with_what_moved_most(page: Explorer) -> None:
    """The first service and its first metric are drawn at once."""
    assert page.service.index == 0
    assert page.metric.index == 0
    assert page.service.value in title(page)
    assert page.callout.value == ""


def test_another_choice_draws_another_chart(page: Explorer) -> None:
    """A service brings its own metrics, a metric its own series; the same metric of another service is drawn anew."""
    seen = {title(page)}
    for index in (1, 2):
        page.service.index = index
        assert page.service.value in title(page)
        seen.add(title(page))
    page.metric.index = len(page.metric.options) - 1
    seen.add(title(page))
    assert len(seen) == 4


def test_what_is_no_choice_is_refused(page: Explorer) -> None:
    """A value that a browser makes up changes nothing."""
    before = title(page)
    for change in ({"index": 10_000}, {"value": "../etc"}):
        with pytest.raises(TraitError):
            page.service.set_trait(*next(iter(change.items())))
    assert title(page) == before


def test_a_chart_that_fails_is_told_in_words(page: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says that it could not be made, with a number for the log and nothing else; the next choice works."""

    def broken(**_: object) -> None:
        raise RuntimeError("secret")

    with monkeypatch.context() as patch:
        patch.setattr(page, "figure", broken)
        page.service.index = 1
    assert "That did not work" in page.callout.value
    assert "secret" not in page.callout.value
    page.service.index = 2
    assert page.callout.value == ""


def test_the_page_names_its_incident(demo: Workspace) -> None:
    """A reader sees which incident it is."""
    assert "Orders took seconds in the ticket shop" in words(explore(INCIDENT, str(demo.root)))


@pytest.mark.parametrize(
    ("incident", "told"), [("", "No incident is named"), ("nope", "no incident"), ("<script>", "&lt;script&gt;")]
)
def test_without_an_incident_it_says_what_to_do(demo: Workspace, incident: str, told: str) -> None:
    """No name, an unknown one, and one that tries to be markup each give a sentence."""
    said = words(explore(incident, str(demo.root)))
    assert told in said
    assert "<script>" not in said


def test_a_folder_that_is_no_workspace_is_told(tmp_path: Any) -> None:
    """The error of the workspace is the sentence that is shown."""
    assert "not a workspace" in words(explore(INCIDENT, str(tmp_path)))


def test_nothing_of_the_machine_is_in_the_page(demo: Workspace, page: Explorer) -> None:
    """No path of the server is part of what a browser gets."""
    assert str(demo.root) not in json.dumps(page.stage.get_state(), default=str)
