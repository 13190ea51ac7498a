"""Files are found by path, glob, date or bucket, and their columns by name, whatever format they are in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from conformance import SourceConformance

from workbench.errors import SourceError
from workbench.telemetry.discovery import Discovering
from workbench.telemetry.names import FrameName
from workbench.telemetry.source import Query, Reading
from workbench.telemetry.sources.files.comma_separated import CsvSource
from workbench.telemetry.sources.files.json_lines import JsonlSource
from workbench.telemetry.sources.files.parquet import ParquetSource
from workbench.telemetry.sources.files.source import FileSource
from workbench.window import Window

START = datetime(2023, 1, 29, 23, 55, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10))
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG"
each_kind = pytest.mark.parametrize("kind", [ParquetSource, CsvSource, JsonlSource])


def write(path: Path, rows: pl.DataFrame) -> str:
    """Write rows in the format of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        rows.write_parquet(path)
    elif path.suffix == ".csv":
        rows.write_csv(path)
    else:
        rows.with_columns(pl.selectors.datetime().dt.to_string("iso:strict")).write_ndjson(path)
    return path.name


def suffix(kind: type[FileSource]) -> str:
    """Return what files of a kind are called."""
    return {"parquet": "parquet", "csv": "csv", "jsonl": "jsonl"}[kind.kind]


