"""The sources of events do what every source must do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import polars as pl
from documented_sites import github, pagerduty, record, statuspage
from event_conformance import EventConformance

from workbench.telemetry.names import FrameName
from workbench.telemetry.sources.github.source import GithubSource
from workbench.telemetry.sources.pagerduty import PagerdutySource
from workbench.telemetry.sources.slack.source import SlackSource
from workbench.telemetry.sources.statuspage import StatuspageSource
from workbench.window import format_time


class TestGithub(EventConformance):
    """The github source: each row is a merged pull request of its service's repository."""

    refused: ClassVar[Mapping[str, object]] = {"repository": "acme/shop"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> GithubSource:
        """Return a source over a repository for each service."""
        services = sorted(set(rows["service"]))
        held = {f"acme/r{n}": {"pull_requests": []} for n in range(len(services))}
        for n, row in enumerate(rows.iter_rows(named=True)):
            merged = {"merged_at": format_time(row["time"])}
            made = record("github", "pull_request", id=n, number=n, title=row["title"], pull_request=merged)
            held[f"acme/r{services.index(row['service'])}"]["pull_requests"].append(made)
        return self.made(folder, self.serving(github(held)).url, dict(zip(held, services, strict=True)))

    def broken(self, folder: Path, frame: FrameName) -> GithubSource:
        """Return a source over a server that is down."""
        return self.made(folder, self.down(), {"acme/r0": "shop"})

    def made(self, folder: Path, url: str, services: dict[str, str]) -> GithubSource:
        """Return the source over these repositories."""
        table = {"url": url, "repositories": list(services), "services": services, "what": ["pull_requests"]}
        return GithubSource.from_settings("shop", table, folder)


class TestPagerduty(EventConformance):
    """The pagerduty source: each row is a log entry of its own incident."""

    refused: ClassVar[Mapping[str, object]] = {"team": "PQ9K7I8"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> PagerdutySource:
        """Return a source over an entry for each row."""
        entries = [
            record(
                "pagerduty",
                "log_entry",
                id=f"Q{n}",
                created_at=format_time(row["time"]),
                service={"summary": row["service"]},
                incident={"id": f"P{n}", "title": row["title"]},
            )
            for n, row in enumerate(rows.iter_rows(named=True))
        ]
        return self.made(folder, self.serving(pagerduty(entries, token="pd")).url)  # noqa: S106 - made up

    def broken(self, folder: Path, frame: FrameName) -> PagerdutySource:
        """Return a source over a server that is down."""
        return self.made(folder, self.down())

    def made(self, folder: Path, url: str) -> PagerdutySource:
        """Return the source."""
        table = {"url": url, "token_command": ["echo", "pd"]}
        return PagerdutySource.from_settings("shop", table, folder)


class TestStatuspage(EventConformance):
    """The statuspage source over the public API: each row is an update to its own incident."""

    refused: ClassVar[Mapping[str, object]] = {"adress": "https://status.example"}
    resolution: ClassVar[timedelta] = timedelta(milliseconds=1)

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> StatuspageSource:
        """Return a source over an incident for each row, and an old one, so that the history is there."""
        return StatuspageSource.from_settings("shop", {"url": self.serving(statuspage(_incidents(rows))).url}, folder)

    def broken(self, folder: Path, frame: FrameName) -> StatuspageSource:
        """Return a source over a server that is down."""
        return StatuspageSource.from_settings("shop", {"url": self.down()}, folder)


class TestStatuspageExport(TestStatuspage):
    """The statuspage source over a file of the same incidents, one a line."""

    refused: ClassVar[Mapping[str, object]] = {"file": 5}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> StatuspageSource:
        """Return a source over a file of these rows."""
        text = "\n".join(json.dumps(one, ensure_ascii=False) for one in _incidents(rows))
        (folder / "incidents.jsonl").write_text(text, encoding="utf-8")
        return StatuspageSource.from_settings("shop", {"file": "incidents.jsonl"}, folder)

    def broken(self, folder: Path, frame: FrameName) -> StatuspageSource:
        """Return a source over a file that holds something else."""
        (folder / "incidents.jsonl").write_text("<html>\n</html>\n")
        return StatuspageSource.from_settings("shop", {"file": "incidents.jsonl"}, folder)


class TestSlack(EventConformance):
    """The slack source over a folder: each row is a message."""

    lacks: ClassVar[frozenset[str]] = frozenset({"service"})
    refused: ClassVar[Mapping[str, object]] = {"file": "export.zip"}
    resolution: ClassVar[timedelta] = timedelta(microseconds=1)

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> SlackSource:
        """Return a source over a file a day."""
        (folder / "export" / "incidents").mkdir(parents=True, exist_ok=True)
        (folder / "export" / "channels.json").write_text("[]")
        for day in {time.date() for time in rows["time"]}:
            messages = [
                {"type": "message", "ts": f"{time.timestamp():.6f}", "user": "U1", "text": title}
                for time, title in rows.select("time", "title").iter_rows()
                if time.date() == day
            ]
            (folder / "export" / "incidents" / f"{day}.json").write_text(json.dumps(messages))
        return SlackSource.from_settings("shop", {"path": "export"}, folder)

    def broken(self, folder: Path, frame: FrameName) -> SlackSource:
        """Return a source over a zip that was cut short."""
        (folder / "export.zip").write_bytes(b"PK\x03\x04 and no more")
        return SlackSource.from_settings("shop", {"path": "export.zip"}, folder)


def _incidents(rows: pl.DataFrame) -> list[dict[str, object]]:
    return [
        record(
            "statuspage",
            "incident",
            id=f"i{n}",
            name=row["title"],
            created_at=format_time(row["time"]),
            components=[{"name": row["service"]}],
            incident_updates=[
                record(
                    "statuspage",
                    "incident_update",
                    id=f"u{n}",
                    display_at=format_time(row["time"]),
                    affected_components=None,
                )
            ],
        )
        for n, row in enumerate(rows.iter_rows(named=True))
    ]
