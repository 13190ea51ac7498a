"""The manifest is the small file beside pinned tables that says where each came from and what it hashes to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_serializer

from workbench.errors import EvidenceError, UnknownError
from workbench.evidence.citation import LABEL, Citation
from workbench.telemetry.names import FrameName
from workbench.window import Window, format_time, parse_time

__all__ = ["FORMAT", "Manifest", "Note", "Span", "Table", "Unanswered"]

FORMAT = 2
"""The number of the snapshot format this version writes; older ones are read, newer ones refused."""

_Time = Annotated[datetime, BeforeValidator(parse_time)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_serializer("start", "end", "pulled_at", check_fields=False)
    def _written(self, time: datetime | None) -> str | None:
        return None if time is None else format_time(time)


class Span(_Part):
    """A half-open window as it is written down."""

    start: _Time
    end: _Time

    @classmethod
    def of(cls, window: Window) -> Span:
        """Return the span of a window."""
        return cls(start=window.start, end=window.end)

    @property
    def window(self) -> Window:
        """The window it is."""
        return Window(self.start, self.end)


class Note(_Part):
    """Something a reader should know of a table: what kind of thing, how many rows, in words."""

    kind: str
    rows: int
    text: str


class Table(_Part):
    """One pinned Parquet file: one frame of one source."""

    source: str
    frame: FrameName
    path: str
    """The file's name in the snapshot's folder."""
    asked: str
    """The query as the backend got it."""
    start: _Time
    end: _Time
    rows: int
    rows_in_window: int
    """How many of the rows lie in the incident's window; the others are its baseline."""
    columns: dict[str, str]
    bytes: int
    sha256: str
    complete: bool
    """Whether nothing is known to be missing; where something is, the notes say what and why."""
    seconds: float | None = None
    """How long it took to read; format 1 did not say."""
    received_bytes: int | None = None
    """How much the backend sent, 0 where that can't be counted; format 1 did not say."""
    pulled_at: _Time | None = None
    """When the backend was asked for it; format 1 did not say."""
    carried_from: str | None = None
    """The snapshot that it was taken over from, unread; None when it was pulled for this one."""
    notes: tuple[Note, ...] = ()


class Unanswered(_Part):
    """One frame that a source was asked for and could not give, and why."""

    source: str
    frame: FrameName
    error: str
    asked: str = ""
    """The query as the backend got it, where it came that far."""
    seconds: float | None = None
    """How long it was tried; format 1 did not say."""
    received_bytes: int | None = None
    """How much the backend sent before it failed; format 1 did not say."""


class Manifest(_Part):
    """Everything a snapshot says of itself."""

    format: int = FORMAT
    tool_version: str
    incident: str
    version: str
    pulled_at: _Time
    window: Span
    baseline: Span | None
    tables: tuple[Table, ...]
    unanswered: tuple[Unanswered, ...] = Field(default=())

    def cite(
        self,
        frame: FrameName,
        source: str,
        start: datetime,
        end: datetime,
        *,
        label: str,
        services: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> Citation:
        """Return the citation of a slice of one pinned table; the label is cut to what fits.

        Where a source has several tables of the frame, it is the one that holds most of the slice.

        Raises:
            UnknownError: the source gave no such frame.
        """
        known = [table for table in self.tables if table.frame == frame]
        own = [table for table in known if table.source == source]
        if not own:
            raise UnknownError.named(f"source of {frame}", source, sorted({table.source for table in known}))
        most = max(own, key=lambda table: min(table.end, end) - max(table.start, start))
        return Citation(
            snapshot=self.version,
            frame=frame,
            source=source,
            sha256=most.sha256,
            services=tuple(services),
            names=tuple(names),
            start=start,
            end=end,
            label=label[:LABEL],
        )

    def to_bytes(self) -> bytes:
        """Return the file's content: JSON a person can read, the same bytes for the same facts."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Return what the file says.

        Raises:
            EvidenceError: it is missing, damaged, or of a newer format.
        """
        try:
            facts = json.loads(path.read_bytes())
            number = facts["format"]
        except FileNotFoundError:
            raise EvidenceError(
                f"the snapshot {path.parent.name} has no manifest.json", do="Pull again, or bring the file back"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(path, str(error)) from error
        if not isinstance(number, int) or number > FORMAT:
            raise EvidenceError(
                f"the snapshot {path.parent.name} has format {number}, newer than this version reads ({FORMAT})",
                do="Update the workbench (pip install --upgrade incident-review-workbench)",
            )
        try:
            return cls.model_validate(facts)
        except ValidationError as error:
            first = error.errors()[0]
            raise _damaged(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _damaged(path: Path, reason: str) -> EvidenceError:
    return EvidenceError(
        f"the manifest of the snapshot {path.parent.name} is damaged ({reason})",
        do="Bring the file back from a copy, or use another snapshot",
    )