def logs(*minutes: float, **columns: object) -> pl.DataFrame:
    """Return log records, so many minutes after the start of the window."""
    times = pl.Series("time", [START + timedelta(minutes=m) for m in minutes], dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame({"time": times, "body": [f"m{m:g}" for m in minutes]}).with_columns(
        pl.lit(value).alias(name) for name, value in columns.items()
    )


def read(source: FileSource, frame: FrameName = "logs", **query: Any) -> Reading:
    """Return a reading, read once to its end."""
    found = source.read(frame, Query(WINDOW, **query))
    return Reading(frame, found.data.collect().lazy(), found.asked, found.tally, found.estimate)


def bodies(reading: Reading) -> list[str]:
    """Return what the records say."""
    return reading.data.collect()["body"].to_list()


# Where files lie


@each_kind
def test_a_partition_outside_the_window_is_not_touched(kind: type[FileSource], tmp_path: Path) -> None:
    """The date in a path says which folders can hold rows of the window; the others may be damaged or huge."""
    name = f"rows.{suffix(kind)}"
    for day, minutes in (("29", (0.0, 4.0)), ("30", (6.0, 20.0))):
        write(tmp_path / "logs" / f"date=2023-01-{day}" / "region=eu" / name, logs(*minutes))
    for day in ("28", "31"):
        damaged = tmp_path / "logs" / f"date=2023-01-{day}" / "region=eu" / name
        damaged.parent.mkdir(parents=True)
        damaged.write_bytes(b"\x1f\x8b damaged")
    source = kind.from_settings("shop", {"logs": f"logs/date=%Y-%m-%d/*/{name}"}, tmp_path)
    found = read(source)
    assert bodies(found) == ["m0", "m4", "m6"]
    assert "date=2023-01-29" in found.asked
    assert "date=2023-01-30" in found.asked
    assert "date=2023-01-28" not in found.asked
    assert [json.loads(text) for text in found.data.collect()["attributes"]] == [{"cloud.region": "eu"}] * 3
    everything = kind.from_settings("shop", {"logs": f"logs/date=*/*/{name}"}, tmp_path)
    with pytest.raises(SourceError):
        read(everything)


def test_dates_in_paths_are_of_the_zone_that_is_set(tmp_path: Path) -> None:
    """In Berlin the window begins on the 30th already."""
    for day, minute in ((29, 1.0), (30, 2.0)):
        write(tmp_path / f"{day}" / "00" / "a.parquet", logs(minute))
    source = ParquetSource.from_settings("shop", {"logs": "%d/%H/*.parquet", "time_zone": "Europe/Berlin"}, tmp_path)
    assert bodies(read(source)) == ["m2"]


def test_a_day_without_a_file_is_no_error(tmp_path: Path) -> None:
    """Nothing may have been written then."""
    source = ParquetSource.from_settings("shop", {"logs": "%Y/%m/%d.parquet"}, tmp_path)
    assert bodies(read(source)) == []


@each_kind
def test_a_partition_is_a_column(kind: type[FileSource], tmp_path: Path) -> None:
    """What a folder says of all its rows is a column of them, and services narrow by it."""
    for service in ("cart", "pay%2Fment"):
        write(tmp_path / f"service={service}" / f"a.{suffix(kind)}", logs(1, 2))
    source = kind.from_settings("shop", {"logs": f"service=*/a.{suffix(kind)}"}, tmp_path)
    assert read(source).data.collect()["service"].to_list() == ["cart", "cart", "pay/ment", "pay/ment"]
    assert read(source, services=("pay/ment",)).data.collect().height == 2


@each_kind
def test_an_estimate_reads_no_row(kind: type[FileSource], tmp_path: Path) -> None:
    """Bytes by the files' sizes, and rows where the files' own statistics tell."""
    name = write(tmp_path / f"a.{suffix(kind)}", logs(1, 2, 30))
    estimate = kind.from_settings("shop", {"logs": name}, tmp_path).read("logs", Query(WINDOW)).estimate()
    assert estimate.bytes == (tmp_path / name).stat().st_size
    assert estimate.rows == (2 if kind is ParquetSource else None)


@each_kind
def test_what_it_holds_is_discovered(kind: type[FileSource], tmp_path: Path) -> None:
    """Services, metrics, and what the attributes say."""
    rows = logs(1, 2, service="cart", metric="cpu", value=1.0, namespace="shop")
    source = kind.from_settings("shop", {"metrics": write(tmp_path / f"a.{suffix(kind)}", rows)}, tmp_path)
    assert isinstance(source, Discovering)
    found = source.discover(Query(WINDOW))
    assert (found.services, found.metrics) == (("cart",), ("cpu",))
    assert found.labels == (("body", ("m1", "m2")), ("k8s.namespace.name", ("shop",)))


# Columns


def test_the_settings_say_which_column_is_which(tmp_path: Path) -> None:
    """Nested ones by their path; times as counts; bytes as hexadecimal digits; the rest stays in attributes."""
    rows = pl.DataFrame(
        {
            "at": [1_675_036_560_000, 1_675_036_560_001],
            "resource": [{"service": {"name": "cart"}, "zone": None}, {"service": {"name": None}, "zone": "b"}],
            "what": ["x", "y"],
            "trace_id": [b"\x01\xff", None],
            "on": [date(2023, 1, 29), None],
            "tags": [[1, 2], None],
        }
    )
    table = {
        "logs": write(tmp_path / "a.parquet", rows),
        "columns": {"logs": {"time": "at", "body": "what", "service": "resource.service.name"}},
        "time_format": "unix_ms",
        "names": {"tags": "shop.tags"},
    }
    found = read(ParquetSource.from_settings("shop", table, tmp_path)).data.collect()
    assert found["time"].to_list() == [START + timedelta(minutes=1, milliseconds=n) for n in (0, 1)]
    assert found["service"].to_list() == ["cart", None]
    assert found["trace_id"].to_list() == ["01ff", None]
    assert [json.loads(text) for text in found["attributes"]] == [
        {"resource": {"service": {"name": "cart"}}, "on": "2023-01-29", "shop.tags": [1, 2]},
        {"resource": {"service": {}, "zone": "b"}},
    ]


def test_a_map_of_attributes_is_an_object(tmp_path: Path) -> None:
    """As Parquet's writers of OpenTelemetry store them."""
    pairs = [[{"key": "a", "value": "1"}, {"key": "b", "value": None}], None]
    rows = logs(1, 2).with_columns(attributes=pl.Series(pairs, dtype=pl.List(pl.Struct({"key": str, "value": str}))))
    source = ParquetSource.from_settings("shop", {"logs": write(tmp_path / "a.parquet", rows)}, tmp_path)
    assert read(source).data.collect()["attributes"].to_list() == ['{"a":"1","b":null}', None]


def test_text_times_in_parquet_are_read_and_those_that_are_none_counted(tmp_path: Path) -> None:
    """The statistics can't answer for text, so the column is read."""
    rows = pl.DataFrame({"time": ["2023-01-29T23:56:00Z", "soon", None], "body": ["a", "b", "c"]})
    source = ParquetSource.from_settings("shop", {"logs": write(tmp_path / "a.parquet", rows)}, tmp_path)
    found = read(source)
    assert bodies(found) == ["a"]
    assert [(p.kind, p.rows) for p in found.problems] == [("impossible-time", 1), ("unreadable-row", 1)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"columns": 5}, "is 5, not a table"),
        ({"columns": {"log": {}}}, "has the key 'log'"),
        ({"columns": {"logs": {"text": "a"}}}, "names 'text', which is no column of logs"),
        ({"columns": {"logs": {"body": 5}}}, "not a table of names"),
        ({"time_format": "ms"}, "time_format of"),
        ({"time_zone": "Mars/Olympus"}, "time_zone of"),
        ({"duration_unit": "min"}, "duration_unit of"),
        ({"names": []}, "names of"),
        ({"storage": []}, r"\[sources\.shop\.storage\] in workbench\.toml is \[\]"),
        ({"storage": {"regoin": "x"}}, "has the key 'regoin'"),
        ({"storage": {"region": 5}}, "region of"),
        ({"storage": {"anonymous": "yes"}}, "anonymous of"),
        ({"storage": {"secret_key": "hush"}}, "holds a secret_key itself"),
    ],
)
@each_kind
def test_settings_that_cannot_be_are_refused(kind: type[FileSource], table: dict[str, object], said: str) -> None:
    """The error names the table in workbench.toml and the key, and no secret."""
    with pytest.raises(SourceError, match=said) as told:
        kind.from_settings("shop", {"logs": "a", **table}, Path())
    assert "hush" not in str(told.value)


