"""The top suspects, each with the one series that speaks loudest against it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from workbench.analysis.suspects import Suspect
from workbench.charts.axis import room, span_text, view
from workbench.charts.figure import Figure
from workbench.charts.rows import Rows
from workbench.charts.series import Moved, panel, pick, with_series
from workbench.charts.values import count, number, quantity
from workbench.evidence import Citation
from workbench.window import Window

__all__ = ["suspects"]

_TILES = 6
_LEAST = 250


def suspects(
    metrics: pl.LazyFrame,
    *,
    ranked: Sequence[Suspect],
    changes: pl.DataFrame,
    window: Window,
    baseline: Window | None,
    citation: Citation | None = None,
) -> Figure:
    """Return the picture of the most suspect services: one tile each, in their order, on its own scale.

    Args:
        metrics: the metrics frame, window and baseline.
        ranked: every service in the order of suspicion.
        changes: what `series_changes` of `workbench.analysis.changes` returned, with the nats of `moved_series`.
        window: the incident's window.
        baseline: the window before it, or None.
        citation: the evidence it is drawn from.
    """
    shown = view(window, baseline)
    top = [suspect for suspect in ranked[:_TILES] if suspect.reasons]
    tiles = [
        (suspect, moved[0])
        for suspect in top
        if (moved := pick(metrics, [with_series(suspect, changes)], shown, baseline, most=1, others=False))
    ]
    rows = Rows()
    return Figure(
        title=_title(ranked),
        subtitle=_subtitle(tiles, ranked, shown),
        chart=_chart(rows, tiles, window, shown) if tiles else None,
        table=_table(top),
        alt=_alternative(ranked),
        citation=citation,
        rows=rows,
        params=[*room(), {"name": "least", "value": _LEAST}],
    )


def _chart(rows: Rows, tiles: Sequence[tuple[Suspect, Moved]], window: Window, shown: Window) -> Any:
    import altair as alt  # noqa: PLC0415

    views = []
    for suspect, moved in tiles:
        made = panel(rows, moved, window, shown, height=76, last=True, named=False)
        title = alt.TitleParams(
            f"{suspect.rank}  {suspect.service}", subtitle=moved.label, subtitleFontSize=12, subtitlePadding=3
        )
        views.append(made.properties(title=title))
    return alt.concat(*views, columns=3, spacing=22).resolve_scale(x="independent", y="independent")


def _title(ranked: Sequence[Suspect]) -> str:
    if not ranked:
        return "No service could be compared with its normal behaviour"
    first = ranked[0]
    if not first.stands_out:
        return f"None of {count(len(ranked), 'service')} stands out; the most changed is {first.service}"
    text = f"{first.service} stands out: weight {number(first.score)}"
    return f"{text} against {number(ranked[1].score)} for the next" if len(ranked) > 1 else text


def _subtitle(tiles: Sequence[tuple[Suspect, Moved]], ranked: Sequence[Suspect], shown: Window) -> str:
    if not tiles:
        compared = count(len(ranked), "service").capitalize()
        return f"{span_text(shown)}. {compared} compared; no metric of the first ones moved."
    which = f"each of the first {_TILES}" if len(tiles) == _TILES else f"{len(tiles)} of the first {_TILES}"
    return (
        f"{span_text(shown)}. The metric that moved most in {which} of "
        f"{count(len(ranked), 'service')}; each on its own scale. Flat band: its normal range."
    )


def _table(top: Sequence[Suspect]) -> pl.DataFrame:
    rows = [
        {
            "Rank": suspect.rank,
            "Service": suspect.service,
            "Weight": suspect.score,
            "What moved": reason.name if reason.kind != "log" else reason.name[:80],
            "Before": quantity(reason.before, reason.unit),
            "During": quantity(reason.during, reason.unit),
            "First at, UTC": "–" if reason.time is None else f"{reason.time:%H:%M:%S}",
        }
        for suspect in top
        for reason in suspect.reasons
    ]
    return pl.DataFrame(rows)


def _alternative(ranked: Sequence[Suspect]) -> str:
    listed = ", ".join(f"{one.rank}. {one.service} ({number(one.score)})" for one in ranked[:_TILES])
    return f"The most suspect services by weight of evidence: {listed or 'none'}."
