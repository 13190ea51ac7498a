"""The github source reads what changed a system: deployments, releases, merged pull requests and workflow runs.

Source: GitHub REST API documentation, version 2022-11-28 (GitHub Enterprise Server has the same under its own address).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import polars as pl

from workbench.errors import LimitError, SourceError
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Query, Reading, Tally
from workbench.telemetry.sources.github.records import (
    deployment,
    deployment_status,
    pull_request,
    release,
    workflow_run,
)
from workbench.telemetry.stream import stream
from workbench.telemetry.web.client import Answer, Asking, Web
from workbench.telemetry.web.said import Events, among, moment, names_by, objects, texts
from workbench.telemetry.web.side_by_side import Gone, side_by_side
from workbench.window import Window, format_time

__all__ = ["GithubSource"]

_WHAT = ("deployments", "releases", "pull_requests", "workflow_runs")
_PAGE = 100
_MOST_FOUND = 1000
"""How many results a search gives at most, whatever it found (REST API, "Search" and "List workflow runs")."""

_BEFORE = timedelta(days=1)
"""How long before the window something may have begun of which a part lies in it: a status, a second attempt."""

_RELEASED = timedelta(days=90)
"""How long after its commit a release may be published. The API lists releases by the commit's time, newest first."""

_NEXT = re.compile(r'<([^<>]+)>\s*;(?:[^,<]*;)?\s*rel="?next"?')
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class GithubSource:
    """Repositories of GitHub; each change becomes an event of the kind deploy."""

    kind = "github"
    frames: tuple[FrameName, ...] = ("events",)

    def __init__(
        self,
        name: str,
        web: Web,
        repositories: Mapping[str, str],
        what: tuple[str, ...] = _WHAT,
        workflows: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._web = web
        self._repositories = dict(repositories)
        self._what = what
        self._workflows = frozenset(workflows)

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Self:  # noqa: ARG003 - the protocol's
        """Return the source; ``repositories`` are like ``acme/shop``, ``services`` names theirs where it is another.

        ``what`` narrows it to some of deployments, releases, pull_requests and workflow_runs; ``workflows`` to those of
        these names or file names. The rest is of `Web.from_settings`; ``url`` is https://api.github.com by default.

        Raises:
            SourceError: a key is unknown or has a value that can't be, or no repository is named.
        """
        where = f"[sources.{name}] in workbench.toml"
        headers = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
        web, rest = Web.from_settings(name, settings, url="https://api.github.com", headers=headers)
        known = ("repositories", "services", "what", "workflows")
        for key in rest:
            if key not in known:
                raise SourceError(f"{where} has the key {key!r}", do=f"Known keys: kind, url, {', '.join(known)}")
        repositories = texts(rest, "repositories", where, example='["acme/shop"]')
        odd = [one for one in repositories if not _REPOSITORY.fullmatch(one)]
        if odd or not repositories:
            raise SourceError(
                f"repositories of {where} " + (f"holds {odd[0]!r}" if odd else "names none"),
                do='Write them like repositories = ["acme/shop"]',
            )
        services = names_by(rest, "services", where, example='{ "acme/shop-web" = "web" }')
        strange = [one for one in services if one not in repositories]
        if strange:
            raise SourceError(f"services of {where} names {strange[0]!r}", do="Name it in repositories too")
        what = texts(rest, "what", where, example='["deployments"]') or _WHAT
        wrong = [one for one in what if one not in _WHAT]
        if wrong:
            raise SourceError(f"what of {where} holds {wrong[0]!r}", do=f"Choose of {', '.join(_WHAT)}")
        return cls(
            name,
            web,
            {one: services.get(one, one.partition("/")[2]) for one in repositories},
            what,
            texts(rest, "workflows", where, example='["deploy.yml"]'),
        )

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return what changed in the window, of the repositories whose service is asked for.

        Raises:
            SourceError: while the data is consumed: GitHub can't be reached, refuses, or answers something else.
        """
        tally = Tally()
        parts = [
            (repository, what)
            for repository, service in self._repositories.items()
            if not query.services or service in query.services
            for what in self._what
        ]
        asked = "\n".join(f"GET {_address(*_first(*part, _span_of(part[1], query.window)))}" for part in parts)

        def pages() -> Iterator[pl.DataFrame]:
            gone = Gone(query.stop)
            asking = self._web.asking(replace(query, stop=gone), tally)

            def work(part: tuple[str, str]) -> tuple[list[pl.DataFrame], SourceError | None]:
                events = Events("github", "deploy", query, tally)
                came: list[pl.DataFrame] = []
                try:
                    for _ in self._part(*part, _Reading(query.window, asking, events, tally)):
                        came += events.taken()
                except SourceError as error:
                    return [*came, *events.taken()], error
                return came, None

            answered = False
            for (repository, what), (came, error) in side_by_side(
                parts, work, at_once=query.limits.concurrency, gone=gone
            ):
                yield from came
                answered = answered or bool(came) or error is None
                if error is None:
                    continue
                asking.look()
                # One repository that can't be read doesn't lose the others.
                if not answered or isinstance(error, LimitError):
                    raise error
                tally.cut(f"The {what.replace('_', ' ')} of {repository} are missing or not all there: {error}")

        return Reading(frame, stream(frame, pages), asked or "nothing: no repository is of these services", tally)

    def _part(self, repository: str, what: str, one: _Reading) -> Iterator[None]:
        """Take one part's events in, and yield after each page."""
        service = self._repositories[repository]
        if what == "deployments":
            yield from self._deployments(repository, service, one)
        elif what == "releases":
            for found in one.listed(repository, what, one.window.start - _RELEASED):
                for record in found:
                    release(one.events, record, service)
                yield
        else:
            key = "items" if what == "pull_requests" else "workflow_runs"
            for answer, value in one.searched(repository, what, _span_of(what, one.window)):
                for record in objects(value, key, what=answer.url):
                    if what == "pull_requests":
                        pull_request(one.events, record, service)
                    else:
                        workflow_run(one.events, record, service, self._workflows)
                yield

    def _deployments(self, repository: str, service: str, one: _Reading) -> Iterator[None]:
        site = f"{_site(self._web.url)}/{repository}"
        for found in one.listed(repository, "deployments", one.window.start - _BEFORE):
            for record in found:
                deployment(one.events, record, service, site)
                created, updated = moment(record, "created_at"), moment(record, "updated_at")
                # Only what was touched since the window began can have a status of it.
                if created is None or created >= one.window.end or (updated or one.window.start) < one.window.start:
                    continue
                if isinstance(record.get("id"), int):
                    path = f"/repos/{repository}/deployments/{record['id']}/statuses"
                    for answer in one.paged(path, {"per_page": _PAGE}):
                        for status in objects(answer.json(), what=answer.url):
                            deployment_status(one.events, status, record, service, site)
            yield


@dataclass(frozen=True)
class _Reading:
    """One part while it is consumed: the window, its requests, its events, and what was odd."""

    window: Window
    asking: Asking
    events: Events
    tally: Tally

    def paged(self, path: str, params: dict[str, Any]) -> Iterator[Answer]:
        """Yield an answer and those that its ``Link`` field leads to (REST API, "Using pagination in the REST API")."""
        seen: set[str] = set()
        answer = self.asking.get(path, params)
        while True:
            yield answer
            found = _NEXT.search(answer.headers.get("link", ""))
            if not found:
                return
            if found[1] in seen:
                self.tally.cut(f"The pages of {path} lead back to one that was there before.")
                return
            seen.add(found[1])
            answer = self.asking.get(found[1])

    def listed(self, repository: str, what: str, ends: datetime) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a list, newest first, until one reaches back beyond ``ends``."""
        for answer in self.paged(*_first(repository, what, self.window)):
            found = objects(answer.json(), what=answer.url)
            yield found
            times = [moment(one, "created_at") for one in found]
            known = [time for time in times if time is not None]
            # A page in another order says nothing of those that come after it.
            if known and len(known) == len(times) and known == sorted(known, reverse=True) and known[-1] < ends:
                return

    def searched(self, repository: str, what: str, span: Window) -> Iterator[tuple[Answer, Any]]:
        """Yield the pages of a search, which is cut in halves as long as it finds more than it would show."""
        for number, answer in enumerate(self.paged(*_first(repository, what, span))):
            value = answer.json()
            total = among(value, "total_count")
            if not number and isinstance(total, int) and total > _MOST_FOUND:
                if span.duration > timedelta(seconds=2):
                    for half in span.split(timedelta(seconds=-(-span.duration // timedelta(seconds=2)))):
                        yield from self.searched(repository, what, half)
                    return
                self.tally.cut(f"GitHub found {total} {what.replace('_', ' ')} within seconds and shows {_MOST_FOUND}.")
            if among(value, "incomplete_results") is True:
                self.tally.cut(f"GitHub's search of {repository} ran out of time and may have missed some.")
            yield answer, value


def _first(repository: str, what: str, span: Window) -> tuple[str, dict[str, Any]]:
    """Return path and parameters of the first page of a part."""
    if what == "pull_requests":
        found = f"repo:{repository} is:pr is:merged merged:{_text(span)}"
        return "/search/issues", {"q": found, "sort": "created", "order": "asc", "per_page": _PAGE}
    if what == "workflow_runs":
        return f"/repos/{repository}/actions/runs", {"created": _text(span), "per_page": _PAGE}
    return f"/repos/{repository}/{what}", {"per_page": _PAGE}


def _span_of(what: str, window: Window) -> Window:
    """Return the time that is searched: a run that was created before the window may have begun again in it."""
    return window.pad(before=_BEFORE) if what == "workflow_runs" else window


def _text(span: Window) -> str:
    """Return a span as GitHub's search has it: whole seconds, both of them in it."""
    return f"{format_time(span.start.replace(microsecond=0))}..{format_time(span.end.replace(microsecond=0))}"


def _address(path: str, params: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(params)}"


def _site(url: str) -> str:
    """Return where people see what the API at this address tells of."""
    parts = urlsplit(url)
    if parts.hostname == "api.github.com":
        return "https://github.com"
    return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/api/v3')}"
