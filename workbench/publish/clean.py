"""To clean is to keep of foreign markup only what can neither run, nor load, nor cover anything else on the page."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from workbench.errors import WorkbenchError

__all__ = ["clean_html", "clean_markdown", "clean_spec"]

_TEXT = "abbr b bdi br code em i kbd mark q s small span strong sub sup time u wbr"
_BLOCKS = (
    "article aside blockquote dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li ol p pre "
    "section summary ul"
)
_TABLES = "caption col colgroup table tbody td tfoot th thead tr"
_TAGS = frozenset(f"a {_TEXT} {_BLOCKS} {_TABLES}".split())
_EVERYWHERE = {"class", "dir", "id", "lang", "role", "tabindex", "title"}
_ATTRIBUTES = {
    "*": _EVERYWHERE,
    "a": {"href"},
    "col": {"span"},
    "details": {"open"},
    "li": {"value"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "headers", "scope"},
    "time": {"datetime"},
}
_ROLES = {"img", "list", "listitem", "note", "region", "status", "table"}
_ID = re.compile(r"E[0-9]{1,6}")
_CLASS = re.compile(r"wb(?:-[A-Za-z0-9_-]*)?")
_SCHEMES = {"http", "https", "mailto"}
_DATA_KEYS = {"url", "href"}


def clean_html(html: str) -> str:
    """Return the markup without scripts, styles, forms, frames, pictures, event handlers and addresses that could run.

    Classes are kept where they are ours (``wb-…``), ids where they are an E-number, so that nothing can stand in for a
    part of the page. Links don't tell where they were followed from.
    """
    kept: str = _cleaner().clean(html)
    return kept


def clean_markdown(source: str) -> str:
    """Return Markdown (CommonMark with tables and strikethrough) as cleaned HTML."""
    return clean_html(_markdown().render(source))


def clean_spec(spec: Any) -> dict[str, Any]:
    """Return a chart's specification without ``usermeta``, which could change how it is drawn.

    Raises:
        WorkbenchError: it isn't an object, or asks for data, pictures or links from an address.
    """
    if not isinstance(spec, dict):
        raise WorkbenchError("a chart of this notebook has no specification", do="Run the notebook again")
    kept = {key: value for key, value in spec.items() if key != "usermeta"}
    _refuse_addresses({key: value for key, value in kept.items() if key != "datasets"})
    return kept


def _refuse_addresses(part: Any) -> None:
    """Walk the specification; inline values (``data.values``) are data and may hold any word."""
    if isinstance(part, list):
        for one in part:
            _refuse_addresses(one)
        return
    if not isinstance(part, dict):
        return
    for key, value in part.items():
        if key in _DATA_KEYS and value is not None:
            raise WorkbenchError(
                "a chart asks for something from an address, so it isn't drawn",
                do="Put the data into the chart, without url and href",
            )
        if key == "values" and isinstance(value, list):
            continue
        _refuse_addresses(value)


def _filtered(_element: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        kept = [name for name in value.split() if _CLASS.fullmatch(name)]
        return " ".join(kept) or None
    if attribute == "id":
        return value if _ID.fullmatch(value) else None
    if attribute == "role":
        return value if value in _ROLES else None
    if attribute == "tabindex":
        return value if value == "0" else None
    if attribute == "href":
        return None if value.lstrip().startswith(("//", "\\", "/\\")) else value
    return value


@cache
def _cleaner() -> Any:
    import nh3  # noqa: PLC0415 - reading a record or pulling evidence does without

    return nh3.Cleaner(
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "svg", "math", "template", "iframe", "object", "noscript", "title"},
        attributes={name: set(kept) for name, kept in _ATTRIBUTES.items()},
        attribute_filter=_filtered,
        generic_attribute_prefixes={"aria-"},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


@cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt  # noqa: PLC0415

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
