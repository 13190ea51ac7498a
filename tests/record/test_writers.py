"""Many who write at once, and a disk or a lock that says no in the middle."""

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import event

from workbench.errors import ConflictError, StorageError
from workbench.record import Record

WRITER = """
import sys
from workbench.errors import ConflictError
from workbench.record import Record

url, name, count = sys.argv[1:]
with Record.open(url, author=name, wait=120) as record:
    for number in range(int(count)):
        while True:
            seen = record.incident("slow-checkout")
            draft = seen.draft().model_copy(update={"services": (*seen.services, f"{name}-{number}")})
            try:
                record.edit_incident(seen.id, draft, seen.version)
                break
            except ConflictError:
                pass
        print(number, flush=True)
"""

FILLER = """
import resource, sys
from workbench.errors import StorageError
from workbench.record import Record

url, limit = sys.argv[1:]
with Record.open(url, author="Ann") as record:
    entry = record.entries("slow-checkout")[0]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    saved = 0
    try:
        while saved < 1000:
            record.add_entry("slow-checkout", entry.draft().model_copy(update={"why": "x" * 9000}))
            saved += 1
    except StorageError as error:
        print(saved)
        print(error)
"""


def start(code, *arguments):
    """Start a Python of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_no_update_is_lost_between_processes(told, url):
    """Three processes that edit the same incident, each starting again when it was late, lose nothing."""
    writers = [start(WRITER, url, f"writer{number}", 10) for number in range(3)]
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    incident = told.incident("slow-checkout")
    assert sorted(incident.services) == sorted(
        ["checkout", *(f"writer{one}-{number}" for one in range(3) for number in range(10))]
    )
    assert incident.version == 31
    assert told.data_version() == 8 + 30
    assert told.verify() == []


def test_threads_share_one_record(told, entry_draft):
    """Eight threads that add through one open record get an entry each time, and the chain stays whole."""
    made, wrong = [], []

    def add(name):
        try:
            made.extend(told.add_entry("slow-checkout", entry_draft(who=f"{name} {number}")).id for number in range(5))
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            wrong.append(error)

    threads = [threading.Thread(target=add, args=(f"thread {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(set(made)) == 40
    assert told.data_version() == 8 + 40
    assert told.verify() == []


def test_of_two_edits_of_one_version_one_is_refused(told, url, incident_draft):
    """When two save over the same version at the same moment, exactly one succeeds."""
    results = []
    together = threading.Barrier(2)

    def save(name):
        with Record.open(url, author=name) as mine:
            together.wait()
            try:
                results.append(mine.edit_incident("slow-checkout", incident_draft(title=name), 1).title)
            except ConflictError as error:
                results.append(error.theirs.title)

    threads = [threading.Thread(target=save, args=(name,)) for name in ("Ann", "Bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == told.incident("slow-checkout").title
    assert told.incident("slow-checkout").version == 2


def test_a_killed_writer_leaves_only_whole_changes(told, url):
    """A process killed in the middle of its work leaves what it had saved, and nothing half."""
    writer = start(WRITER, url, "killed", 10_000)
    for _ in range(5):
        assert writer.stdout.readline().strip().isdigit()
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=60)
    assert told.incident("slow-checkout").version >= 6
    assert told.verify() == []


def test_a_record_somebody_holds_is_told_as_busy(told, url, path, incident_draft):
    """Who waits too long behind another writer is told so; reading goes on, and later the save works."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Record.open(url, author="Bob", wait=0.1) as bob:
        with pytest.raises(StorageError, match=r"is busy.*0\.1 s; nothing was saved. Try again"):
            bob.add_incident(incident_draft(id="second"))
        assert len(bob.incidents()) == 1
        holder.execute("ROLLBACK")
        holder.close()
        bob.add_incident(incident_draft(id="second"))
    assert told.verify() == []


def test_a_full_disk_loses_nothing_that_was_saved(told, url, path):
    """When a file may not grow any more, the save that met the limit is refused and all before it is whole."""
    before = len(told.entries("slow-checkout"))
    told.close()
    done = start(FILLER, url, path.stat().st_size + 100_000)
    said, wrong = done.communicate(timeout=60)
    assert done.returncode == 0, wrong
    saved, refused = said.splitlines()
    assert "the disk refused the record" in refused or "no room left" in refused
    assert 0 < int(saved) < 1000
    with Record.open(url, author="Ann") as after:
        assert len(after.entries("slow-checkout")) == before + int(saved)
        assert after.verify() == []


def test_a_database_that_may_not_grow_is_told_as_full(url, full, path, entry_draft):
    """SQLite's own word for a full disk is told as that, and the record works on when there is room."""
    path.write_bytes(full.read_bytes())
    with Record.open(url, author="Ann") as record:

        @event.listens_for(record.database.engine, "connect")
        def limit(connection, _entry):
            connection.execute("PRAGMA max_page_count = 1")

        record.database.engine.dispose()

        def fill():
            for _ in range(50):
                record.add_entry("slow-checkout", entry_draft(why="x" * 9000))

        with pytest.raises(StorageError, match=r"no room left.*what was there is whole. Free some space"):
            fill()
        before = record.data_version()
        event.remove(record.database.engine, "connect", limit)
        record.database.engine.dispose()
        record.add_entry("slow-checkout", entry_draft(why="x" * 9000))
        assert record.data_version() == before + 1
        assert record.verify() == []


def test_an_interrupted_save_is_none(told, monkeypatch, entry_draft):
    """Ctrl-C between the change and its history entry leaves neither."""
    from workbench.record import ledger

    def interrupt(*_args, **_named):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(ledger.history, "append", interrupt)
        with pytest.raises(KeyboardInterrupt):
            told.add_entry("slow-checkout", entry_draft())
    assert len(told.entries("slow-checkout")) == 1
    told.add_entry("slow-checkout", entry_draft())
    assert told.verify() == []


def test_nothing_stays_open(url, full, path):
    """A closed record leaves no file beside it and no file open."""
    path.write_bytes(full.read_bytes())
    with Record.open(url, author="Ann") as record:
        record.incidents()
        record.note_snapshot("slow-checkout", "v2", "0" * 64)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    if Path("/proc/self/fd").is_dir():
        assert not [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and link.resolve() == path]
