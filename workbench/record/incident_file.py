"""An incident file is an incident written as TOML: its fields, the milestones in a table of their own or beside."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import RequestError
from workbench.record.model import IncidentDraft, Milestones

__all__ = ["read_incident_draft"]


def read_incident_draft(values: Mapping[str, Any], file: Path | None = None) -> IncidentDraft:
    """Return the incident that a file and the values given beside it make; a value wins over the file's.

    Args:
        values: fields of `IncidentDraft`; ``milestones`` and ``impact`` are themselves mappings.
        file: such as::

            id = "slow-checkout"
            title = "Checkout is slow"
            severity = "SEV2"
            started_at = 2023-01-29T09:12:30Z

            [impact]
            summary = "Nobody could pay"

    Raises:
        RequestError: the file can't be read, or isn't TOML; says where.
        InvalidError: with every field that needs correcting.
    """
    written = {} if file is None else _read(file)
    times = {name: written.pop(name) for name in tuple(written) if name in Milestones.model_fields}
    merged = {**written, **values}
    for group, beside in (("milestones", times), ("impact", {})):
        inside = [written.get(group, {}), values.get(group, {})]
        if all(isinstance(part, Mapping) for part in inside):
            merged[group] = {**beside, **inside[0], **inside[1]}
    return IncidentDraft.of(merged)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"{file} can't be read ({error.strerror})", do="Check the path") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{file} is not text in UTF-8", do="Save it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise RequestError(
            f"{file} is not TOML ({error})", do='Write each field like title = "Checkout is slow"'
        ) from error
