"""A band is a stripe across the page: one column, two halves, or a main column with notes in its margin.

Which it is stands in the tags of the notebook's cells: ``left`` and ``right`` are halves, ``main`` and ``margin`` a
column with notes; ``hidden`` cells are for whoever works in the notebook; any other cell is as wide as the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from markupsafe import Markup

from workbench.publish.clean import clean_markdown
from workbench.publish.outputs import show

__all__ = ["Band", "bands", "first_heading"]

_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_ELEMENT = re.compile(r"<[^>]*>")
_COLUMNS = {"left": "halves", "right": "halves", "main": "noted", "margin": "noted"}
_SECOND = {"right", "margin"}
_HIDDEN = {"hidden", "parameters", "injected-parameters"}


@dataclass
class Band:
    """One stripe: ``kind`` is whole, halves or noted; ``first`` and ``second`` hold the HTML of its columns.

    ``head`` is the heading over both columns of a noted band.
    """

    kind: str
    head: list[Markup] = field(default_factory=list)
    first: list[Markup] = field(default_factory=list)
    second: list[Markup] = field(default_factory=list)


def bands(notebook: Any) -> list[Band]:
    """Return the page's bands in order; cells without anything for a reader leave nothing behind.

    A heading of the first or second order begins a new band unless it stands in one of two halves; so does a change of
    columns.
    """
    made: list[Band] = []
    for cell in notebook.cells:
        tags = set(cell.get("metadata", {}).get("tags", []))
        if tags & _HIDDEN:
            continue
        shown = "".join(_shown(cell))
        if not shown:
            continue
        column = next((name for name in _COLUMNS if name in tags), "")
        kind = _COLUMNS.get(column, "whole")
        heading = cell.cell_type == "markdown" and cell.source.lstrip().startswith(("# ", "## "))
        if not made or made[-1].kind != kind or (heading and kind != "halves"):
            made.append(Band(kind))
        side = made[-1].second if column in _SECOND else made[-1].first
        if heading and kind == "noted":
            side = made[-1].head
        side.append(Markup(shown))  # noqa: S704 - every part was cleaned or escaped on its way here
    return made


def first_heading(stripes: Iterable[Band]) -> str:
    """Return the words of the page's first heading, for the tab, or nothing when it has none."""
    for stripe in stripes:
        for part in (*stripe.head, *stripe.first, *stripe.second):
            if found := _HEADING.search(part):
                return unescape(_ELEMENT.sub("", found[1])).strip()
    return ""


def _shown(cell: Any) -> Iterable[str]:
    if cell.cell_type == "markdown":
        yield f'<div class="wb wb-prose">{clean_markdown(cell.source)}</div>'
    elif cell.cell_type == "code":
        for output in cell.get("outputs", []):
            yield show(output)
