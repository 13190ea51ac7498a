"""The commands about sources say what there is, whether it answers, what it holds, and what it calls things."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from workbench.window import Window

AT = "2023-01-29T09:13:30Z"
Command = Callable[..., Any]


def add(desk: Path, *tables: str) -> None:
    """Append tables to a workspace's settings."""
    with (desk / "workbench.toml").open("a") as settings:
        settings.write("".join(f"\n{table}\n" for table in tables))


GONE = '[sources.gone]\nkind = "parquet"\nlogs = "gone.parquet"'
BROKEN = '[sources.broken]\nkind = "parquet"\nlimits = { rows = -1 }'


def test_the_list_tells_what_is_set(sourced: Path, command: Command) -> None:
    """Kind, frames, retention and limits; for programs in seconds and numbers."""
    add(sourced, '[sources.other]\nkind = "parquet"\nlogs = "x.parquet"\nlimits = { rows = 7, bytes = "2MB" }')
    told = command("sources", "list", at=sourced).stdout
    assert "15\u00a0d" in told
    assert "7 rows, 2 MB" in told
    shop, other = command("sources", "list", "--format", "json", at=sourced).json
    assert (shop["source"], shop["kind"], shop["frames"]) == ("shop", "parquet", ["metrics", "logs"])
    assert (shop["retention_s"], other["retention_s"]) == (15 * 86400, None)
    assert other["limits"]["rows"] == 7


def test_the_list_asks_nothing_of_a_source(bare: Path, command: Command) -> None:
    """A source whose file is gone is listed as any other."""
    add(bare, GONE)
    assert "gone" in command("sources", "list", at=bare).stdout


def test_a_table_that_cannot_be_used_hides_no_other(sourced: Path, command: Command) -> None:
    """It is named with the reason, and the exit status is 1."""
    add(sourced, BROKEN)
    told = command("sources", "list", at=sourced, status=1)
    assert "shop" in told.stdout
    assert "broken: rows of [sources.broken.limits]" in told.stderr
    assert command("sources", "list", "--format", "json", at=sourced, status=1).json[1]["ok"] is False


def test_a_workspace_without_sources(bare: Path, command: Command) -> None:
    """A person hears how to add one."""
    for what in ("list", "check"):
        assert "add a [sources.NAME] table" in command("sources", what, at=bare).stdout


def test_a_check_prints_a_line_for_each_source(sourced: Path, command: Command) -> None:
    """Rows for each frame of a source that answers; what is wrong and what to do for one that doesn't."""
    add(sourced, GONE, BROKEN)
    ok, gone, broken = command("sources", "check", "--at", AT, at=sourced, status=1).stdout.splitlines()
    assert ok.startswith("ok      shop (parquet): metrics: ")
    assert gone.startswith("FAILED  gone (parquet): logs: source 'gone': the logs file 'gone.parquet' does not exist. ")
    assert "Correct the path" in gone
    assert broken.startswith("FAILED  broken: rows of [sources.broken.limits]")


def test_a_check_is_of_the_minute_before(sourced: Path, command: Command, sample: Path) -> None:
    """Half-open, and counted as it is stored."""
    (checked,) = command("sources", "check", "--at", AT, "--format", "json", at=sourced).json
    rows = {frame["frame"]: frame["rows"] for frame in checked["frames"]}
    end = datetime.fromisoformat(AT)
    minute = Window(end - timedelta(minutes=1), end)
    for name, count in rows.items():
        stored = pl.scan_parquet(sample / f"{name}.parquet").select(pl.col("time").dt.cast_time_unit("us"))
        assert count == stored.filter(minute.holds()).collect().height > 100
    assert checked["ok"] is True
    assert checked["seconds"] >= 0


def test_a_minute_without_rows_is_an_answer(sourced: Path, command: Command) -> None:
    """The source was there, and had nothing: now is long after the recording."""
    assert "metrics: 0 rows" in command("sources", "check", at=sourced).stdout


