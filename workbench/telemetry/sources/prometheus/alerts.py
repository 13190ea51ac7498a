"""Alerts of Prometheus are its series ALERTS: a sample at each evaluation while a rule fires, and none afterwards.

Source: Prometheus, Alerting rules, "Inspecting alerts during runtime", and HTTP API, "Rules" (2.42 to 3.x).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from urllib.parse import quote

import polars as pl

from workbench.errors import SourceError
from workbench.telemetry.conventions import Names
from workbench.telemetry.source import Problem, Query, Tally
from workbench.telemetry.sources.alerts import fingerprint
from workbench.telemetry.sources.alerts import row as alert_row
from workbench.telemetry.sources.prometheus.answers import Series, data_of
from workbench.telemetry.sources.prometheus.api import Api
from workbench.telemetry.sources.prometheus.promql import narrowed
from workbench.telemetry.sources.prometheus.questions import Questions
from workbench.telemetry.sources.prometheus.requests import Request, stored_requests
from workbench.telemetry.stream import table

__all__ = ["Alerts", "Rule", "read_rules"]

_MARGIN = timedelta(minutes=10)
"""How far around the window samples are looked at, to tell an alert that goes on from one that begins or ends."""

_MISSED = 2.5
"""After how many evaluations without a sample an alert has ended: one may be lost."""

_LABEL = re.compile(r"\{\{-?\s*\$labels\.(\w+)\s*-?\}\}")


@dataclass(frozen=True)
class Rule:
    """An alerting rule: its facts, and the annotations of what it fires for now, by labels."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    expression: str
    interval: int
    now: Mapping[str, Mapping[str, str]]


@dataclass
class _Alert:
    """One set of labels, the times at which it fired, and since when its condition held, by that time."""

    labels: Mapping[str, str]
    times: list[int] = field(default_factory=list)
    since: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Alerts:
    """What is asked for the events of one window."""

    questions: Questions
    names: Names
    query: Query
    tally: Tally
    url: str
    """Of the server, for links."""

    @property
    def asked(self) -> str:
        """The queries, one a line."""
        told = [f"{request}" for selector in self._selectors() for request in self._requests(selector)]
        return "\n".join([*told, "rules type=alert"])

    def pages(self, api: Api) -> Iterator[pl.DataFrame]:
        """Yield the events: an alert fired, an alert was resolved.

        Raises:
            SourceError: the samples can't be had; rules that can't be had are only noted.
        """
        firing, state = self._selectors()
        tasks = [(selector, request) for selector in (firing, state) for request in self._requests(selector)]
        found: dict[str, _Alert] = {}
        for (selector, request), series in api.each(tasks, lambda task: api.series(task[1])):
            self._told(series)
            place = 0
            for labels, count in zip(series.labels, series.counts, strict=True):
                samples = series.samples[place : place + count].filter(pl.col("time") >= request.start)
                place += count
                own = {name: text for name, text in labels.items() if name not in {"__name__", "alertstate"} and text}
                if self.query.services and own.get(self.questions.service_label) not in self.query.services:
                    continue
                alert = found.setdefault(fingerprint(own), _Alert(own))
                if selector == firing:
                    alert.times += samples["time"].to_list()
                else:
                    alert.since.update(samples.iter_rows())
        known = self._rules(api) if found else {}
        rows = [row for alert in found.values() for row in self._rows(alert, known)]
        yield table("events", sorted(rows, key=lambda row: (row["time"], row["title"], row["attributes"])))

    def _selectors(self) -> tuple[str, str]:
        label, services = self.questions.service_label, self.query.services
        return tuple(narrowed(one, label, services) for one in ('ALERTS{alertstate="firing"}', "ALERTS_FOR_STATE"))  # type: ignore[return-value]

    def _requests(self, selector: str) -> Iterator[Request]:
        return stored_requests(selector, self.query.window.pad(_MARGIN, _MARGIN))

    def _told(self, series: Series) -> None:
        for warning in series.warnings:
            self.tally.cut(f"The server says of its alerts: {warning}.")
        for remark in series.remarks:
            self.tally.note(Problem("backend-remark", 0, f"The server says of its alerts: {remark}."))

    def _rules(self, api: Api) -> dict[str, list[Rule]]:
        """Return the rules by name; there may be several of one name, and none where nobody tells."""
        try:
            known, fault = read_rules(data_of(api.get("rules", {"type": "alert"}))[0])
        except SourceError as error:
            known, fault = {}, error.what
        if fault:
            self.tally.note(Problem("rules-unknown", 0, f"Alerts are without their rules' annotations: {fault}."))
        return known

    def _rows(self, alert: _Alert, known: Mapping[str, list[Rule]]) -> Iterator[dict[str, Any]]:
        if not alert.times:
            return
        rule = _of(alert, known)
        times = sorted(set(alert.times))
        interval = rule.interval if rule else _spacing(times) or self.questions.step
        annotations = _annotations(alert, rule)
        for start, last in _episodes(times, round(_MISSED * interval)):
            facts: dict[str, Any] = {}
            if start in alert.since:
                facts["active_since"] = _moment(round(alert.since[start] * 1000)).isoformat().replace("+00:00", "Z")
            began, ended = _moment(start), _moment(last + interval)
            for status, time in (("firing", began), ("resolved", ended)):
                # What has no sample yet may still come: nobody knows that it ended.
                open_end = status == "resolved" and _moment(last + round(_MISSED * interval)) > datetime.now(UTC)
                if time in self.query.window and not open_end:
                    yield alert_row(
                        alert.labels,
                        time=time,
                        status=status,
                        source="prometheus",
                        service_label=self.questions.service_label,
                        names=self.names,
                        annotations=annotations,
                        url=f"{self.url}/graph?g0.expr={quote(rule.expression)}&g0.tab=0" if rule else None,
                        facts=facts,
                    )
            if began < self.query.window.start < ended:
                name = alert.labels.get("alertname", "An alert")
                self.tally.note(
                    Problem("firing-before", 0, f"{name} was firing before the window began: no event says so.")
                )


