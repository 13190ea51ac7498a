"""Live pages in real Chromium: whole under their strict policy, and gone with their kernel when they are closed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest

from workbench.workspace import Workspace

if TYPE_CHECKING:
    from conftest import Opened

    Open = Callable[..., Opened]

pytestmark = pytest.mark.browser
PAGE = "live/explore/?incident=slow-orders"
PLACES = 4


@dataclass
class Server:
    """The read-only server of the demo."""

    address: str
    process: subprocess.Popen[str]

    def kernels(self) -> int:
        """Return how many kernels run."""
        return len(psutil.Process(self.process.pid).children(recursive=True))

    def has(self, kernels: int, *, within: float = 30.0) -> bool:
        """Return whether so many kernels run before long."""
        end = time.monotonic() + within
        while self.kernels() != kernels:
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True


@pytest.fixture
def server(demo: Workspace) -> Iterator[Server]:
    """The read-only server of the demo, ended after the test."""
    command = [sys.executable, "-c", "from workbench.cli.app import main; main()"]
    with subprocess.Popen(
        [*command, "serve", "--workspace", str(demo.root), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Server(process.stdout.readline().split()[-1], process)
        process.terminate()
        process.wait(30)


def drawn(opened: Opened) -> None:
    """Wait until the page shows its chart."""
    opened.page.wait_for_selector(".wb-figure svg", timeout=60_000)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_live_page_is_whole_under_its_policy(open_page: Open, server: Server, width: int) -> None:
    """Widgets work and the chart is drawn, with nothing wrong in the console, at the sides, or for a screen reader."""
    opened = open_page(f"{server.address}{PAGE}", width)
    drawn(opened)
    metric = opened.page.locator("select").nth(1)
    title = opened.page.locator(".wb-figure h3").inner_text()
    metric.select_option(index=2)
    opened.page.wait_for_function("t => document.querySelector('.wb-figure h3')?.innerText !== t", arg=title)
    drawn(opened)
    assert opened.overflow() <= 0
    assert opened.errors == []
    assert opened.outside == []
    assert opened.accessibility() == []


@pytest.mark.parametrize(
    "planted",
    [
        "<img src=x onerror='window.ran = 1'>",
        "<svg onload='window.ran = 1'></svg>",
        "<iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
        "<a id=planted href='javascript:window.ran = 1'>x</a>",
        "<details open ontoggle='window.ran = 1'></details>",
    ],
)
def test_planted_script_does_not_run(open_page: Open, server: Server, planted: str) -> None:
    """Markup that got into a live page all the same runs nothing: its policy allows only the page's own scripts."""
    opened = open_page(f"{server.address}live/explore/", 1280)
    opened.page.wait_for_selector(".wb-callout", timeout=60_000)
    opened.page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", planted)
    if "planted" in planted:
        opened.page.evaluate("document.getElementById('planted').click()")
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("window.ran") is None


def test_closing_a_page_frees_its_kernel(open_page: Open, server: Server) -> None:
    """A page that is left, closed, or whose browser vanishes takes its kernel with it."""
    opened = open_page(f"{server.address}{PAGE}", 1280)
    drawn(opened)
    assert server.kernels() == 1
    opened.page.goto(server.address)
    assert server.has(0, within=10)
    opened.page.goto(f"{server.address}{PAGE}")
    drawn(opened)
    assert server.kernels() == 1
    opened.page.close(run_before_unload=False)
    assert server.has(0)


def test_a_page_that_lost_its_kernel_says_so(open_page: Open, server: Server) -> None:
    """A page whose kernel has ended doesn't go on as if nothing was: it says so, and how to go on."""
    opened = open_page(f"{server.address}{PAGE}", 390)
    drawn(opened)
    for kernel in psutil.Process(server.process.pid).children(recursive=True):
        kernel.kill()
    asleep = opened.page.get_by_role("alert").filter(has_text="gone to sleep")
    asleep.wait_for(timeout=30_000)
    assert opened.overflow() <= 0
    assert opened.accessibility() == []
    asleep.get_by_role("link", name="Reload it").click()
    drawn(opened)
    assert not asleep.is_visible()


def test_a_reload_takes_no_second_place(open_page: Open, server: Server) -> None:
    """However often a reader reloads, there is one kernel for the page."""
    opened = open_page(f"{server.address}{PAGE}", 1280)
    drawn(opened)
    for _ in range(PLACES + 1):
        opened.page.reload()
        drawn(opened)
    assert server.has(1)
    assert opened.errors == []


def test_a_full_server_says_so(open_page: Open, server: Server) -> None:
    """Whoever finds all places taken is told, and sent to the stored page."""
    for _ in range(PLACES):
        drawn(open_page(f"{server.address}{PAGE}", 1280))
    opened = open_page(f"{server.address}{PAGE}", 390)
    assert opened.page.get_by_role("heading", name="All places are taken").is_visible()
    assert opened.overflow() <= 0
    assert opened.accessibility() == []
    opened.page.get_by_role("link", name="Read the published review instead").click()
    opened.page.wait_for_url("**/reviews/slow-orders/")
    assert server.kernels() == PLACES
