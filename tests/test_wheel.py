"""A wheel built from the checkout and installed into an empty environment does everything the checkout does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKED = ROOT / "requirements" / "locked.txt"
PLACES = """
import importlib.util, pathlib, widgets, workbench
from workbench import resources
print(pathlib.Path(workbench.__file__).parent.parent == pathlib.Path(widgets.__file__).parent.parent)
print(workbench.__file__)
print(resources.NOTEBOOKS)
print(importlib.util.find_spec("jupyterlab"))
"""


def run(*command: str | Path, at: Path) -> str:
    """Run a program far from the checkout and return what it printed."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WORKBENCH_", "PYTHON", "VIRTUAL_ENV"))
    }
    told = subprocess.run([str(part) for part in command], cwd=at, env=own, capture_output=True, text=True, check=False)
    assert told.returncode == 0, (told.stdout[-1500:], told.stderr[-1500:])
    return told.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, missing: Callable[[str], NoReturn]) -> Path:
    """Return the folder of programs of a new environment that holds the wheel and what it needs, no more."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        missing("uv is not installed (make install puts it into .venv)")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist", at=ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    run(uv, "venv", "--quiet", "--python", sys.executable, folder / "env", at=folder)
    programs = folder / "env" / "bin"
    run(uv, "pip", "install", "--quiet", "--python", programs / "python", "-c", LOCKED, wheel, at=folder)
    return programs


def test_the_wheel_carries_everything(installed: Path, tmp_path: Path) -> None:
    """Code, notebooks and templates come from the environment, and lie where they find each other."""
    together, code, notebooks, lab = run(installed / "python", "-c", PLACES, at=tmp_path).split()
    environment = str(installed.parent)
    assert together == "True"
    assert code.startswith(environment)
    assert notebooks.startswith(environment)
    assert lab == "None"
    extension = installed.parent / "share" / "jupyter" / "labextensions" / "incident-review-workbench"
    assert (extension / "package.json").is_file()
    assert (extension / "static" / "vega-bundle.js").stat().st_size > 500_000


def test_the_whole_way_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Demo, proof, and a served page, by the installed command alone."""
    workbench = installed / "workbench"
    run(workbench, "demo", "desk", "--no-serve", at=tmp_path)
    assert "slow-orders" in run(workbench, "incident", "list", "-w", "desk", at=tmp_path)
    assert "as they were written" in run(workbench, "verify", "-w", "desk", at=tmp_path)
    command = [str(workbench), "serve", "-w", "desk", "--port", "0"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        address = server.stdout.readline().split()[-1]
        with urllib.request.urlopen(f"{address}reviews/slow-orders/", timeout=60) as answer:  # noqa: S310 - loopback
            assert "application/json" in answer.read().decode()
        with urllib.request.urlopen(f"{address}static/vega-bundle.js", timeout=60) as answer:  # noqa: S310
            assert answer.status == 200
    finally:
        server.terminate()
        server.wait(timeout=30)
        server.stdout.close()


def test_without_jupyterlab_a_person_hears_how_to_get_it(installed: Path, tmp_path: Path) -> None:
    """It is an extra, because a server of pages does without."""
    subprocess.run([installed / "workbench", "init", "desk"], cwd=tmp_path, check=True, capture_output=True)
    command = [installed / "workbench", "lab", "-w", "desk", "--no-browser"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "incident-review-workbench[lab]" in told.stderr
