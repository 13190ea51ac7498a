"""Pages of metrics are made of Prometheus' answers: labels become columns, and what the server remarks is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from workbench.telemetry.conventions import Names
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Problem, Query, Tally
from workbench.telemetry.sources.prometheus.answers import Series
from workbench.telemetry.sources.prometheus.questions import Question, Questions
from workbench.telemetry.sources.prometheus.requests import Request

__all__ = ["Pages"]

_TIME = FRAMES["metrics"]["time"]


@dataclass(frozen=True)
class Pages:
    """What the pages of one reading are made by."""

    questions: Questions
    names: Names
    query: Query
    tally: Tally

    def page(self, series: Series, request: Request, question: Question) -> pl.DataFrame:
        """Return an answer's samples as rows of the frame, those of the window and the services only."""
        rows: list[tuple[str | None, ...]] = []
        kept: list[bool] = []
        for labels in series.labels:
            row = self._columns({**labels, **question.labels}, question)
            rows.append(row)
            kept.append(self._wanted(row[0], question))
        told = pl.DataFrame(
            [*zip(*rows, strict=True)] if rows else [[]] * 4,
            schema=dict.fromkeys(("service", "instance", "metric", "attributes"), pl.String),
        ).with_columns(kept=pl.Series(kept, dtype=pl.Boolean))
        numbers = pl.int_range(told.height, dtype=pl.UInt32)
        place = pl.select(numbers.repeat_by(pl.Series(series.counts, dtype=pl.Int64))).to_series()
        made = pl.concat(
            [
                series.samples.select((pl.col("time") * 1000).cast(_TIME), "value"),
                told[place.list.explode(empty_as_null=False)],
            ],
            how="horizontal",
        )
        since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=request.start)
        meant = pl.col("kept") & self.query.window.holds() & (pl.col("time") >= since)
        # Most answers hold nothing else, and needn't be copied to find out.
        whole = made.select(meant.all()).item()
        return (made if whole else made.filter(meant)).select(FRAMES["metrics"].names())

    def told(self, series: Series, question: Question) -> None:
        """Write down what the server remarked, and what of its answer can't be a row."""
        for warning in series.warnings:
            self.tally.cut(f"The server says of {_short(question.expression)}: {warning}.")
        for remark in series.remarks:
            text = f"The server says of {_short(question.expression)}: {remark}."
            self.tally.note(Problem("backend-remark", 0, text))
        if series.left_out:
            text = f"Series of {_short(question.expression)} are histograms, not numbers; name them under histograms."
            self.tally.cut(text, kind="histogram-left-out", rows=series.left_out)

    def _columns(self, labels: Mapping[str, str], question: Question) -> tuple[str | None, ...]:
        import orjson  # noqa: PLC0415 - only who asks a web needs it

        rest = {label: value for label, value in sorted(labels.items()) if value}
        service = rest.pop(self.questions.service_label, None)
        instance = rest.pop(self.questions.instance_label, None)
        own = rest.pop("__name__", None)
        if not question.metric and self.questions.metric_label in rest:
            own = rest.pop(self.questions.metric_label)
        renamed = self.names.rename(rest)
        attributes = orjson.dumps(renamed, option=orjson.OPT_SORT_KEYS).decode() if renamed else None
        return service, instance, question.metric or own or question.expression, attributes

    def _wanted(self, service: str | None, question: Question) -> bool:
        services = self.query.services
        return not services or service in services or (service is None and question.narrowed)


def _short(expression: str) -> str:
    text = " ".join(expression.split())
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - a line's length
