"""Messages between a page and its kernel: which pass, and what is taken out of those that do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["TROUBLE", "RefusedError", "check_incoming", "clean_outgoing", "told_in_log"]

TROUBLE = "That could not be done. Nothing was changed by it; the server's log says more."
"""What a reader is told instead of a traceback."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What ipywidgets says each time a page has asked for its widgets and closes that conversation.
_USUAL = "No such comm: "
_SHELL_ONLY = frozenset({"comm_open", "comm_msg", "comm_close"})
_ASKING = frozenset({"comm_info_request", "kernel_info_request"})
_METHODS = frozenset({"update", "request_state", "request_states", "custom"})
# The front end asks for all widgets at once by this comm. It never has to make a widget in the kernel, and the kernel
# would make any registered one, an upload too.
_CONTROL = "jupyter.widget.control"
_OUTGOING = frozenset({
    "clear_output", "comm_close", "comm_info_reply", "comm_msg", "comm_open", "display_data", "error", "iopub_welcome",
    "kernel_info_reply", "status", "stream", "update_display_data",
})  # fmt: skip


class RefusedError(ValueError):
    """A message that a page never sends by itself; ``args[0]`` says which."""


def check_incoming(channel: object, header: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Let a message from the browser pass, or refuse it.

    Args:
        channel: the channel it names.
        header: its header.
        content: its content.

    Raises:
        RefusedError: it is of a type that isn't needed, on a channel where it isn't, or does more than a page does.
    """
    kind = header.get("msg_type")
    if kind in _ASKING:
        if channel not in {"shell", "control"}:
            raise RefusedError(f"{kind} on {channel}")
        return
    if kind not in _SHELL_ONLY or channel != "shell":
        raise RefusedError(f"{kind} on {channel}")
    if kind == "comm_open" and content.get("target_name") != _CONTROL:
        raise RefusedError("comm_open of something else than the list of widgets")
    if kind == "comm_msg":
        _check_data(content.get("data"))


def _check_data(data: object) -> None:
    if not isinstance(data, Mapping) or data.get("method") not in _METHODS:
        raise RefusedError("comm_msg with an unknown method")
    state = data.get("state", {})
    if not isinstance(state, Mapping):
        raise RefusedError("comm_msg with a state that is none")
    # Names with an underscore say which code a widget is made of; a page never changes that.
    hidden = [name for name in state if str(name).startswith("_")]
    if hidden:
        raise RefusedError(f"comm_msg that sets {hidden[0]}")


def clean_outgoing(kind: str, content: dict[str, Any]) -> dict[str, Any] | None:
    """Return what of a kernel's message goes to the browser: without sources, tracebacks and warnings; None drops it.

    Args:
        kind: the message's type.
        content: its content; not changed.
    """
    if kind not in _OUTGOING or (kind == "stream" and content.get("name") != "stdout"):
        return None
    if kind == "error":
        return {"ename": "Problem", "evalue": TROUBLE, "traceback": [TROUBLE]}
    if kind in {"comm_msg", "comm_open"}:
        return {name: _without_tracebacks(one) for name, one in content.items()}
    return {name: value for name, value in content.items() if name not in {"traceback", "ename", "evalue"}}


def told_in_log(kind: str, content: Mapping[str, Any]) -> str:
    """Return what of a message is for whoever runs the server: a traceback, a warning; "" when there is nothing."""
    if kind == "error":
        return _COLOUR.sub("", "\n".join(map(str, content.get("traceback", ()))))
    if kind == "stream" and content.get("name") == "stderr":
        lines = _COLOUR.sub("", str(content.get("text", ""))).splitlines()
        return "\n".join(line for line in lines if not line.startswith(_USUAL)).strip()
    return ""


def _without_tracebacks(value: Any) -> Any:
    """Return a widget's state with the error outputs that an Output widget may hold said in words."""
    if isinstance(value, dict):
        return {name: _without_tracebacks(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_words(one) for one in value if not _is_warning(one)]
    return value


def _in_words(one: Any) -> Any:
    if isinstance(one, dict) and one.get("output_type") == "error":
        return {"output_type": "error", "ename": "Problem", "evalue": TROUBLE, "traceback": [TROUBLE]}
    return _without_tracebacks(one)


def _is_warning(one: Any) -> bool:
    return isinstance(one, dict) and one.get("output_type") == "stream" and one.get("name") == "stderr"
