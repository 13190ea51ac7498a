"""Pinned events reach the review: as lines of its timeline, as proposals, as candidates for entries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from workbench.errors import EvidenceError
from workbench.evidence import Snapshot
from workbench.publish import sections
from workbench.record import TimelineKind
from workbench.review import Story, clocks, compose, tell
from workbench.review.candidates import candidates
from workbench.review.happenings import all_of, happenings
from workbench.review.moments import moments
from workbench.review.proposals import CHANGE, NAMES, proposals
from workbench.telemetry.schema import FRAMES
from workbench.workspace import Workspace

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def busy(eventful: Path) -> Story:
    """Return the story of an incident with pinned events."""
    return tell(Workspace.open(eventful), "slow-checkout")


@pytest.fixture(scope="module")
def pinned(busy: Story) -> Snapshot:
    """Return its snapshot."""
    assert busy.snapshot is not None
    return busy.snapshot


def test_the_timeline_tells_alarms_and_changes_with_their_evidence(busy: Story) -> None:
    """The last change before the start too; messages are for people to choose, and what is told twice is told once."""
    told = [one for one in moments(busy) if one.who.endswith("pinned")]
    assert [f"{one.at:%H:%M:%S} {one.what}" for one in told] == [
        "09:01:00 Deploy “ts-basic-service v41”",
        "09:13:40 Alert “HighLatency” of ts-basic-service began",
        "09:13:55 Page “Checkout is slow” of ts-basic-service called",
        "09:14:20 Page “Checkout is slow” of ts-basic-service was acknowledged",
        "09:15:40 Alert “HighLatency” of ts-basic-service ended",
        "09:15:50 Page “Checkout is slow” of ts-basic-service was resolved",
    ]
    assert all(one.computed and len(one.evidence) == 1 and not one.unproven for one in told)
    assert {one.evidence[0].kind for one in told} == {"events"}
    assert "Deploy “ts-basic-service v41”" in sections.timeline(busy).html


def test_an_incident_without_events_is_told_as_before(told: Story) -> None:
    """No line, no evidence, no coverage of events, no candidate."""
    assert told.snapshot is not None
    assert told.events.is_empty()
    assert not any(one.who.endswith("pinned") for one in moments(told))
    assert not any(one.citation.frame == "events" for one in told.evidence)
    assert candidates(told.events, told.snapshot, ()) == ()


def test_what_somebody_wrote_with_the_same_evidence_is_told_once(busy: Story, pinned: Snapshot, entry: Make) -> None:
    """The entry stays, the line of the event goes, and it is no candidate any more."""
    alert = next(one for one in all_of(busy.events, pinned) if one.kind == "alert")
    written = entry(0, at=alert.at, what="The latency alert woke Mira", evidence=[alert.citation])
    story = compose(busy.incident, [written], (), pinned)
    assert [one.what for one in moments(story) if one.at == alert.at] == ["The latency alert woke Mira"]
    assert alert.at not in [one.at for one in candidates(busy.events, pinned, [written])]


def test_candidates_are_what_the_timeline_does_not_tell(busy: Story, pinned: Snapshot, entry: Make) -> None:
    """With who, the kind of entry, and a citation of that very second; an entry with the same words counts too."""
    found = candidates(busy.events, pinned, ())
    assert [(one.source, one.who, one.kind) for one in found] == [
        ("deploy", "ana", TimelineKind.CHANGE),
        ("alert", "team", TimelineKind.DETECTION),
        ("page", "team", TimelineKind.DETECTION),
        ("page", "Mira", TimelineKind.OBSERVATION),
        ("chat", "Mira", TimelineKind.COMMUNICATION),
        ("alert", "team", TimelineKind.OBSERVATION),
        ("page", "team", TimelineKind.OBSERVATION),
    ]
    message = found[4]
    assert (message.what, message.rank) == ("Looking at basic, the CPU is at its quota", 2)
    assert message.citation.window.start == message.at
    sha256 = next(table.sha256 for table in pinned.manifest.tables if table.frame == "events")
    assert {one.citation.sha256 for one in found} == {sha256}
    written = entry(0, at=message.at, what=message.what)
    assert message not in candidates(busy.events, pinned, [written])


def test_changes_of_other_services_before_the_window_are_left_out(busy: Story, pinned: Snapshot) -> None:
    """Where it is known which are affected."""
    assert "deploy" not in {one.source for one in candidates(busy.events, pinned, (), services=["ts-seat-service"])}
    assert "deploy" in {one.source for one in candidates(busy.events, pinned, (), services=["ts-basic-service"])}


def test_a_page_tells_a_dozen_events_at_most(busy: Story, pinned: Snapshot) -> None:
    """Of a storm of alerts the first are told; a person finds the others among the candidates."""
    row = busy.events.filter(kind="alert").head(1)
    storm = pl.concat(
        [row.with_columns(pl.col("time") + timedelta(minutes=n / 50), name=pl.lit(f"{n}")) for n in range(40)]
    )
    assert len(happenings(storm, pinned)) == 12
    assert len(candidates(storm, pinned, ())) == 40


def test_proposals_of_a_story_cite_its_snapshot(busy: Story, pinned: Snapshot, incident: Make) -> None:
    """Every one; without a snapshot there are none."""
    found = {one.milestone: one for one in proposals(busy)}
    assert set(found) == set(NAMES) - {"mitigated_at"}  # its metrics are not calm before the window ends
    hashes = {table.sha256 for table in pinned.manifest.tables}
    assert all(one.citation.sha256 in hashes and one.citation.snapshot == pinned.version for one in found.values())
    assert f"{found['detected_at'].at:%H:%M:%S}" == "09:13:40"
    assert f"{found['acknowledged_at'].at:%H:%M:%S}" == "09:14:20"
    assert f"{found[CHANGE].at:%H:%M:%S}" == "09:01:00"
    assert proposals(compose(incident())) == ()


def test_clocks_in_step_are_told_small(busy: Story, pinned: Snapshot) -> None:
    """How many were compared, in the details; no warning."""
    found = clocks.differences(pinned)
    assert found
    assert clocks.significant(found) == ()
    html = sections.provenance(busy).html
    assert f"{len(found)} pairs of clocks compared, none apart" in html
    assert "Clocks differ" not in html


@pytest.fixture
def skewed(eventful: Path, sample: Path, tmp_path: Path) -> Workspace:
    """Return a workspace whose logs come from a source that is two seconds ahead."""
    root = tmp_path / "desk"
    Workspace.create(root)
    logs = pl.scan_parquet(sample / "logs.parquet").with_columns(pl.col("time") + timedelta(seconds=2))
    logs.sink_parquet(root / "logs.parquet")
    with (root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[sources.traces]\nkind = "parquet"\nspans = "{sample}/spans.parquet"\n')
        settings.write('\n[sources.syslog]\nkind = "parquet"\nlogs = "logs.parquet"\n')
    workspace = Workspace.open(root)
    with Workspace.open(eventful).record(read_only=True) as other, workspace.record(author="Maker") as record:
        record.add_incident(other.incident("slow-checkout").draft())
    workspace.pull("slow-checkout", author="Maker")
    return workspace


def test_clocks_that_differ_are_told_with_the_setting_that_corrects_them(skewed: Workspace) -> None:
    """And once it is set, the next pull has them in step."""
    story = tell(skewed, "slow-checkout")
    assert story.snapshot is not None
    [found] = clocks.significant(clocks.differences(story.snapshot))
    assert "The logs of syslog are 2\u00a0s ahead of the spans of traces" in clocks.sentence(found)
    setting = clocks.setting(found)
    assert setting.startswith('clock_ahead = "2')
    assert setting.endswith("in [sources.syslog]")
    html = sections.provenance(story).html
    assert "Clocks differ" in html
    assert "in [sources.syslog]</code> and pull again" in html
    with (skewed.root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write(setting.partition(" in ")[0] + "\n")
    again = Workspace.open(skewed.root)
    again.pull("slow-checkout", author="Maker")
    assert clocks.significant(clocks.differences(again.snapshot("slow-checkout"))) == ()


def test_a_damaged_file_is_named(skewed: Workspace) -> None:
    """In an error of ours."""
    snapshot = skewed.snapshot("slow-checkout")
    file = snapshot.path / "traces.spans.parquet"
    file.write_bytes(b"PAR1 no")
    with pytest.raises(EvidenceError, match="can't be read"):
        clocks.differences(snapshot)


def test_what_is_compared_is_bounded(pinned: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large table the window's beginning only, which is fewer calls and the same answer."""
    whole = clocks.differences(pinned)
    monkeypatch.setattr(clocks, "_MOST_ROWS", 500)
    part = clocks.differences(pinned)
    assert sum(one.n for one in part) < sum(one.n for one in whole) / 2
    assert clocks.significant(part) == ()


def test_events_without_a_kind_are_no_happenings(pinned: Snapshot) -> None:
    """A frame may have none."""
    from workbench.analysis.events import read

    row = {"time": pinned.window.start, "title": "x"}
    frame = pl.DataFrame([{name: row.get(name) for name in FRAMES["events"]}], schema=FRAMES["events"]).lazy()
    assert all_of(read({"team": frame}), pinned) == ()
