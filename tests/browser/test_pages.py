"""The pages as a reader sees them, in a real Chromium that reaches nothing but this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from workbench.workspace import Workspace

if TYPE_CHECKING:
    from conftest import Opened

    Open = Callable[..., Opened]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(demo: Workspace) -> Iterator[str]:
    """Return the address of the demo's dashboards."""
    command = [sys.executable, "-c", "from workbench.cli.app import main; main()"]
    server = subprocess.Popen(
        [*command, "serve", "-w", str(demo.root), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait(timeout=30)
        server.stdout.close()


DRAWN = (
    "document.querySelectorAll('.wb-figure').length > 0 && "
    "[...document.querySelectorAll('.wb-figure')].every(figure => figure.querySelector('svg'))"
)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_review_is_whole_at_every_width(open_page: Open, address: str, width: int, scheme: str) -> None:
    """Every chart is drawn, nothing overflows, nothing is asked of another host, nothing is wrong in the console."""
    opened = open_page(f"{address}reviews/slow-orders/", width)
    opened.page.emulate_media(color_scheme=scheme)
    opened.until(DRAWN)
    assert opened.page.locator(".wb-figure").count() >= 3
    assert opened.page.locator("h1").count() == 1
    for heading in ("The incident at a glance", "Timeline", "Actions", "Evidence"):
        assert opened.page.get_by_role("heading", name=heading, exact=True).is_visible()
    assert opened.overflow() <= 0
    assert opened.errors == []
    assert opened.outside == []
    assert opened.accessibility() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_the_list_leads_to_the_review(open_page: Open, address: str, width: int) -> None:
    """Severity, state and duration stand in the list, and a click opens the review."""
    opened = open_page(address, width)
    text = opened.page.locator("main").inner_text()
    assert "SEV3" in text
    assert "5\u00a0min" in text
    opened.page.get_by_role("link", name="Orders took seconds in the ticket shop").click()
    opened.until(DRAWN)
    assert "/reviews/slow-orders/" in opened.page.url
    assert opened.errors == []
    assert opened.outside == []


def test_every_chart_has_a_table_one_click_away(open_page: Open, address: str) -> None:
    """What a picture shows can be read as rows too, by keyboard."""
    opened = open_page(f"{address}reviews/slow-orders/", 1280)
    opened.until(DRAWN)
    figures = opened.page.locator(".wb-figure")
    for number in range(figures.count()):
        toggle = figures.nth(number).get_by_text("Show as table")
        toggle.focus()
        opened.page.keyboard.press("Enter")
        assert figures.nth(number).locator("table tbody tr").first.is_visible()


def test_a_reader_explores_a_series(open_page: Open, address: str) -> None:
    """The live page starts its kernel, draws, and follows a choice."""
    opened = open_page(f"{address}live/explore/?incident=slow-orders", 1280)
    opened.page.wait_for_selector("select", timeout=60_000)
    opened.page.wait_for_selector(".wb-figure svg", timeout=60_000)
    before = opened.page.locator(".wb-figure").first.inner_text()
    opened.page.locator("select").first.select_option(index=5)
    opened.until("before => document.querySelector('.wb-figure')?.innerText !== before", before)
    opened.until(DRAWN)
    assert opened.errors == []
    assert opened.outside == []


def test_paper_gets_the_same_page(open_page: Open, address: str) -> None:
    """Printing keeps the charts and the words."""
    opened = open_page(f"{address}reviews/slow-orders/", 1280)
    opened.until(DRAWN)
    opened.page.emulate_media(media="print")
    assert opened.page.get_by_role("heading", name="Timeline", exact=True).is_visible()
    assert opened.page.locator(".wb-figure svg").first.is_visible()
    assert len(opened.page.pdf()) > 20_000
