"""What every source must do, for those of events, whose titles are their own: on backends of loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from conformance import SourceConformance, rows_at
from loopback import Answered, Asked, Loopback, by

from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.web import retry

__all__ = ["EventConformance"]


class EventConformance(SourceConformance):
    """The tests. A subclass serves the rows' times, titles and services as its backend would."""

    frames: ClassVar[tuple[FrameName, ...]] = ("events",)
    resolution: ClassVar[timedelta] = timedelta(seconds=1)

    @pytest.fixture(autouse=True)
    def _sites(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Stop every server with the test, and don't wait long for those that are down."""
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
        monkeypatch.setattr(retry, "_JITTER", 0.001)
        with ExitStack() as self.running:
            yield

    def serving(self, answer: Callable[[Asked], Answered]) -> Loopback:
        """Return a server that lasts as long as the test."""
        return self.running.enter_context(Loopback(by(answer)))

    def down(self) -> str:
        """Return an address where nobody is."""
        with Loopback(by(lambda _: Answered())) as site:
            return site.url

    def spread(self, count: int) -> list[datetime]:
        """Return moments as the backend can tell them apart."""
        return [time.replace(microsecond=0) for time in super().spread(count)]

    def test_every_value_arrives_as_it_was(self, tmp_path: Path, frame: FrameName) -> None:
        """Exactly the frame's columns and types, times in UTC; the title holds what the backend's record is called."""
        times = self.spread(9)
        found = self.read(tmp_path, frame, times)
        wanted = rows_at(frame, times, lacks=self.lacks)
        assert found.schema == FRAMES[frame]
        assert found["time"].to_list() == times
        assert found["service"].equals(wanted["service"])
        assert all(title in made for title, made in zip(wanted["title"], found["title"], strict=True))
        assert found["attributes"].str.json_decode(pl.Struct({"id": pl.String})).struct.field("id").null_count() == 0
