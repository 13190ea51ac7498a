"""The slack source reads an export as people read the channel: names, threads, edits, and what was deleted."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_answers import SHAPES, other, rows_or_words

from workbench.errors import LimitError, SourceError
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query, Reading
from workbench.telemetry.sources.slack.source import SlackSource
from workbench.telemetry.sources.slack.text import Directory, plain
from workbench.window import Window

SHAPE = json.loads((Path(__file__).with_name("documented") / "slack.json").read_text(encoding="utf-8"))
START = datetime(2024, 1, 29, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=30))
FILES: dict[str, Any] = {
    "users.json": SHAPE["users"],
    "channels.json": SHAPE["channels"],
    "dms.json": SHAPE["dms"],
    "integration_logs.json": [],
    "incidents/2024-01-29.json": SHAPE["messages"],
    "incidents/canvas_in_the_conversation.json": [],
}


def export(root: Path, files: dict[str, Any], *, packed: bool = False, inside: str = "") -> Path:
    """Write an export as a folder or a zip; bytes are written as they are."""
    made = {
        inside + name: body if isinstance(body, bytes) else json.dumps(body).encode() for name, body in files.items()
    }
    if packed:
        with zipfile.ZipFile(root / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in made.items():
                archive.writestr(name, body)
        return root / "export.zip"
    for name, body in made.items():
        (root / "export" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "export" / name).write_bytes(body)
    return root / "export"


def reading(path: Path, window: Window = WINDOW, limits: Limits | None = None, **table: object) -> Reading:
    """Return the unread answer."""
    made = SlackSource.from_settings("chat", {"path": str(path), **table}, Path())
    return made.read("events", Query(window, ("a service it can't know",), limits or Limits()))


def read(path: Path, window: Window = WINDOW, **table: object) -> pl.DataFrame:
    """Return what the source answers."""
    return reading(path, window, **table).data.collect()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("inside", ["", "Acme Slack export/"])
def test_a_channel_reads_as_people_saw_it(tmp_path: Path, packed: bool, inside: str) -> None:
    """Real names for ids, words for links, an app by its name; from a folder and from a zip."""
    found = read(export(tmp_path, FILES, packed=packed, inside=inside), url="https://acme.slack.com/")
    assert found.schema == FRAMES["events"]
    assert set(found["kind"]) == {"chat"}
    assert found.select("title", "actor").rows() == [
        ("@Kim Ito checkout fails, see the graph (https://graphs.example/d/1) & #incidents", "Earline Greenholt"),
        ("Rolling back <v1.4.0>", "Kim Ito"),
        ("Deployed v1.3.9\nto @shop", "deploybot"),
        ("This message was deleted.", "Slackbot"),
        ("Shared graph.png", "U03"),
        ("@Kim Ito has joined the channel", "Kim Ito"),
    ]
    assert found["time"][0] == START + timedelta(microseconds=100)
    assert found["service"].null_count() == 6
    told = [json.loads(text) for text in found["attributes"]]
    assert told[0]["place"] == "parent"
    assert told[0]["reactions"] == {"eyes": 1}
    assert told[1] == {
        "channel": "incidents",
        "edited": "2024-01-29T10:02:00Z",
        "edited_by": "Kim Ito",
        "id": "C01/1706522460.000200",
        "permalink": "https://acme.slack.com/archives/C01/p1706522460000200?thread_ts=1706522400.000100&cid=C01",
        "place": "reply",
        "status": "edited",
        "thread": "1706522400.000100",
        "ts": "1706522460.000200",
        "user": "U02",
    }
    assert told[3]["status"] == "deleted"
    assert told[4]["files"] == ["graph.png"]
    assert told[5]["subtype"] == "channel_join"
    assert found["url"][0] == "https://acme.slack.com/archives/C01/p1706522400000100"


def test_only_the_days_of_the_window_are_opened(tmp_path: Path) -> None:
    """And the day before and after, whose border depends on a zone; what lies in other days may be broken."""
    days = {f"incidents/2024-01-{day}.json": b"{broken" for day in (27, 31)}
    near = {
        f"incidents/2024-01-{day}.json": [{"type": "message", "ts": "1706523000.5", "user": "U01", "text": day}]
        for day in ("28", "30")
    }
    path = export(tmp_path, FILES | days | near)
    answer = reading(path)
    found = answer.data.collect()
    assert answer.complete
    assert {"28", "30"} < set(found["title"])
    assert answer.asked == "all channels of export, files of 2024-01-28 to 2024-01-30"
    opened = [json.dumps(body) for body in (*near.values(), SHAPE["messages"])]
    assert answer.estimate().bytes == sum(map(len, opened))


def test_channels_are_chosen_by_name(tmp_path: Path) -> None:
    """A direct message's folder has its id; a channel that isn't there is named, with those that are."""
    files = FILES | {"D01/2024-01-29.json": [{"ts": "1706523000.000000", "user": "U02", "text": "psst"}]}
    path = export(tmp_path, files)
    assert read(path, channels=["D01"])["title"].to_list() == ["psst"]
    assert read(path, channels=["#incidents"]).height == 6
    with pytest.raises(SourceError, match=r"no channel 'shop'.*It holds D01, incidents"):
        read(path, channels=["shop"])


def test_one_channels_folder_is_enough(tmp_path: Path) -> None:
    """People are then called by what their messages say."""
    (tmp_path / "war-room").mkdir()
    (tmp_path / "war-room" / "2024-01-29.json").write_text(json.dumps(SHAPE["messages"]))
    found = read(tmp_path / "war-room")
    assert found["actor"].to_list()[:2] == ["Earline Greenholt", "U02"]
    assert json.loads(found["attributes"][0])["channel"] == "war-room"


def test_a_broken_day_costs_only_that_day(tmp_path: Path) -> None:
    """So does a broken list of people; both are told."""
    files = FILES | {
        "incidents/2024-01-28.json": b'[{"ts": "17',
        "users.json": b"\x00",
        "general/2024-01-29.json": {"a": 1},
    }
    for packed in (False, True):
        answer = reading(export(tmp_path, files, packed=packed))
        assert answer.data.collect().height == 6
        assert not answer.complete
        assert [one.text.partition(" of ")[0] for one in answer.problems] == [
            "users.json", "incidents/2024-01-28.json", "general/2024-01-29.json"
        ]  # fmt: skip


@pytest.mark.parametrize(("encoding", "noted"), [("utf-8-sig", []), ("utf-16", []), ("cp1252", ["other-encoding"])])
def test_files_of_other_encodings_are_read(tmp_path: Path, encoding: str, noted: list[str]) -> None:
    """As old exports and editors leave them behind."""
    text = json.dumps([{"ts": "1706523000.000000", "user": "U01", "text": "Störung – größer"}], ensure_ascii=False)
    answer = reading(export(tmp_path, FILES | {"incidents/2024-01-29.json": text.encode(encoding)}))
    assert answer.data.collect()["title"].to_list() == ["Störung – größer"]
    assert [problem.kind for problem in answer.problems] == noted


def test_a_zips_name_without_its_mark_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """Channel names of other scripts come as UTF-8 that the format takes for code page 437."""
    path = export(tmp_path, {"st\u00f6rung/2024-01-29.json": SHAPE["messages"]}, packed=True)
    raw = path.read_bytes()
    assert raw.count("störung".encode()) == 2
    # Bit 11 of the general flags says that names are in UTF-8; some packers forget it.
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.index(sign) + place
        raw = raw[:at] + b"\x00\x00" + raw[at + 2 :]
    path.write_bytes(raw)
    assert read(path, channels=["störung"]).height == 6


def test_a_bomb_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the limit of bytes as unpacked, and by what one day can hold at most."""
    bomb = b"[" + b" " * 20_000_000 + b"]"
    path = export(tmp_path, FILES | {"general/2024-01-29.json": bomb}, packed=True)
    assert path.stat().st_size < 100_000
    with pytest.raises(LimitError, match="more than 1,000,000 bytes"):
        reading(path, limits=Limits(bytes=1_000_000)).data.collect()
    monkeypatch.setattr("workbench.telemetry.sources.slack.export._LARGEST", 1_000_000)
    answer = reading(path)
    assert answer.data.collect().height == 6
    assert "larger than 1,000,000 bytes" in answer.problems[0].text


