"""What every test may use: the licensed sample, the full recordings where they are, and small frames in a line."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tests" / "data" / "trainticket"
RECORDINGS = ROOT.parent / "shared" / "data"


def missing(what: str) -> None:
    """Skip because something real is not on this machine; in CI, where everything must be, fail instead."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and in CI nothing may be missing")
    pytest.skip(what)


@pytest.fixture
def sample() -> Path:
    """Return the folder of the licensed sample: five minutes around one fault, and an hour of metrics before it."""
    return SAMPLE


@pytest.fixture
def recordings() -> Path:
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


def frame(name: FrameName, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Return rows as a frame with all its columns; what a row leaves out is null."""
    schema = FRAMES[name]
    full = [{column: row.get(column) for column in schema} for row in rows]
    return pl.DataFrame(full, schema=schema)
