"""A run publishes a review whole or not at all; what was published before stays."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench import resources
from workbench.errors import RunError, StorageError, UnknownError
from workbench.publish.runs import CellDone, newest, publish_home, publish_review
from workbench.versions import only_one, versions
from workbench.workspace import Workspace

INCIDENT = "slow-orders"
CHART = "application/vnd.vegalite.v6+json"


@pytest.fixture
def desk(demo: Workspace, tmp_path: Path) -> Workspace:
    """Return a copy of the demo's workspace that a test may change."""
    shutil.copytree(demo.root, tmp_path / "desk")
    return Workspace.open(tmp_path / "desk")


def replace_review(monkeypatch: pytest.MonkeyPatch, folder: Path, *cells: str) -> None:
    """Put a review notebook of these code cells in the place of the standard one."""
    shutil.copytree(resources.NOTEBOOKS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    made = [
        nbformat.v4.new_code_cell('incident = ""\nworkspace = ""\nsnapshot = ""', metadata={"tags": ["parameters"]})
    ]
    made += [nbformat.v4.new_code_cell(source) for source in cells]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), folder / "review.ipynb")
    monkeypatch.setattr(resources, "NOTEBOOKS", folder)


def outputs(version: Path, name: str = "review") -> list[Any]:
    """Return every output of a published notebook."""
    cells = nbformat.read(version / f"{name}.ipynb", as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_a_published_review_holds_its_charts_and_what_it_was_made_from(demo: Workspace) -> None:
    """The executed notebook, and run.json with parameters, evidence and versions."""
    version = newest(demo.published / INCIDENT)
    assert version is not None
    charts = [output for output in outputs(version) if CHART in output.get("data", {})]
    assert len(charts) >= 3
    assert not [output for output in outputs(version) if output.output_type in {"error", "stream"}]
    facts = json.loads((version / "run.json").read_text())
    pinned = demo.snapshot(INCIDENT)
    assert facts["evidence"] == {"snapshot": pinned.version, "manifest_sha256": pinned.manifest_sha256}
    assert facts["parameters"] == {"incident": INCIDENT, "workspace": ".", "snapshot": pinned.version}
    assert set(facts["made_with"]) == {"altair", "papermill", "polars", "vl-convert-python"}


def test_a_published_notebook_tells_nothing_of_the_machine(demo: Workspace) -> None:
    """No folder, no user: what is published travels."""
    for path in demo.published.rglob("*.ipynb"):
        text = path.read_text()
        assert str(demo.root) not in text
        assert str(resources.NOTEBOOKS) not in text


def test_the_same_inputs_give_the_same_outputs(desk: Workspace) -> None:
    """A second run prints what the first printed, to the byte."""
    before = newest(desk.published / INCIDENT)
    assert before is not None
    after = publish_review(desk, INCIDENT)
    assert after.name > before.name
    assert outputs(after) == outputs(before)


def test_every_cell_is_told(desk: Workspace) -> None:
    """Whoever waits sees how far it is."""
    told: list[CellDone] = []
    publish_home(desk, tell=told.append)
    assert [cell.done for cell in told] == list(range(1, told[0].total + 1))


def test_the_list_of_reviews_follows(desk: Workspace) -> None:
    """What is published next stands in the list after."""
    version = publish_home(desk)
    html = "".join(output.data["text/html"] for output in outputs(version, "index") if "data" in output)
    assert f'href="/reviews/{INCIDENT}/"' in html
    assert "SEV3" in html


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1 / 0  # divided", r"failed in cell 3 \(1 / 0  # divided\): ZeroDivisionError"),
        ("import os\nos._exit(3)", "its kernel died"),
    ],
)
def test_a_failed_notebook_leaves_the_version_before(
    desk: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, said: str
) -> None:
    """The error says which cell and why; the failed run is kept where no server looks."""
    before = versions(desk.published / INCIDENT)
    replace_review(monkeypatch, tmp_path / "notebooks", cell)
    with pytest.raises(RunError, match=said):
        publish_review(desk, INCIDENT)
    assert versions(desk.published / INCIDENT) == before
    assert (desk.published / INCIDENT / ".failed-review.ipynb").is_file()
    assert not list((desk.published / INCIDENT).glob(".partial-*"))


def test_a_review_may_change_nothing(desk: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel that runs a review reads; a cell that writes fails, whatever it tries."""
    attempts = [
        'open("records.db", "a")',
        'open("workbench.toml", "w")',
        'import shutil; shutil.rmtree("evidence")',
        'import polars as pl; pl.DataFrame({"a": [1]}).write_parquet("evidence/planted.parquet")',
    ]
    tried = "\n".join(
        f"try:\n    exec({source!r})\n    print('GOT THROUGH')\nexcept Exception: pass" for source in attempts
    )
    replace_review(monkeypatch, tmp_path / "notebooks", tried)
    state = {
        path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file() and "published" not in path.parts
    }
    version = publish_review(desk, INCIDENT)
    assert not [output for output in outputs(version) if "GOT THROUGH" in str(output)]
    assert {p: p.read_bytes() for p in state} == state
    assert not list((desk.root / "evidence").glob("planted*"))


def test_two_runs_at_once_are_refused(desk: Workspace) -> None:
    """The second says so and disturbs nothing."""
    before = versions(desk.published / INCIDENT)
    with only_one(desk.published / INCIDENT, "another run"), pytest.raises(StorageError, match="running already"):
        publish_review(desk, INCIDENT)
    assert versions(desk.published / INCIDENT) == before


def test_an_unknown_snapshot_is_named(desk: Workspace) -> None:
    """Before anything runs."""
    with pytest.raises(UnknownError, match="no snapshot 'nope'"):
        publish_review(desk, INCIDENT, snapshot="nope")


@pytest.mark.parametrize("name", ["review", "investigate", "index"])
def test_papermill_works_by_hand_too(demo: Workspace, tmp_path: Path, name: str) -> None:
    """As anybody who knows papermill would type it."""
    parameters = ["-p", "workspace", str(demo.root)] + ([] if name == "index" else ["-p", "incident", INCIDENT])
    command = [sys.executable, "-m", "papermill", str(resources.notebook(name)), "out.ipynb", *parameters]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-1500:]
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    assert any(cell.get("outputs") for cell in cells)


def test_a_history_rewritten_as_a_whole_is_found_by_what_reviews_noted(desk: Workspace) -> None:
    """A record replaced by another one that is whole in itself doesn't fit the published reviews."""
    assert desk.verify() == []
    (desk.root / "records.db").unlink()
    other = Workspace.create(desk.root.parent / "other")
    shutil.copy(other.root / "records.db", desk.root / "records.db")
    assert [line for line in desk.verify() if "histor" in line]
