"""Incidents written as TOML."""

import pytest

from workbench.errors import InvalidError, RequestError
from workbench.record import read_incident_draft

FILE = """
id = "slow-checkout"
title = "Checkout is slow"
severity = "SEV2"
services = ["checkout", "pay"]
started_at = 2023-01-29T10:12:30+01:00

[milestones]
resolved_at = "2023-01-29T09:16:00Z"

[impact]
summary = '''
Nobody
could pay'''
"""


@pytest.fixture
def file(tmp_path):
    """Return a TOML file with this text."""

    def write(text):
        path = tmp_path / "incident.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_an_incident_is_read(file, incident_draft):
    """Milestones may stand in their table or beside it; times as TOML's own or as text."""
    draft = read_incident_draft({}, file(FILE))
    assert draft.milestones == incident_draft().milestones
    assert draft.services == ("checkout", "pay")
    assert draft.impact.summary == "Nobody\ncould pay"


def test_what_is_given_beside_the_file_wins(file):
    """A flag replaces the file's value, and leaves the others of its group."""
    flags = {
        "severity": "SEV1",
        "milestones": {"started_at": "2023-01-29T09:00:00Z"},
        "impact": {"affected_tenants": 3},
    }
    draft = read_incident_draft(flags, file(FILE))
    assert (draft.severity, draft.milestones.started_at.minute) == ("SEV1", 0)
    assert draft.milestones.resolved_at.minute == 16
    assert (draft.impact.summary, draft.impact.affected_tenants) == ("Nobody\ncould pay", 3)


def test_flags_alone_will_do():
    """Without a file, what is missing is named field by field."""
    with pytest.raises(InvalidError) as refused:
        read_incident_draft({"title": "Checkout is slow"})
    assert set(refused.value.fields) == {"id", "severity", "milestones.started_at"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id = ", "is not TOML"),
        (b"title = '\xff'", "is not text in UTF-8"),
        (FILE.replace("+01:00", ""), "has no time zone"),
        (FILE.replace("[milestones]", "[colours]"), "colours: is not a field the workbench knows"),
        ("milestones = 3\nimpact = 4", "milestones: must be a group of fields"),
        (FILE.replace('"2023-01-29T09:16:00Z"', "2023-01-29"), "which is not a time|is not a time"),
    ],
)
def test_a_file_that_can_not_be_meant_is_told(file, text, words):
    """What is wrong in a file is told in one line, with the way out."""
    with pytest.raises((RequestError, InvalidError), match=words) as refused:
        read_incident_draft({}, file(text))
    assert refused.value.exit_status == 2
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    """A missing file and a folder are named."""
    for path in (tmp_path, tmp_path / "absent.toml"):
        with pytest.raises(RequestError, match="can't be read"):
            read_incident_draft({}, path)
