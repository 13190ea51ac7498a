"""An alert is a rule that fired for one set of labels: an event when it fires, and another when it is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.telemetry.conventions import Names

__all__ = ["event", "fingerprint", "row"]

_FNV_OFFSET, _FNV_PRIME, _FNV_SIZE = 0xCBF29CE484222325, 0x100000001B3, 1 << 64


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return what Alertmanager calls an alert with these labels, so that it can be found again there.

    Method: FNV-1a of 64 bits over the sorted names and values, each followed by the byte 255 (prometheus/common,
    ``model.LabelSet.Fingerprint``).
    """
    made = _FNV_OFFSET
    for name in sorted(labels):
        for byte in b"\xff".join((name.encode(), labels[name].encode(), b"")):
            made = (made ^ byte) * _FNV_PRIME % _FNV_SIZE
    return f"{made:016x}"


def row(
    labels: Mapping[str, str],
    *,
    time: datetime,
    status: str,
    source: str,
    service_label: str,
    names: Names,
    annotations: Mapping[str, str] | None = None,
    url: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a row of the events frame.

    Args:
        labels: the alert's, its name under ``alertname``.
        time: when it became so.
        status: ``firing`` or ``resolved``.
        source: which kind of system says so.
        service_label: which label holds the service.
        names: what labels are called in the frames.
        annotations: of the rule; ``summary`` goes into the title.
        url: where a person sees more.
        facts: what else is known; without ``id`` the id is the fingerprint of the labels.
    """
    name = labels.get("alertname", "an alert without a name")
    rest = {label: labels[label] for label in sorted(labels) if label not in {"alertname", service_label}}
    told = {
        "status": status,
        "alertname": name,
        "id": fingerprint(labels),
        "labels": names.rename(rest),
        "annotations": dict(annotations or {}),
        **(facts or {}),
    }
    summary = (annotations or {}).get("summary", "")
    return event(
        time=time,
        title=f"{name} {status}" + (f": {summary}" if summary else ""),
        service=labels.get(service_label) or None,
        source=source,
        url=url or None,
        facts=told,
    )


def event(
    *,
    time: datetime,
    title: str,
    source: str,
    facts: Mapping[str, Any],
    service: str | None = None,
    actor: str | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    """Return a row of the events frame, of the kind alert; of the facts those that say nothing are left out."""
    import orjson  # noqa: PLC0415 - only who has alerts needs it

    said = {key: value for key, value in facts.items() if value not in ({}, [], None)}
    attributes = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    return {
        "time": time,
        "kind": "alert",
        "title": title,
        "service": service,
        "actor": actor,
        "source": source,
        "url": url,
        "attributes": attributes,
    }
