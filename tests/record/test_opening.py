"""Opening a record: what is missing, broken, older, newer or only to be read."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.exc import OperationalError

from workbench.errors import ReadOnlyError, RecordError, StorageError
from workbench.record import Record, revisions

WRITES = ("add_", "edit_", "move_", "measure_", "note_", "set_", "withdraw_")


def refusal(url, **named):
    """Return what opening says, in one line."""
    with pytest.raises((RecordError, StorageError)) as refused:
        Record.open(url, **{"author": "Ann", **named})
    assert "\n" not in str(refused.value)
    assert refused.value.do
    return str(refused.value)


def names(folder):
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_record_is_made_once_and_where_a_folder_is(tmp_path):
    """A second record at the same place is refused and the first stays; without a folder nothing is made."""
    address = f"sqlite:///{tmp_path / 'records.db'}"
    Record.create(address)
    before = (tmp_path / "records.db").read_bytes()
    with pytest.raises(RecordError, match="already"):
        Record.create(address)
    assert (tmp_path / "records.db").read_bytes() == before
    with pytest.raises(StorageError, match="can't be used"):
        Record.create(f"sqlite:///{tmp_path / 'absent' / 'records.db'}")
    assert names(tmp_path) == ["records.db"]


def test_a_record_that_can_not_be_made_leaves_nothing(tmp_path, monkeypatch):
    """When making a record fails half-way, no half record stays."""

    def fail(_database):
        raise OSError("pulled the plug")

    monkeypatch.setattr(revisions, "upgrade", fail)
    with pytest.raises(OSError, match="pulled the plug"):
        Record.create(f"sqlite:///{tmp_path / 'records.db'}")
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a b.db", "100%20?x=1#y.db", "записи.db", "it's.db", "a&mode=memory.db"])
def test_any_name_of_a_file_will_do(tmp_path, name, incident_draft):
    """Spaces, percent signs, question marks and any script in the path lead to that file and no other."""
    address = URL.create("sqlite", database=str(tmp_path / name))
    Record.create(address)
    with Record.open(address, author="Ann") as record:
        record.add_incident(incident_draft())
    with Record.open(address, read_only=True) as record:
        assert len(record.incidents()) == 1
    assert names(tmp_path)[0] == name


def test_a_record_needs_a_file_that_is_one(tmp_path):
    """A record in memory, a missing file, a folder, an empty file and another program's database are told apart."""
    assert "names no file" in refusal("sqlite://")
    assert "names no file" in refusal("sqlite:///:memory:")
    assert "no record at" in refusal("not an address")
    assert "no record at" in refusal(f"sqlite:///{tmp_path / 'absent.db'}")
    assert not (tmp_path / "absent.db").exists()
    assert "is not a record" in refusal(f"sqlite:///{tmp_path}")
    (tmp_path / "empty.db").touch()
    assert "is not a record" in refusal(f"sqlite:///{tmp_path / 'empty.db'}")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE customers (name TEXT)")
    other.close()
    assert "is not a record" in refusal(f"sqlite:///{tmp_path / 'other.db'}")
    (tmp_path / "text.db").write_text("Dear diary, " * 1000)
    assert "damaged" in refusal(f"sqlite:///{tmp_path / 'text.db'}")
    assert "damaged" in refusal(f"sqlite:///{tmp_path / 'text.db'}", read_only=True)


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1, 0.03])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_truncated_file_is_told(told, url, path, kept, read_only):
    """A file that lost its end is told as damaged, by opening or by verify, never by a traceback."""
    told.close()
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * kept))
    assert "damaged" in refusal(url, read_only=read_only)


def test_a_file_that_lost_its_last_bytes_is_told(told, url, path):
    """A file cut within its last page, which SQLite opens, is found by verify."""
    told.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    with Record.open(url, read_only=True) as record:
        assert record.verify()


