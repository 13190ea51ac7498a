"""Kernels of live pages: started one after another, each for one visitor in its own environment, ended in time."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import PeriodicCallback
from traitlets import Any as AnyTrait
from traitlets.config import Config

from workbench.publish.serve.leases import Lease, Leases

__all__ = ["Kernels", "OwnSpec", "kernel_settings"]

_LOG = logging.getLogger(__name__)
_NAME = "python3"
_SWEEP_MS = 2000
_LEASE: ContextVar[Lease | None] = ContextVar("lease", default=None)


class OwnSpec(KernelSpecManager):
    """Knows one kernel: this very Python. A spec in somebody's home folder could name another program."""

    def find_kernel_specs(self) -> dict[str, str]:
        """Return the one name there is."""
        return {_NAME: str(Path(sys.prefix))}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002 - whatever a notebook asks for
        """Return how the one kernel is started: without a history file, which would be written at every cell."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv += ["--HistoryManager.enabled=False", "--IPKernelApp.log_level=50"]
        return KernelSpec(argv=argv, display_name="Python 3", language="python", env={}, metadata={})

    def get_all_specs(self) -> dict[str, Any]:
        """Return the one spec with its name."""
        return {_NAME: {"resource_dir": sys.prefix, "spec": self.get_kernel_spec(_NAME).to_dict()}}


def kernel_settings() -> Config:
    """Return what traitlets has to know: nothing restarts empty, nothing is kept for later.

    Tracebacks are taken out by our own connection; Jupyter's setting for that (``allow_tracebacks``) fails when used.
    """
    config = Config()
    config.MappingKernelManager.buffer_offline_messages = False
    config.AsyncMappingKernelManager.buffer_offline_messages = False
    config.KernelManager.autorestart = False
    config.AsyncIOLoopKernelManager.autorestart = False
    config.AsyncKernelManager.shutdown_wait_time = 2.0
    return config


class Kernels(AsyncMappingKernelManager):
    """Starts kernels only for a `lease` that is held, and sweeps away those whose time is up."""

    leases: Leases = AnyTrait()  # type: ignore[assignment]  # the server gives both
    environment: Callable[[Path], dict[str, str]] = AnyTrait()  # type: ignore[assignment]
    """Makes a kernel's environment, given its scratch folder."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)  # type: ignore[no-untyped-call]
        self._scratch: dict[str, Path] = {}
        # Kernels start one after another: several at once make everybody wait, readers of stored pages too.
        self._starting = asyncio.Semaphore(1)
        self._sweeper = PeriodicCallback(self.sweep, _SWEEP_MS)
        self._on_end: dict[str, list[Callable[[], None]]] = {}

    @contextmanager
    def on_lease(self, lease: Lease) -> Iterator[None]:
        """Let the kernel that is started inside belong to the lease."""
        token = _LEASE.set(lease)
        try:
            yield
        finally:
            _LEASE.reset(token)

    async def start_kernel(  # type: ignore[override]  # its own signature is that of a wrapped function
        self, *, kernel_id: str | None = None, path: Any = None, **arguments: Any
    ) -> str:
        """Start a kernel for the lease that is held, in a folder of its own; return its id.

        What the caller would have it inherit (the server's environment, the request's address) is not passed on.
        """
        del kernel_id, path, arguments
        lease = _LEASE.get()
        if lease is None:
            raise PermissionError("a kernel is started only for a page that holds a lease")
        scratch = Path(tempfile.mkdtemp(prefix="kernel-", dir=self.connection_dir))
        if not self._sweeper.is_running():
            self._sweeper.start()
        try:
            async with self._starting:
                started: str = await super()._async_start_kernel(
                    kernel_name=_NAME, cwd=str(scratch), env=self.environment(scratch)
                )
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        self._scratch[started] = scratch
        lease.kernel = started
        return started

    def when_ended(self, kernel_id: str, call: Callable[[], None]) -> None:
        """Call something when a kernel has ended: a connection that has to be closed."""
        self._on_end.setdefault(kernel_id, []).append(call)

    async def end(self, lease: Lease) -> None:
        """End a lease and its kernel, at once and for good."""
        self.leases.give_back(lease)
        kernel, lease.kernel = lease.kernel, ""
        for call in self._on_end.pop(kernel, []):
            call()
        if kernel in self:
            with suppress(Exception):
                await self.shutdown_kernel(kernel, now=True)  # type: ignore[no-untyped-call]
        if scratch := self._scratch.pop(kernel, None):
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def sweep(self) -> None:
        """End what is over, and what has died."""
        over = self.leases.over()
        dead = [lease for lease in self.leases if lease.kernel and not await self._lives(lease.kernel)]
        for lease in {id(one): one for one in (*over, *dead)}.values():
            _LOG.info("a live page (%s) is over", lease.page)
            await self.end(lease)

    async def end_all(self) -> None:
        """End every kernel."""
        self._sweeper.stop()
        await asyncio.gather(*(self.end(lease) for lease in list(self.leases)))
        await self.shutdown_all(now=True)

    def _handle_kernel_died(self, kernel_id: str) -> None:
        super()._handle_kernel_died(kernel_id)  # type: ignore[no-untyped-call]
        if lease := self.leases.of_kernel(kernel_id):
            self.leases.give_back(lease)

    async def _lives(self, kernel_id: str) -> bool:
        return kernel_id in self and bool(await ensure_async(self.get_kernel(kernel_id).is_alive()))
