"""A backend that keeps no lists is looked into, as far as a bounded piece goes, and the note says how far that was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from workbench.errors import SourceError
from workbench.telemetry.configured import ConfiguredSource, Policy
from workbench.telemetry.discovery import discover
from workbench.telemetry.schema import FrameName
from workbench.telemetry.source import Limits, Query, Reading, Source
from workbench.telemetry.sources.files.parquet import ParquetSource
from workbench.window import Window

START = datetime(2024, 1, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))


class Plain:
    """A source without lists: another one, that can only be read."""

    kind = "plain"

    def __init__(self, source: Source) -> None:
        self.name, self.frames, self._source = source.name, source.frames, source

    @classmethod
    def from_settings(cls, name: str, settings: dict[str, object], root: Path) -> Plain:
        """Return one over Parquet files."""
        return cls(ParquetSource.from_settings(name, settings, root))

    def read(self, frame: FrameName, query: Query) -> Reading:
        """Return what the other one gives."""
        return self._source.read(frame, query)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return a folder with a file of log records."""
    attributes = [json.dumps({"zone": "b", "n": 1}), json.dumps({"zone": "a"}), "[1]"]
    columns = {"time": [START] * 3, "body": ["x"] * 3, "service": ["shop", None, "cart"], "severity": ["WARN"] * 3}
    pl.DataFrame({**columns, "attributes": attributes}).write_parquet(tmp_path / "logs.parquet")
    return tmp_path


def test_services_and_labels_are_taken_from_the_rows(logs: Path) -> None:
    """Every key of the attributes, with its values; what isn't an object names nothing."""
    found = discover(ConfiguredSource(Plain.from_settings("a", {"logs": "logs.parquet"}, logs)), WINDOW)
    assert found.services == ("cart", "shop")
    assert found.metrics == ()
    labels = dict(found.labels)
    assert (labels["zone"], labels["n"], labels["severity"]) == (("a", "b"), ("1",), ("WARN",))
    assert found.note == "Its backend keeps no list; this is what all 3 rows of the window hold."


def test_the_note_says_when_it_was_only_a_piece(logs: Path) -> None:
    """Here by the team's own limit."""
    source = ConfiguredSource(Plain.from_settings("a", {"logs": "logs.parquet"}, logs), Policy(Limits(rows=2)))
    assert "the first 2 rows" in discover(source, WINDOW).note


def test_what_cannot_be_read_is_told_beside_what_can(logs: Path) -> None:
    """One frame of two is an answer with a note; none is an error."""
    files: dict[str, object] = {"metrics": "gone.parquet", "logs": "logs.parquet"}
    found = discover(ConfiguredSource(Plain.from_settings("a", files, logs)), WINDOW)
    assert found.services == ("cart", "shop")
    assert "'gone.parquet' does not exist" in found.note
    with pytest.raises(SourceError, match="does not exist"):
        discover(ConfiguredSource(Plain.from_settings("a", {"logs": "gone.parquet"}, logs)), WINDOW)
