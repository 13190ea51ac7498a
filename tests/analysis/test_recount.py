"""Every number of every reason is counted again from the frames, in plain loops that share only the masking."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import median

import polars as pl
import pytest

from workbench.analysis import suspects
from workbench.analysis.logs import SEVERE, masked

NS = timedelta(microseconds=1) / 1000


class Recount:
    """The same frames as lists of dicts, and the answers to what a reason claims."""

    def __init__(self, frames, when):
        """Keep the rows of the window and the baseline, each once."""
        self.window, self.baseline = when["window"], when["baseline"]
        metrics, logs, spans = (frame.collect() for frame in frames)
        self.metrics = [row for row in metrics.iter_rows(named=True) if self.near(row["time"])]
        near = spans.filter(pl.col("start_time") >= self.baseline.start, pl.col("start_time") < self.window.end)
        self.spans = [row for row in near.unique().iter_rows(named=True) if row["service"]]
        names = {row["service"] for row in [*self.metrics, *self.spans] if row["service"]}
        logs = logs.filter(pl.col("time") >= self.baseline.start, pl.col("time") < self.window.end)
        logs = logs.unique(["time", "service", "severity", "body", "trace_id", "span_id"])
        logs = logs.with_columns(template=masked(pl.col("body"), names))
        self.logs = [row for row in logs.iter_rows(named=True) if row["service"]]
        self.names = sorted(names, key=lambda name: (-len(name), name))
        self._visit()

    def near(self, time):
        """Return whether a time is in the window or the baseline."""
        return time in self.window or time in self.baseline

    def _visit(self):
        by_id = {(row["trace_id"], row["span_id"]): row for row in self.spans}
        self.children = defaultdict(list)
        for row in self.spans:
            row["above"] = by_id.get((row["trace_id"], row["parent_span_id"]))
            if row["above"] is not None:
                self.children[id(row["above"])].append(row)
        for row in self.spans:
            first = row
            while first["above"] is not None and first["above"]["service"] == first["service"]:
                first = first["above"]
            row["first"] = first
        self.visits = [row for row in self.spans if row["first"] is row]
        self.visits = [row for row in self.visits if row["start_time"] + row["duration_ns"] * NS <= self.window.end]
        self.inner = defaultdict(list)
        for row in self.spans:
            self.inner[id(row["first"])].append(row)
        self.said = defaultdict(list)
        for row in self.logs:
            span = by_id.get((row["trace_id"], row["span_id"]))
            if span is not None and span["service"] == row["service"]:
                self.said[id(span["first"])].append(row)
        self.logged = {row["trace_id"] for row in self.logs}
        self._excuse()

    def complains(self, row):
        """Return the other service a severe record names."""
        if (row["severity"] or "").upper() not in SEVERE:
            return None
        found = re.search(r"\b(" + "|".join(map(re.escape, self.names)) + r")\b", row["body"] or "")
        return found.group(1) if found and found.group(1) != row["service"] else None

    def _excuse(self):
        blaming = {key for key, rows in self.said.items() if any(self.complains(row) for row in rows)}
        share = defaultdict(list)
        for visit in self.visits:
            if visit["start_time"] in self.baseline:
                share[visit["service"], visit["name"]].append(id(visit) in blaming)
        self.excused = set()
        for visit in self.visits:
            flags = share[visit["service"], visit["name"]]
            if id(visit) in blaming and not (flags and sum(flags) / len(flags) > 0.5):
                self.excused.add(id(visit))
                above = visit["above"]
                while above is not None:
                    self.excused.add(id(above["first"]))
                    above = above["first"]["above"]

    def value(self, service, why):
        """Recount a moved series: its times, median before, farthest value and number of points."""
        series = {"service": service, "instance": why.instance, "metric": why.name, "attributes": why.attributes}
        rows = [row for row in self.metrics if series.items() <= row.items()]
        rows = [row for row in rows if row["value"] is not None and math.isfinite(row["value"])]
        before = [row["value"] for row in rows if row["time"] in self.baseline]
        now = [row for row in rows if row["time"] in self.window]
        farthest = max(now, key=lambda row: abs(row["value"] - median(before)))["value"]
        assert why.time in [row["time"] for row in now]
        return median(before), farthest, len(before), len(now)

    def silence(self, service, why):
        """Recount the moments at which an instance reported."""
        rows = [row for row in self.metrics if (row["service"], row["instance"]) == (service, why.instance)]
        before = {row["time"] for row in rows if row["time"] in self.baseline}
        now = {row["time"] for row in rows if row["time"] in self.window}
        assert why.time == max(before | now)
        return len(before), len(now), len(before), len(now)

    def share(self, service, why):
        """Recount the calls in which something was seen more or less often than usual."""
        if why.operation is None:
            return self._loose(service, why)
        visits = [
            v
            for v in self.visits
            if (v["service"], v["name"]) == (service, why.operation) and id(v) not in self.excused
        ]
        if why.kind == "log":
            visits = [visit for visit in visits if visit["trace_id"] in self.logged]
        counts = [(visit["start_time"], self._seen(visit, why)) for visit in visits]
        before = sorted(count for time, count in counts if time in self.baseline)
        assert why.usual == (0 if self._is_error(why) else before[len(before) // 2])
        odd = [
            (time, (count > why.usual) if why.direction == "more" else (count < why.usual)) for time, count in counts
        ]
        assert why.time == min(time for time, is_odd in odd if is_odd and time in self.window)
        return self._percent(odd)

    def failures(self, service, why):
        """Recount the calls in which a span failed by its status."""
        failed = []
        for visit in self.visits:
            inner = self.inner[id(visit)]
            called = [child for row in inner for child in self.children[id(row)] if child["first"] is child]
            if (visit["service"], visit["name"]) == (service, why.operation) and not any(map(self._has_failed, called)):
                failed.append(
                    (visit["start_time"], any(self._has_failed(row) and row["name"] == why.name for row in inner))
                )
        return self._percent(failed)

    def _has_failed(self, row):
        return (row["status"] or "").endswith("ERROR")

    def _is_error(self, why):
        return why.kind == "log" and any(
            row["template"] == why.name and (row["severity"] or "").upper() in SEVERE for row in self.logs
        )

    def _seen(self, visit, why):
        if why.kind == "log":
            return sum(row["template"] == why.name for row in self.said[id(visit)])
        inner = self.inner[id(visit)]
        if why.peer is None:
            return sum(row["name"] == why.name and row is not visit for row in inner)
        called = [child for row in inner for child in self.children[id(row)] if child["first"] is child]
        return sum((child["service"], child["name"]) == (why.peer, why.name) for child in called)

    def _loose(self, service, why):
        placed = {id(row) for rows in self.said.values() for row in rows}
        rows = [
            row for row in self.logs if row["service"] == service and id(row) not in placed and not self.complains(row)
        ]
        return self._percent([(row["time"], row["template"] == why.name) for row in rows])

    def _percent(self, odd):
        before = [is_odd for time, is_odd in odd if time in self.baseline]
        now = [is_odd for time, is_odd in odd if time in self.window]
        return 100 * sum(before) / len(before), 100 * sum(now) / len(now), len(before), len(now)

    def own(self, service, why):
        """Recount the median milliseconds of an operation's own work."""
        times = []
        for visit in self.visits:
            if (visit["service"], visit["name"]) == (service, why.name):
                own = 0
                for row in self.inner[id(visit)]:
                    below = self.children[id(row)]
                    if not (len(below) == 1 and below[0]["first"] is below[0]):
                        own += max(0, row["duration_ns"] - sum(child["duration_ns"] for child in below))
                times.append((visit["start_time"], own / 1e6))
        return self._medians(times)

    def gap(self, service, why):
        """Recount the median milliseconds a caller waited longer than the call took."""
        times = []
        for visit in self.visits:
            above = visit["above"]
            if visit["name"] != why.name or above is None or len(self.children[id(above)]) != 1:
                continue
            if {above["service"], visit["service"]} == {service, why.peer}:
                times.append((visit["start_time"], max(0, above["duration_ns"] - visit["duration_ns"]) / 1e6))
        return self._medians(times)

    def _medians(self, times):
        before = [value for time, value in times if time in self.baseline]
        now = [value for time, value in times if time in self.window]
        return median(before), median(now), len(before), len(now)

    def blame(self, service, why):
        """Recount the minutes in which others complained about a service."""
        length = (self.baseline.end - self.baseline.start) / 60
        minutes = defaultdict(bool)
        for row in self.logs:
            minutes[row["time"] in self.window, (row["time"] - self.window.start) // length] |= (
                self.complains(row) == service
            )
        assert why.time == min(
            row["time"] for row in self.logs if row["time"] in self.window and self.complains(row) == service
        )
        before = [odd for (inside, _), odd in minutes.items() if not inside]
        now = [odd for (inside, _), odd in minutes.items() if inside]
        return 100 * sum(before) / len(before), 100 * sum(now) / len(now), len(before), len(now)


