"""Time and memory of reading the Collector's JSON files, beside Python's json with pandas on the same, in one run.

    make bench

The files hold the recording under tests/data, repeated, in lines of 500 records as the Collector's file exporter writes
them, with the attributes that instrumented services commonly have. Two peers give the same columns: pandas' own way for
nested JSON, `json_normalize` in one call as its documentation shows, on which the ratio over all three signals must be
5 at least; and loops written by hand over what `json` read, which make a DataFrame of plain rows. Each figure is the
median of several runs in new processes, which take turns.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl

SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "data" / "trainticket"
RECORDS = 40_000
LINE = 500
RUNS = 3
LEAST = 5.0
KEYS = {
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "spans": ("resourceSpans", "scopeSpans", "spans"),
}


def pairs(**attributes: object) -> list[dict[str, object]]:
    """Return attributes as OTLP has them."""
    kinds = {str: "stringValue", int: "intValue"}
    return [
        {"key": key.replace("__", "."), "value": {kinds[type(value)]: str(value)}} for key, value in attributes.items()
    ]


def record(frame: str, row: dict[str, Any], place: int) -> dict[str, object]:
    """Return a row of the recording as a record of its signal."""
    time_ = row["start_time" if frame == "spans" else "time"]
    at = int(time_.timestamp() * 10**6) * 1000
    if frame == "metrics":
        value = row["value"] if math.isfinite(row["value"]) else "NaN"
        point = {"timeUnixNano": str(at), "asDouble": value, "attributes": pairs(cpu__mode="user")}
        return {"name": row["metric"], "unit": "1", "gauge": {"dataPoints": [point]}}
    made = {"traceId": row["trace_id"] or "", "spanId": row["span_id"] or "", "flags": 1}
    if frame == "logs":
        own = pairs(code__function__name="handle", thread__name=f"worker-{place % 40}", log__iostream="stdout")
        made |= {"timeUnixNano": str(at), "observedTimeUnixNano": str(at), "severityText": row["severity"]}
        return made | {"severityNumber": 9, "body": {"stringValue": row["body"]}, "attributes": own}
    own = pairs(
        http__request__method="GET", url__path=f"/api/v1/orders/{place}", http__response__status_code=200,
        server__address=row["service"], server__port=8080, thread__id=place % 100, network__protocol__version="1.1",
    )  # fmt: skip
    made |= {"parentSpanId": row["parent_span_id"] or "", "name": row["name"], "kind": 1 + place % 3, "status": {}}
    return made | {
        "startTimeUnixNano": str(at),
        "endTimeUnixNano": str(at + (row["duration_ns"] or 0)),
        "attributes": own,
    }


def lines(frame: str) -> Iterator[bytes]:
    """Yield the recording as lines of the Collector."""
    rows = pl.read_parquet(SAMPLE / f"{frame}.parquet")
    rows = pl.concat([rows] * (RECORDS // rows.height + 1)).head(RECORDS)
    outer, inner, one = KEYS[frame]
    for start in range(0, RECORDS, LINE):
        resources = []
        for (service, instance), group in rows[start : start + LINE].group_by(
            "service", "instance", maintain_order=True
        ):
            named = pairs(
                service__name=service or "", service__instance__id=instance or "", k8s__namespace__name="shop"
            )
            told = [record(frame, row, start + n) for n, row in enumerate(group.iter_rows(named=True))]
            scopes = [{"scope": {"name": "io.opentelemetry.tomcat", "version": "2.1"}, one: told}]
            resources.append({"resource": {"attributes": named}, inner: scopes})
        yield json.dumps({outer: resources}, separators=(",", ":")).encode() + b"\n"


def ours(frame: str, path: Path) -> int:
    """Read all rows with the source."""
    from workbench.telemetry.source import Query
    from workbench.telemetry.sources.otlp.source import OtlpSource
    from workbench.window import Window

    source = OtlpSource.from_settings("bench", {"files": str(path)}, path.parent)
    window = Window.parse("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
    return source.read(frame, Query(window)).data.collect().height  # type: ignore[arg-type]


def plain(attributes: list[dict[str, Any]]) -> dict[str, object]:
    """Return attributes as a dict."""
    made = {}
    for one in attributes:
        ((kind, value),) = one["value"].items()
        made[one["key"]] = int(value) if kind == "intValue" else value
    return made


def normalized(frame: str, path: Path) -> int:
    """Read all rows with json and pandas' json_normalize."""
    import pandas as pd

    outer, inner, one = KEYS[frame]
    with path.open() as file:
        requests = [json.loads(line) for line in file]
    records, around = [outer, inner, one], [[outer, "resource"], [outer, inner, "scope"]]
    if frame == "metrics":
        around += [[*records, "name"], [*records, "unit"]]
        records += ["gauge", "dataPoints"]
    table = pd.json_normalize(requests, record_path=records, meta=around)
    table = table.rename(columns={f"{outer}.resource": "resource", f"{outer}.{inner}.scope": "scope"})
    if frame == "metrics":
        table["value"] = table["asDouble"].astype("float64")
    time_ = "startTimeUnixNano" if frame == "spans" else "timeUnixNano"
    table["time"] = pd.to_datetime(table[time_].astype("int64"), utc=True)
    shared = table["resource"].map(lambda each: plain(each["attributes"]))
    table["service"] = shared.map(lambda each: each["service.name"])
    table["instance"] = shared.map(lambda each: each["service.instance.id"])
    table["attributes"] = [
        json.dumps({**plain(own), **scope, **rest})
        for own, scope, rest in zip(table["attributes"], table["scope"], shared, strict=True)
    ]
    return len(table)


