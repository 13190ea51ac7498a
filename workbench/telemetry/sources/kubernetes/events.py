"""A Kubernetes event is what a controller reported of an object; it becomes a row, or two when it occurred again.

Both shapes are read, as the API reference of Kubernetes 1.35 has them: ``Event`` of ``v1`` and of ``events.k8s.io/v1``,
whose fields have other names (``regarding`` for ``involvedObject``, ``note`` for ``message``, ``deprecatedCount`` …).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from workbench.errors import TimeError
from workbench.telemetry.web.said import among, ident, text
from workbench.window import parse_time

__all__ = ["KINDS", "Row", "kind_of", "rows_of", "service_of"]

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "ScalingReplicaSet": "deploy",
        "DeploymentRollback": "deploy",
        "SuccessfulRescale": "config",
        "NodeSchedulable": "config",
        "NodeNotSchedulable": "config",
        "NodeNotReady": "alert",
        "NodeHasInsufficientMemory": "alert",
        "NodeHasDiskPressure": "alert",
        "NodeHasInsufficientPID": "alert",
    }
)
"""What kind an event is by its reason. Any other is an alert when its type is Warning, else it tells a status.

Kubernetes reports a node that fails as Normal; a person wants to be woken all the same.
"""

_SETTINGS = frozenset({"ConfigMap", "Secret", "HorizontalPodAutoscaler", "Ingress"})
"""Objects that hold settings: what is normally reported of them is that they were applied."""

_OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "Ingress"})
_OWNERS_TOO = frozenset({"HorizontalPodAutoscaler", "PodDisruptionBudget", "Endpoints", "Rollout"})
# Kubernetes makes random names of these letters only (k8s.io/apimachinery, util/rand), five of them for a pod.
_HASH = r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}"
_RANDOM = r"-[bcdfghjklmnpqrstvwxz2456789]{5}"
_ENDS: Mapping[str, tuple[re.Pattern[str], ...]] = MappingProxyType(
    {
        "ReplicaSet": (re.compile(rf"{_HASH}$"),),
        "Pod": (
            re.compile(rf"{_HASH}{_RANDOM}$"),
            re.compile(rf"-\d{{8,10}}{_RANDOM}$"),
            re.compile(rf"{_RANDOM}$"),
            re.compile(r"-\d+$"),
        ),
        "Job": (re.compile(r"-\d{8,10}$"),),
    }
)
_NAMED = frozenset(
    {"pod", "deployment", "replicaset", "statefulset", "daemonset", "job", "cronjob", "node", "namespace", "hpa"}
)
"""Kinds whose names have an attribute of their own in OpenTelemetry's semantic conventions."""
_SHORT = {"horizontalpodautoscaler": "hpa"}
_CONTAINER = re.compile(r"\{(.+)\}$")


class Row(NamedTuple):
    """A row of the events frame, with what tells whether another is the same occurrence."""

    time: datetime
    kind: str
    title: str
    service: str | None
    actor: str | None
    attributes: str
    uid: str | None
    times: int


def rows_of(event: Mapping[str, Any], kinds: Mapping[str, str]) -> Iterator[Row]:
    """Yield an event's first occurrence, and its last one when it occurred again.

    The first is at ``eventTime``, else ``firstTimestamp``, else ``lastTimestamp``, else the time at which the event was
    made; the last at ``series.lastObservedTime``, else ``lastTimestamp``. Nothing is yielded when it has no time.

    Args:
        event: as the API has it.
        kinds: the kind by the reason.

    Raises:
        ValueError: it isn't an event, or one of its times isn't one.
    """
    about = event.get("involvedObject", event.get("regarding"))
    reason, message = text(event, "reason"), text(event, "message") or text(event, "note")
    if not isinstance(about, dict) or not (reason or message):
        raise ValueError("it is not an event of Kubernetes")
    first, last = _times(event)
    if first is None:
        return
    count = _count(event)
    kind = kind_of(reason, text(event, "type"), text(about, "kind"), kinds)
    title = f"{reason}: {message}" if reason and message else reason or message or ""
    service = text(event, "metadata", "labels", "app.kubernetes.io/name") or service_of(about)
    actor = _reporter(event)
    uid = text(event, "metadata", "uid")
    told = _attributes(event, about) | {"alertname": reason if kind == "alert" else None, "id": uid}
    again = last is not None and last > first
    for time, which in ((first, "first"), (last, "last")) if again else ((first, None),):
        if time is not None:
            facts = told | {"k8s.event.count": count if count > 1 or again else None, "k8s.event.occurrence": which}
            said = orjson.dumps({key: value for key, value in facts.items() if value is not None})
            yield Row(time, kind, title, service, actor, said.decode(), uid, count)


