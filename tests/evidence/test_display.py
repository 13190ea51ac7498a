"""A pull is shown while it runs: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import nbclient
import nbformat
import pytest

from workbench.evidence.display import display, lines
from workbench.evidence.manifest import Note, Table, Unanswered
from workbench.evidence.progress import Progress, size, took

START = datetime(2024, 2, 28, 23, 55, tzinfo=UTC)
TABLE = Table(
    source="shop",
    frame="logs",
    path="shop.logs.parquet",
    asked="logs",
    start=START,
    end=START + timedelta(minutes=1),
    rows=1234567,
    rows_in_window=12,
    columns={},
    bytes=9,
    sha256="0",
    complete=False,
    seconds=0.42,
    received_bytes=3_400_000,
    notes=(Note(kind="limit", rows=0, text="It holds more [than it may]."),),
)
LOST = Unanswered(source="dead", frame="spans", error="nobody answers", seconds=61)
SHOWN = [
    Progress(0, 2, "shop", "logs", rows=1234, bytes=5678),
    Progress(1, 2, "shop", "logs", table=TABLE),
    Progress(2, 2, "dead", "spans", unanswered=LOST),
]


def test_a_frame_that_ended_is_told_in_full() -> None:
    """Rows, time, bytes, whether all came, and what is odd; or why it is missing."""
    assert lines(SHOWN[0]) == []
    assert [line.replace("\u00a0", " ") for line in lines(SHOWN[1])] == [
        "[1/2] shop logs: 1,234,567 rows, 12 of them in the window; took 0.4 s, 3.4 MB received; INCOMPLETE",
        "      It holds more [than it may].",
    ]
    assert [line.replace("\u00a0", " ") for line in lines(SHOWN[2])] == [
        "[2/2] dead spans: not pinned: nobody answers (after 1 min 1 s)"
    ]


def test_elsewhere_there_are_only_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, one for each frame and note."""
    with display() as tell:
        for progress in SHOWN:
            tell(progress)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [*lines(SHOWN[1]), *lines(SHOWN[2])]


TERMINAL = textwrap.dedent("""
    import time
    from workbench.evidence.display import display
    from workbench.evidence.manifest import Unanswered
    from workbench.evidence.progress import Progress

    with display() as tell:
        for n in range(4):
            tell(Progress(0, 2, "shop", "logs", rows=n * 1000, bytes=n * 4000))
            time.sleep(0.2)
        tell(Progress(1, 2, "dead", "spans", unanswered=Unanswered(source="dead", frame="spans", error="[no] answer")))
""")


def test_on_a_terminal_there_are_bars() -> None:
    """With rows and bytes so far, and how many frames have ended; what is said stays, and isn't read as markup."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", TERMINAL], stderr=theirs, env=environment) as running:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # how a terminal ends on Linux
                break
            seen += piece
            if not piece:
                break
        assert running.wait(timeout=30) == 0
    os.close(ours)
    said = seen.decode().replace("\u00a0", " ")
    assert "shop logs" in said
    assert "3,000 rows, 12.0 kB" in said
    assert "0 of 2" in said
    assert "[1/2] dead spans: not pinned: [no] answer" in said


def test_in_a_notebook_there_are_bars() -> None:
    """In a widget that is renewed in place; what is said stays under it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TERMINAL)])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    shown = [one.data["text/plain"] for one in notebook.cells[0].outputs]
    assert shown[0] == "Output()"
    assert shown[1].startswith("[1/2] dead spans: not pinned: [no] answer")


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, "–"), (0, "–"), (999, "999 B"), (1000, "1.0 kB"), (3_400_000, "3.4 MB"), (5e12, "5000.0 GB")],
)
def test_sizes_are_told_as_a_person_says_them(count: int | None, said: str) -> None:
    """In powers of ten."""
    assert size(count).replace("\u00a0", " ") == said


@pytest.mark.parametrize(("seconds", "said"), [(None, "–"), (0.04, "0.0 s"), (59.9, "59.9 s"), (3700, "1 h 1 min")])
def test_lengths_are_told_as_a_person_says_them(seconds: float | None, said: str) -> None:
    """Short ones to a tenth of a second."""
    assert took(seconds).replace("\u00a0", " ") == said