def recount_all(frames, when):
    """Count every reason of every suspect again; return how many of each measure there were."""
    told = Counter()
    again = Recount(frames, when)
    for suspect in suspects.rank(*frames, **when):
        for why in suspect.reasons:
            before, during, n_before, n_during = getattr(again, why.measure)(suspect.service, why)
            assert (why.n_before, why.n_during) == (n_before, n_during), why
            assert why.before == pytest.approx(before, rel=1e-9, abs=1e-9), why
            assert why.during == pytest.approx(during, rel=1e-9, abs=1e-9), why
            assert why.change == pytest.approx(during - before, rel=1e-9, abs=1e-9), why
            assert why.time is None or why.time in again.window or why.measure == "silence"
            assert why.text
            told[why.measure] += 1
    return told


def test_every_reason_of_a_real_incident_can_be_counted_again(recorded) -> None:
    """The licensed sample: series, calls, records and delays of a real fault."""
    told = recount_all(recorded.frames, recorded.when)
    assert told["value"] > 3
    assert told["share"] > 1


@pytest.mark.parametrize(
    "fault",
    [
        {"says": False},
        {"error": "boom"},
        {"failed": True},
        {"cart_ms": 90},
        {"wire_ms": 90},
        {"loads": 5},
        {"blames": "store"},
    ],
)
def test_every_reason_of_a_made_incident_can_be_counted_again(given, fault) -> None:
    """The shop with each of its faults."""
    shop = given.shop().serve(-60, 0).serve(0, 5, **fault)
    assert recount_all([given.nothing[0], shop.logs, shop.spans], given.when)


def test_the_reason_of_a_silent_instance_can_be_counted_again(given) -> None:
    """An instance that stops."""
    ends = {"web": 5, "cart": 5, "store": 1}
    rows = [(minute, name, f"{name}-1", "Cpu", 1.0) for name, end in ends.items() for minute in range(-60, end)]
    assert recount_all([given.metrics(rows), *given.nothing[1:]], given.when)["silence"] == 1


def test_reasons_of_logs_alone_can_be_counted_again(given) -> None:
    """Records that belong to no span."""
    rows = [(step / 4, "cart", "INFO", f"loaded {step}", None, None) for step in range(-240, 20)]
    rows += [(step / 4, "cart", "ERROR", f"lost {step}", None, None) for step in range(20)]
    assert recount_all([given.nothing[0], given.logs(rows), given.nothing[2]], given.when) == {"share": 1}


@pytest.mark.parametrize(("name", "places"), [("trainticket-2023-01-29", [9, 25]), ("onlineboutique-2022-08-22", [5])])
def test_every_reason_in_the_full_recordings_can_be_counted_again(faults, name, places) -> None:
    """Faults of several kinds, whole."""
    for fault in faults(name, places):
        assert recount_all(fault.frames, fault.when)
