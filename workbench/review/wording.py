"""Wording says in few words what speaks against a service: as a headline, as a line of a table, as a moment."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.analysis.suspects import Reason, Suspect
from workbench.charts.calls import waited
from workbench.charts.messages import wording
from workbench.charts.values import family, number, quantity, series_name

__all__ = ["Strong", "big", "distinct", "first", "headline", "lead", "line"]

_SHORT = 80
_CLEAR = 0.5  # a reason anybody understands leads when it weighs half as much as the strongest
_FOLD = 2.0


class Strong(str):
    """A part of a sentence that is set in bold."""

    __slots__ = ()


def lead(suspect: Suspect | None) -> Reason | None:
    """Return the reason a page leads with: the strongest, or one nearly as strong that needs no explanation."""
    if suspect is None or not suspect.reasons:
        return None
    strongest = suspect.reasons[0]
    clear = (
        one for one in suspect.reasons if one.measure in {"value", "own"} and one.weight >= _CLEAR * strongest.weight
    )
    return next(clear, strongest)


def headline(suspect: Suspect, reason: Reason) -> str:
    """Return a reason as the finding of a page, with the service in it."""
    before, during = _both(reason)
    name = suspect.service
    if reason.measure == "value":
        return (
            f"{series_name(reason.name)} of {name} {'rose' if reason.change > 0 else 'fell'} from {before} to {during}"
        )
    if reason.measure == "own":
        return f"{name} itself worked {during} a call instead of {before}"
    if reason.measure == "gap":
        wait = f"{during} instead of {before}"
        return (
            f"{name} waited {wait} for {reason.peer}"
            if waited(suspect.service, reason)
            else f"{name} kept {reason.peer} waiting {wait}"
        )
    if reason.measure == "silence":
        return f"{reason.instance or name} fell silent"
    return _of_calls(name, reason)


def _of_calls(name: str, reason: Reason) -> str:
    """Return the headline of a share: of calls, or of minutes."""
    before, during = _both(reason)
    if reason.measure == "blame":
        return f"Others complained about {name} in {during} instead of {before}"
    if reason.direction == "less":
        return f"{_kind(reason)} of {name} was missing in {during} instead of {before}"
    did = "logged an unusual message" if reason.kind == "log" else "did something unusual"
    return f"{name} {did} in {during} instead of {before}"


def line(service: str, reason: Reason) -> tuple[str, ...]:
    """Return a reason as a line of a table, the new value strong: ``CPU usage rate 0.93 % → 99.9 %``."""
    before, during = _both(reason)
    if reason.measure == "value":
        return (f"{series_name(reason.name)} {before} → ", Strong(during))
    if reason.measure == "own":
        return (f"Own work for {reason.name} {before} → ", Strong(during))
    if reason.measure == "gap":
        wait = f"Waited for {reason.peer}" if waited(service, reason) else f"Kept {reason.peer} waiting"
        return (f"{wait} {before} → ", Strong(during))
    what = wording(reason.name, _SHORT)
    if reason.measure == "blame":
        return (f"Complaints of {reason.peer or 'others'} {before} → ", Strong(during), f": {what}")
    if reason.measure == "silence":
        return (f"{reason.instance or service} ", Strong("fell silent"))
    return (
        f"{_kind(reason)} {'missing' if reason.direction == 'less' else 'seen'} in {before} → ",
        Strong(during),
        f": {what}",
    )


def big(reason: Reason) -> tuple[str, str]:
    """Return a reason as a few large words and a small one beside them: ``30×``, ``slower``."""
    if reason.measure in {"own", "gap"} and reason.before > 0 and reason.during / reason.before >= _FOLD:
        return (
            f"{number(reason.during / reason.before, 2)}× slower",
            "own work" if reason.measure == "own" else "waiting",
        )
    if reason.measure == "value":
        return quantity(reason.during, reason.unit), series_name(reason.name)
    if reason.measure == "silence":
        return "Silent", "no more samples"
    share, _, of = quantity(reason.during, reason.unit).partition("% ")
    return f"{share}%" if of else share, of


def first(service: str, reason: Reason) -> tuple[str, str]:
    """Return the first time a reason showed as a line of a timeline, and the machine's own words with it."""
    before, during = _both(reason)
    if reason.measure == "value":
        return f"First sample off normal: {series_name(reason.name, inside=True)}, from {before} to {during}", ""
    if reason.measure == "own":
        return f"First call that took far longer than usual; median {during} instead of {before}:", reason.name
    if reason.measure == "gap":
        return f"First long wait between {service} and {reason.peer}; median {during} instead of {before}:", reason.name
    if reason.measure == "blame":
        return f"First complaint of {reason.peer or 'others'} about {service}:", wording(reason.name)
    if reason.measure == "silence":
        return f"Last sample of {reason.instance or service}", ""
    how = "without its usual" if reason.direction == "less" else "with an unusual"
    what = "message" if reason.kind == "log" else "operation"
    return f"First call {how} {what}; in {during} instead of {before}:", wording(reason.name)


def distinct(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Return the reasons without those that measure the same thing as an earlier one: its rate, another percentile."""
    kept: dict[tuple[str, str | None, str], Reason] = {}
    for reason in reasons:
        name = family(reason.name) if reason.kind == "metric" else reason.name
        kept.setdefault((reason.measure, reason.instance, f"{name} {reason.peer}"), reason)
    return tuple(kept.values())


def _both(reason: Reason) -> tuple[str, str]:
    before, during = quantity(reason.before, reason.unit), quantity(reason.during, reason.unit)
    if reason.measure in {"share", "blame"}:
        before = before.partition("% ")[0] + "%"
    return before, during


def _kind(reason: Reason) -> str:
    if reason.kind == "log":
        return "A message"
    return f"A call of {reason.peer}" if reason.peer else "An operation"
