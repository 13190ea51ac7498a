"""A kernel's environment is made from nothing: what Python needs, where the workspace is, no secret of the server's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["STARTUP", "kernel_environment"]

STARTUP = Path(__file__).resolve().parent / "kernel"
"""The folder whose ``sitecustomize.py`` every kernel of a server runs before anything else."""

_PASSED = (
    "PATH", "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV",
    "CONDA_PREFIX", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "SYSTEMROOT", "POLARS_MAX_THREADS", "PYTHONWARNINGS",
)  # fmt: skip


def kernel_environment(
    server: Mapping[str, str], *, workspace: Path, scratch: Path, author: str = "", read_only: bool, memory: int = 0
) -> dict[str, str]:
    """Return all that a kernel finds in its environment.

    Args:
        server: the server's environment, of which only harmless names are passed on.
        workspace: the workspace's root.
        scratch: a folder of the kernel's own, the only one a read-only kernel may write to.
        author: in whose name the kernel saves; empty for a kernel that can't.
        read_only: whether it may change nothing.
        memory: how many bytes its data may take; 0 sets no limit.
    """
    made = {name: server[name] for name in _PASSED if name in server}
    made |= {
        "PYTHONPATH": str(STARTUP),
        "PYTHONSAFEPATH": "1",
        "RUST_BACKTRACE": "0",
        "POLARS_SKIP_CPU_CHECK": "1",  # it would load the C library by hand, which the guard takes for an attack
        "TMPDIR": str(scratch),
        "IPYTHONDIR": str(scratch / "ipython"),
        "JUPYTER_CONFIG_DIR": str(scratch / "jupyter"),
        "JUPYTER_DATA_DIR": str(scratch / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "jupyter"),
        "WORKBENCH_WORKSPACE": str(workspace),
        "WORKBENCH_SCRATCH": str(scratch),
    }
    if memory:
        made["WORKBENCH_MEMORY"] = str(memory)
    if read_only:
        made["WORKBENCH_READ_ONLY"] = "1"
        made["PYTHONDONTWRITEBYTECODE"] = "1"
    elif author:
        made["WORKBENCH_AUTHOR"] = author
    return made
