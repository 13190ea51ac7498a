"""The history tells every change, and shows every tampering that leaves its end where it was noted."""

import sqlite3
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Text

from workbench.errors import RecordError
from workbench.record import Record
from workbench.record.history import canonical
from workbench.record.tables import Base


@pytest.fixture
def tamper(told, path):
    """Return a function that runs SQL behind the record's back and then verifies."""

    def run(*statements):
        with sqlite3.connect(path) as raw:
            for statement in statements:
                assert raw.execute(statement).rowcount != 0, statement
        raw.close()
        return told.verify()

    return run


def test_every_change_is_told(told):
    """Each entry says who did what to which object, and what it was before and after."""
    entries = told.history("slow-checkout")
    assert [(one.seq, one.kind, one.action) for one in entries] == [
        (1, "incident", "added"),
        (2, "timeline entry", "added"),
        (3, "timeline entry", "edited"),
        (4, "timeline entry", "added"),
        (5, "timeline entry", "withdrawn"),
        (6, "action", "added"),
        (7, "action", "moved"),
        (8, "snapshot", "pinned"),
    ]
    assert {one.author for one in entries} == {"Ann"}
    edit = entries[2]
    assert edit.before == entries[1].after
    assert (edit.before["what"], edit.after["what"]) == ("Latency rose", "Latency rose twice")
    assert (edit.before["version"], edit.after["version"]) == (1, 2)
    assert entries[0].before is None
    assert entries[7].object_id == "slow-checkout/20230129T100000Z"
    assert [one.previous_hash for one in entries] == ["0" * 64, *(one.hash for one in entries[:-1])]
    assert told.head().hash == entries[-1].hash


def test_a_history_can_be_asked_of_one_incident(told, incident_draft, entry_draft):
    """The history of an incident holds what belongs to it and nothing else."""
    told.add_incident(incident_draft(id="other"))
    entry = told.add_entry("other", entry_draft())
    assert [one.object_id for one in told.history("other")] == ["other", entry.id]
    assert len(told.history("slow-checkout")) == 8
    assert len(told.history()) == 10


def test_an_untouched_record_is_whole(told, url):
    """What only the workbench wrote verifies, also for another who opens it."""
    assert told.verify() == []
    with Record.open(url, read_only=True) as other:
        assert other.verify() == []


def test_the_hash_is_of_the_canonical_json_anybody_can_make(told):
    """The chain can be checked without the workbench: the recipe is plain JSON and SHA-256."""
    import hashlib
    import json

    previous = "0" * 64
    for one in told.history():
        content = {
            "format": 1,
            "seq": one.seq,
            "at": one.at.isoformat().replace("+00:00", "Z"),
            "author": one.author,
            "kind": one.kind,
            "object": one.object_id,
            "incident": one.incident_id,
            "action": one.action,
            "before": None if one.before is None else canonical(one.before),
            "after": canonical(one.after),
            "previous": previous,
        }
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert previous == one.hash


FORGED = (
    "INSERT INTO history SELECT {}, at, author, kind, object_id, incident_id, action, before, after, "
    "previous_hash, hash FROM history WHERE seq = {}"
)


def sql(text, *names):
    """Return a statement with names put in; the record's own tables are attacked, with our own values."""
    return text.format(*names)


@pytest.mark.parametrize(
    "column", [column for column in Base.metadata.tables["history"].columns if column.key != "seq"]
)
def test_a_changed_entry_is_named(tamper, column):
    """Changing any column of an entry is found, and the entry named."""
    value = "'2020-01-01 00:00:00.000000'" if column.key == "at" else "'{}'"
    wrong = tamper(sql('UPDATE history SET "{}" = {} WHERE seq = 3', column.key, value))
    assert any("entry 3 " in line and "changed after it was written" in line for line in wrong)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["DELETE FROM history WHERE seq = 1"], "entry 1 is missing"),
        (["DELETE FROM history WHERE seq = 4"], "entry 4 is missing"),
        (["DELETE FROM history WHERE seq IN (4, 5)"], "entries 4 to 5 are missing"),
        (["DELETE FROM history WHERE seq = 8"], "8 entries were written and the last 1 are missing"),
        (["DELETE FROM history"], "8 entries were written and the last 8 are missing"),
        (["DELETE FROM history WHERE seq = 4", "UPDATE history SET seq = seq - 1 WHERE seq > 4"], "entry 4 "),
        (
            ["UPDATE history SET seq = -3 WHERE seq = 3", "UPDATE history SET seq = 3 WHERE seq = 4",
             "UPDATE history SET seq = 4 WHERE seq = -3"],
            "entry 3 ",
        ),
        ([FORGED.format(9, 8)], "1 more were put in at the end"),
        ([FORGED.format(0, 1)], "entry 0 was put in"),
        (["UPDATE history_head SET count = 7"], "1 more were put in at the end"),
        (["UPDATE history_head SET count = 9"], "the last 1 are missing"),
        (["UPDATE history_head SET hash = 'x'"], "last entry is not the one that was written last"),
        (["DELETE FROM history_head"], "how it ends is missing"),
        (["UPDATE history SET at = 'soon' WHERE seq = 5"], "entry 5 can't be read"),
        (["UPDATE history SET after = '{' WHERE seq = 5"], "entry 5 "),
    ],
)  # fmt: skip
def test_a_broken_chain_is_named(tamper, statements, words):
    """Entries taken out, put in, moved or made unreadable, also at either end, are found and named."""
    wrong = tamper(*statements)
    assert any(words in line for line in wrong), wrong


