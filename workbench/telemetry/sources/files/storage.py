"""Storage is where files lie that are not on this disk: a bucket, how it is reached, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import SourceError
from workbench.telemetry.secret import Secret

__all__ = ["Storage", "is_remote"]

_SCHEMES = ("s3://", "gs://", "az://")
_KEYS = ("endpoint_url", "region", "anonymous")
_SECRETS = {
    "access_key": "aws_access_key_id",
    "secret_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
}


def is_remote(address: str) -> bool:
    """Return whether an address lies in a bucket."""
    return address.startswith(_SCHEMES)


@dataclass(frozen=True)
class Storage:
    """How buckets are reached; without settings, by what the environment says (``AWS_REGION``, a role, …)."""

    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object]) -> tuple[Storage, dict[str, object]]:
        """Return the storage of a source's table, and its other keys.

        The key is ``storage``, a table of ``endpoint_url``, ``region``, ``anonymous``, and the names of secrets:
        ``access_key_env``, ``secret_key_env``, ``session_token_env`` (or ``…_command``).

        Raises:
            SourceError: a key is unknown, a value can't be, or a secret itself stands in the table.
        """
        where = f"[sources.{name}.storage] in workbench.toml"
        rest = {key: value for key, value in settings.items() if key != "storage"}
        table = settings.get("storage", {})
        if not isinstance(table, dict):
            raise SourceError(
                f"{where} is {table!r}, not a table", do='Write it like storage = { region = "eu-west-1" }'
            )
        secrets = {key: Secret.from_settings(f"{name}.storage", table, key) for key in _SECRETS}
        known = {*_KEYS, *(f"{key}_{way}" for key in _SECRETS for way in ("env", "command"))}
        unknown = sorted(set(table) - known)
        if unknown:
            raise SourceError(f"{where} has the key {unknown[0]!r}", do=f"Known keys: {', '.join(sorted(known))}")
        options = {}
        for key in ("endpoint_url", "region"):
            if key in table:
                if not isinstance(table[key], str) or not table[key]:
                    raise SourceError(f"{key} of {where} is {table[key]!r}", do="Give it as text")
                options[f"aws_{key}"] = table[key]
        if options.get("aws_endpoint_url", "").startswith("http://"):
            options["aws_allow_http"] = "true"
        anonymous = table.get("anonymous", False)
        if not isinstance(anonymous, bool):
            raise SourceError(f"anonymous of {where} is {anonymous!r}", do="Give true or false")
        if anonymous:
            options["aws_skip_signature"] = "true"
        return cls(options, {key: secret for key, secret in secrets.items() if secret is not None}), rest

    def reached(self, address: str) -> dict[str, Any]:
        """Return what polars' scans are told in order to reach an address; nothing for a file of this disk.

        Raises:
            SourceError: a secret that the settings name isn't to be had.
        """
        if not is_remote(address):
            return {}
        told = {_SECRETS[key]: secret.value for key, secret in self.secrets.items()}
        # Where the settings say who asks, nothing else (a profile of this machine) may step in.
        provider = None if told or "aws_skip_signature" in self.options else "auto"
        return {"storage_options": {**self.options, **told}, "credential_provider": provider}

    def hide(self, text: str) -> str:
        """Return a text with the secrets taken out, should they be in it."""
        return Secret.hide_all(self.secrets.values(), text)
