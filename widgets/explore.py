"""Explore is the reader's page for one incident's pinned metrics: choose a service and a metric, and see the series."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import ipywidgets
from markupsafe import Markup

from widgets.callout import Callout
from widgets.series import COLUMNS, Series
from workbench.errors import WorkbenchError
from workbench.evidence import Citation

if TYPE_CHECKING:
    from workbench.charts import Figure
    from workbench.evidence import Snapshot

__all__ = ["Explorer", "explore"]


def explore(incident: str = "", workspace: str = "") -> Any:
    """Return the page of an incident, or what is wrong and what to do when there is nothing to explore.

    Args:
        incident: its id.
        workspace: its folder; empty finds the one that this process was started in.
    """
    from workbench.workspace import Workspace  # noqa: PLC0415 - the class alone does without a workspace

    if os.environ.get("WORKBENCH_READ_ONLY") == "1":
        # No file can be written here. A served page's warnings go to the server's log, and never to a browser.
        logging.getLogger("workbench.widgets").addHandler(logging.StreamHandler())
    notice = Callout()
    if not incident:
        notice.say(
            "info", "No incident is named", do="Open this page from a review, or add ?incident=ID to its address"
        )
        return notice
    try:
        opened = Workspace.find(workspace or None)
        with opened.record(read_only=True) as record:
            title = record.incident(incident).title
        return ipywidgets.VBox([_heading(incident, title), Explorer(opened.snapshot(incident)).view])
    except WorkbenchError as error:
        notice.say("failed", error.what, do=error.do)
        return notice


def _heading(incident: str, title: str) -> Any:
    """Return what incident it is; on a server, with the way back to its review."""
    served = os.environ.get("WORKBENCH_READ_ONLY") == "1"
    link = Markup(' <a href="/reviews/{}/">Read its review</a>').format(incident) if served else Markup()
    shown = ipywidgets.HTML(str(Markup('<p class="wb wb-dek">{}.{}</p>').format(title.rstrip("."), link)))
    shown.layout.width = "auto"
    return shown


class Explorer:
    """Two lists and the chart of what is chosen in them. It changes nothing, and believes nothing a browser sends.

    Args:
        snapshot: the pinned evidence.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.series = Series(snapshot)
        self.callout = Callout()
        shape = {"layout": {"width": "auto"}}
        services = [(service or "Not of one service", service) for service in self.series.services]
        self.service = ipywidgets.Dropdown(description="Service", options=services, **shape)
        self.metric = ipywidgets.Dropdown(description="Metric", **shape)
        for choice in (self.service, self.metric):
            choice.add_class("wb-field")
        row = ipywidgets.HBox([self.service, self.metric])
        row.add_class("wb-row")
        self.stage = ipywidgets.Output()
        self.view = ipywidgets.VBox([self.callout, row, self.stage])
        self.view.add_class("wb-form")
        self.service.observe(self.callout.guard(lambda _: self._offer()), "value")
        self.metric.observe(self.callout.guard(lambda _: self._draw()), "value")
        if services:
            self.callout.guard(self._offer)()
        else:
            row.layout.display = self.stage.layout.display = "none"
            self.callout.say(
                "info", "This snapshot holds no metrics", do="The published review shows what else is pinned"
            )

    def figure(self) -> Figure:
        """Return the chart of what is chosen."""
        from workbench.charts.metric import metric  # noqa: PLC0415 - Altair takes most of a second to import

        service, name = self.service.value, self.metric.value
        return metric(
            self.snapshot.frame("metrics"),
            service=service,
            name=name,
            window=self.snapshot.window,
            baseline=self.snapshot.baseline,
            citation=self._citation(service, name),
        )

    def _offer(self) -> None:
        """Offer the chosen service's metrics, those that moved first, and draw the first of them."""
        from workbench.analysis.changes import unit_of  # noqa: PLC0415
        from workbench.charts.values import series_name, unit_label  # noqa: PLC0415

        def told(name: str) -> str:
            unit = unit_label(unit_of(name))
            return f"{series_name(name)}, {unit}" if unit else series_name(name)

        names = list(self.series.services[self.service.value])
        before = self.metric.value
        self.metric.options = [(told(name), name) for name in names]
        self.metric.value = names[0]
        if before == names[0]:
            self._draw()  # the same metric of another service is no change to the list

    def _draw(self) -> None:
        if self.metric.value is None:
            return
        # Set as a value, not printed: what is printed in a callback is caught by the browser, if at all.
        data, metadata = self.figure()._repr_mimebundle_()
        self.stage.outputs = ({"output_type": "display_data", "data": data, "metadata": metadata},)
        self.callout.clear()

    def _citation(self, service: str, name: str) -> Citation:
        table = self.series.table(service, name)
        window = self.snapshot.window
        return Citation(
            snapshot=self.snapshot.version,
            frame="metrics",
            source=table.source,
            sha256=table.sha256,
            services=(service,) if service else (),
            names=(name,),
            start=window.start,
            end=window.end,
            columns=COLUMNS,
            label=f"{service} {name}"[:200],
        )
