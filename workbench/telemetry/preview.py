"""A preview is what a pull would ask of each source, and how much that might bring, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from workbench.errors import SourceError
from workbench.telemetry.check import in_words
from workbench.telemetry.configured import ConfiguredSource
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Estimate, Query
from workbench.window import Window

__all__ = ["Preview", "preview"]

_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Preview:
    """One frame of one source: the queries as the backend would get them, and the estimate; or the error in words."""

    source: str
    frame: FrameName
    window: Window
    asked: str = ""
    estimate: Estimate = field(default_factory=Estimate)
    error: str = ""


def preview(asked: Sequence[tuple[ConfiguredSource, FrameName, Window]]) -> Iterator[Preview]:
    """Yield what each frame of a source would be asked for a window, in their order.

    Estimates are asked for side by side; nothing else is asked of a backend.
    """
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="preview") as pool:
        yield from pool.map(lambda one: _previewed(*one), asked)


def _previewed(source: ConfiguredSource, frame: FrameName, window: Window) -> Preview:
    asked = ""
    try:
        with in_words(source.name, frame):
            reading = source.read(frame, Query(window))
            asked = reading.asked
            return Preview(source.name, frame, window, asked, reading.estimate())
    except SourceError as error:
        return Preview(source.name, frame, window, asked, error=str(error))