def test_a_file_overwritten_in_the_middle_is_told(told, url, path):
    """Pages that hold something else are found by verify, whatever part of the record they were."""
    told.close()
    whole = path.read_bytes()
    page = 4096
    for number in range(1, len(whole) // page):
        path.write_bytes(whole[: number * page] + b"\x5a" * page + whole[(number + 1) * page :])
        try:
            with Record.open(url, read_only=True) as record:
                wrong = record.verify()
        except RecordError as error:
            wrong = [str(error)]
        assert wrong, f"page {number}"


def test_a_newer_record_is_refused(told, url):
    """What a newer workbench wrote is neither read nor migrated, and the way out is told."""
    with told.database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    told.close()
    for answer in (refusal(url), refusal(url, read_only=True)):
        assert "format 9999, newer than this workbench" in answer
        assert "Install a newer workbench" in answer
    with pytest.raises(RecordError, match="newer"):
        Record.migrate(url)


def test_an_older_record_is_migrated_only_when_asked(told, url, monkeypatch):
    """An older record is refused with the call that brings it up to date, and that call says what it did."""
    asked = []
    monkeypatch.setattr(revisions, "REVISIONS", ("0001", "0002", "0003"))
    monkeypatch.setattr(revisions, "HEAD", "0003")
    monkeypatch.setattr(revisions, "upgrade", asked.append)
    assert "of format 0001, and this workbench works with 0003" in refusal(url)
    assert asked == []
    assert Record.migrate(url) == ["0002", "0003"]
    assert len(asked) == 1


def test_a_record_of_this_version_needs_no_migration(told, url):
    """Migrating what is up to date does nothing."""
    before = told.head()
    assert Record.migrate(url) == []
    assert told.head() == before
    assert told.verify() == []


def test_read_only_means_it(told, url):
    """Every method that writes is refused where only reading is allowed, and so is SQL by the back door."""
    with Record.open(url, read_only=True) as reader:
        writing = [name for name in dir(reader) if name.startswith(WRITES)]
        assert len(writing) == 12
        entry, action = reader.entries("slow-checkout")[0], reader.actions()[0]
        arguments = {
            "add_incident": (reader.incident("slow-checkout").draft(),),
            "edit_incident": ("slow-checkout", reader.incident("slow-checkout"), 1),
            "set_milestones": ("slow-checkout", reader.incident("slow-checkout").milestones, 1),
            "add_entry": ("slow-checkout", entry.draft()),
            "edit_entry": (entry.id, entry.draft(), entry.version),
            "withdraw_entry": (entry.id, entry.version, "because"),
            "add_action": ("slow-checkout", action.draft()),
            "edit_action": (action.id, action.draft(), action.version),
            "move_action": (action.id, "done", action.version),
            "withdraw_action": (action.id, action.version, "because"),
            "note_snapshot": ("slow-checkout", "v1", "0" * 64),
        }
        with pytest.raises(ReadOnlyError):
            reader.measure_action(action.id, action.version, holds=True, measured="p99")
        for name in set(writing) - {"measure_action"}:
            with pytest.raises(ReadOnlyError, match="opened to be read only"):
                getattr(reader, name)(*arguments[name])
        with pytest.raises(ReadOnlyError), reader.database.transaction():
            pass
        with reader.database.engine.begin() as connection:
            for setting in ("ON", "OFF"):  # the file itself was opened so, whatever the connection is told
                connection.exec_driver_sql(f"PRAGMA query_only = {setting}")
                with pytest.raises(OperationalError, match="readonly"):
                    connection.execute(text("DELETE FROM incident"))
    assert told.verify() == []
    assert told.data_version() == 8


def test_public_methods_read_or_write_by_their_name():
    """A new method that writes can't slip past the read-only test under a new kind of name."""
    reading = {"incident", "incidents", "entry", "entries", "action", "actions", "snapshots", "history", "head"}
    others = {"data_version", "verify", "open", "create", "migrate", "close"}
    public = {name for name in dir(Record) if not name.startswith("_")}
    assert {name for name in public if not name.startswith(WRITES)} == reading | others


def test_reading_goes_on_while_somebody_writes(told, url, incident_draft):
    """A reader sees what is saved while a writer has the record open, as soon as it is saved."""
    with Record.open(url, read_only=True) as reader:
        before = reader.data_version()
        with told.database.transaction():  # a writer in the middle of a long save
            assert reader.incident("slow-checkout").version == 1
            assert reader.verify() == []
        told.edit_incident("slow-checkout", incident_draft(title="Checkout is down"), 1)
        assert reader.data_version() == before + 1
        assert reader.incident("slow-checkout").title == "Checkout is down"


@pytest.fixture
def unwritable(full):
    """Return a copy of the record in a folder, and run something there as somebody who may not write in it."""
    folder = Path(tempfile.mkdtemp(prefix="record-"))
    shutil.copy(full, folder / "records.db")
    (folder / "records.db").chmod(0o444)

    def look(ask):
        folder.chmod(0o555)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                if os.getuid() == 0:
                    os.setgid(65_534)
                    os.setuid(65_534)
                assert not os.access(folder, os.W_OK)
                answer = ask(f"sqlite:///{folder / 'records.db'}")
            except BaseException as error:  # noqa: BLE001 - the test sees what the child saw
                answer = f"{type(error).__name__}: {error}"
            os.write(writer, str(answer).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        folder.chmod(0o755)
        return answer

    yield folder, look
    shutil.rmtree(folder)


def ask(url):
    """Return what a reader finds."""
    with Record.open(url, read_only=True) as record:
        return [record.data_version(), len(record.incidents()), record.verify()]


def test_a_folder_that_can_not_be_written_is_read(unwritable, incident_draft):
    """Where nothing can be written the record is read all the same, alone or beside a writer who may."""
    folder, look = unwritable
    assert look(ask) == "[8, 1, []]"
    (folder / "records.db").chmod(0o644)
    with Record.open(f"sqlite:///{folder / 'records.db'}", author="Ann") as writer:
        writer.add_incident(incident_draft(id="second"))
        assert look(ask) == "[9, 2, []]"
    assert look(ask) == "[9, 2, []]"
    assert names(folder) == ["records.db"]


def test_a_guarded_reader_sees_what_is_saved_later(full, tmp_path, monkeypatch, incident_draft):
    """A kernel that may write nowhere, not even SQLite's own files, sees each new save and writes nothing."""
    path = tmp_path / "records.db"
    shutil.copy(full, path)
    address = f"sqlite:///{path}"
    monkeypatch.setenv("WORKBENCH_READ_ONLY", "1")
    with Record.open(address, read_only=True) as reader:
        assert names(tmp_path) == ["records.db"]
        for number in range(3):
            with Record.open(address, author="Ann") as writer:
                writer.add_incident(incident_draft(id=f"more-{number}"))
                assert reader.data_version() == 9 + number
            assert reader.data_version() == 9 + number
            assert reader.verify() == []


def test_a_guarded_reader_never_answers_from_two_states(full, tmp_path, monkeypatch, incident_draft):
    """Where no lock can be taken, an answer during which somebody saved is asked for again."""
    path = tmp_path / "records.db"
    shutil.copy(full, path)
    monkeypatch.setenv("WORKBENCH_READ_ONLY", "1")
    seen = []

    def ask(session):
        seen.append(session.scalars(text("SELECT count FROM history_head")).one())
        if len(seen) == 1:
            with Record.open(f"sqlite:///{path}", author="Ann") as writer:
                writer.add_incident(incident_draft(id="meanwhile"))
        return seen[-1]

    with Record.open(f"sqlite:///{path}", read_only=True) as reader:
        assert reader.database.read(ask) == 9
    assert seen == [8, 9]


def test_opening_needs_no_alembic_and_no_polars(url):
    """Reading a record, as every page does, imports neither the migrations' library nor the data frames'."""
    code = (
        "import sys; from workbench.record import Record\n"
        f"with Record.open({url!r}, read_only=True) as record: record.incidents()\n"
        "print(sorted({'alembic', 'polars', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_settings_that_keep_what_was_saved(record):
    """The write-ahead log, foreign keys and waiting for the disk are on where somebody writes."""
    with record.database.transaction() as connection:
        answers = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert answers == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 5000}


def test_a_password_is_never_shown():
    """An address with a password is named without it."""
    answer = refusal("postgresql+absent://ann:secret@localhost/records")
    assert "ann:***@localhost" in answer
    assert "driver that is not installed" in answer
