"""Words are the small pages a server says something with: an error, an empty desk, a full one."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["STATUS", "Words", "page"]


@dataclass(frozen=True)
class Words:
    """What a small page says: ``title``, ``text``, and where to go next as pairs of address and label."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...] = (("/", "All published reviews"),)


STATUS = {
    400: Words(
        "This address can't be read", "Something in it isn't as it should be. Check it, or start from the home page."
    ),
    403: Words(
        "This is not for you", "This page belongs to somebody else, or was asked for in a way that isn't allowed."
    ),
    404: Words("There is nothing here", "The page may have been moved, or the address may be mistyped."),
    405: Words("Nothing can be changed here", "These pages are for reading: the server takes no changes."),
    503: Words("This page is busy", "Too many people have it open. Try again in a minute."),
}
"""What is said for a status when nothing better is known."""

_TROUBLE = Words(
    "This page could not be made",
    "The fault is on the server's side, and its log says more. The other pages are not touched by it.",
)


def page(words: Words | int, *, refresh: str = "") -> bytes:
    """Return a whole small page, as UTF-8; it needs no script.

    Args:
        words: what it says, or the status whose usual words it says.
        refresh: an address on this server that the browser goes on to by itself.
    """
    said = words if isinstance(words, Words) else STATUS.get(words, _TROUBLE)
    links = "".join(f'<p><a href="{escape(to)}">{escape(label)}</a></p>' for to, label in said.links)
    onward = f'<meta http-equiv="refresh" content="0; url={escape(refresh)}">' if refresh else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{onward}<title>{escape(said.title)}</title><link rel="icon" href="/static/favicon.svg">'
        '<link rel="stylesheet" href="/static/style.css"></head>'
        f'<body class="wb"><main class="wb-words"><h1>{escape(said.title)}</h1><p>{escape(said.text)}</p>{links}</main>'
        "</body></html>\n"
    ).encode()
