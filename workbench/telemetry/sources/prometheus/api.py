"""The Prometheus API as one reading asks it: with its limits, several requests at one time, long ones as forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import ceil
from typing import TypeVar

from workbench.telemetry.source import Query, Tally
from workbench.telemetry.sources.prometheus.answers import Series, series_of
from workbench.telemetry.sources.prometheus.promql import duration
from workbench.telemetry.sources.prometheus.requests import Request
from workbench.telemetry.web.client import Answer, Web
from workbench.telemetry.web.side_by_side import Gone, side_by_side

__all__ = ["Api"]

_LONG = 1500
"""Signs of a query beyond which it is sent as a form: many servers and proxies refuse addresses over 8 kB."""

_Task = TypeVar("_Task")
_Done = TypeVar("_Done")


class Api:
    """One reading's way to the server; its limit of seconds begins when it is made."""

    def __init__(self, web: Web, query: Query, tally: Tally) -> None:
        self._gone = Gone(query.stop)
        self._limits = query.limits
        self._asking = web.asking(replace(query, stop=self._gone), tally)

    def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """Return what the server answers at ``/api/v1/PATH``.

        Raises:
            LimitError: more bytes or seconds than the limits allow.
            SourceError: it can't be reached, refuses, or goes on failing.
        """
        ask = self._asking.post if len(params.get("query", "")) > _LONG else self._asking.get
        return ask(f"/api/v1/{path}", params)

    def series(self, request: Request) -> Series:
        """Return the series that a request asks for.

        Raises:
            LimitError: more bytes or seconds than the limits allow.
            SourceError: it can't be reached, refuses, goes on failing, or answers what can't be read.
        """
        # Servers before Prometheus 3 don't know `limit` and leave it unread.
        bounds = {"limit": str(self._limits.series), "timeout": duration(ceil(self._limits.seconds * 1000))}
        return series_of(self.get(request.path, {**request.params, **bounds}))

    def each(self, tasks: Iterable[_Task], work: Callable[[_Task], _Done]) -> Iterator[tuple[_Task, _Done]]:
        """Yield each task with what ``work`` made of it, in their order, several at one time."""
        return side_by_side(tasks, work, at_once=self._limits.concurrency, gone=self._gone)
