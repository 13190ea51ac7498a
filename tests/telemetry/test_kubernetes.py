"""The kubernetes source reads lists of events in both shapes, each occurrence once, and names what isn't one."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from conformance import SourceConformance, rows_at
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.analysis.events import read as states
from workbench.errors import SourceError
from workbench.telemetry.names import FrameName
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Limits, Query, Reading
from workbench.telemetry.sources.kubernetes.source import KubernetesSource
from workbench.window import Window

START = datetime(2024, 1, 29, 10, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=30))

# As the API reference of Kubernetes 1.35 documents "Event v1 core": a controller of the older kind, with seconds.
SCALED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {
        "name": "cart.17ae8b2f6c1d0a55",
        "namespace": "shop",
        "uid": "6a1f2a34-9d6b-4c55-8f0e-3f1f6f1d2a01",
        "resourceVersion": "48213",
        "creationTimestamp": "2024-01-29T10:02:00Z",
    },
    "involvedObject": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "cart",
        "namespace": "shop",
        "uid": "0c2d1c7e-2f0b-4e27-9a2a-5a8a3d3f9b10",
        "resourceVersion": "48210",
    },
    "reason": "ScalingReplicaSet",
    "message": "Scaled up replica set cart-5d4f8c7b9b to 1",
    "source": {"component": "deployment-controller"},
    "firstTimestamp": "2024-01-29T10:02:00Z",
    "lastTimestamp": "2024-01-29T10:02:00Z",
    "count": 1,
    "type": "Normal",
    "eventTime": None,
    "reportingComponent": "deployment-controller",
    "reportingInstance": "",
}
BACK_OFF: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {
        "name": "cart-5d4f8c7b9b-x2x7k.17ae8b40", "namespace": "shop", "uid": "u-2", "resourceVersion": "48290",
        "creationTimestamp": "2024-01-29T10:03:00Z",
    },
    "involvedObject": {
        "kind": "Pod", "namespace": "shop", "name": "cart-5d4f8c7b9b-x2x7k", "uid": "p-1", "apiVersion": "v1",
        "fieldPath": "spec.containers{server}",
    },
    "reason": "BackOff",
    "message": "Back-off restarting failed container server in pod cart-5d4f8c7b9b-x2x7k",
    "source": {"component": "kubelet", "host": "node-3"},
    "firstTimestamp": "2024-01-29T10:03:00Z",
    "lastTimestamp": "2024-01-29T10:21:30Z",
    "count": 84,
    "type": "Warning",
    "eventTime": None,
    "reportingComponent": "kubelet",
    "reportingInstance": "node-3",
}  # fmt: skip
# As the same reference documents "Event v1 events.k8s.io", whose older fields are called deprecated.
SCHEDULED: dict[str, Any] = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "search-0.17ae8b41", "namespace": "shop", "uid": "u-3", "resourceVersion": "48300"},
    "eventTime": "2024-01-29T10:04:00.123456Z",
    "series": {"count": 3, "lastObservedTime": "2024-01-29T10:05:00.5Z"},
    "reportingController": "default-scheduler",
    "reportingInstance": "default-scheduler-control-1",
    "action": "Scheduling",
    "reason": "FailedScheduling",
    "regarding": {"kind": "Pod", "namespace": "shop", "name": "search-0"},
    "related": {"kind": "Node", "name": "node-4"},
    "note": "0/3 nodes are available: 3 Insufficient cpu.",
    "type": "Warning",
    "deprecatedSource": {},
    "deprecatedFirstTimestamp": None,
    "deprecatedLastTimestamp": None,
}


def listed(*events: dict[str, Any], kind: str = "List") -> dict[str, Any]:
    """Return a list as kubectl writes it."""
    return {"apiVersion": "v1", "items": list(events), "kind": kind, "metadata": {"resourceVersion": ""}}


def changed(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an event with other fields; those of ``metadata`` and ``involvedObject`` are added to."""
    made = copy.deepcopy(event)
    for key, value in fields.items():
        made[key] = {**made[key], **value} if key in {"metadata", "involvedObject"} else value
    return made


def reading(folder: Path, query: Query | None = None, **more: object) -> Reading:
    """Read all files of a folder."""
    source = KubernetesSource.from_settings("shop", {"files": "*.json", **more}, folder)
    return source.read("events", query or Query(WINDOW))


def rows(folder: Path, *documents: object, **more: object) -> tuple[list[dict[str, Any]], list[tuple[str, int]]]:
    """Write documents, a file each, and return the rows, with their attributes read, and the notes."""
    for place, document in enumerate(documents):
        text = document if isinstance(document, str) else json.dumps(document, indent=4)
        (folder / f"{place}.json").write_text(text, encoding="utf-8")
    found = reading(folder, **more)
    made = found.data.collect()
    assert made.schema == FRAMES["events"]
    told = [row | {"attributes": json.loads(row["attributes"])} for row in made.to_dicts()]
    return told, [(problem.kind, problem.rows) for problem in found.problems]


