"""The web is where a backend's HTTP API is asked: with its secret, with patience, and never without an end."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from workbench.errors import LimitError, SourceError
from workbench.telemetry.secret import Secret
from workbench.telemetry.source import Problem, Query, Tally

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "Web"]

_ATTEMPTS = 5
_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.1, 30.0, 0.1
_TIMEOUT = 30.0
_TOO_MANY, _SERVER = 429, 500
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
            short = "is cut short or " if self.body[:1] in b"{[" else ""
            raise SourceError(
                f"what {self.url} answered {short}isn't JSON ({error})",
                do="Open that address by hand: something else may be answering there, such as a login page",
            ) from None


class Web:
    """One HTTP API. Time-outs, broken connections, 429 and 5xx are tried again, further and further apart.

    ``Retry-After`` is obeyed. What was tried again, and why, is noted in the tally.
    """

    def __init__(
        self,
        source: str,
        url: str,
        *,
        secret: Secret | None = None,
        scheme: str = "Bearer",
        user: str = "",
        headers: Mapping[str, str] | None = None,
        ca_file: str = "",
        timeout: float = _TIMEOUT,
    ) -> None:
        self.source = source
        self.url = url.rstrip("/")
        self._secret = secret
        self._scheme = scheme
        self._user = user
        self._headers = dict(headers or {})
        self._ca_file = ca_file
        self._timeout = timeout
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

        It takes ``url``, ``token_env`` or ``token_command``, ``user`` with ``password_env`` or ``password_command``,
        ``headers`` (a table; no secret may stand in it), ``ca_file`` and ``timeout`` (seconds).

        Args:
            name: the source's name.
            settings: its table.
            url: the address when the table names none; empty when it must.
            scheme: the word before the token in ``Authorization``.
            headers: header fields that this backend always wants.

        Raises:
            SourceError: a key is missing or has a value that can't be, or a secret stands in the table.
        """
        where = f"[sources.{name}] in workbench.toml"
        token = Secret.from_settings(name, settings, "token")
        password = Secret.from_settings(name, settings, "password")
        user = _text(settings, "user", where)
        if token and (password or user):
            raise SourceError(f"{where} names both a token and a password", do="Keep one of them")
        if bool(user) != bool(password):
            raise SourceError(
                f"{where} names {'a user' if user else 'a password'} alone", do="Give both user and password_env"
            )
        timeout = settings.get("timeout", _TIMEOUT)
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise SourceError(f"timeout of {where} is {timeout!r}", do="Give seconds, such as timeout = 30")
        made = cls(
            name,
            _address(_text(settings, "url", where) or url, where),
            secret=token or password,
            scheme=scheme,
            user=user,
            headers={**(headers or {}), **_fields(settings.get("headers", {}), where)},
            ca_file=_text(settings, "ca_file", where),
            timeout=float(timeout),
        )
        taken = {"url", "user", "headers", "ca_file", "timeout"}
        taken |= {f"{key}_{way}" for key in ("token", "password") for way in ("env", "command")}
        return made, {key: value for key, value in settings.items() if key not in taken}

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, query: Query, tally: Tally) -> Answer:
        """Return what the backend answers to a GET.

        Args:
            path: after the source's address, or a whole address on the same host (the next page).
            params: the query string; empty values stay.
            query: whose limits hold, and whose stop is obeyed.
            tally: gets bytes, and what was tried again.

        Raises:
            LimitError: more bytes or seconds than the limits allow.
            SourceError: it can't be reached, refuses, or goes on failing.
        """
        return self._ask("GET", path, query, tally, params=dict(params or {}))

    def post(self, path: str, form: Mapping[str, Any], *, query: Query, tally: Tally) -> Answer:
        """Return what the backend answers to a form sent by POST; for reading only, where a query is too long for GET.

        Raises:
            LimitError: more bytes or seconds than the limits allow.
            SourceError: it can't be reached, refuses, or goes on failing.
        """
        return self._ask("POST", path, query, tally, data=dict(form))

    def _ask(self, method: str, path: str, query: Query, tally: Tally, **sent: Any) -> Answer:
        import stamina  # noqa: PLC0415 - only who asks a web needs it

        url = path if "://" in path else self.url + path
        if urlsplit(url)[:2] != urlsplit(self.url)[:2]:
            # The secret goes to nobody but the host that was named.
            raise SourceError(
                f"source {self.source!r}: the answer leads to another host ({urlsplit(url).netloc})",
                do="If that is right, name that address as the url",
            )
        ends = time.monotonic() + query.limits.seconds
        tried: list[_Again] = []

        def again(error: Exception) -> bool | float:
            if not isinstance(error, _Again) or query.stop.is_set():
                return False
            tried.append(error)
            left = ends - time.monotonic()
            return False if (error.after or 0.0) > min(left, _LONGEST_WAIT) else error.after or True

        try:
            for attempt in stamina.retry_context(
                on=again,
                attempts=_ATTEMPTS,
                timeout=query.limits.seconds,
                wait_initial=_FIRST_WAIT,
                wait_max=_LONGEST_WAIT,
                wait_jitter=_JITTER,
            ):
                with attempt:
                    answer = self._once(method, url, query, tally, ends, sent)
        except _Again as last:
            raise SourceError(
                f"source {self.source!r}: {self._hide(str(last))} ({len(tried)} times in {method} {url})",
                do=last.do,
            ) from None
        if tried:
            reasons = ", ".join(sorted({self._hide(str(one)) for one in tried}))
            tally.note(
                Problem(
                    "asked-again", 0, f"Some requests to {self.url} were repeated before they succeeded ({reasons})."
                )
            )
        return answer

    def _once(self, method: str, url: str, query: Query, tally: Tally, ends: float, sent: dict[str, Any]) -> Answer:
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        try:
            with self._open().stream(method, url, **sent) as response:
                self._check(response)
                return Answer(
                    url,
                    {k.lower(): v for k, v in response.headers.items()},
                    b"".join(self._pieces(response, query, tally, ends)),
                )
        except httpx.TimeoutException as error:
            raise _Again(
                f"no answer within {self._timeout:g} s ({type(error).__name__})", do="See whether it is overloaded"
            ) from None
        except httpx.DecodingError as error:
            raise _Again(f"its compressed answer is damaged ({error})", do="Look at the proxy in between") from None
        except (httpx.TransportError, ssl.SSLError) as error:
            raise _Again(
                f"it can't be reached or broke off ({_reason(error)})", do="See whether it runs and the url is right"
            ) from None
        except (httpx.InvalidURL, httpx.TooManyRedirects, UnicodeError) as error:
            raise SourceError(
                f"source {self.source!r}: {self._hide(url)} can't be asked ({error})", do="Correct its url"
            ) from None

    def _check(self, response: httpx.Response) -> None:
        """Raise what a status other than 2xx means."""
        status = response.status_code
        if response.is_success:
            return
        said = self._hide(" ".join(response.read()[:2000].decode("utf-8", "replace").split())[:300])
        told = f"it answered {status}" + (f" ({said})" if said else "")
        if status == _TOO_MANY or status >= _SERVER:
            do = "Ask less at once (limits.concurrency), or later" if status == _TOO_MANY else "See whether it is well"
            raise _Again(told, do=do, after=_retry_after(response.headers.get("retry-after")))
        meaning = _REFUSED.get(status)
        raise SourceError(
            f"source {self.source!r}: {response.request.method} {self._hide(str(response.url))} was answered {status}"
            + (f": {meaning}" if meaning else "")
            + (f" ({said})" if said else ""),
            do="Look at the url and the credentials" if meaning else "Correct what was asked",
        )

    def _pieces(self, response: httpx.Response, query: Query, tally: Tally, ends: float) -> Iterator[bytes]:
        seen = 0
        for piece in response.iter_bytes():
            now = response.num_bytes_downloaded
            tally.received(now - seen)
            seen = now
            if tally.bytes > query.limits.bytes:
                raise LimitError(
                    f"source {self.source!r} answered with more than {query.limits.bytes:,} bytes, its limit",
                    do="Ask for less, or raise limits.bytes",
                )
            if time.monotonic() > ends:
                raise LimitError(
                    f"source {self.source!r} took longer than {query.limits.seconds:g} s, its limit",
                    do="Ask for less, or raise limits.seconds",
                )
            if query.stop.is_set():
                raise SourceError(f"reading the source {self.source!r} was stopped", do="Pull again")
            yield piece

    def _open(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        if self._client is None:
            headers = {"accept-encoding": "gzip, deflate", "user-agent": "incident-review-workbench", **self._headers}
            auth = None
            if self._secret and self._user:
                auth = httpx.BasicAuth(self._user, self._secret.value)
            elif self._secret:
                headers["authorization"] = f"{self._scheme} {self._secret.value}".strip()
            try:
                verify = ssl.create_default_context(cafile=self._ca_file) if self._ca_file else True
            except OSError as error:
                raise SourceError(
                    f"source {self.source!r}: ca_file {self._ca_file!r} can't be read ({_reason(error)})",
                    do="Give the path of a PEM file",
                ) from None
            try:
                self._client = httpx.Client(
                    headers=headers, auth=auth, timeout=self._timeout, verify=verify, follow_redirects=True
                )
            except (UnicodeError, ValueError):
                raise SourceError(
                    f"source {self.source!r}: the token or a header holds a sign that no header can carry",
                    do="Look at the variable's value: it may hold a line end or a quote that was copied along",
                ) from None
        return self._client

    def _hide(self, text: str) -> str:
        return self._secret.hide(text) if self._secret else text


class _Again(Exception):  # noqa: N818 - never leaves this file
    """A failure that may pass."""

    def __init__(self, what: str, *, do: str, after: float | None = None) -> None:
        super().__init__(what)
        self.do = do
        self.after = after


def _retry_after(told: str | None) -> float | None:
    """Return the seconds that ``Retry-After`` asks for: a number or a date (RFC 9110, 10.2.3); None for neither."""
    if told is None:
        return None
    if told.strip().isdigit():
        # Whoever was told the same second comes back at slightly different ones.
        return float(told) + random.uniform(0, _JITTER)  # noqa: S311 - no secret is made of it
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _text(settings: dict[str, object], key: str, where: str) -> str:
    value = settings.get(key, "")
    if not isinstance(value, str):
        raise SourceError(f"{key} of {where} is {value!r}, not text", do="Correct it there")
    return value


def _address(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
        host, secret = parts.hostname, parts.password or parts.username
    except ValueError:
        host, secret, parts = None, None, urlsplit("")
    if secret:
        raise SourceError(f"the url of {where} holds a user or a password", do="Use user and password_env instead")
    if parts.scheme not in {"http", "https"} or not host:
        raise SourceError(
            f"{where} has {'the url ' + repr(url) if url else 'no url'}",
            do='Write it like url = "http://127.0.0.1:9090"',
        )
    return url


def _fields(table: object, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise SourceError(
            f"headers of {where} is not a table of texts", do='Write it like headers = { X-Scope-OrgID = "a" }'
        )
    for name in table:
        if name.lower() in {"authorization", "cookie", "proxy-authorization", "x-api-key"}:
            raise SourceError(
                f"headers of {where} holds {name!r}, a secret", do="Use token_env, or user and password_env"
            )
    return dict(table)