# Buckets


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Return the address of an S3 of our own, for as long as the tests of this module run."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Bucket:
    """A bucket with what a test puts into it."""

    def __init__(self, address: str, name: str) -> None:
        import boto3

        self.name = name
        self.storage = {"endpoint_url": address, "region": "us-east-1"}
        self.storage |= {"access_key_env": "SHOP_S3_KEY", "secret_key_env": "SHOP_S3_SECRET"}
        self._client = boto3.client(
            "s3", endpoint_url=address, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
        )
        self._client.create_bucket(Bucket=name)

    def put(self, key: str, content: bytes) -> None:
        """Store a file."""
        self._client.put_object(Bucket=self.name, Key=key, Body=content)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


@pytest.fixture
def bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Return a new bucket."""
    monkeypatch.setenv("SHOP_S3_KEY", KEY)
    monkeypatch.setenv("SHOP_S3_SECRET", SECRET)
    made = Bucket(s3, f"b{abs(hash(tmp_path))}")
    yield made
    made.close()


class InBucket(SourceConformance):
    """The conformance tests, over two files of a bucket."""

    kind: ClassVar[type[FileSource]]
    refused: ClassVar[Mapping[str, object]] = {"logs": "s3://x/y", "regoin": "x"}

    @pytest.fixture(autouse=True)
    def _bucket(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def holding(self, folder: Path, frame: FrameName, rows: pl.DataFrame) -> FileSource:
        """Return a source over a glob in the bucket."""
        if self.kind is JsonlSource:  # JSON has no NaN
            odd = pl.selectors.float().cast(pl.String)
            rows = rows.with_columns(odd)
        for half in (0, 1):
            name = write(folder / f"{half}.{suffix(self.kind)}", rows[half::2])
            self.bucket.put(f"rows/day={half}/{name}", (folder / name).read_bytes())
        return self.source(frame, f"rows/*/*.{suffix(self.kind)}")

    def broken(self, folder: Path, frame: FrameName) -> FileSource:
        """Return a source over a file that isn't there."""
        return self.source(frame, f"gone.{suffix(self.kind)}")

    def source(self, frame: FrameName, path: str) -> FileSource:
        """Return a source over the bucket."""
        table = {frame: f"s3://{self.bucket.name}/{path}", "storage": self.bucket.storage}
        return self.kind.from_settings("shop", table, Path())


class TestParquetInBucket(InBucket):
    """The parquet source over a bucket."""

    kind = ParquetSource


class TestCsvInBucket(InBucket):
    """The csv source over a bucket."""

    kind = CsvSource


class TestJsonlInBucket(InBucket):
    """The jsonl source over a bucket."""

    kind = JsonlSource


@each_kind
def test_secrets_of_a_bucket_are_not_shown(
    kind: type[FileSource], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where it is refused, nor where a variable is missing; and no row is read before that."""
    table = {"logs": f"s3://{bucket.name}/gone.x", "storage": bucket.storage}
    source = kind.from_settings("shop", table, Path())
    with pytest.raises(SourceError) as told:
        read(source)
    assert SECRET not in str(told.value)
    assert "credentials" in told.value.do
    monkeypatch.delenv("SHOP_S3_SECRET")
    with pytest.raises(SourceError, match="SHOP_S3_SECRET"):
        read(kind.from_settings("shop", table, Path()))


@each_kind
def test_a_glob_that_finds_nothing_in_a_bucket_is_named(kind: type[FileSource], bucket: Bucket) -> None:
    """As on a disk."""
    table = {"logs": f"s3://{bucket.name}/none/*.x", "storage": bucket.storage}
    with pytest.raises(SourceError, match=r"none/\*\.x' matches no file"):
        read(kind.from_settings("shop", table, Path()))


@each_kind
def test_a_bucket_is_asked_for_the_days_of_the_window_only(
    kind: type[FileSource], bucket: Bucket, tmp_path: Path
) -> None:
    """The date in the address stands for folders that aren't listed one by one; a day may have none."""
    name = write(tmp_path / f"a.{suffix(kind)}", logs(1, 2))
    bucket.put(f"logs/date=2023-01-29/{name}", (tmp_path / name).read_bytes())
    bucket.put(f"logs/date=2023-01-28/{name}", b"damaged")
    for path in ("date=%Y-%m-%d/*", f"date=%Y-%m-%d/{name}"):
        table = {"logs": f"s3://{bucket.name}/logs/{path}", "storage": bucket.storage}
        assert bodies(read(kind.from_settings("shop", table, tmp_path))) == ["m1", "m2"]
