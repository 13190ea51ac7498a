"""Questions are what a team asks of Prometheus for every incident: queries, series, histograms, alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from workbench.errors import SourceError, TimeError
from workbench.telemetry.source import Query
from workbench.telemetry.sources.prometheus.promql import (
    NAME,
    duration,
    fill,
    narrowed,
    quantile,
    selector_fault,
    text_fault,
)
from workbench.telemetry.sources.prometheus.requests import (
    Request,
    instant_request,
    milliseconds,
    range_requests,
    ranges,
    stored_requests,
)
from workbench.window import parse_duration

__all__ = ["Question", "Questions"]

_KEYS = (
    "step", "interval", "service_label", "instance_label", "metric_label", "queries", "instant", "metrics",
    "histograms", "quantiles", "alerts",
)  # fmt: skip
_QUANTILES = (0.5, 0.9, 0.99)
_RATE = 4
"""A rate wants two samples, and gets them even when one of four is lost (Prometheus' own advice for ``rate``)."""


@dataclass(frozen=True)
class Question:
    """One expression for one window.

    ``metric`` is the name its answer gets, empty where each series says its own; ``labels`` are added to each series;
    ``narrowed`` says that the expression itself names the services, so that a series without one belongs to them.
    """

    expression: str
    requests: tuple[Request, ...]
    points: int = 1
    """How many samples each series has in all the answers, where the question decides that."""
    stored: bool = False
    metric: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    narrowed: bool = False

    def __str__(self) -> str:
        if not self.requests:
            return f"nothing for {self.expression}, because no step lies in the window"
        told = " ".join(f"{self.requests[0]}".split())
        more = len(self.requests) - 1
        last = self.requests[-1].params["time" if self.stored else "end"] if more else ""
        return f"{told} and {more} more of the kind, up to {last}" if more else told


@dataclass(frozen=True)
class Questions:
    """What ``workbench.toml`` says; lengths are in milliseconds."""

    step: int
    interval: int
    service_label: str
    instance_label: str
    metric_label: str
    queries: Mapping[str, str]
    instant: Mapping[str, str]
    metrics: tuple[str, ...]
    histograms: Mapping[str, str]
    quantiles: tuple[float, ...]
    alerts: bool

    @property
    def any_metric(self) -> bool:
        """Whether there is anything to ask for the frame of metrics."""
        return bool(self.queries or self.instant or self.metrics or self.histograms)

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object]) -> Self:
        """Return what a source's table asks.

        Raises:
            SourceError: a key is unknown, or has a value that can't be.
        """
        table = _Table(f"[sources.{name}] in workbench.toml", settings)
        for key in settings:
            if key not in _KEYS:
                raise SourceError(f"{table.where} has the key {key!r}", do=f"Known keys: kind, url, {', '.join(_KEYS)}")
        step = table.length("step", 60_000)
        made = cls(
            step=step,
            interval=table.length("interval", _RATE * step),
            service_label=table.label("service_label", "service"),
            instance_label=table.label("instance_label", "instance"),
            metric_label=table.label("metric_label", ""),
            queries=table.expressions("queries", text_fault),
            instant=table.expressions("instant", text_fault),
            metrics=table.selectors("metrics"),
            histograms=table.expressions("histograms", selector_fault),
            quantiles=table.quantiles(),
            alerts=table.yes("alerts", default=True),
        )
        twice = sorted({*made.queries} & {*made.instant} | {*made.queries, *made.instant} & {*made.histograms})
        if twice:
            raise SourceError(f"{table.where} gives the name {twice[0]!r} twice", do="Give each metric its own name")
        if not made.any_metric and not made.alerts:
            raise SourceError(f"{table.where} asks for nothing", do="Add queries, metrics, instant or histograms")
        return made

    def of(self, query: Query) -> Iterator[Question]:
        """Yield what is to be asked for a window and its services."""
        window, services, label = query.window, query.services, self.service_label

        def filled(text: str) -> str:
            lengths = {"interval": duration(self.interval), "step": duration(self.step)}
            return fill(text, services=services, window=duration(milliseconds(window.duration)), **lengths)

        for metric, text in self.queries.items():
            expression = filled(text)
            yield self._ranged(expression, query, metric=metric, narrowed=_names_services(text))
        for metric, text in self.histograms.items():
            for part in self.quantiles:
                expression = filled(quantile(part, text, label, services))
                yield self._ranged(expression, query, metric=metric, labels={"quantile": f"{part:g}"})
        for text in self.metrics:
            selector = filled(narrowed(text, label, services))
            yield Question(selector, tuple(stored_requests(selector, window)), stored=True)
        for metric, text in self.instant.items():
            expression = filled(text)
            asked = (instant_request(expression, window),)
            yield Question(expression, asked, metric=metric, narrowed=_names_services(text))

    def _ranged(self, expression: str, query: Query, **facts: Any) -> Question:
        points = sum((end - start) // self.step + 1 for start, end in ranges(query.window, self.step))
        return Question(expression, tuple(range_requests(expression, query.window, self.step)), points, **facts)


def _names_services(text: str) -> bool:
    return "$service" in text or "${service}" in text


@dataclass(frozen=True)
class _Table:
    """A table of settings, whose values are looked at one by one."""

    where: str
    settings: Mapping[str, Any]

    def length(self, key: str, default: int) -> int:
        value = self.settings.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise SourceError(f"{key} of {self.where} is {value!r}, not a length", do=f'Write it like {key} = "1m"')
        try:
            found = parse_duration(value, f"{key} of {self.where}")
        except TimeError as error:
            raise SourceError(error.what, do=error.do) from None
        if not found or found.microseconds % 1000:
            raise SourceError(f"{key} of {self.where} is {value!r}", do="Give whole milliseconds, more than none")
        return milliseconds(found)

    def label(self, key: str, default: str) -> str:
        value = self.settings.get(key, default)
        if value != default and not (isinstance(value, str) and NAME.fullmatch(value)):
            raise SourceError(f"{key} of {self.where} is {value!r}, not a label's name", do="Correct it there")
        return str(value)

    def expressions(self, key: str, fault: Any) -> Mapping[str, str]:
        value = self.settings.get(key, {})
        if not isinstance(value, Mapping):
            raise SourceError(
                f"{key} of {self.where} is {value!r}, not a table",
                do=f"Write [… .{key}] with one line: name = 'PromQL'",
            )
        for metric, text in value.items():
            self.judge(f"{metric!r} of {key}", text, fault)
        return dict(value)

    def selectors(self, key: str) -> tuple[str, ...]:
        value = self.settings.get(key, [])
        if not isinstance(value, list):
            raise SourceError(f"{key} of {self.where} is {value!r}, not a list", do=f'Write it like {key} = ["up"]')
        for text in value:
            self.judge(f"an entry of {key}", text, selector_fault)
        return tuple(value)

    def judge(self, what: str, text: object, fault: Any) -> None:
        wrong = fault(text) if isinstance(text, str) else f"is {text!r}, not text"
        if wrong:
            raise SourceError(f"{what} in {self.where} {wrong}", do="Correct it there")

    def quantiles(self) -> tuple[float, ...]:
        value = self.settings.get("quantiles", list(_QUANTILES))
        good = isinstance(value, list) and value
        if not good or not all(type(one) in {int, float} and 0 <= one <= 1 for one in value):
            raise SourceError(f"quantiles of {self.where} is {value!r}", do="Write it like quantiles = [0.5, 0.99]")
        return tuple(float(one) for one in value)

    def yes(self, key: str, *, default: bool) -> bool:
        value = self.settings.get(key, default)
        if not isinstance(value, bool):
            raise SourceError(f"{key} of {self.where} is {value!r}", do="Give true or false")
        return value
