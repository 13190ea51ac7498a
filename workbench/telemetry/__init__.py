"""Telemetry is what systems recorded about themselves: metrics, logs, spans and events, read from sources by window."""

from workbench.telemetry.names import FrameName

__all__ = ["FrameName"]
