"""What every test may use: the licensed sample, the full recordings where they are, and the demo."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "data" / "trainticket"
RECORDINGS = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def missing() -> Callable[[str], NoReturn]:
    """Return what a test calls when something real is not on this machine: it is skipped, but fails in CI."""

    def give_up(what: str) -> NoReturn:
        if os.environ.get("CI"):
            pytest.fail(f"{what}, and in CI nothing may be missing")
        pytest.skip(what)

    return give_up


@pytest.fixture
def sample() -> Path:
    """Return the folder of the licensed sample: five minutes around one fault, and an hour of metrics before it."""
    return SAMPLE


@pytest.fixture
def recordings(missing: Callable[[str], NoReturn]) -> Path:
    """Return the folder of the full recordings, or skip."""
    if not RECORDINGS.is_dir():
        missing("the full recordings are not on this machine; the sample under tests/data covers the same path")
    return RECORDINGS


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the demo's workspace with its review published, made once; nobody may change it."""
    from workbench.demo import prepare

    return prepare(tmp_path_factory.mktemp("demo") / "desk")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a person's own settings out of the tests."""
    for name in ("WORKBENCH_WORKSPACE", "WORKBENCH_AUTHOR", "WORKBENCH_READ_ONLY"):
        monkeypatch.delenv(name, raising=False)
