"""A template is a file of HTML in reports/sections that is filled from data, every value of it escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from workbench.charts.values import clock, day
from workbench.evidence.progress import size, took
from workbench.resources import REPORTS
from workbench.review.wording import Strong
from workbench.window import format_duration, format_time

__all__ = ["fill", "script_json"]

_NUMBER = re.compile(r"(?:^|(?<=, and ))(E[0-9]{1,6})(?=, )")
_STATE_WORDS = {
    "open": "Open", "in progress": "In progress", "done": "Done, not verified", "verified": "Verified",
    "failed": "Failed", "dropped": "Dropped",
}  # fmt: skip
_STATE_ICONS = {
    "open": "circle", "in progress": "half", "done": "tick-outline", "verified": "tick", "failed": "cross",
    "dropped": "cross",
}  # fmt: skip


def fill(name: str, **values: Any) -> str:
    """Return the template ``name`` of reports/sections filled with the values."""
    return _environment().get_template(f"{name}.html.j2").render(values)


def script_json(value: Any) -> Markup:
    """Return a value as JSON that can stand inside a script element of the page and never ends it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark, instead in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(mark, instead)
    return Markup(text)  # noqa: S704 - every character that means something to HTML was escaped above


def _linked(text: str) -> Markup:
    """Return the name of a source with its E-numbers as links to the list of evidence."""
    parts = _NUMBER.split(text)
    linked = [
        Markup('<a href="#{0}">{0}</a>').format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    ]
    return Markup().join(linked)


def _is_strong(part: object) -> bool:
    return isinstance(part, Strong)


def _date(value: date) -> str:
    return f"{value.day}\u00a0{value:%b}\u00a0{value.year}"


def _thousands(value: int) -> str:
    return f"{value:,}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(REPORTS / "sections"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "clock": clock,
        "date": _date,
        "day": day,
        "duration": format_duration,
        "iso": _iso,
        "json": script_json,
        "linked": _linked,
        "size": size,
        "thousands": _thousands,
        "took": took,
    }
    made.filters.update(filters)
    made.tests["strong"] = _is_strong
    made.globals.update(state_words=_STATE_WORDS, state_icons=_STATE_ICONS)
    return made


def _iso(value: datetime) -> str:
    return format_time(value)
