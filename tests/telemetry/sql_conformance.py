"""What the sql source must do on every database, beyond what every source must."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
from conformance import START, WINDOW, SourceConformance, rows_at

from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import TIME_COLUMN
from workbench.telemetry.source import Query
from workbench.window import Window

__all__ = ["SqlConformance"]

_HOSTILE = ("x' OR '1'='1", "it's", '"', "\\", "\\'", "''", "%s", "–\n—", "$1", "{0}", "")


class SqlConformance(SourceConformance):
    """The tests. A subclass answers for one database."""

    def test_edges_are_exact_between_two_seconds(self, tmp_path: Path, frame: FrameName) -> None:
        """The moments of the window are written into the SQL to the microsecond."""
        step = timedelta(microseconds=1)
        window = Window(START + timedelta(microseconds=123_457), START + timedelta(seconds=2, microseconds=59))
        edges = [window.start - step, window.start, window.start + step, window.end - step, window.end]
        assert self.read(tmp_path, frame, edges, window)[TIME_COLUMN[frame]].to_list() == edges[1:4]

    def test_a_service_is_a_literal(self, tmp_path: Path) -> None:
        """Whatever stands in its name, it means that service and no SQL."""
        frame, names = self.frames[0], ["other", *_HOSTILE, None]
        rows = rows_at(frame, self.spread(len(names))).with_columns(service=pl.Series(names, dtype=pl.String))
        source = self.holding(tmp_path, frame, rows)
        for asked in (_HOSTILE, _HOSTILE[:1]):
            found = source.read(frame, Query(WINDOW, asked)).data.collect()
            assert sorted(found["service"]) == sorted(asked)
