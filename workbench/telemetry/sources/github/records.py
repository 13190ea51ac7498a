"""A record of GitHub's REST API (2022-11-28) becomes an event by what its document says of each field."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from workbench.telemetry.web.said import Events, among, ident, moment, text

__all__ = ["deployment", "deployment_status", "pull_request", "release", "workflow_run"]


def deployment(events: Events, one: dict[str, Any], service: str, site: str) -> None:
    """Take in that a deployment was asked for ("List deployments")."""
    events.add(
        time=moment(one, "created_at"),
        title=f"{_deployment(one)} requested",
        service=service,
        actor=text(one, "creator", "login"),
        url=f"{site}/deployments",
        facts={**_deployed(one), "status": "requested"},
    )


def deployment_status(events: Events, one: dict[str, Any], of: dict[str, Any], service: str, site: str) -> None:
    """Take in what became of a deployment ("List deployment statuses")."""
    state = text(one, "state")
    # GitHub says so of every deployment that a later one replaced: it was in place until then, and did not fail.
    state = "no longer active" if state == "inactive" else state
    events.add(
        time=moment(one, "created_at"),
        title=f"{_deployment(of)}: {state.replace('_', ' ')}" if state else None,
        service=service,
        actor=text(one, "creator", "login"),
        url=text(one, "log_url") or text(one, "target_url") or f"{site}/deployments",
        facts={
            **_deployed(of),
            "status": state,
            "status_id": ident(one, "id"),
            "note": text(one, "description"),
            "environment_url": text(one, "environment_url"),
        },
    )


def release(events: Events, one: dict[str, Any], service: str) -> None:
    """Take in a release that was published ("List releases"); a draft has happened to nobody."""
    if one.get("draft") is True:
        return
    tag, name = text(one, "tag_name"), text(one, "name")
    events.add(
        time=moment(one, "published_at"),
        title=f"Release {tag}" + (f": {name}" if name and name != tag else "") if tag else None,
        service=service,
        actor=text(one, "author", "login"),
        url=text(one, "html_url"),
        facts={
            "what": "release",
            "id": _id("release", one),
            "status": "published",
            "tag": tag,
            "branch": text(one, "target_commitish"),
            "prerelease": one.get("prerelease") is True or None,
            "note": text(one, "body"),
        },
    )


def pull_request(events: Events, one: dict[str, Any], service: str) -> None:
    """Take in a merged pull request, as a search shows it ("Search issues and pull requests").

    It says who wrote it, and not who merged it.
    """
    number, title = ident(one, "number"), text(one, "title")
    events.add(
        time=moment(one, "pull_request", "merged_at") or moment(one, "closed_at"),
        title=f"Merged #{number}: {title}" if number and title else None,
        service=service,
        actor=text(one, "user", "login"),
        url=text(one, "html_url"),
        facts={
            "what": "pull request",
            "id": _id("pull", one),
            "status": "merged",
            "number": among(one, "number"),
            "labels": [name for label in _list(one, "labels") if (name := text(label, "name"))],
        },
    )


def workflow_run(events: Events, one: dict[str, Any], service: str, workflows: Collection[str]) -> None:
    """Take in when a workflow's latest attempt began ("List workflow runs for a repository")."""
    name, path = text(one, "name"), (text(one, "path") or "").partition("@")[0]
    if workflows and not {name, path, path.rpartition("/")[2]} & set(workflows):
        return
    number, ended = ident(one, "run_number"), text(one, "conclusion") or text(one, "status")
    subject = text(one, "display_title")
    events.add(
        time=moment(one, "run_started_at") or moment(one, "created_at"),
        title=f"{name or path} #{number}: {ended}" + (f" ({subject})" if subject else "")
        if (name or path) and number and ended
        else None,
        service=service,
        actor=text(one, "triggering_actor", "login") or text(one, "actor", "login"),
        url=text(one, "html_url"),
        facts={
            "what": "workflow run",
            "id": _id("run", one),
            "status": ended,
            "attempt": among(one, "run_attempt"),
            "branch": text(one, "head_branch"),
            "sha": text(one, "head_sha"),
            "event": text(one, "event"),
            "workflow": path,
            "updated_at": text(one, "updated_at"),
        },
    )


def _deployment(one: dict[str, Any]) -> str:
    ref, environment = text(one, "ref"), text(one, "environment")
    return "Deployment" + (f" of {ref}" if ref else "") + (f" to {environment}" if environment else "")


def _deployed(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": "deployment",
        "id": _id("deployment", one),
        "deployment.environment.name": text(one, "environment"),
        "branch": text(one, "ref"),
        "sha": text(one, "sha"),
        "task": text(one, "task"),
        "description": text(one, "description"),
    }


def _id(what: str, one: dict[str, Any]) -> str | None:
    """Return an id that no record of another endpoint has."""
    found = ident(one, "id")
    return f"{what}/{found}" if found else None


def _list(one: dict[str, Any], key: str) -> list[Any]:
    found = one.get(key)
    return found if isinstance(found, list) else []
