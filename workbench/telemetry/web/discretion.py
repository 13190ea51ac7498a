"""Discretion is that no log holds a secret, whatever libraries write into it of what a backend sent."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.telemetry.secret import Secret

__all__ = ["keep"]

_LOGGERS = (
    "httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks",
)  # fmt: skip
"""Who writes down addresses, header fields and errors of backends; a filter holds for the very logger it is put on."""

_lock = threading.Lock()
_fetched: weakref.WeakSet[Secret] = weakref.WeakSet()


def keep(secret: Secret) -> None:
    """Keep a secret that was fetched out of the logs of the libraries that talk to backends, as long as it is used."""
    with _lock:
        _fetched.add(secret)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_hide)


def _hide(record: logging.LogRecord) -> bool:
    """Take every secret out of a record, and let it pass."""
    with _lock:
        # Many sources may share one, and each costs time with every record. None is fetched here.
        secrets = {vars(secret)["value"]: secret for secret in _fetched if "value" in vars(secret)}
    said = record.getMessage()
    hidden = said
    for secret in secrets.values():
        hidden = secret.hide(hidden)
    if hidden != said:
        record.msg, record.args = hidden, ()
    return True