def looped(frame: str, path: Path) -> int:
    """Read all rows with json, loops over what it gives, and a DataFrame of the rows."""
    import pandas as pd

    outer, inner, one = KEYS[frame]
    rows = []
    with path.open() as file:
        for line in file:
            for each in json.loads(line)[outer]:
                rest = plain(each["resource"]["attributes"])
                shared = {"service": rest.pop("service.name"), "instance": rest.pop("service.instance.id")}
                for scope in each[inner]:
                    for got in scope[one]:
                        rows += [
                            {**shared, **told, "attributes": json.dumps({**own, **scope["scope"], **rest})}
                            for told, own in TOLD[frame](got)
                        ]
    table = pd.DataFrame(rows)
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return len(table)


def metric_rows(metric: dict[str, Any]) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Yield a gauge's points."""
    for point in metric["gauge"]["dataPoints"]:
        told = {"time": int(point["timeUnixNano"]), "metric": metric["name"], "value": float(point["asDouble"])}
        yield told, {**plain(point["attributes"]), "unit": metric["unit"]}


def log_rows(log: dict[str, Any]) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Yield a log record."""
    told = {"time": int(log["timeUnixNano"]), "severity": log["severityText"], "body": log["body"]["stringValue"]}
    yield told | {"trace_id": log["traceId"], "span_id": log["spanId"]}, plain(log["attributes"])


def span_rows(span: dict[str, Any]) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Yield a span."""
    start = int(span["startTimeUnixNano"])
    told = {"time": start, "duration_ns": int(span["endTimeUnixNano"]) - start, "name": span["name"]}
    told |= {"kind": span["kind"], "status": span["status"].get("code"), "trace_id": span["traceId"]}
    yield told | {"span_id": span["spanId"], "parent_span_id": span["parentSpanId"]}, plain(span["attributes"])


TOLD = {"metrics": metric_rows, "logs": log_rows, "spans": span_rows}
WAYS: dict[str, Callable[[str, Path], int]] = {"ours": ours, "normalized": normalized, "looped": looped}


def once(way: str, frame: str, path: str) -> None:
    """Read one file in one way, in this process, and print seconds and the largest resident memory in MB."""
    import pandas  # noqa: F401, ICN001 - so that no way pays for an import

    began = time.perf_counter()
    rows = WAYS[way](frame, Path(path))
    seconds = time.perf_counter() - began
    if rows != RECORDS:
        sys.exit(f"{way} read {rows} of {RECORDS} {frame}")
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def medians(frame: str, path: Path) -> dict[str, tuple[float, float]]:
    """Return the median seconds and memory of several runs of each way, which take turns."""
    told: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for _ in range(RUNS):
        for way in WAYS:
            said = subprocess.check_output([sys.executable, __file__, way, frame, str(path)], text=True)
            told[way].append(json.loads(said))
    return {
        way: (statistics.median(s for s, _ in runs), statistics.median(m for _, m in runs))
        for way, runs in told.items()
    }


def main() -> None:
    """Measure every signal, and fail when ours is less than five times as fast as json_normalize over all."""
    import pandas as pd

    total = dict.fromkeys(WAYS, 0.0)
    with tempfile.TemporaryDirectory() as name:
        for frame in KEYS:
            path = Path(name) / f"{frame}.jsonl"
            path.write_bytes(b"".join(lines(frame)))
            size = path.stat().st_size / 1e6
            found = medians(frame, path)
            seconds, memory = found["ours"]
            print(f"OTLP {frame}, {RECORDS:,} records, {size:.0f} MB: ours {seconds:.2f} s, {memory:.0f} MB")
            for way, called in (("normalized", "json_normalize"), ("looped", "loops by hand")):
                theirs, more = found[way]
                peer = f"json + pandas {pd.__version__}, {called}"
                print(f"  {peer:<42} {theirs:6.2f} s   {more:5.0f} MB   ratio {theirs / seconds:5.2f}")
            total = {way: total[way] + found[way][0] for way in WAYS}
    ratio = total["normalized"] / total["ours"]
    print(
        f"OTLP, all three signals: ours {total['ours']:.2f} s, json_normalize {total['normalized']:.2f} s, {ratio:.2f}"
    )
    if ratio < LEAST:
        sys.exit(f"the ratio to json_normalize is {ratio:.2f}, less than {LEAST:g}")


if __name__ == "__main__":
    once(*sys.argv[1:]) if sys.argv[1:] else main()
