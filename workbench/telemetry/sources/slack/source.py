"""The slack source reads what people wrote to each other meanwhile, from an export of a workspace or a channel.

Source: Slack Help Center, "How to read Slack data exports", and Slack's API, "message event" with its subtypes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Query, Reading, Tally
from workbench.telemetry.sources.slack.export import Day, Export
from workbench.telemetry.sources.slack.text import Directory, plain
from workbench.telemetry.stream import stream
from workbench.telemetry.web.said import Events, text, texts

__all__ = ["SlackSource"]

_TS = re.compile(r"(\d{1,11})\.(\d{1,6})", re.ASCII)
_DAY = timedelta(days=1)


class SlackSource:
    """An export of Slack; each message is an event of the kind chat. It knows no services, so none narrow it."""

    kind = "slack"
    frames: tuple[FrameName, ...] = ("events",)

    def __init__(self, name: str, path: Path, channels: tuple[str, ...] = (), url: str = "") -> None:
        self.name = name
        self._path = path
        self._channels = frozenset(one.removeprefix("#") for one in channels)
        self._url = url.rstrip("/")

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source: ``path`` is the zip or folder, ``channels`` are those to read, all unless it is given.

        ``url`` is the workspace's address, such as https://acme.slack.com, of which links to messages are made.

        Raises:
            SourceError: a key is unknown or has a value that can't be.
        """
        where = f"[sources.{name}] in workbench.toml"
        for key in settings:
            if key not in {"path", "channels", "url"}:
                raise SourceError(f"{where} has the key {key!r}", do="Known keys: kind, path, channels, url")
        path, url = settings.get("path"), settings.get("url", "")
        if not isinstance(path, str) or not path:
            raise SourceError(f"path of {where} is {path!r}", do='Write it like path = "slack-export.zip"')
        if not isinstance(url, str) or (url and not url.startswith(("https://", "http://"))) or _secret(url):
            raise SourceError(f"url of {where} is no address", do='Write it like url = "https://acme.slack.com"')
        channels = texts(settings, "channels", where, example='["incidents"]')
        return cls(name, root / Path(path).expanduser(), channels, url)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the messages of the window.

        Only the files of days that touch the window are opened, and of the day before and after: an export doesn't say
        in which zone its days begin.

        Raises:
            SourceError: while the data is consumed: the export can't be read, or lacks a channel that is named.
        """
        tally = Tally()
        first, last = (query.window.start - _DAY).date(), (query.window.end + _DAY).date()
        channels = ", ".join(sorted(self._channels)) or "all channels"
        asked = f"{channels} of {self._path.name}, files of {first} to {last}"

        def pages() -> Iterator[pl.DataFrame]:
            events = Events("slack", "chat", replace(query, services=()), tally)
            with Export(self.name, self._path, query, tally) as export:
                touched = self._touched(export, first, last)
                directory = _directory(export) if touched else Directory()
                for day in touched:
                    if query.stop.is_set():
                        raise SourceError(f"reading the source {self.name!r} was stopped", do="Pull again")
                    for message in export.read(day.name) or []:
                        self._take(events, message if isinstance(message, dict) else {}, day, directory)
                    yield from events.taken()

        def estimate() -> Estimate:
            with Export(self.name, self._path, query, Tally()) as export:
                return Estimate(bytes=sum(export.size(day.name) for day in self._touched(export, first, last)))

        return Reading(frame, stream(frame, pages), asked, tally, estimate)

    def _touched(self, export: Export, first: date, last: date) -> list[Day]:
        """Return the days of the channels that are read."""
        days = [day for day in export.days if not self._channels or day.channel in self._channels]
        absent = sorted(self._channels - {day.channel for day in days})
        if absent or not days:
            known = sorted({day.channel for day in export.days})[:10]
            raise SourceError(
                f"source {self.name!r}: {self._path.name} holds "
                + (f"no channel {absent[0]!r}" if absent else "no messages of any channel"),
                do=f"It holds {', '.join(known)}" if known else "Give the zip that Slack made, or the folder it became",
            )
        return [day for day in days if first <= day.day <= last]

    def _take(self, events: Events, message: dict[str, Any], day: Day, directory: Directory) -> None:
        """Take a message in, as it reads now; when it was edited or deleted stands beside when it was written."""
        ts, thread, edited = _ts(message.get("ts")), _ts(message.get("thread_ts")), _ts_of(message, "edited")
        subtype, channel_id = text(message, "subtype"), directory.ids.get(day.channel)
        deleted = subtype in {"tombstone", "message_deleted"}
        files = [name for one in _list(message, "files") if (name := text(one, "name") or text(one, "title"))]
        said = plain(_written(message), directory) or (f"Shared {', '.join(files)}" if files else "")
        link = self._link(channel_id, ts, thread)
        reply = thread is not None and thread != ts
        events.add(
            time=_time(ts),
            title=said or ("This message was deleted." if deleted else f"({subtype or 'no text'})"),
            actor=_who(message, directory),
            url=link,
            facts={
                "id": f"{channel_id or day.channel}/{ts}",
                "status": "deleted" if deleted else "edited" if edited else None,
                "channel": day.channel,
                "ts": ts,
                "thread": thread,
                "place": "reply" if reply else "parent" if thread else None,
                "replies": message.get("reply_count") if isinstance(message.get("reply_count"), int) else None,
                "edited": _iso(edited),
                "edited_by": _named(text(message, "edited", "user"), directory) if edited else None,
                "subtype": subtype,
                "user": text(message, "user"),
                "bot": text(message, "bot_id"),
                "files": files,
                "reactions": {
                    name: one.get("count")
                    for one in _list(message, "reactions")
                    if (name := text(one, "name")) and isinstance(one.get("count"), int)
                },
                "permalink": link,
            },
        )

    def _link(self, channel: str | None, ts: str | None, thread: str | None) -> str | None:
        if not self._url or not channel or not ts:
            return None
        link = f"{self._url}/archives/{channel}/p{ts.replace('.', '')}"
        return link if thread in {None, ts} else f"{link}?thread_ts={thread}&cid={channel}"


def _directory(export: Export) -> Directory:
    people: dict[str, str] = {}
    channels: dict[str, str] = {}
    for file, listed in export.lists():
        for one in listed:
            known = text(one, "id")
            if known and file.endswith("users.json"):
                named = text(one, "profile", "real_name") or text(one, "real_name") or text(one, "name")
                people[known] = named or known
            elif known:
                # A direct message has no name; its folder is called by its id.
                channels[known] = text(one, "name") or known
    return Directory(people, channels, {name: known for known, name in channels.items()})


def _written(message: dict[str, Any]) -> str:
    """Return a message's text; of one without, what its attachments say, as apps write it."""
    found = text(message, "text") or text(message, "message", "text")
    if found:
        return found
    said = []
    for one in _list(message, "attachments"):
        parts = [part for key in ("pretext", "title", "text") if (part := text(one, key))]
        said += parts or [part for part in [text(one, "fallback")] if part]
    return "\n".join(said)


