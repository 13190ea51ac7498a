"""Real Chromium for the tests of pages, cut off from every host but loopback.

``browser`` is the running Chromium; ``open_page(url, width)`` opens a page of its own context and gathers what a person
would notice: console errors, requests to the outside. Both end with the module, because Playwright's event loop would
otherwise be "running" for every later test of the session that starts one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

CHROMIUM = os.environ.get("WORKBENCH_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "file:", "data:", "blob:", "about:")


@dataclass
class Opened:
    """A page and what it did: ``errors`` of its console, ``outside`` addresses it asked for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        root = "document.documentElement"
        return int(self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))

    def until(self, condition: str, argument: object = None) -> None:
        """Wait until it holds; asked from outside, because the pages' policy forbids polling inside."""
        end = time.monotonic() + 60
        while not self.page.evaluate(condition, argument):
            assert time.monotonic() < end, condition
            self.page.wait_for_timeout(50)

    def accessibility(self, within: str | None = None) -> list[str]:
        """Return what axe-core finds, one line a rule with the first elements it names."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, context=within).response["violations"]
        return [
            f"{one['impact']}: {one['id']}, {one['help']} ({', '.join(str(n['target'][0]) for n in one['nodes'][:4])})"
            for one in found
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith(LOCAL):
            self.outside.append(request.url)

    def _watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once for the tests of a module; without it they are skipped, but fail in CI."""
    if not os.access(CHROMIUM, os.X_OK):
        reason = "Chromium is missing: install it (Debian: apt-get install chromium) or name it in WORKBENCH_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """A function ``open_page(url, width=1280, *, dark=False, height=900, script=True, **context)`` -> `Opened`.

    Further arguments go to Playwright's ``new_context`` (``timezone_id``, ``extra_http_headers`` ...).
    """
    contexts: list[BrowserContext] = []

    def open_(
        url: str, width: int = 1280, *, dark: bool = False, height: int = 900, script: bool = True, **context: object
    ) -> Opened:
        made = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            **context,
        )
        contexts.append(made)
        made.set_default_timeout(30_000)
        opened = Opened(made.new_page())
        opened._watch()
        opened.page.goto(url, wait_until="domcontentloaded", timeout=60_000)
        return opened

    yield open_
    for context in contexts:
        context.close()
