"""The otlp source does what every source must do, from each form of file that it reads."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import otlp_written as written
import polars as pl
from conformance import SourceConformance

from workbench.telemetry.names import FrameName
from workbench.telemetry.sources.otlp.source import OtlpSource


class TestLines(SourceConformance):
    """Lines of JSON, as the Collector's file exporter writes them, one for each row."""

    frames = ("metrics", "logs", "spans")
    refused: ClassVar[Mapping[str, object]] = {"file": "otel.jsonl"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> OtlpSource:
        """Return a source over one file, in which other signals stand too."""
        lines = [written.line(written.request(frame, row)) for row in rows.iter_slices(1)]
        lines.insert(1, b'{"resourceProfiles":[{"resource":{}}]}\n')
        (folder / "otel.jsonl").write_bytes(b"".join(lines))
        return self.source(folder)

    def broken(self, folder: Path, frame: FrameName) -> OtlpSource:
        """Return a source over a file that was cut off in its only line."""
        (folder / "otel.jsonl").write_bytes(b'{"resource')
        return self.source(folder)

    def source(self, folder: Path) -> OtlpSource:
        """Return a source over what lies in the folder."""
        return OtlpSource.from_settings("shop", {"files": "otel*"}, folder)


class TestPacked(TestLines):
    """The same lines packed by gzip, in two files."""

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> OtlpSource:
        """Return a source over a glob."""
        half = rows.height // 2
        for place, part in enumerate((rows[:half], rows[half:])):
            (folder / f"otel-{place}.jsonl.gz").write_bytes(gzip.compress(written.line(written.request(frame, part))))
        return self.source(folder)

    def broken(self, folder: Path, frame: FrameName) -> OtlpSource:
        """Return a source over a file that was cut off before its end."""
        whole = gzip.compress(b'{"resourceSpans":[]}\n' * 100)
        (folder / "otel.jsonl.gz").write_bytes(whole[: len(whole) // 2])
        return self.source(folder)


class TestFramed(TestLines):
    """Messages of Protobuf after their lengths, as the file exporter's ``format: proto`` writes them."""

    # In Protobuf these are bytes and numbers, which this suite's texts are not.
    lacks = frozenset({"status", "kind", "trace_id", "span_id", "parent_span_id"})

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> OtlpSource:
        """Return a source over one file."""
        made = b""
        for row in rows.iter_slices(1):
            body = written.to_protobuf(frame, written.request(frame, row))
            made += len(body).to_bytes(4, "big") + body
        (folder / "otel.binpb").write_bytes(made)
        return self.source(folder)

    def broken(self, folder: Path, frame: FrameName) -> OtlpSource:
        """Return a source over a file whose only message is cut off."""
        (folder / "otel.binpb").write_bytes(b"\0\0\1\0\x0a\x20")
        return self.source(folder)


class TestRequest(TestFramed):
    """One request of Protobuf that is all of its file, as an exporter sends it."""

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> OtlpSource:
        """Return a source over one file."""
        (folder / "otel.binpb").write_bytes(written.to_protobuf(frame, written.request(frame, rows)))
        return self.source(folder)

    def broken(self, folder: Path, frame: FrameName) -> OtlpSource:
        """Return a source over a request that is cut off."""
        (folder / "otel.binpb").write_bytes(b"\x0a\x20\x0a\x10")
        return self.source(folder)
