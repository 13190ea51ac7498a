"""Capture is the facilitator's page for one incident: its times, its chart, its timeline, its events, its actions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import ipywidgets
from markupsafe import Markup

from widgets.action import ActionForm
from widgets.callout import Callout, keep_log
from widgets.candidates import CandidateList
from widgets.found import Found, find
from widgets.milestones import MilestonesForm
from widgets.reader import day_words, time_words
from widgets.timeline import TimelineForm
from widgets.watch import Watch
from workbench.errors import EvidenceError, UnknownError, WorkbenchError

if TYPE_CHECKING:
    from widgets.brush import BrushChart
    from workbench.record import Incident, Record
    from workbench.workspace import Workspace

__all__ = ["Capture", "capture"]


def capture(incident: str = "", workspace: str = "") -> Capture:
    """Return the page of an incident; in a browser the address names it (``?incident=slow-orders``).

    Without an incident, or with an unknown one, the page offers those that there are. Who saves is told by the server
    (WORKBENCH_AUTHOR), else by the workspace, else by the operating system; never by the browser.

    Args:
        incident: its id, used where no address names another.
        workspace: its folder; empty finds the one that this process was started in.
    """
    from workbench.workspace import Workspace  # noqa: PLC0415 - the forms alone do without a workspace

    try:
        opened = Workspace.find(workspace or None)
        keep_log(opened.root / "logs" / "forms.log")
        return Capture(opened, opened.record(), asked() or incident)
    except WorkbenchError as error:
        return Capture(None, None, "", problem=error)


def asked() -> str:
    """Return the incident that the page's address names, or nothing; only Voila gives an address."""
    query = os.environ.get("QUERY_STRING", "")
    if os.environ.get("VOILA_PREHEAT") == "True":
        from voila.utils import get_query_string  # noqa: PLC0415 - only a pre-heated page has to wait for its address

        query = get_query_string() or ""
    return parse_qs(query).get("incident", [""])[0].strip()


class Capture:
    """The parts of the page; each is a widget to show in a cell of its own.

    Args:
        workspace: where evidence lies; None when it couldn't be opened.
        record: where is saved; None with it.
        incident: the incident's id, or nothing to have one chosen.
        problem: why the workspace couldn't be opened.
    """

    def __init__(
        self,
        workspace: Workspace | None,
        record: Record | None,
        incident: str,
        *,
        problem: WorkbenchError | None = None,
    ) -> None:
        self.workspace, self.record = workspace, record
        self.problem = problem
        self.incident: Incident | None = None
        self.entries: TimelineForm | None = None
        self.deeds: ActionForm | None = None
        self.times: MilestonesForm | None = None
        self.events: CandidateList | None = None
        self._found: Found | None = None
        self.chart: BrushChart | None = None
        self._watch: Watch | None = None
        self._told = ipywidgets.HTML()
        if record is None or not incident:
            return
        try:
            self.incident = record.incident(incident)
        except UnknownError as error:
            self.problem = error

    def header(self) -> Any:
        """Return what the incident is and what is saved, or the incidents to choose from."""
        notice = Callout()
        if self.problem is not None:
            notice.say("failed", self.problem.what, do=self.problem.do)
        self._tell()
        if self.record is not None:
            self._watch = Watch(self.record, self._tell, guard=notice.guard)
        return _column(notice, self._told, css="wb-capture")

    def milestones(self) -> Any:
        """Return the form of the incident's times, with what the evidence proposes beside each."""
        if self.incident is None or self.record is None or self.workspace is None:
            return _later()
        self.times = form = MilestonesForm(self.record, self.incident)
        form.propose((), why_none="Looking at what is pinned …")
        form.on_saved(self._follow)
        find(self.workspace, self.incident.id, self._tell_found, guard=form.callout.guard)
        return _column(form.panel, css="wb-capture")

    def candidates(self) -> Any:
        """Return the pinned events that could become entries; a press puts one into the timeline's form."""
        if self.incident is None or self.record is None or self.entries is None:
            return _later()
        form = self.entries
        self.events = CandidateList(form.offer)
        self._offer()
        self.events_watch = Watch(self.record, self._offer, guard=self.events.callout.guard)
        return self.events.view

    def timeline(self) -> Any:
        """Return the chart to mark times on, the form of an entry, and the list of those that are saved."""
        if self.incident is None or self.record is None or self.workspace is None:
            return _later()
        self.entries = form = TimelineForm(self.record, self.incident)
        form.on_saved(lambda _: self._tell())
        form.on_saved(lambda _: self._offer())
        return _desk(self._chart(form, self.workspace, self.incident), form)

    def actions(self) -> Any:
        """Return the form of an action and the list of those that are saved."""
        if self.incident is None or self.record is None:
            return _later()
        self.deeds = ActionForm(self.record, self.incident)
        self.deeds.on_saved(lambda _: self._tell())
        return _desk(None, self.deeds)

    def _chart(self, form: TimelineForm, workspace: Workspace, incident: Incident) -> Any:
        """Return the chart, or why there is none; the form works without."""
        notice = Callout()

        def make() -> None:
            from widgets.brush import BrushChart  # noqa: PLC0415 - a page without a chart does without polars

            try:
                snapshot = workspace.snapshot(incident.id)
            except (UnknownError, EvidenceError) as error:
                notice.say("info", f"No chart: {error.what}", do=f"{error.do}. Until then, type the times")
                return
            chart = BrushChart(snapshot, incident)
            form.on_cleared(chart.clear)
            chart.on_marked(lambda marked: form.fill(marked.start, marked.end, marked.citation))
            self.chart = chart

        notice.guard(make)()
        return self.chart.view if self.chart is not None else notice

    def _follow(self, saved: Incident) -> None:
        """Go on with the incident's new times on the whole page."""
        self.incident = saved
        self._tell()
        if self.entries is not None:
            self.entries.follow(saved)

    def _tell_found(self, found: Found) -> None:
        """Show what was found in the evidence, once it was looked at."""
        self._found = found
        if self.times is not None:
            self.times.propose(found.proposals, why_none=found.why_none)
        self._offer()

    def _offer(self) -> None:
        """Show the events that aren't in the timeline yet."""
        if self.events is None or self.record is None or self.incident is None:
            return
        if self._found is None:
            self.events.say("Looking at what is pinned …")
        else:
            self.events.show(self._found.candidates(self.record.entries(self.incident.id)), pinned=self._found.pinned)

    def _tell(self) -> None:
        if self.record is None or self.workspace is None:
            self._told.value = ""
        elif self.incident is None:
            self._told.value = str(_choices(self.record))
        else:
            self._told.value = str(_heading(self.incident, self.record, self.workspace.author()))


