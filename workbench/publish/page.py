"""A page is a run of a notebook as a reader sees it: no code, no kernel, nothing from another host."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from workbench import __version__
from workbench.errors import WorkspaceError
from workbench.resources import STATIC
from workbench.startup import skip_unused_grammar

__all__ = ["NAV", "POLICY", "STATIC_PATH", "Link", "Mode", "render_page", "surroundings"]

Mode = Literal["served", "file"]

STATIC_PATH = "static/"
"""Where, under the site's address, a served page looks for the files of `workbench.resources.STATIC`."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The content security policy under which a served page is whole."""

_SCRIPTS = ("vega-bundle.js", "draw.js", "page.js")
_URL = re.compile(r"url\(\s*([\"']?)(?!data:)([^)\"']+)\1\s*\)")
_TYPES = {".woff2": "font/woff2", ".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Link:
    """One entry of the page's head: a name, an address under the site's, whether it is the page being read."""

    name: str
    href: str
    current: bool = False


NAV: tuple[Link, ...] = (Link("Reviews", ""),)
"""The pages that exist."""


def render_page(
    notebook: Path | Any,
    *,
    title: str = "",
    nav: Sequence[Link] = NAV,
    mode: Mode = "served",
    base: str = "/",
    edition: str = "",
) -> str:
    """Return the HTML of a run of a notebook.

    Args:
        notebook: the executed notebook's path, or the notebook itself as nbformat reads it.
        title: what the tab is called; the page's first heading when left out.
        nav: the entries of the page's head.
        mode: ``served`` links to the files under ``base``/static and holds nothing inline; ``file`` holds everything.
        base: the site's address, with a slash at its end.
        edition: what stands in the foot, such as "Published 29 January 2023, 16:02 UTC".

    Raises:
        FileNotFoundError: there is no such notebook.
        ValueError: it isn't a notebook.
    """
    skip_unused_grammar()
    import nbformat  # noqa: PLC0415 - importing the workbench does without notebooks

    from workbench.publish.exporter import PageExporter  # noqa: PLC0415 - nbconvert too

    node = (
        nbformat.reads(notebook.read_text(encoding="utf-8"), as_version=4) if isinstance(notebook, Path) else notebook
    )
    page = surroundings(title=title, nav=nav, mode=mode, base=base, edition=edition)
    return PageExporter.write(node, page)


def surroundings(
    *, title: str = "", nav: Sequence[Link] = NAV, mode: Mode = "served", base: str = "/", edition: str = ""
) -> dict[str, Any]:
    """Return what the page's template writes around the notebook: head, foot, and where style and scripts come from."""
    inline = mode == "file"
    return {
        "title": title,
        "nav": () if inline else nav,
        "base": base,
        "edition": edition,
        "version": __version__,
        "inline": inline,
        **(_inlined() if inline else {"scripts": (), "file": _Addresses(base)}),
    }


class _Addresses:
    """Makes a file's address under the site's, with its content's hash, so that a browser may keep it for ever."""

    def __init__(self, base: str) -> None:
        self._base = base

    def __call__(self, name: str) -> str:
        return f"{self._base}{STATIC_PATH}{name}?v={_digest(name)}"


def _read(name: str) -> bytes:
    path = STATIC / name
    if not path.is_file():
        raise WorkspaceError(
            f"{name} is missing from the program's files", do="It is made by the build: install the workbench again"
        )
    return path.read_bytes()


def _digest(name: str) -> str:
    path = STATIC / name
    state = path.stat() if path.is_file() else None
    return _hashed(name, state.st_mtime_ns, state.st_size) if state else "missing"


@cache
def _hashed(name: str, _modified: int, _size: int) -> str:
    return hashlib.sha256(_read(name)).hexdigest()[:16]


@cache
def _inlined() -> dict[str, Any]:
    """Return style, scripts and icon as they stand in a single file, and the policy that lets nothing else run."""
    style, scripts = _inlined_style(), [_script(name) for name in _SCRIPTS]
    hashes = [" ".join(_source(text) for text in texts) for texts in (scripts, [style])]
    return {
        "style": Markup(style),  # noqa: S704 - our own files
        "scripts": [Markup(script) for script in scripts],  # noqa: S704
        "icon": _data_url("favicon.svg"),
        "policy": (
            f"default-src 'none'; script-src {hashes[0]}; style-src {hashes[1]}; img-src data:; font-src data:; "
            "base-uri 'none'; form-action 'none'"
        ),
    }


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _script(name: str) -> str:
    """Return a script so that nothing in it ends the element it stands in."""
    return _read(name).decode().replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _inlined_style() -> str:
    return _URL.sub(lambda found: f'url("{_data_url(found[2])}")', _read("style.css").decode()).replace("</", "<\\/")


def _data_url(name: str) -> str:
    kind = _TYPES[Path(name).suffix]
    return f"data:{kind};base64,{base64.b64encode(_read(name)).decode()}"
