"""A documented site answers on loopback as a service's document says that it would; it holds what a test gives it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loopback import Answered, Asked, as_json

__all__ = ["github", "pagerduty", "record", "statuspage"]

_SHAPES = Path(__file__).with_name("documented")
Answer = Callable[[Asked], Answered]


def record(service: str, shape: str, /, **changes: Any) -> dict[str, Any]:
    """Return a record as the service's document shows it, with some of its fields changed."""
    shapes = json.loads((_SHAPES / f"{service}.json").read_text(encoding="utf-8"))
    made = copy.deepcopy(shapes["log_entry"]) if service == "pagerduty" else {}
    return {**made, **{key: value for key, value in shapes[shape].items() if key != "document"}, **changes}


def github(
    repositories: Mapping[str, Mapping[str, Sequence[dict[str, Any]]]], *, token: str = "", most: int = 1000
) -> Answer:
    """Return GitHub's REST API over some repositories.

    Args:
        repositories: by name, the records of deployments, statuses, releases, pull_requests and workflow_runs; a status
            says in ``deployment`` which deployment it is of.
        token: what is let in.
        most: how many results a search shows.
    """

    def answer(asked: Asked) -> Answered:  # noqa: PLR0911 - one an endpoint
        if asked.headers.get("authorization", "") != (f"Bearer {token}" if token else ""):
            return as_json({"message": "Bad credentials", "status": "401"}, 401)
        if asked.headers.get("x-github-api-version") != "2022-11-28":
            return as_json({"message": "no version"}, 400)
        if asked.path == "/search/issues":
            name, since, until = re.fullmatch(
                r"repo:(\S+) is:pr is:merged merged:(\S+?)\.\.(\S+)", asked.param("q")
            ).groups()
            merged = lambda one: one["pull_request"]["merged_at"]  # noqa: E731 - short
            found = [one for one in repositories[name]["pull_requests"] if since <= merged(one) <= until]
            return _linked(
                asked,
                found[:most],
                lambda page: {"total_count": len(found), "incomplete_results": False, "items": page},
            )
        path = re.fullmatch(r"/repos/([^/]+/[^/]+)/(.*)", asked.path)
        if not path or path[1] not in repositories:
            return as_json({"message": "Not Found", "status": "404"}, 404)
        held = repositories[path[1]]
        newest = lambda one: one["created_at"]  # noqa: E731 - short
        if path[2] == "actions/runs":
            since, until = asked.param("created").split("..")
            found = [one for one in held["workflow_runs"] if since <= one["created_at"] <= until]
            return _linked(asked, found[:most], lambda page: {"total_count": len(found), "workflow_runs": page})
        if statuses := re.fullmatch(r"deployments/(\d+)/statuses", path[2]):
            of = [one for one in held["statuses"] if one["deployment"] == int(statuses[1])]
            return _linked(asked, sorted(of, key=newest, reverse=True), list)
        return _linked(asked, sorted(held[path[2]], key=newest, reverse=True), list)

    return answer


def _linked(asked: Asked, found: Sequence[dict[str, Any]], shape: Callable[[list[Any]], Any]) -> Answered:
    """Answer one page, with the field ``Link`` that leads to the next ("Using pagination in the REST API")."""
    size, page = min(int(asked.param("per_page", "30")), 100), int(asked.param("page", "1"))
    shown = list(found[(page - 1) * size : page * size])
    if page * size >= len(found):
        return as_json(shape(shown))
    rest = re.sub(r"[&?]page=\d+", "", asked.target)
    link = f"{asked.origin}{rest}{'&' if '?' in rest else '?'}page="
    last = -(-len(found) // size)
    return as_json(shape(shown), Link=f'<{link}{page + 1}>; rel="next", <{link}{last}>; rel="last"')


def pagerduty(entries: Sequence[dict[str, Any]], *, token: str = "", most: int = 10_000) -> Answer:
    """Return PagerDuty's REST API over some log entries; ``most`` is how far pages reach."""

    def answer(asked: Asked) -> Answered:
        if asked.headers.get("authorization") != f"Token token={token}":
            return as_json({"error": {"message": "Unauthorized", "code": 2006}}, 401)
        if asked.headers.get("accept") != "application/vnd.pagerduty+json;version=2" or asked.path != "/log_entries":
            return as_json({"error": {"message": "Not Found", "code": 2100}}, 404)
        limit, offset = int(asked.param("limit", "25")), int(asked.param("offset", "0"))
        if limit > 100 or limit + offset > most:
            return as_json({"error": {"message": "Invalid Input Provided", "code": 2001}}, 400)
        since, until, teams = asked.param("since"), asked.param("until"), asked.params.get("team_ids[]")
        found = sorted(
            (
                one
                for one in entries
                if since <= one["created_at"] < until
                and (not teams or any(team["id"] in teams for team in one["teams"]))
            ),
            key=lambda one: one["created_at"],
            reverse=True,
        )
        shown = found[offset : offset + limit]
        total = len(found) if asked.param("total") == "true" else None
        more = offset + limit < len(found)
        return as_json({"log_entries": shown, "limit": limit, "offset": offset, "more": more, "total": total})

    return answer


def statuspage(incidents: Sequence[dict[str, Any]], maintenances: Sequence[dict[str, Any]] = ()) -> Answer:
    """Return a status page's public API: the fifty latest of each."""
    page = record("statuspage", "page")
    held = {"incidents": incidents, "scheduled-maintenances": maintenances}

    def answer(asked: Asked) -> Answered:
        found = re.fullmatch(r"/api/v2/(incidents|scheduled-maintenances)\.json", asked.path)
        if not found:
            return Answered(404, b"<html>The page you were looking for doesn't exist</html>")
        latest = sorted(held[found[1]], key=lambda one: one["created_at"], reverse=True)[:50]
        return as_json({"page": page, found[1].replace("-", "_"): latest})

    return answer
