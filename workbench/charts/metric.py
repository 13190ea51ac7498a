"""One metric of one service, chosen by the reader: its most changed series against its normal range and all others."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from workbench.analysis.changes import series_changes, unit_of
from workbench.analysis.suspects import Reason, Suspect
from workbench.charts.axis import room, span_text, view
from workbench.charts.figure import Figure
from workbench.charts.rows import Rows
from workbench.charts.series import Moved, panel, pick
from workbench.charts.values import count, quantity
from workbench.evidence import Citation
from workbench.window import Window, format_duration

__all__ = ["metric"]

_HEIGHT = 220


def metric(
    metrics: pl.LazyFrame,
    *,
    service: str,
    name: str,
    window: Window,
    baseline: Window | None,
    citation: Citation | None = None,
) -> Figure:
    """Return the picture of a metric of a service; of several series (instances) the one that moved most.

    Args:
        metrics: the metrics frame, window and baseline.
        service: whose metric.
        name: the metric's name.
        window: the incident's window.
        baseline: the window before it, or None.
        citation: the evidence it is drawn from.
    """
    shown = view(window, baseline)
    mine = metrics.filter(pl.col("service") == service, pl.col("metric") == name)
    if baseline is None:
        mine = mine.filter(window.holds())  # what lies before was not asked for, so it is no baseline
    compared = baseline or window.baseline(window.duration)
    changes = series_changes(mine, window=window, baseline=compared)
    found = [_reason(row) for row in changes.head(1).iter_rows(named=True)]
    picked = pick(metrics, [_suspect(service, found)], shown, baseline, most=1)
    if not picked or picked[0].hot["value"].count() == 0:
        return Figure(
            title=f"Nothing is pinned of {name} of {service}",
            subtitle=f"{span_text(shown)}.",
            chart=None,
            table=pl.DataFrame(),
            alt="There is nothing to draw.",
            citation=citation,
        )
    moved = picked[0]
    rows = Rows()
    chart = panel(rows, moved, window, shown, height=_HEIGHT, last=True, named=True)
    heading = moved.label
    return Figure(
        title=_title(moved),
        subtitle=_subtitle(moved, shown, baseline, series=len(changes)),
        chart=chart,
        table=moved.hot.drop_nulls().select(
            pl.col("time").alias("Time, UTC"), pl.col("value").alias(heading if heading != "Time, UTC" else "Value")
        ),
        alt=f"{_title(moved)}, over {span_text(shown)}.",
        citation=citation,
        rows=rows,
        params=room(),
    )


def _suspect(service: str, reasons: list[Reason]) -> Suspect:
    return Suspect(service=service, rank=1, score=0.0, stands_out=True, reasons=tuple(reasons))


def _reason(row: dict[str, Any]) -> Reason:
    """Return the series' own change as the fact that a panel is drawn from; what can't be compared is NaN."""
    before, during = (math.nan if row[name] is None else row[name] for name in ("before", "during"))
    return Reason(
        kind="metric", name=row["metric"], instance=row["instance"], attributes=row["attributes"], measure="value",
        direction="down" if row["direction"] == "down" else "up", n_before=row["n_before"], n_during=row["n_during"],
        time=row["moved_at"], before=before, during=during, change=during - before, unit=unit_of(row["metric"]),
        weight=0.0, text="",
    )  # fmt: skip


def _title(moved: Moved) -> str:
    reason = moved.reason
    subject = f"{moved.name} of {moved.service}"
    if math.isnan(reason.change):
        return f"{subject}: there is nothing to compare it with"
    if reason.time is None:
        return f"{subject} stayed near {quantity(reason.before, reason.unit)}"
    verb = "fell" if reason.direction == "down" else "rose"
    return f"{subject} {verb} from {quantity(reason.before, reason.unit)} to {quantity(reason.during, reason.unit)}"


def _subtitle(moved: Moved, shown: Window, baseline: Window | None, *, series: int) -> str:
    parts = [f"{span_text(shown)}."]
    if series > 1:
        parts.append(f"The one of {count(series, 'series', 'series')} that moved most.")
    if moved.others_total:
        drawn = moved.others["s"].n_unique()
        some = f"{drawn} of {moved.others_total:,}" if drawn < moved.others_total else f"{drawn:,}"
        parts.append(f"Thin lines: the same of {some} others.")
    if baseline is not None:
        parts.append(f"Flat band: the middle nine tenths of the {format_duration(baseline.duration)} before.")
    parts.append(f"Dots are samples (n = {moved.hot['value'].count():,}), gaps are missing ones.")
    return " ".join(parts)
