"""The command line does what a person asks, says in one line what can't be done, and leaves what was there."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from workbench.cli.app import app, main


class Told(NamedTuple):
    """What a command said."""

    stdout: str
    stderr: str


START, END = "2023-01-29T09:12:30Z", "2023-01-29T09:16:00Z"
ADD = ("incident", "add", "--id", "slow", "--title", "Checkout is slow", "--severity", "SEV2")


def run(*arguments: str, at: Path, status: int = 0, **environment: str) -> Told:
    """Run a command as a person does, without a terminal, and expect its exit status."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(at)
        patch.setattr(sys, "argv", ["workbench", *arguments])
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    told = Told(out.getvalue(), err.getvalue())
    assert (ended.value.code or 0) == status, told
    return told


def refusal(*arguments: str, at: Path, status: int = 2) -> str:
    """Return the one line with which a command refuses."""
    told = run(*arguments, at=at, status=status)
    lines = told.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def found(*arguments: str, at: Path) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(run(*arguments, "--format", "json", at=at).stdout)


@pytest.fixture
def desk(tmp_path: Path, sample: Path) -> Path:
    """Return a new workspace with the licensed sample as its source."""
    run("init", "desk", at=tmp_path)
    desk = tmp_path / "desk"
    lines = [f'{name} = "{sample / name}.parquet"' for name in ("metrics", "logs", "spans")]
    with (desk / "workbench.toml").open("a") as settings:
        settings.write("\n".join(["", "[sources.telemetry]", 'kind = "parquet"', *lines, ""]))
    return desk


@pytest.fixture
def slow(desk: Path) -> Path:
    """Return the workspace with an incident in it."""
    run(*ADD, "--started-at", START, "--resolved-at", END, at=desk)
    return desk


def every_command() -> list[tuple[str, ...]]:
    """Return the path of every command there is."""
    from typer.main import get_command

    def walk(group: Any, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        commands = getattr(group, "commands", None)
        return [path] if commands is None else [p for name, one in commands.items() for p in walk(one, (*path, name))]

    return walk(get_command(app), ())


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], tmp_path: Path) -> None:
    """Nobody has to guess how a command is called."""
    told = run(*path, "--help", at=tmp_path, COLUMNS="200").stdout
    assert f"Example: workbench {' '.join(path)}" in " ".join(told.split())


def test_help_is_free_of_what_it_does_not_need(tmp_path: Path) -> None:
    """The help of the whole imports neither polars nor a database nor anything of Jupyter's."""
    script = "import sys\nfrom workbench.cli.app import app\nprint(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    heavy = {"polars", "sqlalchemy", "pydantic", "altair", "papermill", "voila", "nbformat", "jsonschema", "ipywidgets"}
    assert not heavy & set(told.stdout.split())


def test_the_whole_way_to_suspects(slow: Path) -> None:
    """From two commands to a ranked list that holds every service, with reasons."""
    told = run("pull", "slow", at=slow)
    assert "Pinned" in told.stdout
    assert "[3/3]" in told.stderr
    rows = found("evidence", "slow", at=slow)
    assert {row["frame"] for row in rows} == {"metrics", "logs", "spans"}
    for row in rows:
        assert set(row) >= {"source", "frame", "path", "start", "end", "rows", "sha256", "complete"}
        assert pl.read_parquet(slow / row["path"]).height == row["rows"]
    suspects = found("suspects", "slow", at=slow)
    assert [one["rank"] for one in suspects] == list(range(1, len(suspects) + 1))
    assert len({one["service"] for one in suspects}) == len(suspects) > 40
    assert all({"service", "rank", "score", "reasons"} <= set(one) for one in suspects)
    assert suspects[0]["reasons"]
    assert run("verify", at=slow).stdout.startswith("All pinned evidence")


