"""A lock lets one process at a time add to a folder; it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import EvidenceError

__all__ = ["only_one"]


@contextmanager
def only_one(folder: Path, doing: str) -> Iterator[None]:
    """Hold the folder's lock while the block runs.

    Raises:
        EvidenceError: somebody else holds it, or the folder can't be written.
    """
    try:
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise EvidenceError(f"{folder.name} can't be written ({error.strerror})", do="Check who may write there, and the disk's free space") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EvidenceError(f"{doing} is running already", do="Wait until it has ended, then try again") from None
        yield
