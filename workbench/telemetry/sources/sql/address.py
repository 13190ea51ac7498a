"""An address says where a database is; what opens it (a password, or all of it) comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import SplitResult, parse_qsl, quote, quote_plus, unquote, urlsplit

from workbench.errors import SourceError
from workbench.telemetry.secret import Secret

__all__ = ["DIALECTS", "Address"]

DIALECTS: Mapping[str, str] = MappingProxyType(
    {
        "duckdb": "duckdb",
        "postgres": "postgres",
        "postgresql": "postgres",
        "clickhouse": "clickhouse",
        "chdb": "clickhouse",
        "trino": "trino",
        "spark": "pyspark",
        "snowflake": "snowflake",
        "bigquery": "bigquery",
    }
)
"""What an address may begin with, and the dialect of SQL that is spoken there, by Ibis's name for it."""

_SECRET_PARTS = frozenset(
    {"password", "passwd", "pwd", "passcode", "passfile", "sslpassword", "token", "access_token", "auth", "secret"}
    | {"private_key", "credentials", "credentials_base64"}
)
_HIDDEN = "•••"


@dataclass(frozen=True)
class Address:
    """Where a source's database is. Nothing secret is read before `parts` is asked for."""

    source: str
    root: Path
    url: str = ""
    whole: Secret | None = None
    password: Secret | None = None

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> tuple[Self, dict[str, object]]:
        """Return the address of a source's table, and its other keys.

        The keys are ``url`` with ``password_env`` or ``password_command`` where it needs one, or ``url_env`` or
        ``url_command`` for all of it.

        Raises:
            SourceError: there is no address, or two; it holds a secret; it begins with what is unknown.
        """
        where = f"[sources.{name}] in workbench.toml"
        url = settings.get("url")
        whole = Secret.from_settings(name, {key: value for key, value in settings.items() if key != "url"}, "url")
        password = Secret.from_settings(name, settings, "password")
        rest = {key: value for key, value in settings.items() if key not in _KEYS}
        if whole and (url is not None or password):
            raise SourceError(
                f"{where} has url_env or url_command beside url or a password", do="Keep one way: the whole address"
            )
        if whole:
            return cls(name, root, whole=whole), rest
        if not isinstance(url, str) or not url:
            found = "has no url" if url is None else "has a url that is no address"
            raise SourceError(
                f"{where} {found}", do='Write it like url = "postgres://reader@db.example:5432/telemetry"'
            )
        _refuse_secrets(url, where)
        address = cls(name, root, url, password=password)
        address._dialect(_split(url, where), where)
        return address, rest

    @property
    def where(self) -> str:
        """The place of the settings, for errors."""
        return f"[sources.{self.source}] in workbench.toml"

    @property
    def parts(self) -> SplitResult:
        """The address, taken apart.

        Raises:
            SourceError: it is in the environment and isn't set there, or isn't an address.
        """
        parts = _split(self.whole.value if self.whole else self.url, self.where)
        self._dialect(parts, self.where)
        return parts

    @property
    def dialect(self) -> str:
        """Ibis's name of the SQL that is spoken there."""
        return DIALECTS[self.parts.scheme]

    @property
    def secret(self) -> str | None:
        """The password, wherever it comes from; None where there is none."""
        if self.password:
            return self.password.value
        found = self.parts.password
        return unquote(found) if found else None

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        parts = self.parts
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"

    @property
    def file(self) -> Path:
        """The file or folder of an embedded database; a relative one starts at the workspace."""
        parts = self.parts
        return self.root / Path(parts.netloc + parts.path).expanduser()

    @property
    def options(self) -> dict[str, str]:
        """What stands after the question mark: options of the driver."""
        return dict(parse_qsl(self.parts.query))

    def hide(self, text: str) -> str:
        """Return a text without what is secret in this address, however it is written there."""
        known: set[str] = set()
        if self.whole and "value" in vars(self.whole):
            parts = urlsplit(self.whole.value)
            known |= {self.whole.value, parts.password or "", *(v for k, v in parse_qsl(parts.query) if _secret(k))}
        if self.password and "value" in vars(self.password):
            known.add(self.password.value)
        known |= {unquote(one) for one in known}
        known |= {encode(one) for one in known for encode in (quote, quote_plus)} | {quote(one, "") for one in known}
        for one in sorted(filter(None, known), key=len, reverse=True):
            text = text.replace(one, _HIDDEN)
        return text

    def _dialect(self, parts: SplitResult, where: str) -> None:
        if parts.scheme not in DIALECTS:
            raise SourceError(
                f"the address of {where} doesn't begin with the name of a database that is known",
                do=f"It begins with one of {', '.join(f'{scheme}://' for scheme in DIALECTS)}",
            )


_KEYS = frozenset({"url", "url_env", "url_command", "password_env", "password_command"})


def _split(url: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SourceError(
            f"the url of {where} is no address", do='Write it like "postgres://reader@db.example:5432/telemetry"'
        ) from None
    return parts


def _refuse_secrets(url: str, where: str) -> None:
    """Refuse a password in the settings, without showing it."""
    parts = _split(url, where)
    if parts.password is not None or any(_secret(key) for key, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise SourceError(
            f"the url of {where} holds a password or token itself",
            do='Take it out and change it at its service; name a variable that holds it: password_env = "NAME", or the '
            'whole address: url_env = "NAME"',
        )


def _secret(key: str) -> bool:
    return key.lower() in _SECRET_PARTS
