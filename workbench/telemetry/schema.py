"""The schema says which columns each telemetry frame has, whatever system it came from (OpenTelemetry's data model)."""

from __future__ import annotations

from typing import get_args

import polars as pl

from workbench.telemetry.names import FrameName

__all__ = ["FRAMES", "REQUIRED", "SERIES", "TIME_COLUMN", "FrameName"]

_TIME = pl.Datetime("us", "UTC")

_COLUMNS: dict[FrameName, dict[str, pl.DataType | type[pl.DataType]]] = {
    "metrics": {
        "time": _TIME,
        "service": pl.String,
        "instance": pl.String,
        "metric": pl.String,
        "attributes": pl.String,
        "value": pl.Float64,
    },
    "logs": {
        "time": _TIME,
        "service": pl.String,
        "instance": pl.String,
        "severity": pl.String,
        "body": pl.String,
        "trace_id": pl.String,
        "span_id": pl.String,
        "attributes": pl.String,
    },
    "spans": {
        "start_time": _TIME,
        "duration_ns": pl.Int64,
        "service": pl.String,
        "instance": pl.String,
        "name": pl.String,
        "kind": pl.String,
        "status": pl.String,
        "trace_id": pl.String,
        "span_id": pl.String,
        "parent_span_id": pl.String,
        "attributes": pl.String,
    },
    "events": {
        "time": _TIME,
        "kind": pl.String,
        "title": pl.String,
        "service": pl.String,
        "actor": pl.String,
        "source": pl.String,
        "url": pl.String,
        "attributes": pl.String,
    },
}
FRAMES: dict[FrameName, pl.Schema] = {name: pl.Schema(columns) for name, columns in _COLUMNS.items()}
"""Columns and types of each frame. ``attributes`` is a JSON object as text; times are UTC in microseconds; a span's
``start_time`` is its time and ``duration_ns`` its length in nanoseconds; a metric's unit stands in its name."""

REQUIRED: dict[FrameName, tuple[str, ...]] = {
    "metrics": ("time", "metric", "value"),
    "logs": ("time", "body"),
    "spans": ("start_time", "duration_ns"),
    "events": ("time", "title"),
}
"""Columns a source must have for the frame to mean anything; every other one is null where it is absent."""

TIME_COLUMN: dict[FrameName, str] = {"metrics": "time", "logs": "time", "spans": "start_time", "events": "time"}
"""The column that places a row in a window."""

SERIES: tuple[str, ...] = ("service", "instance", "metric", "attributes")
"""The columns that tell one series of metrics from another."""

assert set(FRAMES) == set(get_args(FrameName))  # noqa: S101 - a wrong table is a programming error, found on import
