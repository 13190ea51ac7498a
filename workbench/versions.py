"""A version is a folder that appears whole or not at all, under a name that sorts by the time it was made."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import StorageError

__all__ = ["appear", "is_full", "new_version", "only_one", "refused", "version_of", "versions", "write_durably"]

_PARTIAL = ".partial-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def versions(folder: Path) -> list[str]:
    """Return the names of the complete versions in a folder, oldest first; none when the folder isn't there."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


@contextmanager
def only_one(folder: Path, doing: str) -> Iterator[None]:
    """Hold the folder's lock while the block runs; the lock ends with the process, however that ends.

    Args:
        folder: made when it is missing.
        doing: what the block does, as the subject of a sentence ("a pull of slow-checkout").

    Raises:
        StorageError: somebody else holds the lock, or the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise refused(folder, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"{doing} is running already", do="Wait until it has ended, then try again") from None
        yield


@contextmanager
def new_version(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder to fill for a new version; `appear` makes it visible, leaving without that takes it away.

    What an earlier run left half-made is cleared first, so hold `only_one` around this.

    Raises:
        StorageError: the folder can't be written.
    """
    for litter in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(litter, ignore_errors=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    known = versions(folder)
    # A clock that was set back must not make the newest version sort before an older one.
    if known and name <= known[-1]:
        name = f"{known[-1]}+"
    partial = folder / f"{_PARTIAL}{name}"
    try:
        partial.mkdir()
    except OSError as error:
        raise refused(folder, error) from error
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def appear(partial: Path) -> Path:
    """Give a filled folder its name, in one step and durably, and return it there.

    Raises:
        StorageError: the disk refused.
    """
    final = partial.with_name(version_of(partial))
    try:
        for path in partial.iterdir():
            _sync(path)
        _sync(partial)
        partial.rename(final)
        _sync(final.parent)
    except OSError as error:
        raise refused(final.parent, error) from error
    return final


def version_of(partial: Path) -> str:
    """Return the name a half-made version will have."""
    return partial.name.removeprefix(_PARTIAL)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it.

    Raises:
        StorageError: the disk refused.
    """
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise refused(path.parent, error) from error


def is_full(error: BaseException) -> bool:
    """Return whether an error says that the disk, a quota or a size limit is full, in Python's words or in Rust's."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(f"os error {number}" in str(error) for number in _FULL)


def refused(folder: Path, error: BaseException) -> StorageError:
    """Return the error for a folder that can't be written, with the reason a person can act on."""
    where = "/".join(folder.parts[-2:])
    if is_full(error):
        return StorageError(
            f"there is no room left on the disk that holds {where}; nothing new was kept, and what was there is whole",
            do="Free some space, then try again",
        )
    reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return StorageError(f"{where} can't be written ({reason})", do="Check who may write there")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
