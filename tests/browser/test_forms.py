"""The forms in real Chromium, served by ``workbench facilitate``: by keyboard alone, by mouse, beside a colleague."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.record import ActionState, IncidentDraft, Milestones, Record, TimelineEntryDraft, TimelineKind
from workbench.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "trainticket"
SERVE = "from workbench.cli.app import main; main()"


@dataclass(frozen=True)
class Desk:
    """A served workspace."""

    workspace: Workspace
    address: str
    login: str
    numbers: Iterator[int]

    def incident(self, *, pinned: bool = False) -> str:
        """Make an incident for one test and return its id."""
        name = f"slow-checkout-{next(self.numbers)}"
        with self.workspace.record(author="Maker") as record:
            record.add_incident(
                IncidentDraft(
                    id=name,
                    title="Checkout is slow",
                    severity="SEV2",
                    milestones=Milestones(
                        started_at="2023-01-29T09:12:56Z",
                        mitigated_at="2023-01-29T09:15:30Z",
                        resolved_at="2023-01-29T09:16:00Z",
                    ),
                )
            )
        if pinned:
            self.workspace.pull(name, author="Maker")
        return name

    def record(self, author: str = "Food on-call") -> Record:
        """Open the record as a colleague."""
        return self.workspace.record(author=author)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A workspace with telemetry, and ``workbench facilitate`` serving it as the Facilitator."""
    root = tmp_path_factory.mktemp("forms") / "desk"
    Workspace.create(root)
    with (root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[sources.telemetry]\nkind = "parquet"\nmetrics = "{SAMPLE}/metrics.parquet"\n')
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-c",
        SERVE,
        "facilitate",
        "--port",
        "0",
        "--as",
        "Facilitator",
        "--workspace",
        str(root),
    ]
    with subprocess.Popen(
        command, env=environment, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            told = server.stdout.readline()
            found = re.search(r"(http://127\.0\.0\.1:\d+)/login\?token=\S+", told)
            assert found, told + server.stdout.read()
            yield Desk(Workspace.open(root), found[1], found[0], count(1))
        finally:
            server.terminate()
            server.wait(timeout=30)


@pytest.fixture
def open_form(desk: Desk, open_page: Callable[..., object]) -> Callable[..., object]:
    """A function that opens the capture page of an incident and waits until it can be used."""

    def open_(incident: str, width: int = 1280, **options: object) -> object:
        opened = open_page("about:blank", width, **options)
        opened.page.context.request.get(desk.login, max_redirects=0)
        opened.page.goto(f"{desk.address}/live/capture/?incident={incident}", timeout=60_000)
        opened.page.wait_for_selector(".wb-key-at input", timeout=60_000)
        opened.page.wait_for_selector(".wb-key-success_metric textarea", timeout=60_000)
        opened.page.wait_for_function(
            "() => document.querySelector('.wb-key-at input').hasAttribute('aria-labelledby')"
        )
        return opened

    return open_


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until the element has the keyboard."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never came to {selector}")


def focused(page: Page, selector: str) -> None:
    """Wait until the element has the keyboard."""
    page.wait_for_function("selector => document.activeElement.matches(selector)", arg=selector)


def said(page: Page, words: str) -> None:
    """Wait until a screen reader was given these words."""
    page.wait_for_function(
        "words => [...document.querySelectorAll('.wb-spoken')].some(one => one.textContent.includes(words))", arg=words
    )


def calm(opened: object) -> None:
    """Nothing went wrong behind the page, and nothing was asked of the network."""
    assert opened.errors == []
    assert opened.outside == []


