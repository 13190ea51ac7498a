"""A pull by cron pins what is due, once, and loses nothing that was pinned; a dry run asks and changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from workbench.evidence.due import SETTLE
from workbench.window import format_time
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Command = Callable[..., Any]


def write(path: Path, *moments: datetime, body: str = "x") -> None:
    """Write log records at some moments."""
    pl.DataFrame(
        {"time": list(moments), "service": ["shop"] * len(moments), "body": [body] * len(moments)}
    ).write_parquet(path)


def add_source(desk: Path, name: str, more: str = 'retention = "15d"') -> None:
    """Append a source of log records in a file of its name."""
    with (desk / "workbench.toml").open("a") as settings:
        settings.write(f'\n[sources.{name}]\nkind = "parquet"\nlogs = "{name}.parquet"\n{more}\n')


@pytest.fixture
def add(command: Command, bare: Path) -> Callable[..., None]:
    """Return how to add an incident that ended, or that lasts."""

    def incident(name: str, start: datetime, end: datetime | None) -> None:
        times = ["--started-at", format_time(start), *(["--resolved-at", format_time(end)] if end else [])]
        command("incident", "add", "--id", name, "--title", name, "--severity", "SEV2", *times, at=bare)

    return incident


@pytest.fixture
def desk(bare: Path, add: Callable[..., None]) -> Path:
    """Return a workspace with a source that keeps 15 days, an incident of this morning, and one of a month ago."""
    write(bare / "shop.parquet", *(NOW - n * HOUR for n in range(1, 9)), NOW - 31 * DAY)
    add_source(bare, "shop")
    add("recent", NOW - 4 * HOUR, NOW - 2 * HOUR)
    add("old", NOW - 31 * DAY - HOUR, NOW - 30 * DAY)
    return bare


def everything(desk: Path) -> dict[str, str]:
    """Return what is in evidence and record, byte for byte; what a database leaves while it is open is none of it."""
    files = [*(desk / "evidence").rglob("*"), desk / "records.db"]
    return {
        str(path.relative_to(desk)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and path.name != ".lock"
    }


def snapshots(desk: Path, incident: str) -> list[Path]:
    """Return the snapshots' folders."""
    return sorted(path for path in (desk / "evidence" / incident).glob("2*") if path.is_dir())


def manifest(folder: Path) -> Any:
    """Return what a snapshot says of itself."""
    return json.loads((folder / "manifest.json").read_text())


# Due


def test_a_line_for_each_incident(desk: Path, command: Command) -> None:
    """Pinned, or too late and why; too late for ever is no failure of this run."""
    recent, old = sorted(command("pull", "--all", "--due", at=desk).stdout.splitlines(), reverse=True)
    assert recent.startswith("recent: pinned as snapshot ")
    assert recent.endswith("3 rows: shop logs")
    assert old.startswith("old: too late; forgotten before it was pinned: shop logs of [")
    assert (len(snapshots(desk, "recent")), len(snapshots(desk, "old"))) == (1, 0)


def test_the_second_run_does_nothing(desk: Path, command: Command) -> None:
    """Not a byte changes."""
    command("pull", "--all", "--due", at=desk)
    before = everything(desk)
    told = command("pull", "--all", "--due", at=desk).stdout
    assert "recent: nothing to do" in told
    assert everything(desk) == before
    assert command("verify", at=desk).stdout.startswith("All pinned evidence")