def kind_of(reason: str | None, type_: str | None, about: str | None, kinds: Mapping[str, str]) -> str:
    """Return the kind of an event: by its reason, its object, or its type."""
    if reason is not None and reason in kinds:
        return kinds[reason]
    if type_ == "Warning":
        return "alert"
    return "config" if about in _SETTINGS else "status"


def service_of(about: Mapping[str, Any]) -> str | None:
    """Return the service that an object belongs to, as far as its name tells; null where it doesn't.

    A workload's name is the service. A pod's, a replica set's and a job's are the owner's with an end that is taken
    off: ``cart-5d4f8c7b9b-x2x7k``, ``cart-5d4f8c7b9b``, ``cart-0``, ``backup-28391040`` (of a cron job).
    """
    kind, name = text(about, "kind"), text(about, "name")
    if name is None or kind in _OWNERS | _OWNERS_TOO:
        return name if kind in _OWNERS | _OWNERS_TOO else None
    for end in _ENDS.get(kind or "", ()):
        owner = end.sub("", name)
        if owner and owner != name:
            return owner
    return name if kind in _ENDS else None


def _times(event: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    begun = ("eventTime",), ("firstTimestamp",), ("deprecatedFirstTimestamp",)
    ended = ("series", "lastObservedTime"), ("lastTimestamp",), ("deprecatedLastTimestamp",)
    last = _first_told(event, ended)
    return _first_told(event, begun) or last or _first_told(event, [("metadata", "creationTimestamp")]), last


def _first_told(event: Mapping[str, Any], paths: Any) -> datetime | None:
    for path in paths:
        if (found := text(event, *path)) is not None:
            try:
                return parse_time(found)
            except TimeError:
                if found.startswith("0001-"):
                    continue  # Go's way to say that there is no time.
                raise ValueError("a time can't be read") from None
    return None


def _count(event: Mapping[str, Any]) -> int:
    found = among(event, "series", "count") or event.get("count") or event.get("deprecatedCount")
    return found if isinstance(found, int) and found > 0 else 1


def _reporter(event: Mapping[str, Any]) -> str | None:
    told = text(event, "reportingComponent") or text(event, "reportingController")
    return told or text(event, "source", "component") or text(event, "deprecatedSource", "component")


def _attributes(event: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, object]:
    """Return the rest by OpenTelemetry's names: those of its conventions, and of the Collector's k8sevents receiver."""
    kind = (text(about, "kind") or "").lower()
    kind = _SHORT.get(kind, kind)
    container = _CONTAINER.search(text(about, "fieldPath") or "")
    host = text(event, "source", "host") or text(event, "deprecatedSource", "host")
    told: dict[str, object] = {
        "k8s.namespace.name": text(about, "namespace") or text(event, "metadata", "namespace"),
        "k8s.node.name": host,
        "k8s.object.kind": text(about, "kind"),
        "k8s.object.name": text(about, "name"),
        "k8s.object.uid": text(about, "uid"),
        "k8s.object.api_version": text(about, "apiVersion"),
        "k8s.object.fieldpath": text(about, "fieldPath"),
        "k8s.container.name": container[1] if container else None,
        "k8s.event.reason": text(event, "reason"),
        "k8s.event.type": text(event, "type"),
        "k8s.event.action": text(event, "action"),
        "k8s.event.name": text(event, "metadata", "name"),
        "k8s.event.uid": text(event, "metadata", "uid"),
        "k8s.event.resource_version": ident(event, "metadata", "resourceVersion"),
        "k8s.event.reporting_instance": text(event, "reportingInstance"),
    }
    if kind in _NAMED:
        told[f"k8s.{kind}.name"] = text(about, "name")
    if related := text(event, "related", "name"):
        told["k8s.event.related"] = f"{text(event, 'related', 'kind') or 'object'}/{related}"
    return told