def test_one_source_can_be_checked(sourced: Path, command: Command) -> None:
    """Then nothing is said of the others; an unknown one is named with what there is."""
    add(sourced, GONE)
    assert "gone" not in command("sources", "check", "shop", "--at", AT, at=sourced).stdout
    assert "Did you mean shop?" in command("sources", "check", "shoop", at=sourced, status=2).stderr


@pytest.mark.parametrize("at", ["yesterday", "2023-01-29T09:13:30"])
def test_a_time_that_cannot_be_is_refused(sourced: Path, command: Command, at: str) -> None:
    """In a line, with exit status 2."""
    assert "--at is" in command("sources", "check", "--at", at, at=sourced, status=2).stderr


@pytest.fixture
def slow_servers() -> Iterator[list[str]]:
    """Return the addresses of three servers that answer only once all three were asked."""
    together = threading.Barrier(3)

    class Waits(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            together.wait(timeout=20)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Waits) for _ in range(3)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in servers]
    for thread in threads:
        thread.start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def test_sources_are_checked_side_by_side(bare: Path, command: Command, slow_servers: list[str]) -> None:
    """Three that answer only when all three are asked at one time all answer, in their order."""
    add(bare, *(f'[sources.s{n}]\nkind = "statuspage"\nurl = "{url}"' for n, url in enumerate(slow_servers)))
    lines = command("sources", "check", at=bare, status=1).stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["s0", "s1", "s2"]
    assert all("404" in line for line in lines)


def test_what_a_source_holds_is_listed(sourced: Path, command: Command) -> None:
    """Services, metrics, and labels with values."""
    found = command("sources", "discover", "shop", "--at", AT, "--last", "1m", "--format", "json", at=sourced).json
    assert "ts-basic-service" in found["services"]
    assert "CpuUsageRate(%)" in found["metrics"]
    assert found["metrics"] == sorted(found["metrics"])
    told = command("sources", "discover", "shop", "--at", AT, at=sourced).stdout
    assert f"Services ({len(found['services'])})" in told


def test_a_source_that_holds_nothing_there_says_so(sourced: Path, command: Command) -> None:
    """No service, no metric, no label; and no error."""
    told = command("sources", "discover", "shop", "--at", "2020-01-01T00:00:00Z", at=sourced).stdout
    assert "No service is named." in told


def test_a_source_that_cannot_be_explored_is_an_error(bare: Path, command: Command) -> None:
    """In a line, with what to do."""
    add(bare, GONE)
    assert "does not exist" in command("sources", "discover", "gone", at=bare, status=1).stderr


def test_the_names_of_a_source_can_be_seen_and_overruled(bare: Path, command: Command) -> None:
    """Built in, and as the settings say."""
    url = 'kind = "prometheus"\nurl = "http://127.0.0.1:9"\n[sources.prom.queries]\nup = "up"'
    add(bare, f'[sources.prom]\nnames = {{ pod = "pod", squad = "team.name" }}\n{url}')
    found = command("sources", "names", "prom", "--format", "json", at=bare).json
    names = {row["theirs"]: (row["ours"], row["by"]) for row in found["names"]}
    assert names["pod"] == ("pod", "settings")
    assert names["squad"] == ("team.name", "settings")
    assert names["host"] == ("host.name", "built in")
    assert found["columns"] is None
    assert "k8s.container.name" in command("sources", "names", "prom", at=bare).stdout


def test_the_columns_of_a_source_can_be_seen_and_overruled(bare: Path, command: Command) -> None:
    """Which column of a file becomes which of the frame's."""
    add(
        bare,
        '[sources.file]\nkind = "jsonl"\nlogs = "logs.jsonl"\n[sources.file.columns.logs]\nbody = "what"',
    )
    columns = command("sources", "names", "file", "--format", "json", at=bare).json["columns"]
    told = {row["column"]: (row["theirs"], row["by"]) for row in columns}
    assert told["body"] == (["what"], "settings")
    assert told["severity"][0][0] == "severity"
    assert told["severity"][1] == "built in"
