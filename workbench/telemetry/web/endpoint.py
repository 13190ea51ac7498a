"""An endpoint is where one HTTP API stands and how one is let in: address, secret, header fields, certificates."""

from __future__ import annotations

import re
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit
from urllib.request import getproxies

from workbench.errors import SourceError
from workbench.telemetry.secret import Secret

if TYPE_CHECKING:
    import httpx

__all__ = ["Endpoint"]

_TIMEOUT = 30.0
_SECRETS = {"token": ("token_env", "token_command"), "password": ("password_env", "password_command")}
_KEYS = {"url", "user", "headers", "ca_file", "timeout", "token_header", *_SECRETS["token"], *_SECRETS["password"]}
# A header field of such a name holds a secret more often than not, and a secret may not stand in a file.
_SECRET_NAME = re.compile(r"auth|cookie|key|passw|secret|token|credential", re.IGNORECASE)
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class Endpoint:
    """One HTTP API and the way in; ``url`` has no slash at its end."""

    source: str
    url: str
    secret: Secret | None = None
    scheme: str = "Bearer"
    """What stands before the token in its header field; one that ends with ``=`` is joined to it without a blank."""
    user: str = ""
    header: str = "Authorization"
    """The field that carries the token."""
    headers: Mapping[str, str] = field(default_factory=dict)
    ca_file: str = ""
    timeout: float = _TIMEOUT

    @classmethod
    def from_settings(
        cls, name: str, settings: dict[str, object], *, url: str, scheme: str, headers: Mapping[str, str]
    ) -> tuple[Self, dict[str, object]]:
        """Return the endpoint a source's table describes, and the keys that are left over.

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
        token_header = _text(settings, "token_header", where)
        if token_header and (not token or not _FIELD_NAME.fullmatch(token_header)):
            reason = "is no name of a header field" if token else "stands there without a token"
            raise SourceError(
                f"token_header of {where} {reason}", do='Write it like token_header = "X-Api-Key", beside token_env'
            )
        made = cls(
            name,
            _address(_text(settings, "url", where) or url, where).rstrip("/"),
            secret=token or password,
            # A field of its own holds nothing but the token.
            scheme="" if token_header else scheme,
            user=user,
            header=token_header or "Authorization",
            headers={**headers, **_fields(settings.get("headers", {}), where)},
            ca_file=_text(settings, "ca_file", where),
            timeout=float(timeout),
        )
        return made, {key: value for key, value in settings.items() if key not in _KEYS}

    def client(self) -> httpx.Client:
        """Return a new client that asks this endpoint and follows no redirect; whoever asks for it closes it.

        Proxies are taken from the environment (``HTTPS_PROXY``, ``NO_PROXY``).

        Raises:
            SourceError: the secret can't be had or no header field can carry it, ``ca_file`` isn't one, or the
                environment names a proxy that can't be used.
        """
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        try:
            verify = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else _trust(self.url)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SourceError(
                f"source {self.source!r}: ca_file {self.ca_file!r} can't be read ({reason})",
                do="Give the path of a PEM file",
            ) from None
        fields = {"accept-encoding": "gzip, deflate", "user-agent": "incident-review-workbench", **self.headers}
        try:
            return httpx.Client(headers=fields, auth=self._auth(), timeout=self.timeout, verify=verify)
        except (ImportError, ValueError) as error:
            raise SourceError(
                f"source {self.source!r}: no connection can be prepared ({type(error).__name__})",
                do="Look at HTTP_PROXY, HTTPS_PROXY and ALL_PROXY: only http:// and https:// proxies are known; "
                "and at headers, which may hold ASCII only",
            ) from None

    def same_host(self, url: str) -> bool:
        """Return whether an address has this endpoint's scheme, host and port: nobody else gets the secret."""
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        mine, other = httpx.URL(self.url), httpx.URL(url)
        return (mine.scheme, mine.host, mine.port) == (other.scheme, other.host, other.port)

    def hide(self, text: str) -> str:
        """Return the text without the secret, should it be in it."""
        return self.secret.hide(text) if self.secret else text

    def hide_in_data(self, body: bytes) -> bytes:
        """Return an answer without the secret, should the backend give it back among its data."""
        return self.secret.hide_in_data(body, user=self.user) if self.secret else body

    def _auth(self) -> httpx.Auth | None:
        import httpx  # noqa: PLC0415 - only who asks a web needs it

        if self.secret is None:
            return None
        value = self.secret.value
        if not value.isprintable() or not (value.isascii() or self.user):
            raise SourceError(
                f"source {self.source!r}: the token or password holds a sign that no header field can carry",
                do="Look at the variable's value: it may hold a line end or a quote that was copied along",
            )
        if self.user:
            return httpx.BasicAuth(self.user, value)
        name, told = self.header, f"{self.scheme}{'' if self.scheme[-1:] in {'', '='} else ' '}{value}"

        class Token(httpx.Auth):
            """Puts the token into each request, so that it stands in no list of header fields that is shown."""

            def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
                request.headers[name] = told
                yield request

        return Token()


def _trust(url: str) -> ssl.SSLContext:
    """Return whom to trust behind an address.

    Without encryption there is nobody to trust, and no certificate is read; but a proxy may be behind https itself.
    """
    if url.lower().startswith("http:") and not getproxies():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _usual()


@cache
def _usual() -> ssl.SSLContext:
    """Return the trust of httpx, made once: reading all certificates takes longer than most answers."""
    import httpx  # noqa: PLC0415 - only who asks a web needs it

    return httpx.create_ssl_context()


def _text(settings: dict[str, object], key: str, where: str) -> str:
    value = settings.get(key, "")
    if not isinstance(value, str):
        raise SourceError(f"{key} of {where} is {value!r}, not text", do="Correct it there")
    return value


def _address(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
        host, secret = parts.hostname, parts.password or parts.username
        _ = parts.port  # looked at, because it raises where it is no number
    except ValueError:
        host, secret, parts = None, None, urlsplit("")
    if secret:
        raise SourceError(f"the url of {where} holds a user or a password", do="Use user and password_env instead")
    if parts.query or parts.fragment:
        # Not shown: what stands there is a key more often than not.
        raise SourceError(
            f"the url of {where} goes on after a ? or #", do="End it before that; use token_env for a key"
        )
    if parts.scheme not in {"http", "https"} or not host or not url.isprintable():
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
    for name, value in table.items():
        if _SECRET_NAME.search(name):
            raise SourceError(
                f"headers of {where} holds {name!r}, a secret by its name",
                do=f'Use token_env with token_header = "{name}", or user and password_env',
            )
        if not _FIELD_NAME.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise SourceError(f"headers of {where} holds {name!r}, which can't be sent", do="Correct it there")
    return dict(table)
