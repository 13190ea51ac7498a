"""The kubernetes source reads events that ``kubectl get events -o json`` wrote to files while the cluster had them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import polars as pl

from workbench.errors import LimitError, SourceError
from workbench.telemetry.impossible import unreadable_rows
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Estimate, Problem, Query, Reading, Tally
from workbench.telemetry.sources.files.local import local_paths
from workbench.telemetry.sources.files.paths import Paths
from workbench.telemetry.sources.kubernetes.events import KINDS, Row, rows_of
from workbench.telemetry.stream import stream, table
from workbench.telemetry.web.said import names_by

__all__ = ["KubernetesSource"]

_EVENT_KINDS = ("alert", "deploy", "flag", "config", "page", "chat", "status")
_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,\x1e]*")


class KubernetesSource:
    """Files of events: lists, as kubectl and the API give them, or one event after another, as a watch does."""

    kind = "kubernetes"
    frames: tuple[FrameName, ...] = ("events",)

    def __init__(self, name: str, files: tuple[str, ...], root: Path, kinds: Mapping[str, str]) -> None:
        self.name = name
        self._paths = Paths(name, {"events": files}, root)
        self._kinds = {**KINDS, **kinds}

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:
        """Return the source: ``files`` is a path, a glob, or a list of them; ``kinds`` says what kind a reason is of.

        Raises:
            SourceError: a key is unknown, or a value can't be.
        """
        where = f"[sources.{name}] in workbench.toml"
        for key in settings:
            if key not in {"files", "kinds"}:
                raise SourceError(f"{where} has the key {key!r}", do="Known keys: kind, files, kinds")
        if "files" not in settings:
            raise SourceError(f"{where} names no files", do='Write it like files = "kubernetes/*.json"')
        kinds = names_by(settings, "kinds", where, example='{ UpgradeSucceeded = "deploy" }')
        for reason, kind in kinds.items():
            if kind not in _EVENT_KINDS:
                raise SourceError(
                    f"kinds of {where} makes {reason!r} a {kind!r}", do=f"Known kinds: {', '.join(_EVENT_KINDS)}"
                )
        return cls(name, local_paths("files", settings["files"], where), root, kinds)

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return the events of the window, each occurrence once however often it is listed.

        Raises:
            SourceError: while the data is consumed: a file is missing, isn't JSON, or holds no list of events.
        """
        tally, window = Tally(), query.window
        asked = f"{frame} where {window.start.isoformat()} <= time < {window.end.isoformat()}"
        if query.services:
            asked += f" and service in ({', '.join(query.services)})"
        asked += f" from {', '.join(self._paths.asked(frame, window))}"
        return Reading(
            frame,
            stream(frame, lambda: self._read(query, tally)),
            asked,
            tally,
            lambda: Estimate(bytes=sum(path.stat().st_size for path in self._files(query))),
        )

    def _files(self, query: Query) -> list[Path]:
        return [Path(place.address) for place in self._paths.places("events", query.window)]

    def _read(self, query: Query, tally: Tally) -> Iterator[pl.DataFrame]:
        found: dict[tuple[object, ...], Row] = {}
        try:
            for path in self._files(query):
                if query.stop.is_set():
                    break
                for row in self._rows(path, query, tally):
                    # An event that goes on is listed anew, with a higher count.
                    key = (row.uid, row.time) if row.uid else row
                    if key not in found or found[key].times < row.times:
                        found[key] = row
        except SourceError:
            if found:
                yield _page(found.values())
            raise
        yield _page(found.values())

    def _rows(self, path: Path, query: Query, tally: Tally) -> Iterator[Row]:
        bad = events = impossible = 0
        first, why = 0, ""
        for place, one in enumerate(self._events(path, query, tally), 1):
            try:
                rows = list(rows_of(_whole(one), self._kinds))
            except (ValueError, TypeError, AttributeError) as error:
                bad += 1
                first, why = (first, why) if first else (place, str(error))
                continue
            events += 1
            impossible += not rows
            for row in rows:
                if row.time in query.window and (not query.services or row.service in query.services):
                    yield row
        if bad and not events:
            raise SourceError(
                f"source {self.name!r}: {path.name} holds no event of Kubernetes ({why})",
                do="Write it with: kubectl get events --all-namespaces -o json",
            )
        for problem in unreadable_rows(bad, first, why, origin=path.name, place="event"):
            tally.note(problem)
        if impossible:
            what = "event carries no time" if impossible == 1 else "events carry no time"
            text = f"{impossible} {what} in {path.name}; they are in no window."
            tally.note(Problem("impossible-time", impossible, text))

    def _events(self, path: Path, query: Query, tally: Tally) -> Iterator[Any]:
        try:
            size = path.stat().st_size
            if tally.bytes + size > query.limits.bytes:
                raise LimitError(
                    f"source {self.name!r}: with {path.name} it is over {query.limits.bytes:,} bytes, its limit",
                    do="Raise limits.bytes",
                )
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SourceError(
                f"source {self.name!r}: {path.name} can't be read ({reason})", do="Look at the file, then pull again"
            ) from None
        tally.received(size)
        for document in _documents(text):
            yield from _events_in(document)


class _Broken:
    """Stands for what can't be read, and says why."""

    def __init__(self, why: str) -> None:
        self.why = why


def _whole(one: Any) -> Mapping[str, Any]:
    """Return an event; what stands for a broken one raises as the event itself would."""
    if isinstance(one, _Broken):
        raise ValueError(one.why)  # noqa: TRY004 - it is a matter of the file, not of a type
    return dict(one)


def _documents(text: str) -> Iterator[Any]:
    """Yield the JSON values of a text, one after another; of a list that is cut off, its items up to there."""
    decoder, place, within = json.JSONDecoder(), 0, False
    while True:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing too
        if place == len(text) or (within and text[place] == "]"):
            return
        try:
            found, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            items = None if within else _ITEMS.search(text, place)
            if items is None:
                yield _Broken("it is cut off, or not JSON")
                return
            place, within = items.end(), True
            continue
        yield found


def _events_in(document: Any) -> Iterator[Any]:
    """Yield a list's items, an event itself, or the object that a watch reports."""
    if not isinstance(document, dict):
        yield document if isinstance(document, _Broken) else _Broken("it is not an event of Kubernetes")
    elif isinstance(document.get("items"), list):
        for item in document["items"]:
            yield item if isinstance(item, dict) else _Broken("it is not an event of Kubernetes")
    elif isinstance(document.get("object"), dict) and "involvedObject" not in document:
        yield document["object"]
    else:
        yield document


def _page(rows: Any) -> pl.DataFrame:
    made = [row._asdict() | {"source": "kubernetes"} for row in rows]
    return table("events", made)
