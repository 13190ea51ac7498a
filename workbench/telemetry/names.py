"""The names of the four telemetry frames, for rooms that speak of frames without loading one."""

from __future__ import annotations

from typing import Literal

__all__ = ["FrameName"]

FrameName = Literal["metrics", "logs", "spans", "events"]
