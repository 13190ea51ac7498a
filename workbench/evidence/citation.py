"""A citation points at a slice of pinned evidence: which table, rows and columns, and the hash they were seen with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, model_validator

from workbench.telemetry.names import FrameName
from workbench.window import Window, format_time, parse_time

__all__ = ["LABEL", "Citation"]

LABEL = 200
"""The most characters of a label."""

_Time = Annotated[datetime, BeforeValidator(parse_time)]


class Citation(BaseModel):
    """A slice of one pinned table, enough to open what was seen then.

    ``names`` are metric names, log templates or span names, by frame; empty ``services``, ``names`` or ``columns`` mean
    all. ``label`` is what a reader sees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    snapshot: str = Field(min_length=1)
    frame: FrameName
    source: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    services: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    start: _Time
    end: _Time
    columns: tuple[str, ...] = ()
    label: str = Field(min_length=1, max_length=LABEL)

    @model_validator(mode="after")
    def _ordered(self) -> Citation:
        self.window  # noqa: B018 - making the window is the check
        return self

    @property
    def window(self) -> Window:
        """The half-open window of the slice."""
        return Window(self.start, self.end)

    @field_serializer("start", "end")
    def _written(self, time: datetime) -> str:
        return format_time(time)