def test_the_label_is_among_the_first_three(slow: Path) -> None:
    """The service that was really broken, which only this test knows, is found."""
    run("pull", "slow", at=slow)
    assert "ts-basic-service" in [one["service"] for one in found("suspects", "slow", at=slow)[:3]]


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """Neither a workspace nor a folder with other things in it."""
    run("init", "desk", at=tmp_path)
    assert "is a workspace already" in refusal("init", "desk", at=tmp_path, status=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("dear")
    assert "is not empty" in refusal("init", "other", at=tmp_path, status=1)
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["letter.txt"]


def test_a_new_workspace_has_no_source(tmp_path: Path) -> None:
    """A table can simply be appended, and until then a pull says what is missing."""
    run("init", "desk", at=tmp_path)
    run(*ADD, "--started-at", START, "--resolved-at", END, at=tmp_path / "desk")
    assert "[sources.NAME]" in refusal("pull", "slow", at=tmp_path / "desk", status=1)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--started-at", START, "--resolved-at", START), "no time"),
        (("--started-at", END, "--resolved-at", START), "before the incident started"),
        (("--started-at", "2023-01-29T09:12:30"), "no time zone"),
        (("--started-at", "yesterday"), "not a time"),
        (("--started-at", START, "--severity", "bad"), "severity"),
        (("--started-at", START, "--id", "../../etc/passwd"), "id"),
        (("--started-at", START, "--id", "a/b"), "id"),
        ((), "started_at"),
    ],
)
def test_an_incident_that_cannot_be_is_refused_in_a_line(desk: Path, flags: tuple[str, ...], said: str) -> None:
    """Exit status 2, and nothing is added."""
    assert said in refusal(*ADD, *flags, at=desk)
    assert found("incident", "list", at=desk) == []


def test_an_incident_comes_from_a_file(desk: Path, tmp_path: Path) -> None:
    """Flags win over what the file says."""
    file = tmp_path / "incident.toml"
    file.write_text(
        'id = "other"\ntitle = "Checkout is slow"\nseverity = "SEV2"\nservices = ["checkout"]\n'
        f'[milestones]\nstarted_at = {START}\nresolved_at = {END}\n[impact]\nsummary = "Carts were lost"\n'
    )
    run("incident", "add", "--file", str(file), "--id", "slow", at=desk)
    shown = found("incident", "show", "slow", at=desk)
    assert (shown["title"], shown["services"], shown["impact"]["summary"]) == (
        "Checkout is slow",
        ["checkout"],
        "Carts were lost",
    )


@pytest.mark.parametrize("command", ["pull", "evidence", "suspects", "review", "incident show"])
@pytest.mark.parametrize("name", ["nope", "a/b", "../x", "", "☃"])
def test_an_unknown_incident_is_named(slow: Path, command: str, name: str) -> None:
    """Whatever is typed for it, and nothing is made for it."""
    assert "there is no incident" in refusal(*command.split(), name, at=slow)
    assert not list((slow / "evidence").iterdir())
    assert not list((slow / "published").iterdir())


def test_before_the_first_pull_a_person_hears_what_to_do(slow: Path) -> None:
    """Evidence, suspects and review all need one."""
    for command in ("evidence", "suspects", "review"):
        assert "Run: workbench pull slow" in refusal(command, "slow", at=slow)


def test_an_incident_added_twice_stays_as_it_was(slow: Path) -> None:
    """The second is refused, the first unchanged."""
    before = found("incident", "show", "slow", at=slow)
    refusal(*ADD[:4], "--title", "Other", "--severity", "SEV1", "--started-at", START, at=slow, status=2)
    assert found("incident", "show", "slow", at=slow) == before


def test_a_window_in_which_nothing_was_recorded(desk: Path) -> None:
    """It is pinned with no rows, which is success, and suspects are an empty or a quiet list."""
    run(*ADD, "--started-at", "2022-01-29T09:12:30Z", "--resolved-at", "2022-01-29T09:16:00Z", at=desk)
    assert "Nothing was recorded in the window" in run("pull", "slow", at=desk).stdout
    assert {row["rows"] for row in found("evidence", "slow", at=desk)} == {0}
    assert found("suspects", "slow", at=desk) == []


