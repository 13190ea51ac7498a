"""Telemetry is what systems recorded about themselves: metrics, logs, spans and events, read from sources by window."""

from workbench.telemetry.schema import FRAMES, REQUIRED, TIME_COLUMN, FrameName
from workbench.telemetry.source import Problem, Query, Reading, Source

__all__ = ["FRAMES", "REQUIRED", "TIME_COLUMN", "FrameName", "Problem", "Query", "Reading", "Source"]
