"""Landlock is how a Linux process gives up rights for good, native code and all: which files, which connections.

The numbers are Linux's own (``linux/landlock.h``, told in ``landlock(7)``); the standard library has no binding.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["confine", "newest"]

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE, _DEVICE = 1 << 13, 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE
_CONNECT = 1 << 1
_NETWORK_SINCE = 4
_SCOPES = 0b11
"""Abstract sockets and signals stay among the processes that are confined alike."""
_SCOPES_SINCE = 6
_FILE_RIGHTS = (
    (1, _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_DIR | _MAKE_AND_REMOVE),
    (2, _REFER),
    (3, _TRUNCATE),
    (5, _DEVICE),
)
"""Which rights over files are taken away, each with the version that knows it."""


def newest() -> int:
    """Return the version of Landlock that this system has; 0 when it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(_CREATE, None, ctypes.c_size_t(0), _VERSION))


def confine(*, write: Sequence[Path], read: Sequence[Path]) -> bool:
    """Give up everything but writing beneath some folders and reading beneath others; return False where that can't be.

    Nothing can be executed and no connection made afterwards, by this thread and all it starts from now on, so this
    comes before any other thread.

    Args:
        write: folders that may be written.
        read: folders and files that may be read; those that aren't there are passed over.

    Raises:
        OSError: the system has Landlock and refused.
    """
    version = newest()
    if not version:
        return False
    handled = sum(rights for since, rights in _FILE_RIGHTS if version >= since)
    fields = [
        handled,
        *(rights for since, rights in ((_NETWORK_SINCE, _CONNECT), (_SCOPES_SINCE, _SCOPES)) if version >= since),
    ]
    wanted = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _checked(_call(_CREATE, wanted, ctypes.c_size_t(len(wanted)), 0))
    try:
        for path in read:
            _allow(ruleset, path, handled & (_READ_FILE | _READ_DIR))
        for path in write:
            _allow(ruleset, path, handled & ~_EXECUTE)
        _allow(ruleset, Path(os.devnull), handled & (_READ_FILE | _WRITE_FILE))
        _checked(_library().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_call(_RESTRICT, ctypes.c_int(ruleset), 0))
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        granted = rights if path.is_dir() else rights & _ON_FILES
        rule = struct.pack("=Qi", granted, handle)
        _checked(_call(_ADD, ctypes.c_int(ruleset), _BENEATH, rule, 0))
    finally:
        os.close(handle)


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    return int(_library().syscall(ctypes.c_long(number), *arguments))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "landlock")
    return result
