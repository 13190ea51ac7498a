"""Reasons are the facts that speak against a service, each told in a sentence and recomputable from the frames."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from workbench.analysis.changes import unit_of
from workbench.analysis.delays import SLOW

__all__ = ["Reason", "Suspect", "behaves", "blamed", "delayed", "moved", "silent"]

_SHOWN = 110  # characters of a name in a sentence


class Reason(BaseModel):
    """One fact against a service.

    ``measure`` says what ``before`` (over the baseline) and ``during`` (over the window) are, in ``unit``:

    - ``value``: of the series ``name`` of ``instance`` and ``attributes``: its median before, its farthest value
      during.
    - ``share``: percent of the calls of ``operation`` in which ``name`` (a span, a call of ``peer``, or a log template)
      was seen
      more, or less, often than ``usual``, the median of the calls before. Without an operation: of the service's
      records.
    - ``failures``: percent of the calls of ``operation`` in which the span ``name`` failed.
    - ``own``: median milliseconds the operation ``name`` worked itself.
    - ``blame``: percent of minutes in which a warning or error of another service (mostly ``peer``, in ``name``) names
      this one.
    - ``silence``: moments at which ``instance`` reported; ``name`` is empty, ``time`` the last moment.
    - ``gap``: median milliseconds a caller waited for ``name`` longer than ``name`` took; ``peer`` is the service at
      the other end.

    ``change`` is during − before. ``time`` is the first time in the window at which it was so: a value three deviations
    off, a call with more or less than usual, a call three times slower than the usual median (null if none was).
    ``weight`` is the evidence in nats: minus the logarithm of how likely that is by chance.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["metric", "log", "span"]
    name: str
    instance: str | None = None
    attributes: str | None = None
    operation: str | None = None
    peer: str | None = None
    measure: Literal["value", "share", "failures", "own", "gap", "blame", "silence"]
    direction: Literal["more", "less", "up", "down"]
    usual: int | None = None
    n_before: int
    n_during: int
    time: datetime | None
    before: float
    during: float
    change: float
    unit: str
    weight: float
    text: str


class Suspect(BaseModel):
    """A service, its place in the order (1 is first), the weight of evidence, and whether it stands out."""

    model_config = ConfigDict(frozen=True)

    service: str
    rank: int
    score: float
    stands_out: bool
    reasons: tuple[Reason, ...]


def moved(row: dict[str, Any]) -> Reason:
    """Return the reason for a row of `series_changes` with its nats."""
    unit = unit_of(row["metric"])
    before, during = row["before"], row["during"]
    text = f"{row['metric']} went {row['direction']} from {_number(before)} to {_number(during)}"
    text += _unit(unit) + _times(before, during)
    return Reason(
        kind="metric", name=row["metric"], instance=row["instance"], attributes=row["attributes"], measure="value",
        direction=row["direction"], n_before=row["n_before"], n_during=row["n_during"], time=row["moved_at"],
        before=before, during=during, change=during - before, unit=unit, weight=round(row["nats"], 3), text=text,
    )  # fmt: skip


def behaves(row: dict[str, Any]) -> Reason:
    """Return the reason for a row of `behaviour_changes`."""
    before, during = 100 * row["odd_before"] / row["n_before"], 100 * row["odd_during"] / row["n_during"]
    if row["kind"] == "log":
        what = f"the record “{_short(row['name'])}”"
    else:
        what = (
            f"a call of {row['callee']} {_short(row['name'])}" if row["callee"] else f"the span {_short(row['name'])}"
        )
    usual = "once" if row["usual"] == 1 else f"{row['usual']} times"
    fails = row["kind"] == "span" and row["severe"]
    if fails:
        how = f"{what} fails"
    elif row["usual"] == 0:
        how = f"{what} appears"
    elif row["direction"] == "less":
        how = f"{what} is missing" if row["usual"] == 1 else f"{what} comes less than {usual}"
    else:
        how = f"{what} comes more than {usual}"
    where = f"calls of {_short(row['operation'])}" if row["operation"] else "records"
    text = f"In {row['odd_during']} of {row['n_during']} {where} {how}"
    text += f"; before it was so in {row['odd_before']} of {row['n_before']}"
    return Reason(
        kind=row["kind"],
        name=row["name"],
        operation=row["operation"],
        peer=row["callee"],
        measure="failures" if fails else "share",
        direction=row["direction"],
        usual=row["usual"],
        n_before=row["n_before"],
        n_during=row["n_during"],
        time=row["first_odd"],
        before=before,
        during=during,
        change=during - before,
        unit="% of calls" if row["operation"] is not None else "% of records",
        weight=round(row["nats"], 3),
        text=text,
    )


def delayed(row: dict[str, Any], peer: str | None) -> Reason:
    """Return the reason for a row of `delay_changes`; ``peer`` is the other end of a gap."""
    before, during = row["before"], row["during"]
    took = f"{_number(during)}\u00a0ms instead of {_number(before)}\u00a0ms{_times(before, during)}"
    if row["kind"] == "own":
        text = f"{_short(row['operation'])} worked {took} itself, median of {row['n_during']} calls"
    else:
        text = (
            f"{row['caller']} waited for {row['service']} {_short(row['operation'])} {took} longer than the call took, "
            f"median of {row['n_during']} calls"
        )
    if row["odd_during"]:
        text += f"; {row['odd_during']} were over {SLOW:g} times the usual"
    return Reason(
        kind="span", name=row["operation"], peer=peer, measure=row["kind"], direction="up",
        n_before=row["n_before"], n_during=row["n_during"], time=row["first_odd"], before=before, during=during,
        change=during - before, unit="ms", weight=round(row["nats"], 3), text=text,
    )  # fmt: skip


def blamed(row: dict[str, Any]) -> Reason:
    """Return the reason for a row of `blame_changes`."""
    before, during = 100 * row["odd_before"] / row["n_before"], 100 * row["odd_during"] / row["n_during"]
    text = (
        f"In {row['odd_during']} of {row['n_during']} minutes others complained about it, most {row['caller']}: "
        f"“{_short(row['name'])}”; before in {row['odd_before']} of {row['n_before']}"
    )
    return Reason(
        kind="log", name=row["name"], peer=row["caller"], measure="blame", direction="more",
        n_before=row["n_before"], n_during=row["n_during"], time=row["first_odd"], before=before, during=during,
        change=during - before, unit="% of minutes", weight=round(row["nats"], 3), text=text,
    )  # fmt: skip


def silent(row: dict[str, Any]) -> Reason:
    """Return the reason for a row of `silent_instances`."""
    text = (
        f"{row['instance'] or row['service']} reported every {row['interval_s']:g} s and was last seen "
        f"{row['silent_s']:.0f} s before the end"
    )
    return Reason(
        kind="metric", name="", instance=row["instance"], measure="silence", direction="less",
        n_before=row["n_before"], n_during=row["n_during"], time=row["last_seen"],
        before=row["n_before"], during=row["n_during"], change=row["n_during"] - row["n_before"], unit="points",
        weight=round(row["nats"], 3), text=text,
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004 - where digits need grouping


def _unit(unit: str) -> str:
    return f"\u00a0{unit}" if unit else ""


def _times(before: float, during: float) -> str:
    """Return “ (12 times)” where a ratio says more than a difference."""
    if before <= 0 or during <= 0 or 1 / 2 < during / before < 2:  # noqa: PLR2004 - under double, both values say it
        return ""
    ratio = during / before
    return f" ({ratio:.2g} times)" if ratio < 100 else f" ({ratio:,.0f} times)"  # noqa: PLR2004 - no needless e+02


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