def test_two_at_once_pin_once(desk: Path, command: Command) -> None:
    """The second waits for nothing, and doubles nothing."""
    main = [sys.executable, "-c", "from workbench.cli.app import main; main()", "pull", "--all", "--due"]
    running = [
        subprocess.Popen(
            main, cwd=desk, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    said = [one.communicate() for one in running]
    assert len(snapshots(desk, "recent")) == 1, said
    assert 0 in [one.returncode for one in running]
    assert "recent: nothing to do" in command("pull", "--all", "--due", at=desk).stdout


def test_one_incident_may_be_named(desk: Path, command: Command) -> None:
    """Then nothing is said of the others."""
    assert command("pull", "recent", "--due", at=desk).stdout.startswith("recent: pinned")
    assert command("pull", "recent", "--due", at=desk).stdout == "recent: nothing to do\n"


def test_programs_get_the_same(desk: Path, command: Command) -> None:
    """What became of each, with the snapshot, and what was forgotten."""
    facts = {one["incident"]: one for one in command("pull", "--all", "--due", "--format", "json", at=desk).json}
    assert facts["recent"]["outcome"] == "pinned"
    assert facts["recent"]["snapshot"] == snapshots(desk, "recent")[0].name
    assert facts["recent"]["pulled"] == ["shop logs"]
    assert facts["old"]["outcome"] == "too late"
    assert facts["old"]["lost"][0]["source"] == "shop"


def test_what_is_missing_is_asked_for_and_the_rest_carried(desk: Path, command: Command) -> None:
    """A source whose backend comes back: the others' tables are the same files, with the same hash and time of pull."""
    add_source(desk, "back")
    told = command("pull", "recent", "--due", at=desk, status=1).stdout
    assert "recent: pinned in part" in told
    assert "not pinned: back logs" in told
    write(desk / "back.parquet", NOW - 3 * HOUR)
    assert "2 rows" not in told
    told = command("pull", "recent", "--due", at=desk).stdout
    assert "4 rows: back logs; carried over: shop logs" in told
    first, second = snapshots(desk, "recent")
    before, after = manifest(first)["tables"][0], manifest(second)["tables"][0]
    assert (first / before["path"]).stat().st_ino == (second / after["path"]).stat().st_ino
    assert (before["sha256"], before["pulled_at"]) == (after["sha256"], after["pulled_at"])
    assert (before["carried_from"], after["carried_from"]) == (None, first.name)
    assert command("verify", at=desk).stdout.startswith("All pinned evidence")
    assert Workspace.open(desk).snapshot("recent").frame("logs").collect().height == 4


def test_as_long_as_nothing_new_comes_there_is_no_new_snapshot(desk: Path, command: Command) -> None:
    """A dead source is tried each time, and told; what is pinned stays as it is."""
    add_source(desk, "dead")
    command("pull", "recent", "--due", at=desk, status=1)
    before = everything(desk)
    for _ in range(2):
        told = command("pull", "recent", "--due", at=desk, status=1).stdout
        assert "recent: failed: nothing was pinned" in told
        assert "'dead.parquet' does not exist" in told
    assert everything(desk) == before


def test_a_table_that_cannot_be_used_stops_no_other(desk: Path, command: Command) -> None:
    """What is due of the others doesn't wait until somebody mends it; the exit status is 1."""
    add_source(desk, "wrong", 'retention = "long"')
    told = command("pull", "--all", "--due", at=desk, status=1)
    assert "recent: pinned" in told.stdout
    assert "retention of [sources.wrong]" in told.stderr


def test_an_incident_that_fails_stops_no_other(desk: Path, command: Command) -> None:
    """Here one whose folder is a file."""
    (desk / "evidence" / "recent").write_text("in the way")
    write(desk / "shop.parquet", NOW - 3 * HOUR)
    told = command("pull", "--all", at=desk, status=1).stdout
    assert "recent: failed" in told
    assert "old: pinned" in told


def test_a_table_that_was_changed_is_not_carried_on(desk: Path, command: Command) -> None:
    """It is asked for again while that is possible."""
    add_source(desk, "back")
    command("pull", "recent", "--due", at=desk, status=1)
    first = snapshots(desk, "recent")[0]
    (first / "shop.logs.parquet").write_bytes(b"forged")
    write(desk / "back.parquet", NOW - 3 * HOUR)
    told = command("pull", "recent", "--due", at=desk).stdout
    assert "4 rows: shop logs, back logs" in told
    assert "carried over" not in told


def test_a_damaged_snapshot_stops_nothing(desk: Path, command: Command) -> None:
    """It holds nothing that could be carried; verify names it."""
    command("pull", "recent", at=desk)
    (snapshots(desk, "recent")[0] / "manifest.json").write_text("{")
    assert "recent: pinned" in command("pull", "recent", "--due", at=desk).stdout
    assert "manifest" in command("verify", at=desk, status=1).stdout


def test_what_a_person_pulled_early_is_pulled_again(bare: Path, add: Callable[..., None], command: Command) -> None:
    """Late rows had not come in; then there is nothing more to do."""
    now = datetime.now(UTC)  # this very moment: the suite may have been running for longer than the settling time
    write(bare / "shop.parquet", now - HOUR)
    add_source(bare, "shop")
    add("now", now - 2 * HOUR, now - SETTLE / 2)
    command("pull", "now", at=bare)
    assert command("pull", "now", "--due", at=bare).stdout == "now: nothing to do\n"
    here = Workspace.open(bare)
    sources = here.sources()
    assert [ask.part for ask in here.plan_due("now", sources, now + HOUR).asks] == [("shop", "logs")]
    here.pull("now", plan=here.plan_due("now", sources, now + HOUR))
    again = here.plan_due("now", sources, now + HOUR)
    assert [ask.part for ask in again.asks] == [("shop", "logs")], "the clock of the pull itself counts"


def test_an_incident_that_lasts_longer_than_a_backend_remembers(
    bare: Path, add: Callable[..., None], command: Command
) -> None:
    """Its first days are pinned before they are forgotten, and carried until the end; each row is there once."""
    start = NOW - 14 * DAY
    rows = [start + n * 6 * HOUR for n in range(56)]
    write(bare / "shop.parquet", *rows)
    add_source(bare, "shop")
    add("long", start, None)
    assert "long: pinned" in command("pull", "--all", "--due", at=bare).stdout
    assert command("pull", "--all", "--due", at=bare).stdout == "long: nothing to do\n"
    # Ten days later the backend has forgotten the first nine, and it is over.
    here = Workspace.open(bare)
    late = NOW + 10 * DAY
    write(bare / "shop.parquet", *(row for row in rows if row > late - 15 * DAY), NOW + DAY)
    with here.record(author="ana") as record:
        incident = record.incident("long")
        times = incident.milestones.model_copy(update={"resolved_at": NOW + 2 * DAY})
        record.edit_incident(
            "long", incident.draft().model_copy(update={"milestones": times}), version=incident.version
        )
    plan = here.plan_due("long", here.sources(), late)
    made = here.pull("long", plan=plan)
    assert not plan.lost
    assert [table.carried_from is None for table in made.manifest.tables] == [False, True]
    first, second = made.manifest.tables
    assert first.end == second.start
    assert {table.path for table in made.manifest.tables} == {"shop.logs.parquet", "shop.logs.2.parquet"}
    assert sorted(made.frame("logs").collect()["time"]) == [*rows, NOW + DAY]
    assert made.verify(made.manifest_sha256) == []


# By hand


def test_a_pull_by_hand_loses_nothing_that_is_forgotten(bare: Path, add: Callable[..., None], command: Command) -> None:
    """What its source doesn't keep so long is carried over, and said; the source isn't even asked."""
    write(bare / "shop.parquet", NOW - 3 * DAY)
    add_source(bare, "shop", 'retention = "5d"')
    add("past", NOW - 3 * DAY - HOUR, NOW - 3 * DAY + HOUR)
    command("pull", "past", at=bare)
    settings = bare / "workbench.toml"
    settings.write_text(settings.read_text().replace('"5d"', '"2d"'))
    (bare / "shop.parquet").unlink()
    write(bare / "other.parquet", NOW - 3 * DAY)
    add_source(bare, "other", "")
    told = command("pull", "past", at=bare).stdout
    assert "was carried over from the snapshot" in told
    tables = manifest(snapshots(bare, "past")[1])["tables"]
    assert {one["source"]: one["rows"] for one in tables} == {"shop": 1, "other": 1}


def test_an_empty_answer_takes_nobodys_place(desk: Path, command: Command) -> None:
    """A backend that has forgotten, though nobody said that it would, or one that fails: what was pinned is kept."""
    settings = desk / "workbench.toml"
    settings.write_text(settings.read_text().replace('retention = "15d"', ""))
    write(desk / "other.parquet", NOW - 3 * HOUR)
    add_source(desk, "other", "")
    command("pull", "recent", at=desk)
    write(desk / "shop.parquet", NOW)
    told = command("pull", "recent", at=desk, status=1)
    assert "1 of the frames could not be read: shop (logs)" in told.stderr
    (desk / "shop.parquet").unlink()
    command("pull", "recent", at=desk, status=1)
    for folder in snapshots(desk, "recent"):
        assert {one["source"]: one["rows"] for one in manifest(folder)["tables"]} == {"shop": 3, "other": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "needs an incident's id, or --all"),
        (("recent", "--all"), "an incident's id or --all, not both"),
        (("nope", "--due"), "there is no incident 'nope'"),
        (("--due",), "needs an incident's id, or --all"),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Path, command: Command, arguments: tuple[str, ...], said: str) -> None:
    """In a line, before anything is touched."""
    assert said in command("pull", *arguments, at=desk, status=2).stderr


def test_without_an_incident_there_is_nothing_to_do(bare: Path, command: Command) -> None:
    """Which is no error: cron may be there first."""
    add_source(bare, "shop")
    assert "no incident yet" in command("pull", "--all", "--due", at=bare).stdout


# Dry runs


def test_a_dry_run_prints_what_would_be_asked_and_changes_nothing(desk: Path, command: Command) -> None:
    """The queries as the backend gets them, and how much they may bring."""
    before = everything(desk)
    told = command("pull", "recent", "--dry-run", at=desk).stdout
    assert told.startswith("recent: would be pulled\n  shop logs of [")
    assert "shop.parquet" in told
    assert "would bring: " in told
    assert everything(desk) == before


def test_a_dry_run_of_what_is_due(desk: Path, command: Command) -> None:
    """Only what is due; what would be carried is told, too."""
    write(desk / "new.parquet", NOW - 3 * HOUR)
    command("pull", "recent", at=desk)
    add_source(desk, "new")
    facts = {
        one["incident"]: one for one in command("pull", "--all", "--due", "--dry-run", "--format", "json", at=desk).json
    }
    assert [one["source"] for one in facts["recent"]["asked"]] == ["new"]
    assert [one["source"] for one in facts["recent"]["carried"]] == ["shop"]
    assert facts["old"]["outcome"] == "too late"
    assert "carried over from the snapshot" in command("pull", "recent", "--due", "--dry-run", at=desk).stdout


def test_a_dry_run_says_what_cannot_be_asked(desk: Path, command: Command) -> None:
    """Beside what can; the exit status is 1."""
    add_source(desk, "gone")
    told = command("pull", "recent", "--dry-run", at=desk, status=1).stdout
    assert "can't be asked: source 'gone'" in told
    assert "would bring" in told
