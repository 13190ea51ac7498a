"""A value is a number with its unit, told the way a person reads it; a series name is a metric's name in words."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from workbench.window import format_duration

__all__ = ["clock", "count", "day", "family", "number", "quantity", "scaled", "series_name", "unit_label"]

_SPACE = "\u00a0"
_VARIANT = re.compile(r"(?: (?:rate|p\d+(?:\.\d+)?))+$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+(?:\.\d+)?")
_CAPITALS = {
    "cpu",
    "http",
    "https",
    "rpc",
    "grpc",
    "gc",
    "io",
    "db",
    "jvm",
    "sql",
    "tcp",
    "udp",
    "dns",
    "tls",
    "url",
    "api",
    "slo",
}
_UNITS_IN_NAMES = {"seconds", "milliseconds", "bytes", "percent", "ratio", "ms", "total"}
_UNIT_LABELS = {"B": "bytes", "Mi": "MiB", "Ki": "KiB", "Gi": "GiB", "Ops": "per second"}
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_TIMES = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (1.0, 1.0, "s"))
_LONG = 120.0  # seconds from which a length of time is told in minutes


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many significant digits, thousands parted: ``99.9``, ``2,350``, ``0.933``, ``0``."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}".replace("-", "−")
    told = f"{value:.{digits}g}"
    if "e" in told:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    return told.replace("-", "−")


def quantity(value: float | None, unit: str = "") -> str:
    """Return a value with its unit glued on: ``402 ms`` (from 0.402 s), ``99.9 %``, ``1.2 MB``, ``–`` for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "s":
        return _seconds(value)
    if unit == "B":
        size, name = next(((size, name) for size, name in _BYTES if abs(value) >= size), (1.0, "B"))
        return f"{number(value / size)}{_SPACE}{name}"
    if unit == "records":
        return f"{number(value)}{_SPACE}{'record' if value == 1 else 'records'}"
    shown = {"Ops": "/s", "Mi": "MiB", "Ki": "KiB", "Gi": "GiB"}.get(unit, unit)
    return f"{number(value)}{_SPACE}{shown}" if shown else number(value)


def _seconds(value: float) -> str:
    if abs(value) >= _LONG:
        return format_duration(timedelta(seconds=value))
    return f"{number(value * 1000)}{_SPACE}ms" if abs(value) < 1 and value else f"{number(value)}{_SPACE}s"


def scaled(unit: str, peak: float) -> tuple[float, str]:
    """Return by what values are divided so that an axis up to ``peak`` reads well, and the unit they then have."""
    if unit == "s":
        return next(((size, name) for least, size, name in _TIMES if peak >= least), (0.001, "ms"))
    if unit == "B":
        for size, name in _BYTES:
            if peak >= size:
                return size, name
        return 1.0, "bytes"
    return 1.0, unit_label(unit)


def unit_label(unit: str) -> str:
    """Return a unit as an axis title names it: ``per second`` for ``Ops``, the unit itself otherwise."""
    return _UNIT_LABELS.get(unit, unit)


def series_name(metric: str, *, inside: bool = False) -> str:
    """Return a metric's name in words, without its unit: ``CpuUsageRate(%)`` → ``CPU usage rate``.

    ``inside`` is for the middle of a sentence: ``pod server latency p99``, but still ``CPU usage rate``.
    """
    bare = metric.strip()
    if bare.endswith(")") and "(" in bare:
        bare = bare[: bare.rindex("(")]
    words: list[str] = []
    for word in _WORDS.findall(bare.replace("_", " ").replace(".", " ")):
        low = word.lower()
        if words and re.fullmatch(r"p", words[-1]) and word.isdigit():
            words[-1] = f"p{word}"
        else:
            words.append(low.upper() if low in _CAPITALS else low)
    while len(words) > 1 and words[-1] in _UNITS_IN_NAMES:
        words.pop()
    text = " ".join(words) or metric or "metric"
    return text if inside else text[:1].upper() + text[1:]


def family(metric: str) -> str:
    """Return what metrics of one thing share: ``CPU usage`` for rate and amount, ``latency`` for all percentiles."""
    return _VARIANT.sub("", series_name(metric, inside=True))


def count(amount: int, one: str, many: str = "") -> str:
    """Return an amount with its noun: ``1 action``, ``4 actions``, ``no actions``."""
    noun = one if amount == 1 else (many or f"{one}s")
    return f"{amount:,}{_SPACE}{noun}" if amount else f"no {noun}"


def clock(time: datetime, *, seconds: bool = True) -> str:
    """Return the time of day in UTC, ``14:49:57``."""
    return time.astimezone(UTC).strftime("%H:%M:%S" if seconds else "%H:%M")


def day(time: datetime) -> str:
    """Return the date in UTC as a person writes it, ``29 January 2023``."""
    utc = time.astimezone(UTC)
    return f"{utc.day}{_SPACE}{utc:%B}{_SPACE}{utc.year}"
