"""The web is where a backend's HTTP API is asked: with its secret, with patience, and never without an end."""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import LimitError, SourceError
from workbench.telemetry.endpoint import Endpoint
from workbench.telemetry.retry import Again, come_back, later, retrying
from workbench.telemetry.source import Problem, Query, Tally

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "Asking", "Web"]

_REDIRECTS = 5
_FORBIDDEN, _TOO_MANY, _SERVER = 403, 429, 500
_REFUSED = {401: "the credentials were not accepted", 403: "the credentials may not do this", 404: "nothing is there"}


@dataclass(frozen=True)
class Answer:
    """What a backend answered: status 200 to 299, header fields by lower-case name, and the whole body."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            SourceError: it isn't JSON, or is cut short.
        """
        import orjson  # noqa: PLC0415 - only who asks a web needs it

        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            short = "is cut short or " if self.body.startswith((b"{", b"[")) else ""
            raise SourceError(
                f"what {self.url} answered {short}isn't JSON ({error})",
                do="Open that address by hand: something else may be answering there, such as a login page",
            ) from None


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
        return Asking(self, query, tally)

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
        from workbench.telemetry.wire import watched  # noqa: PLC0415 - it needs httpx, and only who asks a web does

        with self._opening:
            if self._client is None:
                self._client = watched(self.endpoint.client())
                weakref.finalize(self, self._client.close)
            return self._client