def test_a_source_that_cannot_be_read_costs_only_itself(slow: Path) -> None:
    """Exit status 1, its name and reason in words; the others are pinned."""
    with (slow / "workbench.toml").open("a") as settings:
        settings.write('\n[sources.gone]\nkind = "parquet"\nlogs = "gone.parquet"\n')
    told = run("pull", "slow", at=slow, status=1)
    assert re.search(r"gone logs: not pinned: source 'gone': the logs file 'gone\.parquet' does not exist", told.stderr)
    assert {row["source"] for row in found("evidence", "slow", at=slow)} == {"telemetry"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("format = 99", "newer than this version"),
        ("[windows]", "unknown key 'windows'"),
        ("[window]\nbaselin = '1h'", "unknown key 'baselin'"),
        ("[window]\nbaseline = 'long'", "not a length of time"),
        ("[sources.'a/b']\nkind = 'parquet'", "'a/b'"),
        ("[sources.a]\nkind = 'oracle'", "Known kinds: alertmanager, csv"),
        ("[[[", "can't be read as TOML"),
    ],
)
def test_settings_that_cannot_be_are_told_in_a_line(slow: Path, line: str, said: str) -> None:
    """Also of a workspace from a newer version, which is left alone."""
    text = (slow / "workbench.toml").read_text()
    kept = "" if line.startswith(("format", "[window]")) else text
    (slow / "workbench.toml").write_text(f"{kept}\n{line}\n")
    assert said in refusal("pull", "slow", at=slow, status=1)


def test_without_a_workspace_a_person_hears_how_to_get_one(tmp_path: Path) -> None:
    """Neither here nor above."""
    assert "workbench init DIR" in refusal("incident", "list", at=tmp_path, status=1)
    assert "is not a workspace" in refusal("incident", "list", "--workspace", "nowhere", at=tmp_path, status=1)


def test_the_workspace_is_found_from_below_and_by_name(slow: Path, tmp_path: Path) -> None:
    """From a folder inside it, by the flag, and by the environment."""
    (slow / "notes").mkdir()
    assert len(found("incident", "list", at=slow / "notes")) == 1
    assert len(found("incident", "list", "--workspace", str(slow), at=tmp_path)) == 1
    told = run("incident", "list", "--format", "json", at=tmp_path, WORKBENCH_WORKSPACE=str(slow))
    assert len(json.loads(told.stdout)) == 1


def test_who_acts_is_said_in_this_order(desk: Path) -> None:
    """--as, then WORKBENCH_AUTHOR, then the workspace's setting, then the user."""

    def author(name: str, *flags: str, **environment: str) -> str:
        arguments = (*ADD[:3], name, *ADD[4:], "--started-at", START, "--format", "json", *flags)
        made: str = json.loads(run(*arguments, at=desk, **environment).stdout)["created_by"]
        return made

    assert author("a", "--as", "Ana", WORKBENCH_AUTHOR="Ben") == "Ana"
    assert author("b", WORKBENCH_AUTHOR="Ben") == "Ben"
    settings = desk / "workbench.toml"
    assert author("c", USER="dee", LOGNAME="dee") == "dee"
    settings.write_text(settings.read_text().replace('# author = "you"', 'author = "Cem"'))
    assert author("d") == "Cem"


def test_verify_finds_evidence_edited_together_with_its_manifest(slow: Path) -> None:
    """The manifest's hash is in the history's chain, so a consistent forgery is found too."""
    import hashlib

    run("pull", "slow", at=slow)
    folder = next(path for path in (slow / "evidence" / "slow").iterdir() if path.is_dir())
    table = folder / "telemetry.metrics.parquet"
    forged = pl.read_parquet(table).with_columns(value=pl.col("value") * 2)
    before = hashlib.sha256(table.read_bytes()).hexdigest()
    forged.write_parquet(table)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace(before, hashlib.sha256(table.read_bytes()).hexdigest()))
    told = run("verify", at=slow, status=1).stdout
    assert "manifest.json was changed after it was pinned" in told
    answer = json.loads(run("verify", "--format", "json", at=slow, status=1).stdout)
    assert answer["whole"] is False


def test_verify_names_a_snapshot_that_is_gone_or_unknown(slow: Path) -> None:
    """Taken away, or put there by somebody."""
    run("pull", "slow", at=slow)
    folder = next(path for path in (slow / "evidence" / "slow").iterdir() if path.is_dir())
    folder.rename(folder.with_name("29990101T000000.000000Z"))
    told = run("verify", at=slow, status=1).stdout
    assert f"evidence/slow/{folder.name} is missing" in told
    assert "29990101T000000.000000Z is not in the record's history" in told
    assert "nothing is pinned" in refusal("evidence", "slow", at=slow)
