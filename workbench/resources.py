"""Resources are the shipped notebooks, templates and demo data, found alike in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import WorkspaceError

__all__ = ["DEMO", "NOTEBOOKS", "REPORTS", "STATIC", "notebook"]

_PACKAGE = Path(__file__).resolve().parent


def _room(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


NOTEBOOKS = _room("notebooks")
"""The folder of the standard notebooks."""

REPORTS = _room("reports")
"""The folder of templates, styles, scripts and fonts: read, never written.

It is laid out as a Jupyter data folder: with it in ``JUPYTER_PATH`` JupyterLab and Voila find our extension
(``labextensions/``), Voila the template ``workbench`` (``voila/templates/``), nbconvert the other
(``nbconvert/templates/``)."""

STATIC = REPORTS / "labextensions" / "incident-review-workbench" / "static"
"""The one folder of files a browser loads: style, scripts, fonts, icon, and the bundle that the build makes."""

DEMO = REPORTS / "demo"
"""The folder of the demo incident: its telemetry, its record, its licence notice."""


def notebook(name: str) -> Path:
    """Return the path of a standard notebook by its name without ending.

    Raises:
        WorkspaceError: there is none of that name.
    """
    path = NOTEBOOKS / f"{name}.ipynb"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in NOTEBOOKS.glob("*.ipynb")))
        raise WorkspaceError(f"there is no standard notebook {name!r}", do=f"Known: {known}")
    return path
