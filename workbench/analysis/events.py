"""Events are what systems and people said at the time; here each is read with the state that it tells of."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from workbench.telemetry.schema import FRAMES

__all__ = ["CHANGES", "COLUMNS", "read"]

CHANGES = ("deploy", "flag", "config")
"""The kinds of event that change a system."""

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    **{name: kind for name, kind in FRAMES["events"].items() if name != "attributes"},
    "state": pl.String,
    "assumed": pl.Boolean,
    "name": pl.String,
    "key": pl.String,
    "pinned": pl.String,
}
"""The columns of what `read` returns."""

_SAME = {
    "active": "firing", "alerting": "firing", "fire": "firing",
    "trigger": "triggered", "open": "triggered", "opened": "triggered", "created": "triggered",
    "acknowledge": "acknowledged", "ack": "acknowledged", "acked": "acknowledged",
    "escalate": "escalated",
    "resolve": "resolved", "closed": "resolved", "ok": "resolved", "inactive": "resolved", "recovered": "resolved",
}  # fmt: skip
_SAID = {
    "alert": ("firing", "pending", "acknowledged", "resolved"),
    "page": ("triggered", "acknowledged", "escalated", "resolved"),
    "status": ("investigating", "identified", "monitoring", "resolved"),
}
_BEGINS = {"alert": "firing", "page": "triggered"}
_FIRST_WORD = r"^[\[(\s]*([\p{L}]+)(?:[:\s]*\d+)?[\])]?\s*[:\-–—]?\s+"


def read(events: Mapping[str, pl.LazyFrame]) -> pl.DataFrame:
    """Return all events in order of time, each with what it says became of what it is about.

    Args:
        events: frames of events, by the name of the source that they were pinned from.

    Returns:
        The columns of an events frame without ``attributes``, and: state (``attributes.status`` in the words of
        docs/telemetry.md, else by the first word of the title, else how such a thing begins; null where a kind has no
        state), assumed (nothing said the state, it is how such a thing begins), name (``attributes.alertname``, else
        the title without such a word), key (``attributes.id``), pinned (the source's name in the snapshot). Of rows
        that are the same in all columns, one is kept.
    """
    told = [frame.with_columns(pinned=pl.lit(source)) for source, frame in events.items()]
    if not told:
        return pl.DataFrame(schema=COLUMNS)
    kind, title = pl.col("kind"), pl.col("title")
    said = _alerts(_words(_attribute("status")))
    first = _alerts(_words(title.str.extract(_FIRST_WORD, 1)))
    known = pl.lit(value=False)
    begins = pl.lit(None, dtype=pl.String)
    for one, states in _SAID.items():
        known = known | ((kind == one) & first.is_in(states))
    for one, state in _BEGINS.items():
        begins = pl.when(kind == one).then(pl.lit(state)).otherwise(begins)
    plain = pl.when(known).then(title.str.replace(_FIRST_WORD, ""))
    made = pl.concat(told).with_columns(
        state=pl.coalesce(said, pl.when(known).then(first), begins),
        assumed=said.is_null() & ~(known & first.is_not_null()).fill_null(value=False) & begins.is_not_null(),
        name=pl.coalesce(_attribute("alertname"), plain, title),
        key=_attribute("id"),
    )
    return made.select(*COLUMNS).unique().sort(*COLUMNS, nulls_last=True).collect()


def _attribute(name: str) -> pl.Expr:
    """Return a text of the attributes, null where there is none or only blanks."""
    found = pl.col("attributes").str.json_path_match(f"$.{name}").str.strip_chars()
    return pl.when(found != "").then(found)


def _alerts(state: pl.Expr) -> pl.Expr:
    """Return a state in which an alert that was triggered is one that fires."""
    return pl.when(pl.col("kind") == "alert").then(state.replace({"triggered": "firing"})).otherwise(state)


def _words(text: pl.Expr) -> pl.Expr:
    """Return a state as it is written here: small letters, blanks, of alarms one word for what means the same."""
    plain = text.str.to_lowercase().str.replace_all(r"[_\-]+", " ")
    return pl.when(pl.col("kind").is_in(list(_SAID))).then(plain.replace(_SAME)).otherwise(plain)
