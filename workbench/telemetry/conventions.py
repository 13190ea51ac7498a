"""Conventions are the names OpenTelemetry gives to what other systems call differently, and how to overrule them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from workbench.errors import SourceError

__all__ = ["SEMANTIC", "Names"]

SEMANTIC: Mapping[str, str] = MappingProxyType(
    {
        "app": "service.name",
        "service": "service.name",
        "service_name": "service.name",
        "instance": "service.instance.id",
        "service_instance_id": "service.instance.id",
        "service_namespace": "service.namespace",
        "service_version": "service.version",
        "environment": "deployment.environment.name",
        "env": "deployment.environment.name",
        "deployment_environment": "deployment.environment.name",
        "host": "host.name",
        "hostname": "host.name",
        "node": "k8s.node.name",
        "cluster": "k8s.cluster.name",
        "namespace": "k8s.namespace.name",
        "pod": "k8s.pod.name",
        "pod_name": "k8s.pod.name",
        "container": "k8s.container.name",
        "container_name": "k8s.container.name",
        "deployment": "k8s.deployment.name",
        "statefulset": "k8s.statefulset.name",
        "daemonset": "k8s.daemonset.name",
        "region": "cloud.region",
        "zone": "cloud.availability_zone",
        "availability_zone": "cloud.availability_zone",
        "device": "system.device",
        "method": "http.request.method",
        "http_method": "http.request.method",
        "status_code": "http.response.status_code",
        "http_status_code": "http.response.status_code",
        "route": "http.route",
        "http_route": "http.route",
        "db_system": "db.system.name",
        "topic": "messaging.destination.name",
        "exception": "exception.type",
    }
)
"""OpenTelemetry's semantic conventions (checked against 1.44) for labels that Prometheus, Kubernetes and logs carry.

Only names whose meaning is the same everywhere are in it; any other keeps the name it came with.
"""


class Names:
    """What attributes are called in the frames: OpenTelemetry's name, unless the source's ``names`` says otherwise."""

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        self.overrides = dict(overrides or {})

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object]) -> tuple[Names, dict[str, object]]:
        """Return the names of a source's table, and its other keys.

        ``names = { pod = "k8s.pod.name", env = "env" }`` gives a label another name, or its own back.

        Raises:
            SourceError: ``names`` isn't a table of texts.
        """
        table = settings.get("names", {})
        if not isinstance(table, dict) or not all(isinstance(value, str) and value for value in table.values()):
            raise SourceError(
                f"names of [sources.{name}] in workbench.toml is not a table of names",
                do='Write it like names = { pod = "k8s.pod.name" }',
            )
        return cls(table), {key: value for key, value in settings.items() if key != "names"}

    def __getitem__(self, label: str) -> str:
        """Return what a label is called in the frames."""
        return self.overrides.get(label) or SEMANTIC.get(label, label)

    def rename(self, labels: Mapping[str, object]) -> dict[str, object]:
        """Return the labels under their names; one that would hide another keeps the name it came with."""
        made: dict[str, object] = {}
        for label, value in labels.items():
            named = self[label]
            taken = named in made or (named != label and named in labels)
            made[label if taken else named] = value
        return made