class Asking:
    """The requests of one reading: its limits hold for all of them together."""

    def __init__(self, web: Web, query: Query, tally: Tally) -> None:
        self._web = web
        self._query = query
        self._tally = tally
        self._ends = time.monotonic() + query.limits.seconds

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Return what the backend answers to a GET, as `Web.get` says."""
        return self._ask("GET", path, params=dict(params) if params else None)

    def post(self, path: str, form: Mapping[str, Any]) -> Answer:
        """Return what the backend answers to a form sent by POST, as `Web.post` says."""
        return self._ask("POST", path, data=dict(form))

    def look(self) -> None:
        """Raise when nobody waits any more, or the limit of seconds is reached.

        Raises:
            LimitError: the time is up.
            SourceError: the person has gone.
        """
        if self._query.stop.is_set():
            raise SourceError(f"reading the source {self._web.source!r} was stopped", do="Pull again")
        if time.monotonic() > self._ends:
            raise LimitError(
                f"source {self._web.source!r} took longer than {self._query.limits.seconds:g} s, its limit",
                do="Ask for less, or raise limits.seconds",
            )

    def _ask(self, method: str, path: str, **sent: Any) -> Answer:
        url = path if "://" in path else self._web.url + path
        tried: list[Again] = []
        try:
            for attempt in retrying(tried, stop=self._query.stop, ends=self._ends):
                with attempt:
                    answer = self._once(method, url, sent)
        except Again as last:
            self.look()
            times = "once" if len(tried) == 1 else f"{len(tried)} times"
            raise SourceError(
                f"source {self._web.source!r}: {self._hide(str(last))}, {times}, at {method} {self._hide(url)}",
                do=later(last) or last.do,
            ) from None
        if tried:
            reasons = ", ".join(sorted({self._hide(str(one)) for one in tried}))
            text = f"Some requests to {self._web.url} were repeated before they succeeded ({reasons})."
            self._tally.note(Problem("asked-again", 0, text))
        return answer

    def _once(self, method: str, url: str, sent: dict[str, Any]) -> Answer:
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        from workbench.telemetry.wire import watching  # noqa: PLC0415 - as above

        try:
            with watching(self.look):
                request = self._web.client().build_request(method, url, **sent)
                for _ in range(_REDIRECTS + 1):
                    answer = self._step(request)
                    if isinstance(answer, Answer):
                        return answer
                    request = answer
        except httpx.TimeoutException as error:
            told = f"no answer within {self._web.endpoint.timeout:g} s ({type(error).__name__})"
            raise Again(told, do="See whether it is overloaded, or raise timeout") from None
        except httpx.DecodingError as error:
            raise Again(f"its compressed answer is damaged ({error})", do="Look at the proxy in between") from None
        except (httpx.TransportError, ssl.SSLError) as error:
            told = f"it can't be reached or broke off ({_reason(error)})"
            raise Again(told, do="See whether it runs and the url is right") from None
        except (httpx.InvalidURL, httpx.RemoteProtocolError, ValueError) as error:
            raise SourceError(
                f"source {self._web.source!r}: {self._hide(url)} can't be asked ({_reason(error)})",
                do="Correct its url",
            ) from None
        raise SourceError(
            f"source {self._web.source!r}: {self._hide(url)} redirects in a circle",
            do="Open it by hand; correct its url",
        )

    def _step(self, request: httpx.Request) -> Answer | httpx.Request:
        """Return the answer, or the request that a redirect asks for instead."""
        url = str(request.url)
        if not self._web.endpoint.same_host(url):
            # The secret goes to nobody but the host that was named.
            raise SourceError(
                f"source {self._web.source!r}: {self._web.url} leads to another host, {self._hide(request.url.host)}",
                do="If that is right, name that address as the url; it may also be a login page",
            )
        response = self._web.client().send(request, stream=True)
        try:
            if response.next_request is not None:
                return response.next_request
            self._check(response)
            fields = {k.lower(): v for k, v in response.headers.items()}
            return Answer(self._hide(url), fields, self._data(response))
        finally:
            response.close()

    def _check(self, response: httpx.Response) -> None:
        """Raise what a status other than 2xx means."""
        status = response.status_code
        if response.is_success:
            return
        said = self._hide(" ".join(self._first(response).decode("utf-8", "replace").split()))
        told = f"it answered {status}" + (f" ({said[:300]})" if said else "")
        after = come_back(response.headers)
        # GitHub says 403 where others say 429, and then when to come back.
        if status in {408, _TOO_MANY} or status >= _SERVER or (status == _FORBIDDEN and after is not None):
            many = status in {_TOO_MANY, _FORBIDDEN}
            do = "Ask less at once (limits.concurrency), or later" if many else "See whether it is well"
            raise Again(told, do=do, after=after)
        meaning = _REFUSED.get(status)
        asked = f"{response.request.method} {self._hide(str(response.url))}"
        raise SourceError(
            f"source {self._web.source!r}: {asked} was answered {status}"
            + (f": {meaning}" if meaning else "")
            + (f" ({said[:300]})" if said else ""),
            do="Look at the url and the credentials" if meaning else "Correct what was asked",
        )

    def _first(self, response: httpx.Response, enough: int = 2000) -> bytes:
        """Return the beginning of a body, for people; a broken one is as good as none."""
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        body = b""
        try:
            for piece in response.iter_bytes():
                body += piece
                if len(body) >= enough:
                    break
        except httpx.HTTPError:
            pass
        return body[:enough]

    def _body(self, response: httpx.Response) -> bytes:
        pieces: list[bytes] = []
        seen = unpacked = 0
        most = self._query.limits.bytes
        for piece in response.iter_bytes():
            self._tally.received(response.num_bytes_downloaded - seen)
            seen = response.num_bytes_downloaded
            unpacked += len(piece)
            # What is small on the way may be huge once it is unpacked.
            if self._tally.bytes > most or unpacked > most:
                raise LimitError(
                    f"source {self._web.source!r} answered with more than {most:,} bytes, its limit",
                    do="Ask for less, or raise limits.bytes",
                )
            self.look()
            pieces.append(piece)
        return b"".join(pieces)

    def _data(self, response: httpx.Response) -> bytes:
        """Return the body, without the secret should the backend give it back."""
        body = self._body(response)
        data = self._web.endpoint.hide_in_data(body)
        if data != body:
            text = f"{self._web.url} gave the secret back that it was sent; it was taken out of the answer."
            self._tally.note(Problem("secret-taken-out", 0, text))
        return data

    def _hide(self, text: str) -> str:
        return self._web.endpoint.hide(text)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
