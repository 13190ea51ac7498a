"""Live pages in real Chromium: whole under their strict policy, and gone with their kernel when they are closed."""

from __future__ import annotations

import shutil
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
PLACES = 2


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


@pytest.fixture(scope="module")
def all_tests_server(demo: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The read-only server of a copy of the demo, with few places."""
    root = tmp_path_factory.mktemp("live") / "desk"
    shutil.copytree(demo.root, root)
    with (root / "workbench.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[serve]\nmax_live_pages = {PLACES}\n")
    command = [sys.executable, "-c", "from workbench.cli.app import main; main()"]
    with subprocess.Popen(
        [*command, "serve", "--workspace", str(root), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Server(process.stdout.readline().split()[-1], process)
        process.terminate()
        process.wait(30)


@pytest.fixture
def server(all_tests_server: Server) -> Server:
    """The server, once the pages of the test before have given their kernels back."""
    assert all_tests_server.has(0, within=60)
    return all_tests_server


@pytest.fixture
def open_live(open_page: Open, server: Server) -> Iterator[Open]:
    """A function that opens a page of the server and leaves it after the test, so that its kernel is free at once."""
    opened: list[Opened] = []

    def open_(path: str = PAGE, width: int = 1280) -> Opened:
        opened.append(open_page(f"{server.address}{path}", width))
        return opened[-1]

    yield open_
    for one in opened:
        if not one.page.is_closed():
            one.page.goto("about:blank")


def drawn(opened: Opened) -> None:
    """Wait until the page shows its chart."""
    opened.page.wait_for_selector(".wb-figure svg", timeout=60_000)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_live_page_is_whole_under_its_policy(open_live: Open, width: int) -> None:
    """Widgets work and the chart is drawn, with nothing wrong in the console, at the sides, or for a screen reader."""
    opened = open_live(width=width)
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


PLANTED = (
    "<img src=x onerror='window.ran = 1'>",
    "<svg onload='window.ran = 1'></svg>",
    "<iframe srcdoc='<script>parent.ran = 1</script>'></iframe>",
    "<a id=planted href='javascript:window.ran = 1'>x</a>",
    "<details open ontoggle='window.ran = 1'></details>",
)


def test_planted_script_does_not_run(open_live: Open) -> None:
    """Markup that got into a live page all the same runs nothing: its policy allows only the page's own scripts."""
    opened = open_live("live/explore/")
    opened.page.wait_for_selector(".wb-callout", timeout=60_000)
    for planted in PLANTED:
        opened.page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", planted)
    opened.page.evaluate("document.getElementById('planted').click()")
    opened.page.wait_for_timeout(500)
    assert opened.page.evaluate("window.ran") is None
    assert len(opened.errors) >= len(PLANTED) - 1, "the browser says of each that it was stopped"


def test_closing_a_page_frees_its_kernel(open_live: Open, server: Server) -> None:
    """A page that is left, closed, or whose browser vanishes takes its kernel with it."""
    opened = open_live()
    drawn(opened)
    assert server.kernels() == 1
    opened.page.goto(server.address)
    assert server.has(0, within=10)
    opened.page.goto(f"{server.address}{PAGE}")
    drawn(opened)
    assert server.kernels() == 1
    opened.page.close(run_before_unload=False)
    assert server.has(0)


def test_a_page_that_lost_its_kernel_says_so(open_live: Open, server: Server) -> None:
    """A page whose kernel has ended doesn't go on as if nothing was: it says so, and how to go on."""
    opened = open_live(width=390)
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


def test_a_reload_takes_no_second_place(open_live: Open, server: Server) -> None:
    """However often a reader reloads, there is one kernel for the page."""
    opened = open_live()
    drawn(opened)
    for _ in range(PLACES + 1):
        opened.page.reload()
        drawn(opened)
    assert server.has(1)
    assert opened.errors == []


def test_a_full_server_says_so(open_live: Open, server: Server) -> None:
    """Whoever finds all places taken is told, and sent to the stored page."""
    for _ in range(PLACES):
        drawn(open_live())
    opened = open_live(width=390)
    assert opened.page.get_by_role("heading", name="All places are taken").is_visible()
    assert opened.overflow() <= 0
    assert opened.accessibility() == []
    opened.page.get_by_role("link", name="Read the published review instead").click()
    opened.page.wait_for_url("**/reviews/slow-orders/")
    assert server.kernels() == PLACES
