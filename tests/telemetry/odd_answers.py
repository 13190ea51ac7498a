"""An odd answer is JSON that isn't quite, or not at all, what a document promises; a strategy of hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from workbench.errors import SourceError
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query, Source
from workbench.window import Window

__all__ = ["SHAPES", "other", "rows_or_words"]

_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | st.sampled_from(["2024-01-29T10:10:00Z", "2024-01-29", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", " "])
)
SHAPES: st.SearchStrategy[Any] = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=6
)
"""Any JSON."""


@st.composite
def other(draw: st.DrawFn, value: Any, depth: int = 0) -> Any:
    """Return a value with some parts of it exchanged for something else, left out, or as they were."""
    change = draw(st.integers(0, 11 if depth else 20))
    if change == 0:
        return draw(SHAPES)
    if isinstance(value, dict):
        return {key: draw(other(one, depth + 1)) for key, one in value.items() if draw(st.integers(0, 30))}
    if isinstance(value, list):
        return [draw(other(one, depth + 1)) for one in value]
    return value


def rows_or_words(source: Source, window: Window) -> None:
    """Check that a source of events answers with rows of the window, or with an error that says what to do."""
    try:
        found = source.read("events", Query(window)).data.collect()
    except SourceError as error:
        told = error
    else:
        assert found.schema == FRAMES["events"]
        assert found["title"].null_count() == 0
        assert all(time in window for time in found["time"])
        return
    assert told.what
    assert told.do
