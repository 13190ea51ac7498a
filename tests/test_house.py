"""The house is in order: what is written in two places agrees, and what is committed is clean."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from workbench import resources
from workbench.errors import WorkbenchError, WorkspaceError

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOTEBOOKS = sorted(resources.NOTEBOOKS.glob("*.ipynb"))
MOST_LINES = 12


def tracked() -> list[Path]:
    """Return the files that are committed, or all of them where there is no git."""
    told = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if told.returncode:
        pytest.skip("this is not a git checkout")
    return [ROOT / line for line in told.stdout.splitlines() if (ROOT / line).is_file()]


def test_environment_and_pyproject_ask_for_the_same() -> None:
    """People who use conda get what people who use pip get."""
    lines = [line.strip().removeprefix("- ") for line in (ROOT / "environment.yml").read_text().splitlines()]
    asked = {line for line in lines if re.fullmatch(r"[a-z0-9-]+(\[[a-z0-9,]+\])?>=[0-9.]+", line)}
    extras = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    assert asked == {*PROJECT["dependencies"], *extras, f"python{PROJECT['requires-python']}"}


@pytest.mark.parametrize(
    ("file", "extras"), [("locked", ("lab", "sql", "otlp", "build")), ("test", tuple(PROJECT["optional-dependencies"]))]
)
def test_the_locked_lists_hold_every_dependency_with_hashes_and_no_address(file: str, extras: tuple[str, ...]) -> None:
    """What is installed is what was tried, from wherever a person gets packages."""
    locked = (ROOT / "requirements" / f"{file}.txt").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z0-9,]+\])?==", locked, re.MULTILINE))
    asked = [*PROJECT["dependencies"], *(one for extra in extras for one in PROJECT["optional-dependencies"][extra])]
    assert {re.split(r"[>=\[]", one)[0] for one in asked} <= names
    assert locked.count("--hash=sha256:") >= len(names)
    assert "://" not in locked


def test_what_the_tests_run_is_what_people_get() -> None:
    """Both locked lists name the same version of whatever they share."""

    def versions(file: str) -> dict[str, str]:
        text = (ROOT / "requirements" / f"{file}.txt").read_text()
        return dict(re.findall(r"^([a-z0-9-]+(?:\[[a-z0-9,]+\])?==[^ \n\\]+)(.*)$", text, re.MULTILINE))

    assert set(versions("locked")) <= set(versions("test"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_clean_short_and_told(path: Path) -> None:
    """No output is committed, the parameters come first, and prose stands above every short cell."""
    cells = json.loads(path.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert "parameters" in code[0]["metadata"].get("tags", [])
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1
    for before, cell in pairwise(cells):
        if cell["cell_type"] == "code":
            assert before["cell_type"] == "markdown", "".join(cell["source"])
            assert len("".join(cell["source"]).splitlines()) <= MOST_LINES
    assert not re.search(
        r"^\s*(for|while|def|class|if) ", "\n".join("".join(cell["source"]) for cell in code), re.MULTILINE
    )


def test_the_demo_is_small_and_licensed() -> None:
    """At most 3 MB, with its authors' notice beside it."""
    files = [path for path in resources.DEMO.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 3_000_000
    assert "Nezha" in (resources.DEMO / "LICENSE").read_text()
    assert "Permission is hereby granted" in (resources.DEMO / "LICENSE").read_text()


def test_nothing_in_the_demo_names_what_was_broken() -> None:
    """The label stands in a test only; no rule, setting or text of ours knows this incident."""
    label = "ts-" + "food-service"
    own = [p for p in tracked() if p.suffix in {".py", ".toml", ".ipynb", ".j2", ".json"} and "tests" not in p.parts]
    assert not [path for path in own if label in path.read_text(encoding="utf-8")]


def test_no_path_of_one_machine_is_committed() -> None:
    """What is committed works elsewhere."""
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".yml", ".ipynb", ".j2", ".css", ".js", ".txt"}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<![\w.\]])/(?:work|root)/", text), path


def test_an_unknown_notebook_is_named() -> None:
    """The error lists those there are."""
    with pytest.raises(WorkspaceError, match="capture"):
        resources.notebook("nope")


def test_errors_survive_a_process_border() -> None:
    """A kernel hands an error on whole."""
    import pickle

    for kind in _leaves(WorkbenchError):
        error = kind("what was wrong", do="Do this")
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert (type(again), str(again), again.do) == (kind, "what was wrong. Do this", "Do this")


def _leaves(kind: type[WorkbenchError]) -> list[type[WorkbenchError]]:
    return [kind, *(leaf for below in kind.__subclasses__() for leaf in _leaves(below))]