def test_a_timeline_entry_by_keyboard_alone(desk: Desk, open_form: Callable[..., object]) -> None:
    """Typed, corrected where the form says so, saved by Enter with its last letter, and ready for the next one."""
    name = desk.incident()
    opened = open_form(name)
    page = opened.page
    tab_to(page, ".wb-key-at input")
    page.keyboard.type("10:13:10+01:00")
    page.keyboard.press("Tab")
    page.keyboard.type("09:14")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("60")
    page.keyboard.press("Tab")
    page.keyboard.type("CPU at its quota")
    page.keyboard.press("Tab")
    page.keyboard.type("System")
    who = page.locator(".wb-key-who input")
    page.wait_for_selector(".wb-key-who.wb-field--wrong .wb-error")
    page.wait_for_function("() => document.querySelector('.wb-key-who input').getAttribute('aria-invalid') === 'true'")
    described = who.evaluate(
        "one => one.getAttribute('aria-describedby').split(' ').map(id => document.getElementById(id).innerText).join()"
    )
    assert "Name the person, alert or series. “System” says too little to check." in described
    assert who.evaluate("one => document.getElementById(one.getAttribute('aria-labelledby')).textContent") == (
        "Who or what observed it"
    )
    page.keyboard.press("Enter")
    said(page, "Not saved: 2 to correct")
    focused(page, ".wb-key-who input")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("CPU series")
    page.wait_for_function("() => !document.querySelector('.wb-key-who input').hasAttribute('aria-invalid')")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("obs")
    page.wait_for_function("() => !document.querySelector('.wb-key-kind.wb-field--wrong')")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("All later calls wait for CPU, to the last letter", delay=0)
    page.keyboard.press("Control+Enter")
    said(page, "Saved 09:13:10 CPU at its quota")
    focused(page, ".wb-key-at input")
    assert page.input_value(".wb-key-what input") == ""
    page.wait_for_selector(".wb-list__title >> text=CPU at its quota")
    with desk.record() as record:
        [saved] = record.entries(name)
    assert (saved.at, saved.until) == (
        datetime(2023, 1, 29, 9, 13, 10, tzinfo=UTC),
        datetime(2023, 1, 29, 9, 14, tzinfo=UTC),
    )
    assert (saved.uncertainty_s, saved.who, saved.kind) == (60, "CPU series", TimelineKind.OBSERVATION)
    assert saved.why == "All later calls wait for CPU, to the last letter"
    assert saved.created_by == "Facilitator"

    tab_to(page, "button[data-press=edit]")
    page.keyboard.press("Enter")
    focused(page, ".wb-key-at input")
    page.wait_for_selector(".wb-list__row--current")
    tab_to(page, ".wb-key-withdraw")
    page.keyboard.press("Enter")
    focused(page, ".wb-key-reason input, .wb-key-reason textarea")
    page.keyboard.type("Told twice")
    page.keyboard.press("Control+Enter")
    said(page, "Withdrew 09:13:10 CPU at its quota")
    page.wait_for_selector(".wb-list__withdrawn summary >> text=1 withdrawn")
    with desk.record() as record:
        assert record.entries(name) == []
        assert record.entries(name, withdrawn=True)[0].withdrawn_reason == "Told twice"
    calm(opened)


def test_an_action_by_keyboard_alone(desk: Desk, open_form: Callable[..., object]) -> None:
    """Saved with radio buttons by arrow keys, then started, and dropped with a reason."""
    name = desk.incident()
    opened = open_form(name)
    page = opened.page
    tab_to(page, ".wb-key-title input")
    page.keyboard.type("Alert on CPU at its quota")
    page.keyboard.press("Tab")
    page.keyboard.type("Food team")
    page.keyboard.press("Tab")
    page.keyboard.type("2026-12-23")
    page.keyboard.press("Tab")
    assert page.locator(".wb-key-kind [role=radiogroup]").get_attribute("aria-labelledby")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Nobody is told of CPU at its quota")
    page.keyboard.press("Tab")
    page.keyboard.type("Alert within 2 min of the quota")
    page.keyboard.press("Control+Enter")
    said(page, "Saved Alert on CPU at its quota")
    focused(page, ".wb-key-title input")
    with desk.record() as record:
        [saved] = record.actions(name)
    assert (saved.owner, saved.due.isoformat(), saved.kind) == ("Food team", "2026-12-23", "detect")
    assert saved.success_metric == "Alert within 2 min of the quota"
    page.wait_for_selector("button[data-press=start]")
    tab_to(page, "button[data-press=start]")
    page.keyboard.press("Enter")
    said(page, "Alert on CPU at its quota is now in progress")
    focused(page, "button[data-press=done]")
    tab_to(page, "button[data-press=drop]")
    page.keyboard.press("Enter")
    focused(page, ".wb-key-reason input, .wb-key-reason textarea")
    page.keyboard.type("The service goes away")
    page.keyboard.press("Control+Enter")
    said(page, "is now dropped")
    with desk.record() as record:
        [dropped] = record.actions(name)
    assert (dropped.state, dropped.state_reason) == (ActionState.DROPPED, "The service goes away")
    calm(opened)


