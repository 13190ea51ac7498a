"""The web is where a backend's HTTP API is asked: with its secret, with patience, and never without an end."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from workbench.telemetry.source import Query, Tally
from workbench.telemetry.web.asking import Answer, Asking
from workbench.telemetry.web.endpoint import Endpoint

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "Asking", "Web"]


class Web:
    """One HTTP API. Time-outs, broken connections, 429 and 5xx are tried again, further and further apart.

    ``Retry-After`` is obeyed. What was tried again, and why, is noted in the tally. It may be asked from several
    threads; its connections are closed when nobody holds it any more.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.source = endpoint.source
        self.url = endpoint.url
        self._opening = threading.Lock()
        self._client: httpx.Client | None = None

    @classmethod
    def from_settings(
        cls,
        name: str,
        settings: dict[str, object],
        *,
        url: str = "",
        scheme: str = "Bearer",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Self, dict[str, object]]:
        """Return the web a source's table describes, and the keys that are left over.

        It takes ``url``, ``token_env`` or ``token_command`` with ``token_header``, ``user`` with ``password_env`` or
        ``password_command``, ``headers`` (a table; no secret may stand in it), ``ca_file`` and ``timeout`` (seconds).

        Args:
            name: the source's name.
            settings: its table.
            url: the address when the table names none; empty when it must.
            scheme: the word before the token in ``Authorization``.
            headers: header fields that this backend always wants.

        Raises:
            SourceError: a key is missing or has a value that can't be, or a secret stands in the table.
        """
        endpoint, rest = Endpoint.from_settings(name, settings, url=url, scheme=scheme, headers=headers or {})
        return cls(endpoint), rest

    def asking(self, query: Query, tally: Tally) -> Asking:
        """Return the requests of one reading, whose limit of seconds begins now and holds for all of them together."""
        return Asking(self.endpoint, self.client, query, tally)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, query: Query, tally: Tally) -> Answer:
        """Return what the backend answers to one GET; a reading of many asks them of one `asking`.

        Args:
            path: after the source's address, or a whole address on the same host (the next page).
            params: the query string; empty values stay.
            query: whose limits hold, and whose stop is obeyed.
            tally: gets bytes, and what was tried again.

        Raises:
            LimitError: more bytes or seconds than the limits allow.
            SourceError: it can't be reached, refuses, or goes on failing.
        """
        return self.asking(query, tally).get(path, params)

    def post(self, path: str, form: Mapping[str, Any], *, query: Query, tally: Tally) -> Answer:
        """Return what the backend answers to a form sent by POST; for reading only, where a query is too long for GET.

        Raises:
            LimitError: more bytes or seconds than the limits allow.
            SourceError: it can't be reached, refuses, or goes on failing.
        """
        return self.asking(query, tally).post(path, form)

    def client(self) -> httpx.Client:
        """Return the client that all requests share, which follows no redirect by itself.

        Raises:
            SourceError: the secret can't be had, or no connection can be prepared.
        """
        from workbench.telemetry.web.wire import watched  # noqa: PLC0415 - it needs httpx, and only who asks a web does

        with self._opening:
            if self._client is None:
                self._client = watched(self.endpoint.client())
                weakref.finalize(self, self._client.close)
            return self._client
