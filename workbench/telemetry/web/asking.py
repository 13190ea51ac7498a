"""Asking is one reading's requests to an HTTP API: each patient, and all within one limit of seconds and of bytes."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import LimitError, SourceError
from workbench.telemetry.source import Problem, Query, Tally
from workbench.telemetry.web.endpoint import Endpoint
from workbench.telemetry.web.retry import Again, come_back, later, retrying

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "Asking"]

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


class Asking:
    """The requests of one reading: its limits hold for all of them together."""

    def __init__(self, endpoint: Endpoint, client: Callable[[], httpx.Client], query: Query, tally: Tally) -> None:
        self._endpoint = endpoint
        self._client = client
        self._query = query
        self._tally = tally
        self._ends = time.monotonic() + query.limits.seconds

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Return what the backend answers to a GET, as `workbench.telemetry.web.client.Web.get` says."""
        return self._ask("GET", path, params=dict(params) if params else None)

    def post(self, path: str, form: Mapping[str, Any]) -> Answer:
        """Return what the backend answers to a form sent by POST, as `workbench.telemetry.web.client.Web.post` says."""
        return self._ask("POST", path, data=dict(form))

    def look(self) -> None:
        """Raise when nobody waits any more, or the limit of seconds is reached.

        Raises:
            LimitError: the time is up.
            SourceError: the person has gone.
        """
        if self._query.stop.is_set():
            raise SourceError(f"reading the source {self._endpoint.source!r} was stopped", do="Pull again")
        if time.monotonic() > self._ends:
            raise LimitError(
                f"source {self._endpoint.source!r} took longer than {self._query.limits.seconds:g} s, its limit",
                do="Ask for less, or raise limits.seconds",
            )

    def _ask(self, method: str, path: str, **sent: Any) -> Answer:
        url = path if "://" in path else self._endpoint.url + path
        tried: list[Again] = []
        try:
            for attempt in retrying(tried, stop=self._query.stop, ends=self._ends):
                with attempt:
                    answer = self._once(method, url, sent)
        except Again as last:
            self.look()
            times = "once" if len(tried) == 1 else f"{len(tried)} times"
            raise SourceError(
                f"source {self._endpoint.source!r}: {self._hide(str(last))}, {times}, at {method} {self._hide(url)}",
                do=later(last) or last.do,
            ) from None
        if tried:
            reasons = ", ".join(sorted({self._hide(str(one)) for one in tried}))
            text = f"Some requests to {self._endpoint.url} were repeated before they succeeded ({reasons})."
            self._tally.note(Problem("asked-again", 0, text))
        return answer

    def _once(self, method: str, url: str, sent: dict[str, Any]) -> Answer:
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        from workbench.telemetry.web.wire import watching  # noqa: PLC0415 - as above

        try:
            with watching(self.look):
                request = self._client().build_request(method, url, **sent)
                for _ in range(_REDIRECTS + 1):
                    answer = self._step(request)
                    if isinstance(answer, Answer):
                        return answer
                    request = answer
        except httpx.TimeoutException as error:
            told = f"no answer within {self._endpoint.timeout:g} s ({type(error).__name__})"
            raise Again(told, do="See whether it is overloaded, or raise timeout") from None
        except httpx.DecodingError as error:
            raise Again(f"its compressed answer is damaged ({error})", do="Look at the proxy in between") from None
        except (httpx.TransportError, ssl.SSLError) as error:
            told = f"it can't be reached or broke off ({_reason(error)})"
            raise Again(told, do="See whether it runs and the url is right") from None
        except (httpx.InvalidURL, httpx.RemoteProtocolError, ValueError) as error:
            raise SourceError(
                f"source {self._endpoint.source!r}: {self._hide(url)} can't be asked ({_reason(error)})",
                do="Correct its url",
            ) from None
        raise SourceError(
            f"source {self._endpoint.source!r}: {self._hide(url)} redirects in a circle",
            do="Open it by hand; correct its url",
        )

    def _step(self, request: httpx.Request) -> Answer | httpx.Request:
        """Return the answer, or the request that a redirect asks for instead."""
        url = str(request.url)
        if not self._endpoint.same_host(url):
            # The secret goes to nobody but the host that was named.
            host = self._hide(request.url.host)
            raise SourceError(
                f"source {self._endpoint.source!r}: {self._endpoint.url} leads to another host, {host}",
                do="If that is right, name that address as the url; it may also be a login page",
            )
        response = self._client().send(request, stream=True)
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
            f"source {self._endpoint.source!r}: {asked} was answered {status}"
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
                    f"source {self._endpoint.source!r} answered with more than {most:,} bytes, its limit",
                    do="Ask for less, or raise limits.bytes",
                )
            self.look()
            pieces.append(piece)
        return b"".join(pieces)

    def _data(self, response: httpx.Response) -> bytes:
        """Return the body, without the secret should the backend give it back."""
        body = self._body(response)
        data = self._endpoint.hide_in_data(body)
        if data != body:
            text = f"{self._endpoint.url} gave the secret back that it was sent; it was taken out of the answer."
            self._tally.note(Problem("secret-taken-out", 0, text))
        return data

    def _hide(self, text: str) -> str:
        return self._endpoint.hide(text)


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
