"""Fields are the kinds of value people type: a line, a text, a time, a day, a slug; each refuses in plain words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from workbench.errors import TimeError
from workbench.window import format_time, parse_time

__all__ = ["Day", "Digest", "Line", "RequiredLine", "RequiredText", "Slug", "Text", "Time", "refuse", "slug", "unique"]

LINE_LENGTH = 200
TEXT_LENGTH = 10_000
SLUG_LENGTH = 80

# Tab, newline and carriage return are text; the other C0 and C1 controls come from broken programs, and NUL can't be
# stored everywhere. Format characters stay: emoji and right-to-left scripts need them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_BREAK = re.compile("[\n\r\x85\u2028\u2029]")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def refuse(text: str) -> PydanticCustomError:
    """Return the error that pydantic shows as exactly this text."""
    return PydanticCustomError("said", "{text}", {"text": text})


def _clean(text: str) -> str:
    if found := _CONTROL.search(text):
        raise refuse(
            f"holds a control character (U+{ord(found[0]):04X}) at position {found.start() + 1}; delete it, or type "
            "the text again"
        )
    return text


def _one_line(text: str) -> str:
    text = _clean(text.strip())
    if _BREAK.search(text):
        raise refuse("must be on one line")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise refuse("is required")
    return text


def _time(value: object) -> datetime:
    if not isinstance(value, str | datetime):
        raise refuse("is not a time; write it like 2023-01-29T09:12:30Z")
    try:
        return parse_time(value, "it")
    except TimeError as error:
        # "it is '…', which has no time zone" reads as a sentence after the field's name without its subject
        raise refuse(f"{error.what.removeprefix('it ')}. {error.do}") from None


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value.strip()):
            return date.fromisoformat(value.strip())
    except ValueError:
        raise refuse(f"is {value!r}, a day the calendar doesn't have") from None
    raise refuse("is not a date; write it like 2026-12-24")


def slug(text: str, fallback: str = "incident") -> str:
    """Return an id made from a title: lower-case letters, digits and hyphens; ``fallback`` when it has none of them."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    words = re.findall(r"[a-z0-9]+", plain)
    made = ""
    for word in words:
        longer = f"{made}-{word}" if made else word[:SLUG_LENGTH]
        if len(longer) > SLUG_LENGTH:
            break
        made = longer
    return made or fallback


def _slug(text: str) -> str:
    if len(text) > SLUG_LENGTH or ".." in text or not _SLUG.fullmatch(text):
        raise refuse(
            f"must be 1 to {SLUG_LENGTH} lower-case letters and digits, with hyphens, dots or underscores only between "
            f"them, because it names a folder and an address; for example {slug(text)}"
        )
    return text


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values in their order, each once."""
    return tuple(dict.fromkeys(values))


Line = Annotated[str, Field(max_length=LINE_LENGTH), AfterValidator(_one_line)]
"""Up to 200 characters on one line, without spaces around them; may be empty."""

RequiredLine = Annotated[Line, AfterValidator(_filled)]
"""A line that says something."""

Text = Annotated[str, Field(max_length=TEXT_LENGTH), AfterValidator(_clean)]
"""Up to 10,000 characters on any number of lines, kept as typed; may be empty."""

RequiredText = Annotated[Text, AfterValidator(_filled)]
"""A text that says something."""

Time = Annotated[datetime, BeforeValidator(_time), PlainSerializer(format_time, return_type=str, when_used="json")]
"""A moment with its zone, kept as UTC in microseconds."""

Day = Annotated[date, BeforeValidator(_day)]
"""A day of the calendar, without a zone."""

Slug = Annotated[str, AfterValidator(_slug)]
"""A readable id that is safe as the name of a folder and as part of an address."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal."""
