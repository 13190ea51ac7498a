"""An incident's times in real Chromium: proposals confirmed and events added by keyboard alone, at both widths."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workbench.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
SERVE = "from workbench.cli.app import main; main()"


@pytest.fixture
def served(eventful: Path, tmp_path: Path) -> Iterator[tuple[Workspace, str]]:
    """A workspace with pinned events, served by ``workbench facilitate``; and the address that logs in."""
    root = tmp_path / "desk"
    shutil.copytree(eventful, root)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
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
            found = re.search(r"http://127\.0\.0\.1:\d+/login\?token=\S+", told)
            assert found, told + server.stdout.read()
            yield Workspace.open(root), found[0]
        finally:
            server.terminate()
            server.wait(timeout=30)


def tab_to(page: Page, selector: str, most: int = 80) -> None:
    """Press Tab until the element has the keyboard."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab never came to {selector}")


def test_proposals_and_events_by_keyboard_alone(
    served: tuple[Workspace, str], open_page: Callable[..., object]
) -> None:
    """A proposal is taken and saved, an event added and saved with its citation; nothing is cut on a phone."""
    workspace, login = served
    address = login.partition("/login")[0]
    for width in (390, 1280):
        opened = open_page("about:blank", width)
        page = opened.page
        page.context.request.get(login, max_redirects=0)
        page.goto(f"{address}/live/capture/?incident=slow-checkout", timeout=60_000)
        page.wait_for_selector(".wb-offer__use", timeout=60_000)
        page.wait_for_selector(".wb-candidates [data-press=add]", timeout=60_000)
        page.wait_for_selector(".wb-plot[data-drawn=true]", timeout=60_000)
        assert opened.overflow() == 0
        assert opened.accessibility() == []
        if width != 1280:
            page.context.close()
    tab_to(page, ".wb-key-detected_at input")
    tab_to(page, "button.wb-offer__use")
    assert "09:13:40" in page.evaluate("() => document.activeElement.innerText")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('.wb-key-detected_at input')")
    assert page.input_value(".wb-key-detected_at input") == "09:13:40"
    page.keyboard.press("Enter")
    page.wait_for_selector(".wb-callout--holds >> text=Saved the milestones")
    with workspace.record(read_only=True) as record:
        saved = record.incident("slow-checkout")
    assert saved.milestones.detected_at == datetime(2023, 1, 29, 9, 13, 40, tzinfo=UTC)
    assert saved.updated_by == "Facilitator"

    tab_to(page, ".wb-candidates [data-press=add]")
    name = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert name == "Add 09:01:00 Deploy “ts-basic-service v41”"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.matches('.wb-key-what input')")
    page.keyboard.press("End")
    page.keyboard.type(" went out")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".wb-list__title >> text=went out")
    with workspace.record(read_only=True) as record:
        [entry] = record.entries("slow-checkout")
    assert (entry.what, entry.kind, entry.who) == ("Deploy “ts-basic-service v41” went out", "change", "ana")
    assert entry.evidence[0].frame == "events"
    page.wait_for_selector(".wb-candidates .wb-list__title >> text=v41", state="detached")
    assert opened.errors == []
    assert opened.outside == []
