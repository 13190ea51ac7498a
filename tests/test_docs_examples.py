"""The documentation's examples run as they stand: commands in a shell, Python in a process, its source as a plug-in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MAIN = f'"{sys.executable}" -c "from workbench.cli.app import main; main()"'
# What serves until somebody ends it only shows its help, which checks its options first.
WORKBENCH = f"""#!/bin/sh
case "$1" in serve|facilitate|lab) exec {MAIN} "$@" --help ;; esac
exec {MAIN} "$@"
"""
PAPERMILL = f'#!/bin/sh\nexec "{sys.executable}" -m papermill "$@"\n'
Run = Callable[..., subprocess.CompletedProcess[str]]


def blocks(page: Path, language: str) -> list[str]:
    """Return a page's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def having(language: str) -> pytest.MarkDecorator:
    """Ask for every page that has blocks of a language."""
    found = [page for page in PAGES if blocks(page, language)]
    return pytest.mark.parametrize("page", found, ids=lambda page: page.stem)


@pytest.fixture
def checkout(tmp_path: Path, demo: Workspace, sample: Path) -> Path:
    """Return a folder like a checkout in which `make demo` has run."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, script in (("workbench", WORKBENCH), ("papermill", PAPERMILL)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    shutil.copytree(demo.root, tmp_path / "demo")
    shutil.copytree(sample, tmp_path / "tests" / "data" / "trainticket")
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    return tmp_path


@pytest.fixture
def run(checkout: Path) -> Run:
    """Return how to run a program in that folder and expect that it succeeds."""

    def runs(*arguments: str, at: Path = checkout, path: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
        modules = os.pathsep.join(str(one) for one in (*path, ROOT))
        environment = {**os.environ, "HOME": str(checkout), "PYTHONPATH": modules, "WORKBENCH_DEBUG": "1"}
        told = subprocess.run(arguments, cwd=at, env=environment, capture_output=True, text=True, check=False)
        assert told.returncode == 0, f"{told.stdout[-2000:]}\n{told.stderr[-2000:]}"
        return told

    return runs


@having("console")
def test_commands_run(page: Path, run: Run, checkout: Path) -> None:
    """Each block from the folder of the checkout, in the order of the page, on what the ones before it left."""
    told = ""
    for block in blocks(page, "console"):
        lines = [line.removeprefix("$ ") for line in block.splitlines()]
        told += run("bash", "-euo", "pipefail", "-c", "\n".join(lines)).stdout
    if page.stem == "README":
        _came_all_the_way(told, checkout / "desk")


def _came_all_the_way(told: str, desk: Path) -> None:
    """Expect of the README's blocks a published review and a workspace that is whole, which it would then serve."""
    suspects = json.loads(told[told.index("\n[\n") : told.index("\n]\n") + 2])
    assert suspects[0]["reasons"]
    assert "as they were written" in told
    assert "Serve the published reviews" in told
    assert list((desk / "published" / "slow-checkout").glob("2*/review.ipynb"))


@having("python")
def test_python_runs(page: Path, run: Run, checkout: Path) -> None:
    """A page's blocks one after another in one process, as a reader would paste them, with warnings as errors."""
    source = blocks(ROOT / "docs" / "adding.md", "python")[0]
    (checkout / "sheet_source.py").write_text(source)
    script = checkout / "pasted.py"
    script.write_text("\n".join(blocks(page, "python")))
    run(sys.executable, "-W", "error", "pasted.py", path=(checkout, ROOT / "tests" / "telemetry"))


@pytest.fixture
def package(checkout: Path) -> Path:
    """Return a folder with the source of docs/adding.md installed as a package of somebody's own, and its test."""
    page, folder = ROOT / "docs" / "adding.md", checkout / "package"
    facts = folder / "sheet_source-1.dist-info"
    facts.mkdir(parents=True)
    source, test = blocks(page, "python")[:2]
    (folder / "sheet_source.py").write_text(source)
    (folder / "test_sheet_source.py").write_text(test)
    shutil.copy(ROOT / "tests" / "telemetry" / "conformance.py", folder)
    entry = next(block for block in blocks(page, "toml") if "entry-points" in block)
    name, value = re.search(r'^(\w+) = "(.+)"$', entry, re.MULTILINE).groups()  # type: ignore[union-attr]
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: sheet-source\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[workbench.sources]\n{name} = {value}\n")
    return folder


def test_the_shown_source_does_what_every_source_must(package: Path, run: Run) -> None:
    """Its test, as shown, inherits the conformance suite and passes all of it."""
    pytests = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "-c", os.devnull)
    told = run(*pytests, f"--rootdir={package}", "test_sheet_source.py", at=package, path=(package,))
    assert int(re.findall(r"(\d+) passed", told.stdout)[0]) >= 10


def test_the_shown_source_is_found_and_pinned(package: Path, run: Run, checkout: Path) -> None:
    """By its entry point and the settings shown, beside the sources that come with the workbench."""
    settings = next(block for block in blocks(ROOT / "docs" / "adding.md", "toml") if "[sources.sheet]" in block)
    file = checkout / "demo" / "workbench.toml"
    file.write_text(f"{file.read_text()}\n{settings}")
    rows = ("time,service,metric,value", "2023-01-29T14:50:00Z,shop,queue,4", "2022-01-01T00:00:00Z,shop,queue,1")
    (checkout / "demo" / "telemetry" / "metrics.csv").write_text("\n".join(rows))
    main = ("-c", "from workbench.cli.app import main; main()")
    run(sys.executable, *main, "pull", "slow-orders", "-w", "demo", path=(package,))
    told = run(sys.executable, *main, "evidence", "slow-orders", "-w", "demo", "--format", "json", path=(package,))
    sheet = next(row for row in json.loads(told.stdout) if row["source"] == "sheet")
    assert (sheet["frame"], sheet["rows"], sheet["complete"]) == ("metrics", 1, True)
