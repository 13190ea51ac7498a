"""The top suspects, each with the one series that speaks loudest against it, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from workbench.analysis.suspects import Suspect
from workbench.charts.axis import room, span_text, view
from workbench.charts.calls import Calls, calls_behind, calls_panel, visits_of
from workbench.charts.figure import Figure
from workbench.charts.rows import Rows
from workbench.charts.series import Moved, panel, pick, with_series
from workbench.charts.theme import colour
from workbench.charts.values import count, number, quantity
from workbench.evidence import Citation
from workbench.window import Window

__all__ = ["suspects"]

_TILES = 6
_LEAST = 250
_HEIGHT = 76


def suspects(
    metrics: pl.LazyFrame,
    spans: pl.LazyFrame | None = None,
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
        spans: the spans frame; without it only metrics are shown.
        ranked: every service in the order of suspicion.
        changes: what `series_changes` of `workbench.analysis.changes` returned, with the nats of `moved_series`.
        window: the incident's window.
        baseline: the window before it, or None.
        citation: the evidence it is drawn from.
    """
    shown = view(window, baseline)
    top = [suspect for suspect in ranked[:_TILES] if suspect.reasons]
    visits = None if spans is None else visits_of(spans, window, baseline)
    tiles: list[tuple[Suspect, Moved | Calls]] = []
    for suspect in top:
        calls = None if visits is None else calls_behind(visits, suspect, shown, window)
        moved = pick(metrics, [with_series(suspect, changes)], shown, baseline, most=1, others=False)
        tile = _loudest(calls, moved[0] if moved else None)
        tiles += [] if tile is None else [(suspect, tile)]
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


def _loudest(calls: Calls | None, moved: Moved | None) -> Moved | Calls | None:
    if calls is None or moved is None:
        return calls or moved
    return moved if moved.reason.weight > calls.reason.weight else calls


def _chart(rows: Rows, tiles: Sequence[tuple[Suspect, Moved | Calls]], window: Window, shown: Window) -> Any:
    import altair as alt  # noqa: PLC0415

    views = []
    for suspect, tile in tiles:
        if isinstance(tile, Calls):
            made = calls_panel(rows, tile, window, shown, height=_HEIGHT, last=True)
        else:
            made = panel(rows, tile, window, shown, height=_HEIGHT, last=True, named=False)
        title = alt.TitleParams(
            f"{suspect.rank}  {suspect.service}",
            subtitle=tile.label,
            subtitleFontSize=12,
            subtitlePadding=3,
            subtitleColor=colour("ink-2"),
            limit=_LEAST,
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


def _subtitle(tiles: Sequence[tuple[Suspect, Moved | Calls]], ranked: Sequence[Suspect], shown: Window) -> str:
    if not tiles:
        compared = count(len(ranked), "service").capitalize()
        return f"{span_text(shown)}. {compared} compared; no metric of the first ones moved, and no call was slower."
    which = f"each of the first {_TILES}" if len(tiles) == _TILES else f"{len(tiles)} of the first {_TILES}"
    dots = " Single dots are calls." if any(isinstance(tile, Calls) for _, tile in tiles) else ""
    return (
        f"{span_text(shown)}. What speaks loudest against {which} of {count(len(ranked), 'service')}, each on its own "
        f"scale.{dots} Flat band: the middle nine tenths before the incident."
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