def test_a_deployment_that_scales_is_a_deploy(tmp_path: Path) -> None:
    """Every column, and the attributes by OpenTelemetry's names."""
    (found,), notes = rows(tmp_path, listed(SCALED))
    assert found.pop("attributes") == {
        "k8s.namespace.name": "shop", "k8s.object.kind": "Deployment", "k8s.object.name": "cart",
        "k8s.object.uid": "0c2d1c7e-2f0b-4e27-9a2a-5a8a3d3f9b10", "k8s.object.api_version": "apps/v1",
        "k8s.event.reason": "ScalingReplicaSet", "k8s.event.type": "Normal",
        "k8s.event.name": "cart.17ae8b2f6c1d0a55", "k8s.event.uid": "6a1f2a34-9d6b-4c55-8f0e-3f1f6f1d2a01",
        "k8s.event.resource_version": "48213", "k8s.deployment.name": "cart",
        "id": "6a1f2a34-9d6b-4c55-8f0e-3f1f6f1d2a01",
    }  # fmt: skip
    assert found == {
        "time": START + timedelta(minutes=2), "kind": "deploy", "service": "cart", "actor": "deployment-controller",
        "title": "ScalingReplicaSet: Scaled up replica set cart-5d4f8c7b9b to 1", "source": "kubernetes", "url": None,
    }  # fmt: skip
    assert notes == []


def test_an_event_that_occurred_again_gives_its_first_and_last(tmp_path: Path) -> None:
    """With how often, the container and the node."""
    found, _ = rows(tmp_path, listed(BACK_OFF))
    assert [row["time"] for row in found] == [START + timedelta(minutes=3), START + timedelta(minutes=21, seconds=30)]
    assert [row["attributes"]["k8s.event.occurrence"] for row in found] == ["first", "last"]
    for row in found:
        assert (row["kind"], row["service"], row["attributes"]["k8s.event.count"]) == ("alert", "cart", 84)
        assert row["attributes"]["k8s.container.name"] == "server"
        assert row["attributes"]["k8s.node.name"] == "node-3"


def test_the_newer_shape_is_read_alike(tmp_path: Path) -> None:
    """To the microsecond."""
    found, _ = rows(tmp_path, listed(SCHEDULED, kind="EventList"))
    assert [row["time"] for row in found] == [
        datetime(2024, 1, 29, 10, 4, 0, 123456, tzinfo=UTC), datetime(2024, 1, 29, 10, 5, 0, 500000, tzinfo=UTC),
    ]  # fmt: skip
    first = found[0]
    assert first["title"] == "FailedScheduling: 0/3 nodes are available: 3 Insufficient cpu."
    assert (first["kind"], first["service"], first["actor"]) == ("alert", "search", "default-scheduler")
    told = first["attributes"]
    assert (told["k8s.event.action"], told["k8s.event.related"], told["k8s.event.count"]) == (
        "Scheduling", "Node/node-4", 3,
    )  # fmt: skip


def test_an_event_that_is_listed_again_is_one(tmp_path: Path) -> None:
    """In one file, in two, and with a higher count later on: each occurrence stands once."""
    later = changed(BACK_OFF, count=90, lastTimestamp="2024-01-29T10:25:00Z", metadata={"resourceVersion": "48500"})
    found, _ = rows(tmp_path, listed(BACK_OFF, SCALED, SCALED), listed(SCALED, later), listed(BACK_OFF))
    assert len(found) == 4
    told = [(row["time"].minute, row["attributes"]["k8s.event.count"]) for row in found if row["kind"] == "alert"]
    assert sorted(told) == [(3, 90), (21, 84), (25, 90)]


def test_an_alert_fires_under_its_reason(tmp_path: Path) -> None:
    """So that the analysis knows both occurrences as one thing."""
    rows(tmp_path, listed(BACK_OFF))
    found = states({"shop": reading(tmp_path).data})
    assert set(found.select("name", "key", "state").rows()) == {("BackOff", "u-2", "firing")}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"reason": "Started", "type": "Normal"}, "status"),
        ({"reason": "Unhealthy", "type": "Warning"}, "alert"),
        ({"reason": "NodeNotReady", "type": "Normal"}, "alert"),
        ({"reason": "SuccessfulRescale", "type": "Normal"}, "config"),
        ({"reason": "Sync", "type": "Normal", "involvedObject": {"kind": "Ingress"}}, "config"),
        ({"reason": "Sync", "type": "Warning", "involvedObject": {"kind": "Ingress"}}, "alert"),
        ({"reason": "UpgradeSucceeded", "type": "Normal"}, "deploy"),
    ],
)
def test_kinds_follow_the_reason_else_the_object_else_the_type(
    tmp_path: Path, fields: dict[str, Any], kind: str
) -> None:
    """And the settings say it of further reasons."""
    (found,), _ = rows(tmp_path, listed(changed(SCALED, **fields)), kinds={"UpgradeSucceeded": "deploy"})
    assert found["kind"] == kind


