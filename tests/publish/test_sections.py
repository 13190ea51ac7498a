"""Sections are made from data alone: escaped, the same for the same story, and honest where something is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from workbench.publish import sections
from workbench.publish.clean import clean_html
from workbench.publish.sections import Section
from workbench.record import Action, Incident, TimelineEntry
from workbench.review import Story, compose, tell
from workbench.workspace import Workspace

PLANTED = "<img src=x onerror=window.hit=1>'\"&{{ 7*7 }}"
START = datetime(2023, 1, 29, 9, 12, 56, tzinfo=UTC)
SAVED = {"version": 1, "created_at": START, "updated_at": START, "created_by": PLANTED, "updated_by": PLANTED}
PARTS: list[Callable[[Story], Section]] = [
    sections.headline,
    sections.facts,
    sections.problems,
    sections.definitions,
    sections.timeline,
    sections.suspects_table,
    sections.messages_table,
    sections.actions,
    sections.provenance,
]


def _incident(**given: Any) -> Incident:
    milestones = {"started_at": START, "resolved_at": START + timedelta(minutes=4)}
    facts = {"id": "slow", "title": PLANTED, "severity": "SEV1", "services": (PLANTED,), "milestones": milestones}
    return Incident.model_validate(
        {**facts, **SAVED, "impact": {"summary": PLANTED, "slos_breached": (PLANTED,)}, **given}
    )


class _Reader(HTMLParser):
    """Reads markup into what it means, however it is written: elements (without those a browser adds), words."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "tbody":
            self.parts.append((tag, sorted((name, value) for name, value in attrs if name != "rel")))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.parts.append(" ".join(data.split()))


def _read(html: str) -> list[object]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.parts


@pytest.fixture
def planted() -> Story:
    """Return a story in which everything a person could type is markup."""
    entry = {
        "id": "e",
        "incident_id": "slow",
        "at": START,
        "what": PLANTED,
        "who": PLANTED,
        "why": PLANTED,
        "kind": "detection",
    }
    action = {
        "id": "a", "incident_id": "slow", "title": PLANTED, "owner": PLANTED, "due": date(2023, 1, 30),
        "kind": "detect",
        "factor": PLANTED, "success_metric": PLANTED, "state": "failed", "state_reason": PLANTED,
    }  # fmt: skip
    entries = [TimelineEntry.model_validate({**entry, **SAVED})]
    return compose(_incident(), entries, [Action.model_validate({**action, **SAVED})], edition=PLANTED)


@pytest.fixture(scope="session")
def real(demo: Workspace) -> Story:
    """Return the story of the demo's incident."""
    with demo.record(read_only=True) as record:
        name = record.incidents()[0].id
    return tell(demo, name)


@pytest.mark.parametrize("part", PARTS)
def test_what_people_typed_is_text(planted: Story, part: Callable[[Story], Section]) -> None:
    """No tag, no attribute and no template of theirs gets into a page."""
    html = part(planted).html
    assert "<img" not in html
    assert "49" not in html.replace("&#39;", "")
    assert "onerror=window.hit=1>" not in html.replace("&gt;", "")


@pytest.mark.parametrize("part", PARTS)
def test_a_section_passes_the_cleaning_unchanged(real: Story, part: Callable[[Story], Section]) -> None:
    """What the page shows is what the notebook showed: nothing of ours is taken out on the way."""
    made = part(real).html
    assert _read(clean_html(made)) == _read(made)


@pytest.mark.parametrize("part", PARTS)
def test_a_section_is_the_same_every_time(real: Story, part: Callable[[Story], Section]) -> None:
    """A page made again from the same record and evidence is the same page, and has its plain words."""
    bundle = part(real)._repr_mimebundle_()
    assert bundle == part(real)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert " style=" not in bundle["text/html"]


def test_claims_without_evidence_are_marked(planted: Story) -> None:
    """The sentence and the milestone that nothing shows carry the mark, and their words are underlined."""
    html = sections.timeline(planted).html
    assert "No evidence" in html
    assert 'class="wb-unproven"' in html
    assert "wb-moment--unproven" in html
    assert "No evidence" in sections.headline(planted).html


def test_evidence_can_be_reached_from_where_it_is_named(real: Story) -> None:
    """Every chip of the page leads to a row of the list of evidence, which has the whole hash."""
    listed = sections.provenance(real).html
    for part in PARTS:
        html = part(real).html
        for one in real.evidence:
            if f'href="#{one.name}"' in html:
                assert f'id="{one.name}"' in listed
    assert all(one.citation.sha256 in listed for one in real.evidence)
    assert any(f'href="#{one.name}"' in sections.headline(real).html for one in real.evidence)


def test_what_is_not_there_is_told_with_the_next_step(planted: Story) -> None:
    """An empty part says why it is empty and what to do."""
    assert "No suspects yet" in sections.suspects_table(planted).html
    assert "Nothing is pinned" in sections.suspects_table(planted).html
    assert "workbench pull slow" in sections.provenance(planted).html
    empty = compose(_incident())
    assert "No action yet" in sections.actions(empty).html
    assert "workbench incident add" in sections.reviews([]).html


def test_an_example_says_so(planted: Story) -> None:
    """Nobody can take an example for something that happened."""
    assert ">Example<" not in sections.headline(planted).html
    assert "Example" in sections.headline(compose(_incident(example=True))).html


def test_the_list_has_severity_state_and_duration() -> None:
    """Newest first; what has no review yet isn't a link."""
    going = _incident(id="going", milestones={"started_at": START + timedelta(hours=1)})
    section = sections.reviews(
        [_incident(), going], href=lambda one: "/reviews/slow/" if one.id == "slow" else "", as_of=date(2023, 2, 1)
    )
    html = section.html
    assert html.index("going") < html.index('href="/reviews/slow/"')
    assert html.count("<a ") == 1
    for part in ("SEV1", "Resolved", "Going on", "4\u00a0min", "no review published yet", "as of 1 February 2023"):
        assert part in html
    assert section.text.count("SEV1") == 2