def test_a_zip_that_lies_or_is_locked_costs_that_day(tmp_path: Path) -> None:
    """A damaged member, and one under a password."""
    path = export(tmp_path, FILES | {"general/2024-01-29.json": [{"n": n} for n in range(500)]}, packed=True)
    raw = bytearray(path.read_bytes())
    at = raw.index(b"general/2024-01-29.json") + 60
    raw[at : at + 40] = bytes(255 - byte for byte in raw[at : at + 40])
    path.write_bytes(raw)
    answer = reading(path)
    assert answer.data.collect().height == 6
    assert "general/2024-01-29.json of the export can't be read" in answer.problems[0].text
    locked = bytearray(export(tmp_path, FILES, packed=True).read_bytes())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in [at for at in range(len(locked)) if locked[at : at + 4] == sign]:
            locked[found + place] |= 1
    path.write_bytes(locked)
    answer = reading(path)
    assert answer.data.collect().height == 0
    assert "encrypted" in answer.problems[0].text


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "path of"),
        ({"path": "a", "file": "b"}, "has the key 'file'"),
        ({"path": "a", "channels": "b"}, "not a list"),
        ({"path": "a", "url": "acme.slack.com"}, "is no address"),
        ({"path": "a", "url": "https://me:pass@acme.slack.com"}, "is no address"),
        ({"path": "a", "url": "https://[acme"}, "is no address"),
    ],
)
def test_settings_that_cannot_be_are_refused(table: dict[str, object], said: str) -> None:
    """Naming the table and the key."""
    with pytest.raises(SourceError, match=said) as told:
        SlackSource.from_settings("chat", table, Path())
    assert "[sources.chat]" in str(told.value)


