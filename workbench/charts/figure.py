"""A figure is a chart with its finding, its sources, the same as a table, and a sentence for who can't see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import polars as pl

from workbench.charts.rows import Rows
from workbench.charts.theme import MIME, plain_spec
from workbench.charts.values import number
from workbench.evidence import Citation

__all__ = ["Figure"]


@dataclass(frozen=True)
class Figure:
    """A chart and everything a reader needs around it.

    Args:
        title: the finding, in one sentence computed from the data.
        subtitle: what is shown, its unit, window, zone and n.
        chart: the Altair chart; None where there is nothing to draw, and the sentences say why.
        table: what "Show as table" shows; its column names are headings for people.
        alt: the text alternative, one sentence.
        citation: the pinned evidence it was drawn from.
        rows: the chart's data by name, where the chart names its data instead of holding it.
        params: by which the page tells the chart how much room it has (`workbench.charts.axis.room`).
        key: the names of the phases and their tokens of the style sheet, where the chart needs a key.
    """

    title: str
    subtitle: str
    chart: Any
    table: pl.DataFrame
    alt: str
    citation: Citation | None = None
    rows: Rows = field(default_factory=Rows, repr=False)
    params: Sequence[Mapping[str, object]] = ()
    key: tuple[tuple[str, str], ...] = ()

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification: data inside, no address, no ``usermeta``; empty where there is no chart."""
        if self.chart is None:
            return {}
        made = plain_spec(self.chart)
        made["datasets"] = {**made.get("datasets", {}), **self.rows}
        made["params"] = [*made.get("params", []), *map(dict, self.params)]
        return {**made, "description": self.alt}

    def metadata(self) -> dict[str, Any]:
        """Return what is drawn around the chart, all of it text."""
        numeric = [dtype.is_numeric() for dtype in self.table.dtypes]
        return {
            "title": self.title,
            "subtitle": self.subtitle,
            "alt": self.alt,
            "columns": [
                {"name": f"c{place}", "label": name, "numeric": numeric[place]}
                for place, name in enumerate(self.table.columns)
            ],
            "rows": [[_told(value) for value in row] for row in self.table.iter_rows()],
            "citation": None if self.citation is None else self.citation.label,
            "key": [list(entry) for entry in self.key],
        }

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the chart for a notebook, with what surrounds it as metadata."""
        return {MIME: self.spec, "text/plain": f"{self.title}\n{self.alt}"}, {MIME: {"figure": self.metadata()}}


def _told(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return number(value, 4)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
