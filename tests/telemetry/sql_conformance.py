"""What the sql source must do on every database, beyond what every source must."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from conformance import START, WINDOW, SourceConformance, rows_at

from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import TIME_COLUMN
from workbench.telemetry.source import Query
from workbench.window import Window

__all__ = ["SqlConformance"]


class SqlConformance(SourceConformance):
    """The tests. A subclass answers for one database."""

    def test_edges_are_exact_between_two_seconds(self, tmp_path: Path, frame: FrameName) -> None:
        """The moments of the window are written into the SQL to the microsecond."""
        step = timedelta(microseconds=1)
        window = Window(START + timedelta(microseconds=123_457), START + timedelta(seconds=2, microseconds=59))
        edges = [window.start - step, window.start, window.start + step, window.end - step, window.end]
        assert self.read(tmp_path, frame, edges, window)[TIME_COLUMN[frame]].to_list() == edges[1:4]

    @pytest.mark.parametrize("service", ["it's", "x' OR '1'='1", '"', "\\", "\\'", "''", "%s", "–\n—", "$1", "{0}"])
    def test_a_service_is_a_literal(self, tmp_path: Path, service: str) -> None:
        """Whatever stands in its name, it means that service and no SQL."""
        frame = self.frames[0]
        names = [None, None, service, None]
        rows = rows_at(frame, self.spread(4)).with_columns(service=pl.Series(names, dtype=pl.String))
        found = self.holding(tmp_path, frame, rows).read(frame, Query(WINDOW, (service,))).data.collect()
        assert found["service"].to_list() == [service]
