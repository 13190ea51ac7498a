"""A run executes a standard notebook with papermill into a new published version, which appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import __version__
from workbench.errors import RunError
from workbench.publish.serve.environment import kernel_environment
from workbench.resources import notebook
from workbench.startup import skip_unused_grammar
from workbench.versions import appear, new_version, only_one, version_of, versions, write_durably
from workbench.window import format_time

if TYPE_CHECKING:
    from workbench.workspace import Workspace

__all__ = ["HOME", "CellDone", "newest", "publish_home", "publish_review"]

HOME = "_home"
"""The folder in ``published`` of the page that lists all reviews; no incident's id can be this."""

_KEPT = 10
_SECONDS_A_CELL = 600
_SECONDS_TO_START = 60
_ENGINE = "workbench"
_INPUTS = ("altair", "papermill", "polars", "vl-convert-python")


@dataclass(frozen=True)
class CellDone:
    """One more cell of a notebook has run."""

    notebook: str
    done: int
    total: int


def publish_review(
    workspace: Workspace, incident_id: str, *, snapshot: str = "", tell: Callable[[CellDone], None] = lambda _: None
) -> Path:
    """Run the review of an incident over a snapshot (the newest unless named), then the list of reviews.

    Returns:
        The new version's folder: the executed ``review.ipynb`` and ``run.json``, which says what it was made from.

    Raises:
        UnknownError: there is no such incident or snapshot, or nothing is pinned yet.
        RunError: a notebook failed; the version before it stays the newest.
        StorageError: the disk is full, or another run of this review is going on.
    """
    pinned = workspace.snapshot(incident_id, snapshot)
    folder = workspace.published / incident_id
    parameters = {"incident": incident_id, "workspace": ".", "snapshot": pinned.version}
    evidence = {"snapshot": pinned.version, "manifest_sha256": pinned.manifest_sha256}
    made = _publish(workspace, folder, "review", parameters, evidence, tell)
    publish_home(workspace, tell=tell)
    return made


def publish_home(workspace: Workspace, *, tell: Callable[[CellDone], None] = lambda _: None) -> Path:
    """Run the page that lists all reviews and return its new version's folder; only the last few versions are kept.

    Raises:
        RunError: the notebook failed; the version before it stays the newest.
        StorageError: the disk is full, or another run of it is going on.
    """
    folder = workspace.published / HOME
    made = _publish(workspace, folder, "index", {"workspace": "."}, {}, tell)
    for old in versions(folder)[:-_KEPT]:
        shutil.rmtree(folder / old, ignore_errors=True)
    return made


def newest(folder: Path) -> Path | None:
    """Return the newest complete version in a published folder, or None while there is none."""
    known = versions(folder)
    return folder / known[-1] if known else None


def _publish(
    workspace: Workspace,
    folder: Path,
    name: str,
    parameters: dict[str, str],
    evidence: dict[str, str],
    tell: Callable[[CellDone], None],
) -> Path:
    with only_one(folder, f"a run of the {name} notebook in published/{folder.name}"), new_version(folder) as partial:
        source = notebook(name)
        output = partial / f"{name}.ipynb"
        try:
            _execute(source, output, parameters, workspace.root, tell)
        except RunError:
            # Kept for whoever has to mend it; a name with a dot is never served.
            shutil.copy(output, folder / f".failed-{name}.ipynb")
            raise
        with workspace.record(read_only=True) as record:
            head = record.head()
        facts = {
            "format": 1,
            "version": version_of(partial),
            "notebook": name,
            "notebook_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "parameters": parameters,
            "evidence": evidence,
            # Noted outside the database, so that `workbench verify` finds even a history rewritten as a whole.
            "history": {"entries": head.count, "hash": head.hash},
            "tool_version": __version__,
            "made_with": {package: installed(package) for package in _INPUTS},
            "published_at": format_time(datetime.now(UTC)),
        }
        write_durably(partial / "run.json", (json.dumps(facts, indent=2) + "\n").encode())
        return appear(partial)


def _execute(
    source: Path, output: Path, parameters: dict[str, str], workspace: Path, tell: Callable[[CellDone], None]
) -> None:
    """Run one notebook in a read-only kernel with an environment of its own, saving as it goes.

    Raises:
        RunError: a cell failed, the kernel died, or a cell took too long.
    """
    skip_unused_grammar()
    import nbformat  # noqa: PLC0415 - these take half a second together, which only a run needs
    import papermill  # noqa: PLC0415
    from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: PLC0415
    from papermill.engines import papermill_engines  # noqa: PLC0415
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="workbench-run-") as scratch:
        environment = kernel_environment(os.environ, workspace=workspace, scratch=Path(scratch), read_only=True)
        papermill_engines.register(_ENGINE, _engine(environment, source.stem, tell))
        try:
            done = papermill.execute_notebook(
                str(source),
                str(output),
                parameters=parameters,
                engine_name=_ENGINE,
                kernel_name="python3",
                progress_bar=False,
                cwd=str(workspace),
            )
        except PapermillExecutionError as error:
            raise _failed(source.stem, error.exec_count, error.source, f"{error.ename}: {error.evalue}") from error
        except CellTimeoutError as error:
            raise _failed(source.stem, None, "", f"a cell ran for more than {_SECONDS_A_CELL} s") from error
        except DeadKernelError as error:
            raise _failed(source.stem, None, "", "its kernel died (out of memory, perhaps)") from error
    # papermill notes where the files lay on this machine, which is nobody's business in a published notebook.
    done.metadata.papermill.update(input_path=source.name, output_path=output.name)
    nbformat.write(done, output)


def _engine(environment: dict[str, str], name: str, tell: Callable[[CellDone], None]) -> type:
    """Return papermill's own way to execute, but for the kernel's environment and for telling each cell."""
    from papermill.clientwrap import PapermillNotebookClient  # noqa: PLC0415 - see _execute
    from papermill.engines import Engine  # noqa: PLC0415

    class IsolatedEngine(Engine):  # type: ignore[misc]  # papermill carries no types
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            complete = nb_man.cell_complete

            def cell_complete(cell: Any, cell_index: int = 0, **rest: Any) -> None:
                complete(cell, cell_index=cell_index, **rest)
                tell(CellDone(name, cell_index + 1, len(nb_man.nb.cells)))

            nb_man.cell_complete = cell_complete
            client = PapermillNotebookClient(
                nb_man,
                kernel_name=kernel_name,
                timeout=_SECONDS_A_CELL,
                startup_timeout=_SECONDS_TO_START,
                # What the kernel has to say of itself is not for the person who waits for a review.
                extra_arguments=["--IPKernelApp.log_level=50"],
            )
            client.execute(env=environment)

    return IsolatedEngine


def _failed(name: str, count: int | None, source: str, reason: str) -> RunError:
    first = next((line for line in source.splitlines() if line.strip() and not line.startswith("#")), "")
    where = f" in cell {count} ({first})" if count is not None else ""
    return RunError(
        f"the notebook {name!r} failed{where}: {' '.join(reason.split())[:400]}",
        do=f"The version published before is still served; the failed run is kept as .failed-{name}.ipynb beside it",
    )
