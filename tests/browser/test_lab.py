"""JupyterLab shows what the dashboards show: in a notebook that runs, and in a stored one that was just opened."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from workbench.publish.runs import newest
from workbench.workspace import Workspace

if TYPE_CHECKING:
    from conftest import Opened

    Open = Callable[..., Opened]

pytestmark = pytest.mark.browser
TOKEN = "for-this-test-only"  # noqa: S105 - not a secret of anybody's
CHARTS = 3


@pytest.fixture(scope="module")
def lab(demo: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of JupyterLab on a copy of the demo, with a stored review beside the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(demo.root, folder / "desk")
    version = newest(demo.published / "slow-orders")
    assert version is not None
    (folder / "desk" / "notebooks").mkdir()
    shutil.copy(version / "review.ipynb", folder / "desk" / "notebooks" / "stored.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"JUPYTER_TOKEN": TOKEN, "HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    command = [sys.executable, "-c", "from workbench.cli.app import main; main()", "lab", "--no-browser"]
    server = subprocess.Popen(
        [*command, "--port", str(port), "-w", str(folder / "desk")],
        env=os.environ | own | {"JUPYTER_ALLOW_INSECURE_WRITES": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        _wait(f"{address}api")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=10):  # noqa: S310 - loopback
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail("JupyterLab did not start")


def _drawn(opened: Opened) -> None:
    """Wait until every chart of the notebook is drawn under its title."""
    figures = "[...document.querySelectorAll('.wb-figure')]"
    opened.until(f"{figures}.length >= {CHARTS} && {figures}.every(f => f.querySelector('svg'))")
    titles = opened.page.evaluate(f"{figures}.map(f => f.querySelector('h3').textContent)")
    assert len(set(titles)) == len(titles) >= CHARTS
    assert all(titles)
    assert opened.outside == []


def test_a_stored_notebook_shows_its_charts(open_page: Open, lab: str) -> None:
    """Nothing is run, nothing is trusted, and every chart is there with its title."""
    opened = open_page(f"{lab}lab/workspaces/stored/tree/stored.ipynb?token={TOKEN}", 1280)
    _drawn(opened)


@pytest.mark.parametrize("name", ["investigate", "review"])
def test_a_notebook_runs_from_top_to_bottom(open_page: Open, lab: str, name: str) -> None:
    """As it is shipped: an empty incident means the newest, an empty workspace the one it lies in."""
    opened = open_page(f"{lab}lab/workspaces/{name}/tree/{name}.ipynb?token={TOKEN}", 1280)
    opened.page.locator(".jp-Notebook .jp-Cell:visible").first.wait_for(timeout=120_000)
    # Run All without a kernel opens a dialog that asks for one.
    opened.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
    opened.page.get_by_role("menuitem", name="Run", exact=True).click()
    opened.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    _drawn(opened)
    assert opened.page.locator(".jp-OutputArea [data-mime-type='application/vnd.jupyter.error']").count() == 0
