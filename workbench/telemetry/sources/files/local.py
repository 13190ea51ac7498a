"""Local files are what a source names by path, glob or list; one that reads no buckets says so."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import SourceError
from workbench.telemetry.sources.files.storage import is_remote

__all__ = ["local_paths"]


def local_paths(key: str, value: object, where: str) -> tuple[str, ...]:
    """Return the paths and globs under a key of a source's table.

    Raises:
        SourceError: it is neither text nor a list of texts, or names a bucket.
    """
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, Sequence) or not listed or not all(isinstance(one, str) and one for one in listed):
        raise SourceError(f"{key} of {where} is {value!r}", do="Give a path, a glob, or a list of them")
    if any(is_remote(one) for one in listed):
        raise SourceError(f"{key} of {where} names a bucket", do="Bring the files here; this kind reads local files")
    return tuple(listed)
