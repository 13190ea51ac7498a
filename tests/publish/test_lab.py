"""JupyterLab opens on copies of the standard notebooks that belong to the workspace, and are never written over."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench.errors import ServeError
from workbench.publish.serve import lab
from workbench.publish.serve.jupyter import copy_notebooks
from workbench.resources import NOTEBOOKS

CODE = Path(workbench.__file__).resolve().parents[1]


def shipped() -> set[str]:
    """Return the names of the standard notebooks."""
    return {path.name for path in NOTEBOOKS.glob("*.ipynb")}


def test_the_standard_notebooks_are_copied_once(tmp_path: Path) -> None:
    """All of them on first use, none on the second."""
    assert set(copy_notebooks(tmp_path / "notebooks")) == shipped()
    assert {path.name for path in (tmp_path / "notebooks").glob("*.ipynb")} == shipped()
    assert copy_notebooks(tmp_path / "notebooks") == []


def test_a_changed_notebook_is_never_written_over(tmp_path: Path) -> None:
    """What somebody changed stays, also when the program's own is newer; what nobody changed is renewed."""
    copy_notebooks(tmp_path)
    names = sorted(shipped())
    mine, old = tmp_path / names[0], tmp_path / names[1]
    mine.write_text("mine")
    old.write_text("an earlier version's")
    stamp = tmp_path / ".shipped.json"
    import hashlib

    copied = json.loads(stamp.read_text())
    stamp.write_text(json.dumps(copied | {old.name: hashlib.sha256(old.read_bytes()).hexdigest()}))
    assert copy_notebooks(tmp_path) == [old.name]
    assert mine.read_text() == "mine"
    assert old.read_bytes() == (NOTEBOOKS / old.name).read_bytes()


def test_a_removed_notebook_comes_back(tmp_path: Path) -> None:
    """Who deletes one gets the standard one again, which is how one starts over."""
    copy_notebooks(tmp_path)
    first = min(shipped())
    (tmp_path / first).unlink()
    assert copy_notebooks(tmp_path) == [first]


def test_without_jupyterlab_it_says_what_to_install(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterLab is an extra; whoever lacks it is told its name, and nothing is copied."""
    monkeypatch.setattr("workbench.publish.serve.jupyter.find_spec", lambda _: None)
    with pytest.raises(ServeError, match=re.escape("incident-review-workbench[lab]")):
        lab(desk.root)
    assert not (desk.root / "notebooks").exists()


def test_it_opens_on_the_workspace(own_desk: Any, eventually: Callable[..., bool]) -> None:
    """JupyterLab answers, shows the workspace's notebooks, knows our extension, and ends with a signal."""
    code = f"from workbench.publish.serve import lab; lab({str(own_desk.root)!r}, author='ada', browser=False)"
    environment = {**os.environ, "PYTHONPATH": str(CODE), "HOME": str(own_desk.root.parent)}
    log = own_desk.root.parent / "log"
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=output, stderr=output)
    try:
        assert eventually(lambda: "/lab?token=" in log.read_text(), within=60), log.read_text()
        found = re.search(r"(http://127\.0\.0\.1:\d+)/lab\?token=(\w+)", log.read_text())
        assert found is not None
        names = {one["name"] for one in read(f"{found[1]}/api/contents?token={found[2]}")["content"]}
        assert names == shipped()
        page = text(f"{found[1]}/lab?token={found[2]}")
        assert "incident-review-workbench" in page
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def text(address: str) -> str:
    """Return what stands at an address."""
    with urllib.request.urlopen(address, timeout=30) as got:  # noqa: S310 - our own server's
        return str(got.read().decode())


def read(address: str) -> Any:
    """Return the JSON at an address."""
    return json.loads(text(address))
