"""Small frames for the analysis: an incident of five minutes at noon, and the hour before it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from workbench.telemetry.conform import conform
from workbench.telemetry.schema import FRAMES
from workbench.telemetry.source import Query
from workbench.window import Window

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(minutes=5))
BASELINE = WINDOW.baseline(timedelta(hours=1))


def at(minutes: float) -> datetime:
    """Return the time so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def frame(name: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> pl.LazyFrame:
    """Return a frame of the schema from rows of some of its columns; the first is minutes after noon."""
    schema = FRAMES[name]  # type: ignore[index]
    given = columns.split()
    told = [dict(zip(given, (at(row[0]), *row[1:]), strict=True)) for row in rows]
    return pl.DataFrame([{column: one.get(column) for column in schema} for one in told], schema=schema).lazy()


def metrics(rows: Iterable[tuple[Any, ...]]) -> pl.LazyFrame:
    """Return a metrics frame of (minute, service, instance, metric, value)."""
    return frame("metrics", "time service instance metric value", rows)


def logs(rows: Iterable[tuple[Any, ...]]) -> pl.LazyFrame:
    """Return a logs frame of (minute, service, severity, body, trace, span)."""
    return frame("logs", "time service severity body trace_id span_id", rows)


def spans(rows: Iterable[tuple[Any, ...]]) -> pl.LazyFrame:
    """Return a spans frame of (minute, milliseconds, service, name, trace, span, parent, status)."""
    timed = ((row[0], round(row[1] * 1e6), *row[2:]) for row in rows)
    return frame("spans", "start_time duration_ns service name trace_id span_id parent_span_id status", timed)


def events(rows: Iterable[tuple[Any, ...]]) -> pl.LazyFrame:
    """Return an events frame of (minute, kind, title, service, attributes as a dict, actor)."""
    told = ((*row[:4], json.dumps(row[4]), *row[5:]) for row in rows)
    return frame(
        "events", "time kind title service attributes actor", ((*row, *[None] * (6 - len(row))) for row in told)
    )


@dataclass
class Shop:
    """A shop of three services, web → cart → store, four requests a minute, that can be broken in the window."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    said: list[tuple[Any, ...]] = field(default_factory=list)

    def serve(self, start: float, end: float, **fault: Any) -> Shop:
        """Add the requests of some minutes; ``fault`` says how they go."""
        step = int(start * 4)
        while step < end * 4:
            self._request(step / 4, f"t{step}", step, **fault)
            step += 1
        return self

    def _request(
        self, minute: float, trace: str, step: int, *, cart_ms: float = 5, wire_ms: float = 2, loads: int = 2,
        says: bool = True, error: str = "", blames: str = "", failed: bool = False,
    ) -> None:  # fmt: skip
        vary = 1 + step % 5 / 20
        store_ms, status = 3.0 * vary, "STATUS_CODE_ERROR" if failed else None
        cart = cart_ms * vary + loads * (store_ms + 1)
        whole = cart + wire_ms * vary + 4 * vary
        tell = f"{trace}".ljust(4, "x")
        self.rows += [
            (minute, whole, "web", "GET /buy", trace, f"{tell}a", None, status),
            (minute, whole - 4 * vary, "web", "POST", trace, f"{tell}b", f"{tell}a", None),
            (minute, cart, "cart", "POST /cart", trace, f"{tell}c", f"{tell}b", status),
        ]
        for load in range(loads):
            self.rows += [
                (minute, store_ms + 1, "cart", "GET", trace, f"{tell}d{load}", f"{tell}c", None),
                (minute, store_ms, "store", "GET /item", trace, f"{tell}e{load}", f"{tell}d{load}", None),
            ]
        self.said.append((minute, "web", "INFO", f"request {step} took {whole:.1f} ms", trace, f"{tell}a"))
        if says:
            self.said.append((minute, "cart", "INFO", f"loaded {loads} items", trace, f"{tell}c"))
        if error:
            self.said.append((minute, "cart", "ERROR", error, trace, f"{tell}c"))
        if blames:
            self.said.append((minute, "cart", "ERROR", f"no answer from {blames} after 3 s", trace, f"{tell}c"))

    @property
    def spans(self) -> pl.LazyFrame:
        """Its spans so far."""
        return spans(self.rows)

    @property
    def logs(self) -> pl.LazyFrame:
        """Its log records so far."""
        return logs(self.said)


@pytest.fixture
def given() -> SimpleNamespace:
    """Return what small frames are made with."""
    return SimpleNamespace(
        at=at, window=WINDOW, baseline=BASELINE, metrics=metrics, logs=logs, spans=spans, events=events, shop=Shop,
        nothing=(metrics([]), logs([]), spans([])), when={"window": WINDOW, "baseline": BASELINE},
    )  # fmt: skip


def _recorded(folder: Path, injected: datetime) -> SimpleNamespace:
    window = Window(injected - timedelta(seconds=26), injected + timedelta(minutes=3))
    baseline = window.baseline(timedelta(hours=1))
    asked = Query(Window(baseline.start, window.end))
    frames = [
        conform(pl.scan_parquet(folder / f"{name}.parquet"), name, asked, origin=name)[0].collect().lazy()
        for name in ("metrics", "logs", "spans")
    ]
    return SimpleNamespace(frames=frames, when={"window": window, "baseline": baseline})


@pytest.fixture
def recorded(sample: Path) -> SimpleNamespace:
    """Return the frames and windows of the licensed sample's one real fault."""
    return _recorded(sample, datetime(2023, 1, 29, 9, 12, 56, tzinfo=UTC))


@pytest.fixture
def faults(recordings: Path) -> Any:
    """Return a function that gives a full recording's labelled faults one by one."""

    def each(name: str, places: Iterable[int]) -> Iterable[SimpleNamespace]:
        labels = json.loads((recordings / name / "faults.json").read_text())
        for place in places:
            fault = labels[place]
            found = _recorded(recordings / name, datetime.fromisoformat(fault["injected_at"]))
            yield SimpleNamespace(**vars(found), service=fault["service"], fault=fault["fault"])

    return each