OTHER = {
    int: "77",
    bool: "1",
    object: "'[\"x\"]'",
    datetime: "'2020-01-01 00:00:00.000000'",
    date: "'2020-01-01'",
    str: "'other'",
}
"""For each type of column (JSON is "object"), what none of the rows holds."""

COLUMNS = [
    pytest.param(name, column.key, OTHER[column.type.python_type], id=f"{name}.{column.key}")
    for name in ("incident", "timeline_entry", "action", "snapshot")
    for column in Base.metadata.tables[name].columns
]


@pytest.mark.parametrize(("table", "column", "value"), COLUMNS)
def test_a_row_edited_from_outside_is_found(tamper, table, column, value):
    """Changing any column of any row behind the history's back is found."""
    wrong = tamper(sql('UPDATE "{}" SET "{}" = {} WHERE rowid = 1', table, column, value))
    assert any("from outside" in line for line in wrong), wrong


def test_a_space_at_the_end_is_an_edit(tamper):
    """Also what reading would tidy away is found."""
    assert tamper("UPDATE incident SET title = title || ' '") == [
        "incident slow-checkout is not what its history says: it was changed from outside"
    ]


@pytest.mark.parametrize("table", ["incident", "timeline_entry", "action", "snapshot"])
def test_a_row_taken_out_or_put_in_is_named(tamper, table):
    """A row without its history, and a history without its row, are found."""
    names = [column.key for column in Base.metadata.tables[table].columns]
    key = "version" if table == "snapshot" else "id"
    chosen = ", ".join("'forged'" if name == key else f'"{name}"' for name in names)
    wrong = tamper(sql('INSERT INTO "{0}" SELECT {1} FROM "{0}" LIMIT 1', table, chosen))
    assert len(wrong) == 1
    assert "forged stands in the record and not in its history" in wrong[0]
    assert any("is gone from the record" in line for line in tamper(sql('DELETE FROM "{}"', table)))


@pytest.mark.parametrize(
    "statement",
    ["UPDATE timeline_entry SET evidence = '{'", "UPDATE timeline_entry SET at = 'soon'",
     "UPDATE timeline_entry SET entry_kind = 'gossip'", "UPDATE timeline_entry SET uncertainty_s = 'x'"],
)  # fmt: skip
def test_what_the_workbench_never_wrote_is_a_clear_error(tamper, told, entry_draft, statement):
    """A row that can't be read any more is named by verify and no traceback to who reads it; an edit hides nothing."""
    wrong = tamper(statement)
    assert any("timeline entry entry-" in line for line in wrong)
    with pytest.raises(RecordError, match="damaged") as refused:
        told.entries("slow-checkout")
    assert "\n" not in str(refused.value)
    key = told.history()[1].object_id
    with suppress(RecordError):
        told.edit_entry(key, entry_draft(), 2)
    assert any("entry-" in line for line in told.verify())


def test_a_later_edit_hides_no_earlier_tampering(tamper, told, incident_draft):
    """A row that was changed from outside and then edited in the workbench still shows where it jumped."""
    assert tamper("UPDATE incident SET severity = 'SEV5'")
    told.edit_incident("slow-checkout", incident_draft(title="Edited"), 1)
    wrong = told.verify()
    assert len(wrong) == 1
    assert "entry 9 (edited incident slow-checkout" in wrong[0]
    assert "begins with what no entry says" in wrong[0]


def test_a_history_rewritten_whole_is_found_by_a_hash_noted_elsewhere(told, url, path, incident_draft):
    """Who rewrites everything, head and all, is found by a hash that a review carries."""
    noted = {told.head().count: told.head().hash}
    assert told.verify(known=noted) == []
    other = path.with_name("other.db")
    Record.create(f"sqlite:///{other}")
    with Record.open(f"sqlite:///{other}", author="Eve") as forged:
        forged.add_incident(incident_draft(title="All was well"))
        assert forged.verify() == []
        assert forged.verify(known=noted) == ["history: entry 8, noted when a review was made, is missing"]
        for number in range(7):
            forged.edit_incident("slow-checkout", incident_draft(title=f"All was well {number}"), number + 1)
        assert any("not the one that was noted" in line for line in forged.verify(known=noted))


def test_a_change_and_its_entry_are_one(told, monkeypatch, entry_draft):
    """When the history can't be written, the change isn't either."""
    from workbench.record import ledger

    def fail(*_args, **_named):
        raise OSError("the history failed")

    before = told.entries("slow-checkout")
    with monkeypatch.context() as broken:
        broken.setattr(ledger.history, "append", fail)
        with pytest.raises(OSError, match="the history failed"):
            told.add_entry("slow-checkout", entry_draft())
        with pytest.raises(OSError, match="the history failed"):
            told.withdraw_entry(before[0].id, before[0].version, "mistake")
    assert told.entries("slow-checkout") == before
    assert told.verify() == []


def test_times_are_kept_to_the_microsecond(url, incident_draft, path):
    """What the history says of time is what the clock said."""
    at = datetime(2026, 11, 23, 23, 59, 59, 999_999, tzinfo=UTC)
    with Record.open(url, author="Ann", clock=lambda: at) as record:
        record.add_incident(incident_draft())
        assert record.history()[0].at == at


def test_columns_fit_what_fields_allow():
    """No text that a field allows is cut off by a database that counts."""
    from workbench.record.fields import LINE_LENGTH

    for table in Base.metadata.tables.values():
        for column in table.columns:
            kind = column.type
            if column.key in {"title", "who", "owner", "created_by", "updated_by", "author"}:
                assert kind.length == LINE_LENGTH
            if column.key in {"what", "why", "factor", "success_metric", "rationale", "impact_summary"}:
                assert isinstance(kind, Text)
                assert kind.length is None
