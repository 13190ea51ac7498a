"""What the tests of charts use: the licensed sample as frames, and what the analysis says of its fault."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from workbench.analysis.changes import SERIES, moved_series, series_changes
from workbench.analysis.logs import templates
from workbench.analysis.suspects import Suspect, rank
from workbench.telemetry.schema import FRAMES
from workbench.window import Window

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "trainticket"
WINDOW = Window.parse("2023-01-29T09:12:56Z", "2023-01-29T09:16:00Z")
BASELINE = WINDOW.baseline(timedelta(minutes=30))


@dataclass(frozen=True)
class Sample:
    """The sample's frames and the analysis of its fault."""

    metrics: pl.LazyFrame
    logs: pl.LazyFrame
    spans: pl.LazyFrame
    window: Window
    baseline: Window
    ranked: tuple[Suspect, ...]
    changes: pl.DataFrame
    templates: pl.DataFrame


def _frame(name: str) -> pl.LazyFrame:
    found = pl.read_parquet(SAMPLE / f"{name}.parquet")
    absent = [
        pl.lit(None, dtype).alias(column) for column, dtype in FRAMES[name].items() if column not in found.columns
    ]
    return found.with_columns(absent).select([pl.col(c).cast(t) for c, t in FRAMES[name].items()]).lazy()


@pytest.fixture(scope="session")
def cut() -> Sample:
    """Return the sample around its fault."""
    metrics, logs, spans = (_frame(name) for name in ("metrics", "logs", "spans"))
    compared = {"window": WINDOW, "baseline": BASELINE}
    changes = series_changes(metrics, **compared)
    return Sample(
        metrics=metrics,
        logs=logs,
        spans=spans,
        window=WINDOW,
        baseline=BASELINE,
        ranked=tuple(rank(metrics, logs, spans, **compared)),
        changes=changes.join(moved_series(metrics, **compared), on=SERIES, how="left", nulls_equal=True),
        templates=templates(logs, **compared).filter(pl.col("severity") == "ERROR", pl.col("during") > 0),
    )
