"""What tests of commands share: a way to run one as a person does."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.app import main


@dataclass(frozen=True)
class Told:
    """What a command said."""

    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Its answer to a program."""
        return json.loads(self.stdout)


Command = Callable[..., Told]


@pytest.fixture
def command() -> Command:
    """Return how to run a command in a folder, without a terminal, and expect its exit status."""

    def run(*arguments: str, at: Path, status: int = 0) -> Told:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(at)
            patch.setattr(sys, "argv", ["workbench", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        told = Told(out.getvalue(), err.getvalue())
        assert (ended.value.code or 0) == status, told
        return told

    return run


@pytest.fixture
def bare(tmp_path: Path, command: Command) -> Path:
    """Return a new workspace without a source."""
    command("init", "desk", at=tmp_path)
    return tmp_path / "desk"


@pytest.fixture
def sourced(bare: Path, sample: Path) -> Path:
    """Return a workspace with the licensed sample as its source, which is kept for 15 days."""
    lines = [f'{name} = "{sample / name}.parquet"' for name in ("metrics", "logs")]
    with (bare / "workbench.toml").open("a") as settings:
        settings.write("\n".join(["", "[sources.shop]", 'kind = "parquet"', 'retention = "15d"', *lines, ""]))
    return bare