def _heading(incident: Incident, record: Record, author: str) -> Markup:
    times = incident.milestones
    entries, actions = record.entries(incident.id), record.actions(incident.id)
    saved = [item.updated_at for item in (*entries, *actions)]
    last = f", last at {time_words(max(saved).replace(microsecond=0))}" if saved else ""
    ended = time_words(times.resolved_at.replace(microsecond=0)) if times.resolved_at else "still going on"
    return Markup(
        '<header class="wb-capture__head"><p class="wb-capture__line">'
        '<span class="wb-severity wb-severity--{level}"><span class="wb-icon wb-icon--bars" aria-hidden="true"></span>'
        "{severity}</span> "
        "<span>{id} · {day}, {start} to {end} · times in UTC</span></p>"
        "<h2>{title}</h2>"
        '<p class="wb-capture__saved">{entries} and {actions} saved{last} · you are {author}</p></header>'
    ).format(
        level=incident.severity.lower(),
        severity=incident.severity,
        id=incident.id,
        day=day_words(times.started_at),
        start=time_words(times.started_at.replace(microsecond=0)),
        end=ended,
        title=incident.title,
        entries=_count(len(entries), "entry", "entries"),
        actions=_count(len(actions), "action", "actions"),
        last=last,
        author=author,
    )


def _choices(record: Record) -> Markup:
    incidents = record.incidents()
    if not incidents:
        return Markup("<p><strong>There is no incident yet.</strong> Add one: <code>workbench incident add</code></p>")
    in_browser = "VOILA_KERNEL_ID" in os.environ
    linked = Markup('<a href="?incident={}">{}</a>')
    items = Markup("").join(
        Markup('<li>{name} <span class="wb-hint">{severity} · {day} · {id}</span></li>').format(
            name=linked.format(one.id, one.title) if in_browser else one.title,
            severity=one.severity,
            day=day_words(one.milestones.started_at),
            id=one.id,
        )
        for one in incidents
    )
    how = "" if in_browser else "Write its id into the first cell and run the notebook again."
    return Markup('<h2>Choose an incident</h2><p>{}</p><ul class="wb-choices">{}</ul>').format(how, items)


def _desk(chart: Any, form: TimelineForm | ActionForm) -> Any:
    form.list.add_class("wb-desk__list")
    form.panel.add_class("wb-desk__form")
    parts = [form.panel, form.list]
    if chart is not None:
        chart.add_class("wb-desk__chart")
        parts.insert(0, chart)
    return _column(*parts, css="wb-desk")


def _column(*parts: Any, css: str) -> Any:
    box = ipywidgets.VBox(parts)
    for name in ("wb", css):
        box.add_class(name)
    return box


def _later() -> Any:
    return ipywidgets.HTML('<p class="wb-hint">Choose an incident first.</p>')


def _count(amount: int, one: str, many: str) -> str:
    return f"{amount or 'no'} {one if amount == 1 else many}"
