"""The registry finds the class behind each ``kind`` of source: ours and other people's register the same way."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from workbench.errors import SourceError
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.source import Source

__all__ = ["GROUP", "make_source"]

GROUP = "workbench.sources"
"""The entry-point group a backend registers under, by the ``kind`` that stands in ``workbench.toml``."""


def make_source(name: str, settings: dict[str, object], root: Path) -> ConfiguredSource:
    """Return the source that the table ``[sources.NAME]`` describes.

    Raises:
        SourceError: the table names no kind, an unknown one, or one whose package can't be imported; or the backend
            refuses the table.
    """
    kind = settings.get("kind")
    known = {point.name: point for point in entry_points(group=GROUP)}
    if not isinstance(kind, str) or kind not in known:
        said = f"has the kind {kind!r}" if kind else "names no kind"
        raise SourceError(f"[sources.{name}] in workbench.toml {said}", do=f"Known kinds: {', '.join(sorted(known))}")
    try:
        backend = known[kind].load()
    except ImportError as error:
        raise SourceError(
            f"the source kind {kind!r} can't be loaded: {error}", do="Install the package it asks for"
        ) from error
    policy, own = Policy.from_settings(name, {key: value for key, value in settings.items() if key != "kind"})
    source: Source = backend.from_settings(name, own, root)
    return ConfiguredSource(source, policy)
