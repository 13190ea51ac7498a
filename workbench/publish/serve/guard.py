"""The guard makes a kernel unable to change anything, whatever code gets into it.

Two layers, both for kernels whose environment says WORKBENCH_READ_ONLY=1:

- Python's audit hook refuses what Python is asked for: opening to write, deleting, renaming, other processes, the
  network, databases that could be written. It works on every system and gives an error in plain words.
- Landlock (Linux 5.13 and newer) lets the operating system refuse the same to native code, which no hook sees: a data
  frame library writes its files by itself. Reading is limited too, to the program and the workspace.

Both last until the process ends and can't be taken back from inside.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["guard"]

_NAME_EVENTS = frozenset({
    "os.chflags", "os.chmod", "os.chown", "os.link", "os.lockf", "os.mkdir", "os.remove", "os.removexattr", "os.rename",
    "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime", "shutil.move", "shutil.rmtree",
})  # fmt: skip
_RELATIVE_EVENTS = _NAME_EVENTS - {"os.chflags", "os.lockf", "os.setxattr", "os.truncate"}
"""Those whose last argument is a folder that the names are relative to, -1 for none."""
_NEVER_EVENTS = frozenset({
    "ctypes.dlopen", "ctypes.dlsym", "ctypes.dlsym/handle", "os.exec", "os.fork", "os.forkpty", "os.kill",
    "os.killpg", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn", "socket.bind",
    "socket.connect", "socket.sendmsg", "socket.sendto",
    "sqlite3.enable_load_extension", "sqlite3.load_extension", "subprocess.Popen",
})  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def guard(environment: Mapping[str, str]) -> None:
    """Guard this process as its environment says; what isn't asked for there isn't done.

    Args:
        environment: WORKBENCH_SCRATCH (a served kernel's own folder; absent in JupyterLab's kernels, which nothing is
            asked of), WORKBENCH_READ_ONLY, WORKBENCH_WORKSPACE, WORKBENCH_MEMORY (bytes).
    """
    if "WORKBENCH_SCRATCH" not in environment:
        return
    _end_with_parent()
    memory = int(environment.get("WORKBENCH_MEMORY", "0"))
    if memory:
        import resource  # noqa: PLC0415 - only where a limit is asked for

        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if environment.get("WORKBENCH_READ_ONLY") != "1":
        return
    scratch = Path(environment["WORKBENCH_SCRATCH"]).resolve()
    from workbench.publish.serve.landlock import confine  # noqa: PLC0415 - ctypes is needed only here

    confine(write=[scratch], read=_readable(Path(environment["WORKBENCH_WORKSPACE"]), scratch))
    sys.addaudithook(_hook(str(scratch)))


def _end_with_parent() -> None:
    """Let this process be killed when the server is, however that ends."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415
        import signal  # noqa: PLC0415

        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL, 0, 0, 0)


def _readable(workspace: Path, scratch: Path) -> list[Path]:
    """Return what a kernel has to read: Python, the program, the system's libraries, the workspace, its own files."""
    program = [sys.prefix, sys.base_prefix, sys.exec_prefix, *(path for path in sys.path if path)]
    libraries = [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if path]
    system = ["/usr", "/lib", "/lib64", "/etc", "/nix/store", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"]
    machine = [
        "/proc/self",
        "/proc/meminfo",
        "/proc/cpuinfo",
        "/proc/stat",
        "/proc/sys",
        "/sys/devices/system",
        "/sys/fs/cgroup",
    ]
    own = [word for word in sys.orig_argv if word.endswith(".json")]
    return [workspace, scratch, *(Path(one) for one in (*program, *libraries, *system, *machine, *own))]


def _hook(scratch: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return the audit hook; it is called for hundreds of thousands of events, so it looks at the name first."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            # What is open already was judged when it was opened. A bare `os.open` may be relative to another folder.
            known = isinstance(path, int) or (
                _is_inside(path, scratch) and (mode is not None or Path(os.fsdecode(path)).is_absolute())
            )
            refused = flags & _WRITING and not known
        elif event in _NAME_EVENTS:
            names = [one for one in arguments if isinstance(one, (str, bytes, os.PathLike))]
            relative = isinstance(arguments[-1], int) and arguments[-1] >= 0 and event in _RELATIVE_EVENTS
            refused = not names or relative or not all(_is_inside(one, scratch) for one in names)
        elif event == "sqlite3.connect":
            refused = not _reads_only(arguments[0])
        else:
            refused = event in _NEVER_EVENTS
        if refused:
            raise PermissionError(f"this page only reads, so {event} was refused")

    return hook


def _is_inside(path: object, folder: str) -> bool:
    """Return whether a path, links followed, is a folder, lies in it, or is the sink that swallows everything."""
    try:
        real = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]  # anything but a path is refused
    except (TypeError, ValueError):
        return False
    return real in {folder, os.devnull} or real.startswith(folder + os.sep)


def _reads_only(database: object) -> bool:
    """Return whether an SQLite address can't be written: in memory, or asked for read-only."""
    text = os.fsdecode(database) if isinstance(database, (str, bytes, os.PathLike)) else ""
    modes = [one for one in text.partition("?")[2].split("&") if one.startswith("mode=")]
    return text == ":memory:" or (text.startswith("file:") and modes == ["mode=ro"])