@pytest.mark.parametrize(
    ("kind", "name", "service"),
    [
        ("Deployment", "ts-order-service", "ts-order-service"),
        ("ReplicaSet", "cart-5d4f8c7b9b", "cart"),
        ("Pod", "cart-5d4f8c7b9b-x2x7k", "cart"),
        ("Pod", "fluentd-x2x7k", "fluentd"),
        ("Pod", "search-12", "search"),
        ("Pod", "backup-28391040-x2x7k", "backup"),
        ("Job", "backup-28391040", "backup"),
        ("Pod", "debug", "debug"),
        ("Node", "node-3", None),
        ("Namespace", "shop", None),
    ],
)
def test_the_service_is_the_owner_by_its_name(tmp_path: Path, kind: str, name: str, service: str | None) -> None:
    """A label of the event's own is better than the guess."""
    event = changed(SCALED, involvedObject={"kind": kind, "name": name})
    labelled = changed(event, metadata={"uid": "x", "labels": {"app.kubernetes.io/name": "told"}})
    found, _ = rows(tmp_path, listed(event, labelled))
    assert [row["service"] for row in found] == [service, "told"]


def test_events_one_after_another_are_read_too(tmp_path: Path) -> None:
    """As a watch writes them, as lines, and wrapped with what happened to them."""
    watched = json.dumps(SCALED, indent=4) + "\n" + json.dumps(BACK_OFF, indent=4) + "\n"
    lines = (
        json.dumps(SCHEDULED) + "\n" + json.dumps({"type": "ADDED", "object": changed(SCALED, metadata={"uid": "y"})})
    )
    found, notes = rows(tmp_path, watched, lines)
    assert len(found) == 6
    assert notes == []


def test_what_is_whole_in_a_cut_off_list_is_kept(tmp_path: Path) -> None:
    """The item it ends in is counted."""
    text = json.dumps(listed(SCALED, BACK_OFF, SCHEDULED), indent=4)
    found, notes = rows(tmp_path, text[: text.index("Insufficient")])
    assert len(found) == 3
    assert notes == [("unreadable-row", 1)]


def test_what_is_no_event_is_counted(tmp_path: Path) -> None:
    """Other objects, times that are none, and events that carry no time at all."""
    timeless = dict.fromkeys(("firstTimestamp", "lastTimestamp")) | {"metadata": {"creationTimestamp": None}}
    odd = [
        5, {"kind": "Pod", "metadata": {"name": "x"}}, changed(SCALED, firstTimestamp="yesterday"),
        changed(SCALED, **timeless), changed(SCALED, firstTimestamp="0001-01-01T00:00:00Z", metadata={"uid": "z"}),
    ]  # fmt: skip
    found, notes = rows(tmp_path, listed(SCALED, *odd))
    assert len(found) == 2
    assert notes == [("unreadable-row", 3), ("impossible-time", 1)]
    text = reading(tmp_path)
    text.data.collect()
    assert "event 2" in text.problems[0].text


@pytest.mark.parametrize("text", ["", "{}", "[]", "no JSON", '{"items":{}}', '{"items":[{}]}', "[" * 100_000, "\xff"])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """With the command that writes the right one; an empty file holds no event, and that is all."""
    (tmp_path / "0.json").write_bytes(text.encode("latin-1"))
    if not text:
        assert reading(tmp_path).data.collect().height == 0
        return
    with pytest.raises(SourceError, match=r"0\.json"):
        reading(tmp_path).data.collect()


def test_files_before_a_broken_one_are_kept(tmp_path: Path) -> None:
    """What they gave comes first."""
    rows(tmp_path, listed(SCALED))
    (tmp_path / "1.json").write_text("no JSON")
    batches = reading(tmp_path).data.collect_batches(maintain_order=True)
    assert next(batches).height == 1
    with pytest.raises(SourceError):
        list(batches)


def test_more_bytes_than_the_limit_are_not_read(tmp_path: Path) -> None:
    """A file is read as a whole, so it is looked at before."""
    rows(tmp_path, listed(SCALED))
    with pytest.raises(SourceError, match="limit"):
        reading(tmp_path, Query(WINDOW, limits=Limits(bytes=10))).data.collect()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "names no files"),
        ({"files": 3}, "files of .* is 3"),
        ({"files": "s3://bucket/a.json"}, "names a bucket"),
        ({"files": "a", "path": "b"}, "has the key 'path'"),
        ({"files": "a", "kinds": {"Sync": "change"}}, "makes 'Sync' a 'change'"),
        ({"files": "a", "kinds": 3}, "kinds of .* is 3"),
    ],
)
def test_settings_that_cannot_be_are_refused(table: dict[str, object], said: str) -> None:
    """The error names the table in workbench.toml and the key."""
    with pytest.raises(SourceError, match=said):
        KubernetesSource.from_settings("shop", table, Path())


