"""Slack's text is marked up: mentions are ids, links stand in angle brackets, and three signs are escaped.

Source: Slack, "Formatting text for app surfaces" (mrkdwn; mentions, links, special mentions, dates, escaping).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Directory", "plain"]

_MARK = re.compile(r"<([@#!][^<>\n]+|[A-Za-z][A-Za-z0-9+.-]*:[^<>\n]+)>")


@dataclass(frozen=True)
class Directory:
    """Who and what the ids of an export stand for: people's names, channels' names, and channels' ids by name."""

    people: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


def plain(text: str, directory: Directory) -> str:
    """Return a message as a person reads it: names for ids, links with their words, no escaped signs."""
    shown = _MARK.sub(lambda found: _shown(found[1], directory), text)
    # In this order, so that what was written as &lt; by hand stays so.
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _shown(mark: str, directory: Directory) -> str:
    target, _, label = mark.partition("|")
    sign, name = target[0], target[1:]
    if sign == "@":
        return f"@{directory.people.get(name) or label or name}"
    if sign == "#":
        return f"#{label or directory.channels.get(name, name)}"
    if sign == "!":
        # <!here>, <!subteam^S123|@oncall>, <!date^1706520000^{date}|29 January>
        return label or f"@{name.partition('^')[0]}"
    if not label or label in target:
        return target.removeprefix("mailto:") if label else target
    return f"{label} ({target})"