def test_what_is_no_export_is_told(tmp_path: Path) -> None:
    """Missing, another file, an empty folder."""
    (tmp_path / "a.zip").write_text("hello")
    (tmp_path / "empty").mkdir()
    for name, said in (("gone.zip", "No such file"), ("a.zip", "can't be read as a Slack"), ("empty", "no messages")):
        with pytest.raises(SourceError, match=said):
            read(tmp_path / name)


def test_who_has_gone_is_not_read_to(tmp_path: Path) -> None:
    """A reading that nobody waits for ends between two days."""
    made = SlackSource.from_settings("chat", {"path": str(export(tmp_path, FILES))}, Path())
    query = Query(WINDOW)
    query.stop.set()
    with pytest.raises(SourceError, match="was stopped"):
        made.read("events", query).data.collect()


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("<@U01> <@U09|kim> <@U09>", "@Earline @kim @U09"),
        ("<#C01|general> <#C01> <#C09>", "#general #incidents #C09"),
        ("<!here> <!channel> <!subteam^S1|@shop> <!subteam^S1>", "@here @channel @shop @subteam"),
        ("<!date^1706520000^{date_short}|29 Jan> is past", "29 Jan is past"),
        ("<https://a.example/?b=1&amp;c=2>", "https://a.example/?b=1&c=2"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<https://a.example|the graph>", "the graph (https://a.example)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("5 &lt; 6 &amp;lt; a < b > c", "5 < 6 &lt; a < b > c"),
    ],
)
def test_markup_becomes_words(marked: str, shown: str) -> None:
    """Each kind that the document names."""
    assert plain(marked, Directory({"U01": "Earline"}, {"C01": "incidents"})) == shown


@given(st.text(st.sampled_from("<>@#!|^&;ampltgU1C \n:/.")))
def test_any_markup_becomes_some_text(text: str) -> None:
    """And plain text stays as it is."""
    shown = plain(text, Directory())
    if not set(text) & set("<&"):
        assert shown == text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_export_gives_rows_or_an_error_in_words(tmp_path_factory, data: st.DataObject) -> None:
    """Every file of the documented one with any part of it exchanged for something else, any JSON, and no JSON."""
    files = {name: data.draw(other(body) | SHAPES | st.binary(max_size=30), label=name) for name, body in FILES.items()}
    path = export(tmp_path_factory.mktemp("slack"), files, packed=data.draw(st.booleans()))
    rows_or_words(SlackSource.from_settings("chat", {"path": str(path)}, Path()), WINDOW)
