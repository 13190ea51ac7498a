"""Error messages by template over time, new ones apart from those that were known before the incident."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import polars as pl

from workbench.analysis.logs import masked
from workbench.charts.axis import millis, room, span_text, time_axis, tint, view
from workbench.charts.figure import Figure
from workbench.charts.rows import Rows
from workbench.charts.theme import colour
from workbench.charts.values import count
from workbench.evidence import Citation
from workbench.window import Window, format_duration

__all__ = ["messages", "wording"]

_LANES = 8
_LANE = 46
_BUCKETS = 90
_LEAST_BUCKET = timedelta(seconds=1)
_KEY = ["service", "severity", "template"]
_NOISE = re.compile(
    r"^(?:\d{2,4}[-/:.][\d\-/:.,TZ+ ]{4,}|<\*>)\s*"
    r"|(?:\b(?:trace|span)[ _-]?id\b\s*[:=]?\s*(?:<\*>|[0-9a-f-]{8,})\s*)"
    r"|^(?:FATAL|CRITICAL|ERROR|WARN(?:ING)?|INFO|SEVERE)\b:?\s*",
    re.IGNORECASE,
)
_LONGEST = 150
_HEAD = 60


def messages(
    logs: pl.LazyFrame,
    *,
    templates: pl.DataFrame,
    window: Window,
    baseline: Window | None,
    citation: Citation | None = None,
) -> Figure:
    """Return the picture of the messages of these templates: a lane each, new ones first, a mark for each little while.

    Args:
        logs: the logs frame, window and baseline.
        templates: the rows of `workbench.analysis.logs.templates` to be shown, in their order.
        window: the incident's window.
        baseline: the window before it, or None.
        citation: the evidence it is drawn from.
    """
    shown = view(window, baseline)
    lanes = templates.head(_LANES).with_row_index("lane")
    found = _counted(logs, lanes, window, baseline, shown)
    rows = Rows()
    return Figure(
        title=_title(templates, logs, shown),
        subtitle=_subtitle(templates, lanes, shown, baseline),
        chart=_chart(rows, lanes, found, window, shown) if len(lanes) else None,
        table=_table(templates),
        alt=_alternative(templates, window),
        citation=citation,
        rows=rows,
        params=room(gutter=4),
    )


def wording(text: str, longest: int = _LONGEST) -> str:
    """Return a message or template without what every line of its log begins with (time, level, trace and span ids).

    Of a long one the beginning and the end stay, where what failed and why usually stand.
    """
    line = text.strip().partition("\n")[0]
    before = None
    while before != line:
        before, line = line, _NOISE.sub("", line, count=1).strip()
    line = " ".join(line.split()) or " ".join(text.split())
    if len(line) <= longest:
        return line
    head, tail = min(_HEAD, longest // 2), longest - min(_HEAD, longest // 2) - 3
    return f"{line[:head].rstrip()} … {line[-tail:].lstrip()}"


def _counted(
    logs: pl.LazyFrame, lanes: pl.DataFrame, window: Window, baseline: Window | None, shown: Window
) -> pl.DataFrame:
    """Return lane, time (the middle of its bucket) and n for each bucket of a lane that holds a message."""
    near = logs.filter(window.holds() | (baseline.holds() if baseline else pl.lit(value=False)))
    names = near.select(pl.col("service").unique()).collect()["service"].drop_nulls().to_list()
    every = max(shown.duration / _BUCKETS, _LEAST_BUCKET)
    return (
        near.filter(shown.holds())
        .with_columns(
            severity=pl.col("severity").str.to_uppercase().str.strip_chars(), template=masked(pl.col("body"), names)
        )
        .join(lanes.lazy().select("lane", *_KEY), on=_KEY, nulls_equal=True)
        .group_by("lane", pl.col("time").dt.truncate(f"{round(every.total_seconds() * 1000)}ms"))
        .agg(n=pl.len())
        .sort("lane", "time")
        .collect()
    )


def _chart(rows: Rows, lanes: pl.DataFrame, found: pl.DataFrame, window: Window, shown: Window) -> Any:
    import altair as alt  # noqa: PLC0415

    height = len(lanes) * _LANE
    scale = alt.Scale(domain=[0, height], range=[0, height], nice=False, zero=False)
    y = alt.Y("y:Q", scale=scale, axis=None)
    x = time_axis(shown, labels=True)
    words = [
        {
            "t": millis(shown.start),
            "y": row["lane"] * _LANE + 12,
            "l": wording(row["example"] or row["template"]),
            "s": f"{row['service'] or 'no service named'} · {_known(row)} · {row['during']:,} during",
            "c": "new" if row["is_new"] else "known",
        }
        for row in lanes.iter_rows(named=True)
    ]
    new = dict(zip(lanes["lane"], lanes["is_new"], strict=True))
    marks = [
        {
            "t": millis(row["time"]),
            "y": row["lane"] * _LANE + 35,
            "n": row["n"],
            "c": "new" if new[row["lane"]] else "known",
            "w": f"{row['time']:%H:%M:%S}",
        }
        for row in found.iter_rows(named=True)
    ]
    tone = alt.Scale(domain=["new", "known"], range=[colour("incident"), colour("ink-2")])
    colours = alt.Color("c:N", scale=tone, legend=None)
    shape = alt.Shape("c:N", scale=alt.Scale(domain=["new", "known"], range=["diamond", "circle"]), legend=None)
    fill = alt.Fill(
        "c:N", scale=alt.Scale(domain=["new", "known"], range=[colour("incident"), colour("surface")]), legend=None
    )
    size = alt.Size(
        "n:Q", scale=alt.Scale(type="sqrt", domain=[1, max([2, *found["n"].to_list()])], range=[46, 260]), legend=None
    )
    named = rows.chart(words)
    text = {"align": "left", "baseline": "middle", "limit": alt.ExprRef("room - 12")}
    drawn = rows.chart(marks).mark_point(strokeWidth=1.4, opacity=1)
    lines = [{"y": lane * _LANE + 35} for lane in range(len(lanes))]
    rail = rows.chart(lines).mark_rule(color=colour("hairline"), strokeWidth=1)
    return (
        alt.layer(
            tint(rows, window, shown, labels=True),
            rail.encode(y=y),
            drawn.encode(
                x=x,
                y=y,
                stroke=alt.Stroke("c:N", scale=tone, legend=None),
                fill=fill,
                shape=shape,
                size=size,
                tooltip=[alt.Tooltip("w:N", title="From, UTC"), alt.Tooltip("n:Q", title="Messages")],
            ),
            named.mark_text(
                **text, font="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace", fontSize=11.5, dy=-4
            ).encode(x=time_axis(shown, labels=True, domain=True), y=y, text="l:N", color=alt.value(colour("ink"))),
            named.mark_text(**text, fontSize=11, dy=9).encode(x=x, y=y, text="s:N", color=colours),
        )
        .resolve_scale(
            color="independent", fill="independent", stroke="independent", size="independent", shape="independent"
        )
        .properties(width="container", height=height)
    )


def _known(row: dict[str, Any]) -> str:
    return "new" if row["is_new"] else f"{row['before']:,} before"


def _title(templates: pl.DataFrame, logs: pl.LazyFrame, shown: Window) -> str:
    if templates.is_empty():
        some = logs.filter(shown.holds()).head(1).collect().height
        return "No error message was logged during the incident" if some else "No logs are pinned for this time"
    new = templates.filter("is_new")
    if new.is_empty():
        total = int(templates["during"].sum())
        return f"No new error message: {count(len(templates), 'known one')} came {total:,}×"
    services = new["service"].drop_nulls().unique().sort().to_list()
    where = services[0] if len(services) == 1 else count(len(services), "service")
    told = count(len(new), "error message").capitalize()
    return f"{told} of {where} {'was' if len(new) == 1 else 'were'} never seen before"


def _subtitle(templates: pl.DataFrame, lanes: pl.DataFrame, shown: Window, baseline: Window | None) -> str:
    parts = [f"{span_text(shown)}."]
    if baseline is not None:
        parts.append(f"New: not once in the {format_duration(baseline.duration)} before.")
    parts.append("Filled diamond: new. Ring: known. Larger: more of them.")
    if len(lanes) < len(templates):
        parts.append(f"The first {len(lanes)} of {len(templates):,} templates.")
    return " ".join([*parts, f"n = {int(templates['during'].sum()):,} during."])


def _table(templates: pl.DataFrame) -> pl.DataFrame:
    return templates.select(
        pl.col("service").alias("Service"),
        pl.col("severity").alias("Severity"),
        pl.col("template").map_elements(wording, return_dtype=pl.String).alias("Template"),
        pl.when("is_new").then(pl.lit("new")).otherwise(pl.lit("known")).alias("New or known"),
        pl.col("before").alias("Before"),
        pl.col("during").alias("During"),
        pl.col("first_seen").alias("First seen, UTC"),
    )


def _alternative(templates: pl.DataFrame, window: Window) -> str:
    new = int(templates["is_new"].sum()) if len(templates) else 0
    total = int(templates["during"].sum()) if len(templates) else 0
    return (
        f"Error messages over time during {span_text(window)}: {count(total, 'message')} of "
        f"{count(len(templates), 'template')}, {new} of them new."
    )
