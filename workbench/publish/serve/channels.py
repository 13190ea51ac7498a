"""Channels are the websocket between a page and its own kernel: only what widgets need passes, in either direction."""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.web import HTTPError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from workbench.publish.serve.gate import Gate
from workbench.publish.serve.kernels import Kernels
from workbench.publish.serve.leases import Lease
from workbench.publish.serve.messages import RefusedError, check_incoming, clean_outgoing, told_in_log

__all__ = ["Channels", "Connection", "EndKernel", "KernelState"]

_LOG = logging.getLogger(__name__)
_BINARY = "v1.kernel.websocket.jupyter.org"
_POLICY_VIOLATION = 1008
_GOING_AWAY = 1001


class _OfKernel(Gate):
    """A route that names a kernel: open to the visitor it was started for; for others there is no such kernel."""

    @property
    def kernels(self) -> Kernels:
        """The server's kernels."""
        found: Kernels = self.settings["kernel_manager"]
        return found

    @property
    def lease(self) -> Lease | None:
        """The lease of the kernel that the address names, when it is this visitor's."""
        kernel = self.path_kwargs.get("kernel_id", "")
        visitor = self.current_user.username if self.current_user else ""
        return self.kernels.leases.of_kernel(kernel) if self.kernels.leases.owns(visitor, kernel) else None

    async def decide(self) -> None:
        """Refuse everybody but the owner, in the same words whether the kernel exists or not."""
        if self.lease is None:
            raise HTTPError(404)


class KernelState(_OfKernel):
    """``/api/kernels/ID``: whether one's own kernel lives; the front end asks when a connection broke."""

    methods: ClassVar[frozenset[str]] = frozenset({"GET"})

    async def get(self, kernel_id: str) -> None:
        """Send the little that the front end needs."""
        model = self.kernels.kernel_model(kernel_id)  # type: ignore[no-untyped-call]
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps({name: model[name] for name in ("id", "name", "execution_state")}))


class EndKernel(_OfKernel):
    """``/voila/api/shutdown/ID``: a page that is closed ends its own kernel. The one route that takes a POST."""

    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    same_origin: ClassVar[bool] = True

    async def post(self, kernel_id: str) -> None:  # noqa: ARG002 - `lease` reads it from the address
        """End the kernel."""
        if self.lease:
            await self.kernels.end(self.lease)
        self.set_status(204)
        await self.finish()


class Channels(_OfKernel, VoilaKernelWebsocketHandler):  # type: ignore[misc]  # voila has no types
    """``/api/kernels/ID/channels``."""

    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    # Tornado asks `check_origin` only when an origin is named; a browser always names one, so who doesn't is none.
    same_origin: ClassVar[bool] = True
    # In seconds, for Tornado's sign of life. Jupyter's is not begun (see `open`): it takes the same for milliseconds.
    ping_interval = 30.0
    ping_timeout = 30.0
    _held: Lease | None = None

    def check_origin(self, origin: str | None = None) -> bool:  # noqa: ARG002 - Tornado's signature
        """Accept only a page of this very server."""
        return self._asked_from_here()

    async def open(self, kernel_id: str) -> None:
        """Note the connection, so that the kernel lives while somebody looks."""
        self._held = self.lease
        if self._held is None:
            self.close(_POLICY_VIOLATION)
            return
        self.kernels.leases.connect(self._held)
        self.kernels.when_ended(kernel_id, lambda: self.close(_GOING_AWAY))
        await self.connection.connect()

    def on_message(self, ws_message: str | bytes) -> None:
        """Pass on what a page sends by itself; close the connection on everything else."""
        if self._held is None or self.connection is None:
            return
        try:
            channel, header, content = _parts(ws_message, binary=self.selected_subprotocol == _BINARY)
            check_incoming(channel, header, content)
        except RefusedError as refused:
            _LOG.warning("a message to a kernel was refused: %s", refused.args[0])
            return
        except Exception:  # noqa: BLE001 - whatever can't be read is not from our page
            _LOG.warning("a message to a kernel could not be read")
            self.close(_POLICY_VIOLATION)
            return
        self.kernels.leases.touch(self._held)
        super().on_message(ws_message)

    def on_close(self) -> None:
        """Note that nobody looks any more; the kernel ends a little later, unless the page comes back."""
        if self._held is not None:
            self.kernels.leases.disconnect(self._held)
            self._held = None
        if self.connection is not None:
            super().on_close()


class Connection(ZMQChannelsWebsocketConnection):
    """The server's side of the channels, which takes out what no reader should see."""

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Clean a message of the kernel and pass it on, or drop it."""
        identities, parts = self.session.feed_identities(outgoing_msg)
        # parts: signature, header, parent header, metadata, content, buffers
        header, content = self.session.unpack(parts[1]), self.session.unpack(parts[4])
        kind = header.get("msg_type", "")
        if trouble := told_in_log(kind, content):
            _LOG.warning("a live page's kernel (%s) says:\n%s", self.kernel_id, trouble)
        cleaned = clean_outgoing(kind, content)
        if cleaned is None:
            return
        if cleaned != content:
            packed = self.session.pack(cleaned)
            signed = self.session.sign([*parts[1:4], packed])
            parts = [signed, *parts[1:4], packed, *parts[5:]]
        delimiter = b"<IDS|MSG>"
        super().handle_outgoing_message(stream, [*identities, delimiter, *parts])

    def write_stderr(self, error_message: str, parent_header: Any) -> None:  # noqa: ARG002 - its signature
        """Keep the server's advice to its operator in the log."""
        _LOG.warning("%s", error_message.partition("\n")[0])


def _parts(message: str | bytes, *, binary: bool) -> tuple[object, dict[str, Any], dict[str, Any]]:
    """Return channel, header and content of a message in either of the two protocols."""
    if binary:
        if isinstance(message, str):
            raise ValueError("text in the binary protocol")
        channel, parts = deserialize_msg_from_ws_v1(message)
        return channel, _mapping(json.loads(parts[0])), _mapping(json.loads(parts[3]))
    whole = deserialize_binary_message(message) if isinstance(message, bytes) else json.loads(message)
    whole = _mapping(whole)
    return whole.get("channel"), _mapping(whole["header"]), _mapping(whole["content"])


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not a mapping")
    return value