class TestKubernetes(SourceConformance):
    """Events of the newer kind, with microseconds, labelled with their service."""

    frames: ClassVar[tuple[FrameName, ...]] = ("events",)
    refused: ClassVar[Mapping[str, object]] = {"file": "events.json"}

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> KubernetesSource:
        """Return a source over one list."""
        events = [
            changed(
                SCHEDULED,
                metadata={"uid": f"u-{place}", "labels": {"app.kubernetes.io/name": row["service"]}},
                eventTime=row["time"].isoformat(timespec="microseconds"),
                series=None,
                reason=None,
                note=row["title"],
                reportingController=row["actor"],
            )
            for place, row in enumerate(rows.iter_rows(named=True))
        ]
        (folder / "events.json").write_text(json.dumps(listed(*events)), encoding="utf-8")
        return KubernetesSource.from_settings("shop", {"files": "events.json"}, folder)

    def broken(self, folder: Path, frame: FrameName) -> KubernetesSource:
        """Return a source whose file is gone."""
        return KubernetesSource.from_settings("shop", {"files": "gone.json"}, folder)

    def test_every_value_arrives_as_it_was(self, tmp_path: Path, frame: FrameName) -> None:
        """Those an event has; the rest stands in the attributes."""
        times = self.spread(9)
        found, wanted = self.read(tmp_path, frame, times), rows_at(frame, times)
        assert found.schema == FRAMES[frame]
        same = ("time", "title", "service", "actor")
        assert found.select(same).equals(wanted.select(same))
        assert set(found.select("kind", "source", "url").rows()) == {("alert", "kubernetes", None)}


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@st.composite
def other_values(draw: st.DrawFn) -> dict[str, Any]:
    """Return a list of events in which one value, anywhere, is another."""
    made = copy.deepcopy(listed(SCALED, BACK_OFF, SCHEDULED))
    place: Any = made
    while True:
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner or draw(st.integers(0, 3)) == 0:
            place[key] = draw(values)
            return made
        place = inner


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the one file that every example writes anew."""
    return tmp_path_factory.mktemp("kubernetes")


def read_or_refused(folder: Path, body: bytes) -> pl.DataFrame | None:
    """Read a file of these bytes; null when the source refuses it in words."""
    (folder / "0.json").write_bytes(body)
    try:
        return reading(folder).data.collect()
    except SourceError:
        return None


@settings(max_examples=150, deadline=None)
@given(document=other_values())
def test_any_value_in_any_place_is_read_or_told(folder: Path, document: dict[str, Any]) -> None:
    """Never another error; the events that weren't touched are there."""
    found = read_or_refused(folder, json.dumps(document).encode())
    items = document.get("items")
    untouched = [one for one in (SCALED, BACK_OFF, SCHEDULED) if isinstance(items, list) and one in items]
    if untouched:
        assert found is not None
        assert {one["metadata"]["uid"] for one in untouched} <= set(found["attributes"].str.json_path_match("$.id"))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_bytes_are_rows_or_refused(folder: Path, data: st.DataObject) -> None:
    """Arbitrary ones, and those of a list with a few of them changed."""
    whole = bytearray(json.dumps(listed(SCALED, BACK_OFF)).encode())
    start = data.draw(st.integers(0, len(whole)))
    whole[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))
    read_or_refused(folder, bytes(whole))
    read_or_refused(folder, data.draw(st.binary(max_size=100)))


@settings(max_examples=100, deadline=None)
@given(
    seconds=st.integers(0, 1799),
    length=st.integers(0, 10**6),
    count=st.integers(1, 2**31 - 1),
    message=st.text(min_size=1),
)
def test_what_was_written_comes_back(folder: Path, seconds: int, length: int, count: int, message: str) -> None:
    """Times, counts and words."""
    first, last = (START + timedelta(seconds=n) for n in (seconds, seconds + length))
    event = changed(
        BACK_OFF, firstTimestamp=first.isoformat(), lastTimestamp=last.isoformat(), count=count, message=message
    )
    found = read_or_refused(folder, json.dumps(listed(event)).encode())
    assert found is not None
    assert found["time"].to_list() == [time for time in dict.fromkeys((first, last)) if time in WINDOW]
    said = f"BackOff: {message}" if message.strip() else "BackOff"
    assert set(found["title"]) == {said}
    if length:
        assert json.loads(found["attributes"][0])["k8s.event.count"] == count