def read_rules(data: Any) -> tuple[dict[str, list[Rule]], str]:
    """Return the alerting rules of an answer by name, and what is wrong with it, in words, if anything is."""
    made: defaultdict[str, list[Rule]] = defaultdict(list)
    try:
        for group in data["groups"]:
            for rule in group["rules"]:
                if rule.get("type", "alerting") == "alerting":
                    made[str(rule["name"])].append(_rule(rule, group))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        return {}, f"they are not as documented ({type(error).__name__})"
    return dict(made), ""


def _rule(rule: Mapping[str, Any], group: Mapping[str, Any]) -> Rule:
    return Rule(
        labels=_texts(rule.get("labels")),
        annotations=_texts(rule.get("annotations")),
        expression=str(rule.get("query", "")),
        interval=round(float(group.get("interval") or 0) * 1000),
        now={fingerprint(_texts(one["labels"])): _texts(one.get("annotations")) for one in rule.get("alerts") or ()},
    )


def _texts(pairs: Mapping[str, object] | None) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in (pairs or {}).items()}


def _of(alert: _Alert, known: Mapping[str, list[Rule]]) -> Rule | None:
    """Return the rule that made an alert: the one of its name whose own labels it carries."""
    for rule in known.get(alert.labels.get("alertname", ""), ()):
        plain = {name: text for name, text in rule.labels.items() if "{{" not in text}
        if rule.interval and plain.items() <= alert.labels.items():
            return rule
    return None


def _annotations(alert: _Alert, rule: Rule | None) -> Mapping[str, str]:
    """Return a rule's annotations as they read for this alert; of a template only the labels are filled in here."""
    if rule is None:
        return {}
    expanded = rule.now.get(fingerprint(alert.labels))
    if expanded is not None:
        return expanded
    return {
        name: _LABEL.sub(lambda found: alert.labels.get(found[1], ""), text) for name, text in rule.annotations.items()
    }


def _spacing(times: list[int]) -> int:
    return round(median(after - before for before, after in pairwise(times))) if len(times) > 1 else 0


def _episodes(times: list[int], gap: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last time of each run of times that have no gap."""
    start = times[0]
    for before, after in pairwise(times):
        if after - before > gap:
            yield start, before
            start = after
    yield start, times[-1]


def _moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