def _who(message: dict[str, Any], directory: Directory) -> str | None:
    """Return the real name of who wrote it, or what an app calls itself."""
    user = text(message, "user")
    app = text(message, "bot_profile", "name") or text(message, "username")
    if user and user in directory.people:
        return directory.people[user]
    profile = text(message, "user_profile", "real_name")
    return profile or app or user or text(message, "bot_id")


def _named(user: str | None, directory: Directory) -> str | None:
    return directory.people.get(user, user) if user else None


def _ts_of(message: dict[str, Any], key: str) -> str | None:
    found = message.get(key)
    return _ts(found.get("ts")) if isinstance(found, dict) else None


def _ts(value: Any) -> str | None:
    """Return a message's time as Slack writes it; some exports of old hold a number."""
    told = f"{value:.6f}" if isinstance(value, int | float) and not isinstance(value, bool) else value
    return told if isinstance(told, str) and _TS.fullmatch(told) else None


def _time(ts: str | None) -> datetime | None:
    if ts is None:
        return None
    seconds, _, rest = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(rest.ljust(6, "0")))


def _iso(ts: str | None) -> str | None:
    moment = _time(ts)
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _list(message: dict[str, Any], key: str) -> list[Any]:
    found = message.get(key)
    return found if isinstance(found, list) else []


def _secret(url: str) -> bool:
    """Return whether an address holds a user or a password, or can't be read at all."""
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:
        return True
