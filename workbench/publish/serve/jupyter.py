"""The lab is JupyterLab on a workspace's own copies of the standard notebooks, which it never writes over."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import ServeError, StorageError
from workbench.publish.serve.environment import STARTUP
from workbench.publish.serve.servers import bound
from workbench.resources import NOTEBOOKS, REPORTS
from workbench.versions import refused

__all__ = ["copy_notebooks", "lab"]

_STAMP = ".shipped.json"


def lab(workspace_root: Path | str, *, author: str = "", port: int | None = None, browser: bool = True) -> None:
    """Open JupyterLab on the workspace's notebooks, until it is ended. This process becomes JupyterLab.

    Args:
        workspace_root: the workspace's folder. Its notebooks lie in ``notebooks/``, copied there on first use.
        author: in whose name notebooks save; empty leaves it to the workspace.
        port: where on this machine; None lets JupyterLab choose.
        browser: whether it opens there.

    Raises:
        WorkspaceError: there is no workspace.
        StorageError: the notebooks can't be copied.
        ServeError: JupyterLab isn't installed, or the port is taken.
    """
    if find_spec("jupyterlab") is None:
        raise ServeError("JupyterLab is not installed", do="Run: pip install 'incident-review-workbench[lab]'")
    from workbench.workspace import Workspace  # noqa: PLC0415 - kernels import this package for its guard alone

    root = Workspace.open(workspace_root).root.resolve()
    copy_notebooks(root / "notebooks")
    if port:
        with bound("127.0.0.1", port):
            pass
    sys.stdout.flush()
    os.execve(sys.executable, _command(root, port, browser=browser), _environment(root, author))  # noqa: S606 - no shell is meant


def copy_notebooks(folder: Path) -> list[str]:
    """Copy the standard notebooks that aren't in a folder yet, and renew those that nobody has changed since.

    Returns the names of the files that were written. What each was when it was copied stands in ``.shipped.json``.

    Raises:
        StorageError: the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stamp = folder / _STAMP
        copied: dict[str, str] = json.loads(stamp.read_text(encoding="utf-8")) if stamp.is_file() else {}
        written = [
            source for source in sorted(NOTEBOOKS.glob("*.ipynb")) if _is_due(folder / source.name, source, copied)
        ]
        for source in written:
            shutil.copyfile(source, folder / source.name)
            copied[source.name] = _hash(source)
        if written:
            stamp.write_text(json.dumps(copied, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise refused(folder, error) from error
    except ValueError as error:
        raise StorageError(f"{folder.name}/{_STAMP} can't be read", do="Remove it, then try again") from error
    return [source.name for source in written]


def _is_due(target: Path, source: Path, copied: dict[str, str]) -> bool:
    if not target.exists():
        return True
    there = _hash(target)
    return there == copied.get(source.name) and there != _hash(source)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _command(root: Path, port: int | None, *, browser: bool) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root / 'notebooks'}",
    ]
    # Asking jupyterlab.github.io for news and versions is not the workbench's to decide.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"] if port else []
    command += [] if browser else ["--no-browser"]
    # In a container everybody is root; on loopback, behind a token, that adds no door.
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # In a container one is root without having chosen to be; the server asks for its token all the same.
    command += ["--allow-root"] if os.geteuid() == 0 else []
    return command


def _environment(root: Path, author: str) -> dict[str, str]:
    """Return this process's environment with what kernels need: the workspace, who saves, a shorter start-up."""
    path = os.pathsep.join(one for one in (str(STARTUP), os.environ.get("PYTHONPATH", "")) if one)
    data = os.pathsep.join(one for one in (str(REPORTS), os.environ.get("JUPYTER_PATH", "")) if one)
    config = os.pathsep.join(one for one in (str(REPORTS), os.environ.get("JUPYTER_CONFIG_PATH", "")) if one)
    made = {**os.environ, "WORKBENCH_WORKSPACE": str(root), "PYTHONPATH": path, "JUPYTER_PATH": data}
    # Its labconfig/ keeps JupyterLab from asking whether it may fetch news, and from taking cells out of the page that
    # are not in view: a chart would be drawn anew at each look, and searching the page would miss them.
    made["JUPYTER_CONFIG_PATH"] = config
    made.pop("WORKBENCH_READ_ONLY", None)
    return made | ({"WORKBENCH_AUTHOR": author} if author else {})