def pick(offered: Locator, beginning: str) -> None:
    """Choose from a list by how the words begin; ipywidgets writes no-break spaces into them."""
    words = [text.replace("\u00a0", " ") for text in offered.locator("option").all_inner_texts()]
    offered.select_option(index=next(index for index, text in enumerate(words) if text.startswith(beginning)))


def choose(page: Page, service: str, metric: str) -> None:
    """Choose a series on the chart by the beginning of its name, and wait until it is drawn."""
    page.wait_for_selector(".wb-plot[data-drawn=true]")
    pick(page.get_by_label("Service", exact=True), service)
    page.wait_for_function(
        "service => document.querySelector('.wb-plot__told').textContent.startsWith(service)", arg=service
    )
    pick(page.get_by_label("Metric", exact=True), metric)
    page.wait_for_function(
        "metric => document.querySelector('.wb-plot__title').textContent.startsWith(metric)", arg=metric
    )
    page.wait_for_timeout(300)


def test_the_brush_fills_the_form_with_the_evidence(desk: Desk, open_form: Callable[..., object]) -> None:
    """By mouse and by keyboard, in a browser of another zone; what is saved cites the pinned file and its samples."""
    name = desk.incident(pinned=True)
    opened = open_form(name, timezone_id="America/New_York")
    page = opened.page
    choose(page, "ts-food-service", "CPU usage rate")
    page.locator(".wb-plot__area").scroll_into_view_if_needed()
    area = page.locator(".wb-plot__area").bounding_box()
    assert area is not None
    page.mouse.move(area["x"] + area["width"] * 0.3, area["y"] + 40)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 50, steps=5)
    page.mouse.move(area["x"] + area["width"] * 0.7, area["y"] + 60, steps=5)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('.wb-key-until input').value !== ''")
    start, end = page.input_value(".wb-key-at input"), page.input_value(".wb-key-until input")
    assert "09:0" <= start < end <= "09:16"
    chip = page.locator(".wb-desk__form button.wb-chip").first
    assert f"{start}–{end}" in chip.inner_text()
    page.wait_for_function(
        "() => document.querySelector('button.wb-chip').getAttribute('aria-label').startsWith('Take off')"
    )

    tab_from_chart = page.locator(".wb-plot__handle").first
    tab_from_chart.focus()
    before = float(tab_from_chart.get_attribute("aria-valuenow"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    after = float(tab_from_chart.get_attribute("aria-valuenow"))
    assert after > before
    moment = datetime.fromtimestamp(after / 1000, UTC)
    page.wait_for_function(
        "time => document.querySelector('.wb-key-at input').value === time", arg=moment.strftime("%H:%M:%S")
    )
    assert moment.strftime("%H:%M:%S UTC") in tab_from_chart.get_attribute("aria-valuetext")
    assert page.locator(".wb-desk__form button.wb-chip").count() == 1
    page.fill(".wb-key-what input", "CPU at its quota")
    page.fill(".wb-key-who input", "CPU series")
    pick(page.locator(".wb-desk__form .wb-key-kind select"), "Observation")
    page.click(".wb-send-save >> text=Save entry")
    said(page, "Saved")
    with desk.record() as record:
        [saved] = record.entries(name)
    [cited] = saved.evidence
    snapshot = desk.workspace.snapshot(name)
    assert saved.at == moment == cited.start
    assert (cited.snapshot, cited.sha256) == (snapshot.version, snapshot.manifest.tables[0].sha256)
    assert (cited.services, cited.names) == (("ts-food-service",), ("CpuUsageRate(%)",))

    page.wait_for_selector(".wb-plot__marked", state="hidden")
    page.locator(".wb-plot__area").click(position={"x": area["width"] * 0.5, "y": 40})
    page.wait_for_function("() => document.querySelector('.wb-key-at input').value !== ''")
    assert page.input_value(".wb-key-until input") == ""
    calm(opened)


def test_a_colleagues_save_shows_without_touching_what_is_typed(desk: Desk, open_form: Callable[..., object]) -> None:
    """Their entry appears, focus and caret stay; their newer version of the same entry is shown beside mine."""
    name = desk.incident()
    draft = TimelineEntryDraft(
        at="2023-01-29T09:13:10Z", what="CPU at its quota", who="CPU series", kind=TimelineKind.OBSERVATION
    )
    opened = open_form(name)
    page = opened.page
    page.fill(".wb-key-what input", "Half a tence")
    page.evaluate("document.querySelector('.wb-key-what input').setSelectionRange(7, 7)")
    with desk.record() as colleague:
        first = colleague.add_entry(name, draft)
        page.wait_for_selector(".wb-list__title >> text=CPU at its quota")
        page.keyboard.type("sen", delay=15)
        assert page.input_value(".wb-key-what input") == "Half a sentence"
        page.click(".wb-key-clear >> nth=0")
        page.click("button[data-press=edit]")
        page.wait_for_selector("h3 >> text=Edit entry")
        colleague.edit_entry(first.id, draft.model_copy(update={"what": "I saw it on the dashboard"}), first.version)
        page.wait_for_selector(".wb-callout >> text=Food on-call changed this entry")
        page.fill(".wb-key-what input", "I saw <b>it</b>")
        page.click(".wb-send-save >> text=Save entry")
        page.wait_for_selector(".wb-conflict h3 >> text=Food on-call changed this too")
        cells = page.locator(".wb-conflict tbody tr").first.locator("th, td").all_inner_texts()
        assert cells == ["What happened", "I saw <b>it</b>", "I saw it on the dashboard"]
        page.click("button:visible >> text=Keep mine")
        said(page, "Saved")
        assert colleague.entry(first.id).what == "I saw <b>it</b>"
    calm(opened)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_and_fits(desk: Desk, open_form: Callable[..., object], width: int) -> None:
    """axe-core finds nothing, with errors, evidence and rows shown, in light and dark, on a desk and a phone."""
    name = desk.incident(pinned=True)
    with desk.record() as record:
        record.add_entry(
            name,
            TimelineEntryDraft(
                at="2023-01-29T09:13:10Z", what="CPU at its quota", who="CPU series", kind=TimelineKind.OBSERVATION
            ),
        )
    opened = open_form(name, width)
    page = opened.page
    page.wait_for_selector(".wb-plot[data-drawn=true]")
    page.locator(".wb-plot__handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("button.wb-chip")
    page.fill(".wb-key-who input", "System")
    page.click(".wb-send-save >> text=Save entry")
    page.click(".wb-send-save >> text=Save action")
    page.wait_for_selector(".wb-key-title.wb-field--wrong")
    page.wait_for_function(
        "() => document.querySelector('.wb-key-title input').getAttribute('aria-invalid') === 'true'"
    )
    assert opened.accessibility() == []
    page.emulate_media(color_scheme="dark")
    assert opened.accessibility() == []
    assert opened.overflow() == 0
    pictures = os.environ.get("WORKBENCH_PICTURES")
    if pictures:
        page.screenshot(path=f"{pictures}/form-{width}-dark.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.screenshot(path=f"{pictures}/form-{width}.png", full_page=True)
    calm(opened)


def test_without_an_incident_one_is_chosen(desk: Desk, open_page: Callable[..., object]) -> None:
    """The page lists the incidents, and a link opens the forms of one."""
    name = desk.incident()
    opened = open_page("about:blank")
    page = opened.page
    page.context.request.get(desk.login, max_redirects=0)
    page.goto(f"{desk.address}/live/capture/", timeout=60_000)
    link = page.locator(f"a[href='?incident={name}']")
    link.wait_for(timeout=60_000)
    link.click()
    page.wait_for_selector(".wb-key-at input", timeout=60_000)
    assert page.url.endswith(f"/live/capture/?incident={name}")
    calm(opened)
