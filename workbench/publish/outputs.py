"""An output is what a cell of a run left behind; on a page it is a figure, a section, or a word of what went wrong."""

from __future__ import annotations

import html
import logging
from typing import Any

from workbench.charts.theme import MIME
from workbench.errors import WorkbenchError
from workbench.publish.clean import clean_html, clean_spec
from workbench.publish.templates import fill

__all__ = ["show"]

_LOG = logging.getLogger(__name__)
_LONGEST_TEXT = 20_000


def show(output: Any) -> str:
    """Return a stored output as safe HTML, or nothing where there is nothing for a reader.

    Charts and HTML come before their plain text; an error is told in one sentence without its traceback, and goes to
    the log; what went to standard error, and pictures, scripts and widgets of other kinds are left out.
    """
    kind = output.get("output_type")
    if kind in {"display_data", "execute_result"}:
        return _show_data(output.get("data", {}), output.get("metadata", {}))
    if kind == "error":
        _LOG.warning("a published cell failed: %s: %s", output.get("ename"), output.get("evalue"))
        return fill("failed")
    if kind == "stream" and output.get("name") == "stdout":
        return _show_text(_joined(output.get("text", "")))
    return ""


def _show_data(data: Any, metadata: Any) -> str:
    if MIME in data:
        return _show_figure(data[MIME], metadata.get(MIME, {}))
    if "text/html" in data:
        return clean_html(_joined(data["text/html"]))
    if "text/plain" in data and not any(name.startswith("application/") for name in data):
        return _show_text(_joined(data["text/plain"]))
    return ""


def _show_figure(spec: Any, metadata: Any) -> str:
    try:
        kept = clean_spec(spec) if spec else {}
    except WorkbenchError as error:
        return fill("callout", kind="fails", fact=error.what[:1].upper() + error.what[1:], text=error.do)
    return fill("figure", figure=_described(metadata.get("figure"), kept), spec=kept)


def _described(figure: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """Return what is written around a chart, whatever a stored notebook says: text, and rows that fit their columns."""
    told = figure if isinstance(figure, dict) else {}
    columns = [one for one in _list(told.get("columns")) if isinstance(one, dict)]
    rows = [[str(cell) for cell in row] for row in _list(told.get("rows")) if isinstance(row, list)]
    fitting = [row for row in rows if len(row) == len(columns)]
    return {
        "title": str(told.get("title") or ""),
        "subtitle": str(told.get("subtitle") or ""),
        "alt": str(told.get("alt") or spec.get("description") or "Chart"),
        "columns": [{"label": str(one.get("label", "")), "numeric": bool(one.get("numeric"))} for one in columns],
        "rows": fitting if columns else [],
        "citation": str(told.get("citation") or ""),
        "key": [
            (str(one[0]), str(one[1]))
            for one in _list(told.get("key"))
            if isinstance(one, list) and len(one) == 2 and str(one[1]).replace("-", "").isalnum()  # noqa: PLR2004 - name, token
        ],
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _show_text(text: str) -> str:
    kept = text.strip()
    return f'<pre class="wb-output">{html.escape(kept[:_LONGEST_TEXT])}</pre>' if kept else ""
