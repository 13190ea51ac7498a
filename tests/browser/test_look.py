"""How a page looks and behaves in a real Chromium, under the policy it is served with, and as a file on a disk."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from workbench.charts.theme import MIME
from workbench.publish import sections
from workbench.publish.page import POLICY, render_page
from workbench.resources import STATIC
from workbench.review import pictures, tell
from workbench.workspace import Workspace

if TYPE_CHECKING:
    from conftest import Opened

    Open = Callable[..., Opened]

pytestmark = pytest.mark.browser

DRAWN = "[...document.querySelectorAll('.wb-chart')].every(chart => chart.querySelector('svg'))"
LONG = "a-service-with-a-name-that-nobody-would-ever-choose-but-a-generator-did-" * 3
RUNS = (
    "<script>window.hit=1</script><img src=x onerror=window.hit=1><details open ontoggle=window.hit=1>a</details>"
    '<iframe srcdoc="<script>parent.hit=1</script>"></iframe><a href="javascript:window.hit=1">go</a>'
)


class _Handler(SimpleHTTPRequestHandler):
    """Serves pages with the policy of the real server, and the program's own files."""

    def translate_path(self, path: str) -> str:
        name = path.split("?", maxsplit=1)[0]
        if name.startswith("/static/"):
            return str(STATIC / name.removeprefix("/static/"))
        return super().translate_path(path)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Return a folder and the address under which its pages are served."""
    folder = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _output(shown: Any) -> Any:
    made = shown._repr_mimebundle_()
    data, metadata = made if isinstance(made, tuple) else (made, {})
    return new_code_cell("", outputs=[nbformat.from_dict(new_output("display_data", data=data, metadata=metadata))])


@pytest.fixture(scope="module")
def review(demo: Workspace) -> Any:
    """Return a run of a review with every part that a page can have."""
    with demo.record(read_only=True) as record:
        name = record.incidents()[0].id
    story = tell(demo, name)
    parts = (pictures.at_a_glance, pictures.top_suspects, pictures.error_messages, sections.headline, sections.facts,
        sections.timeline, sections.suspects_table, sections.messages_table, sections.actions, sections.problems,
        sections.definitions, sections.provenance)  # fmt: skip
    cells = [_output(part(story)) for part in parts]
    for cell, tag in zip(cells[4:8], ("left", "left", "right", "right"), strict=True):
        cell.metadata["tags"] = [tag]
    for cell, tag in zip(cells[9:11], ("main", "margin"), strict=True):
        cell.metadata["tags"] = [tag]
    return new_notebook(cells=[cells[3], *cells[:3], *cells[4:]])


def test_a_page_on_a_disk_is_whole(open_page: Open, tmp_path: Path, review: Any) -> None:
    """The exported file is opened by itself: charts are drawn, nothing is asked, nothing is wrong."""
    file = tmp_path / "review.html"
    file.write_text(render_page(review, mode="file"), encoding="utf-8")
    opened = open_page(file.as_uri())
    opened.until(DRAWN)
    assert opened.errors == []
    assert opened.outside == []
    assert opened.overflow() <= 0
    assert opened.page.evaluate(
        "document.fonts.check('16px Inter') && document.fonts.check('600 32px \"Source Serif 4\"')"
    )


@pytest.mark.parametrize("width", [1280, 1000, 700, 390, 320])
def test_nothing_is_wider_than_the_page(open_page: Open, site: tuple[Path, str], review: Any, width: int) -> None:
    """At any width, charts are drawn for the room there is and long words break."""
    folder, address = site
    (folder / "review.html").write_text(render_page(review), encoding="utf-8")
    opened = open_page(f"{address}/review.html", width)
    opened.until(DRAWN)
    assert opened.overflow() <= 0
    wide = """[...document.querySelectorAll('.wb-chart')].filter((chart) =>
        chart.querySelector('svg').getBoundingClientRect().right > chart.getBoundingClientRect().right + 1).length"""
    assert opened.page.evaluate(wide) == 0
    assert opened.errors == []


def test_charts_are_drawn_anew_when_the_window_changes(open_page: Open, site: tuple[Path, str], review: Any) -> None:
    """A window made narrow gets charts for a narrow window, not small pictures of wide ones."""
    folder, address = site
    (folder / "review.html").write_text(render_page(review), encoding="utf-8")
    opened = open_page(f"{address}/review.html", 1280)
    opened.until(DRAWN)
    opened.page.set_viewport_size({"width": 390, "height": 800})
    opened.until("Number(document.querySelector('.wb-chart svg').getAttribute('width')) < 400")
    assert opened.overflow() <= 0
    assert opened.errors == []


def test_a_sample_tells_its_value(open_page: Open, site: tuple[Path, str], review: Any) -> None:
    """The box that follows the pointer is styled by our file, and holds time and value."""
    folder, address = site
    (folder / "review.html").write_text(render_page(review), encoding="utf-8")
    opened = open_page(f"{address}/review.html", 1280)
    opened.until(DRAWN)
    opened.page.locator(".wb-chart .mark-symbol path").first.hover()
    box = opened.page.locator("#vg-tooltip-element.visible")
    box.wait_for()
    assert "UTC" in box.inner_text()
    assert opened.page.evaluate("getComputedStyle(document.querySelector('#vg-tooltip-element')).position") == "fixed"
    assert opened.errors == []


def test_without_a_script_everything_is_there_to_read(open_page: Open, site: tuple[Path, str], review: Any) -> None:
    """Findings, sentences and tables don't need a script."""
    folder, address = site
    (folder / "review.html").write_text(render_page(review), encoding="utf-8")
    opened = open_page(f"{address}/review.html", script=False)
    figure = opened.page.locator(".wb-figure").first
    assert figure.locator("h3").inner_text()
    figure.get_by_text("Show as table").click()
    assert figure.locator("tbody tr").count() > 3


def test_on_paper_it_is_light_and_keeps_its_marks(open_page: Open, site: tuple[Path, str], review: Any) -> None:
    """Whatever the reader's screen prefers, paper is white, and what nobody showed is still marked."""
    folder, address = site
    (folder / "review.html").write_text(render_page(review), encoding="utf-8")
    opened = open_page(f"{address}/review.html", 1280, dark=True)
    opened.until(DRAWN)
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.page.evaluate("getComputedStyle(document.querySelector('.wb-finding')).color") == "rgb(22, 32, 44)"
    assert not opened.page.locator(".wb-head").is_visible()


def test_planted_markup_does_nothing(open_page: Open, site: tuple[Path, str]) -> None:
    """In every place a stranger's words can reach, nothing runs, nothing loads, and the policy has nothing to stop."""
    about = {MIME: {"figure": {"title": RUNS, "subtitle": RUNS, "alt": RUNS, "citation": RUNS,
        "key": [[RUNS, "phase-1"]], "rows": [[RUNS]],
        "columns": [{"name": "c", "label": RUNS, "numeric": False}]}}}  # fmt: skip
    spec = {
        "title": RUNS, "width": "container", "height": 80, "mark": {"type": "bar", "tooltip": True},
        "data": {"values": [{"a": RUNS, "b": 1}]}, "description": RUNS,
        "encoding": {
            "x": {"field": "b", "type": "quantitative", "title": RUNS},
            "y": {"field": "a", "type": "nominal", "title": LONG},
        },
        "usermeta": {"embedOptions": {"actions": True, "ast": False}},
    }  # fmt: skip
    outputs = [
        new_output("display_data", data={MIME: spec}, metadata=about),
        new_output("display_data", data={"text/html": f"<p>{RUNS}</p>"}),
        new_output(
            "display_data", data={"image/png": '"onerror=window.hit=1 x="', "image/svg+xml": f"<svg>{RUNS}</svg>"}
        ),
        new_output("stream", name="stdout", text=RUNS + LONG),
        new_output("error", ename=RUNS, evalue=RUNS, traceback=[RUNS]),
    ]
    cells = [new_markdown_cell(f"# {RUNS}\n\n[a](javascript:window.hit=1) {LONG}"), new_code_cell("", outputs=outputs)]
    folder, address = site
    (folder / "planted.html").write_text(
        render_page(new_notebook(cells=cells), title=RUNS, edition=RUNS), encoding="utf-8"
    )
    opened = open_page(f"{address}/planted.html")
    opened.until(DRAWN)
    opened.page.locator(".wb-chart .mark-rect path").first.hover()
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("window.hit") is None
    assert opened.errors == []
    assert opened.outside == []
    assert opened.page.locator("details.vega-actions, .vega-embed summary, iframe, img").count() == 0
    assert opened.overflow() <= 0


def test_an_empty_home_page_is_accessible(open_page: Open, site: tuple[Path, str]) -> None:
    """The first thing a new team sees says why it is empty and what to do."""
    folder, address = site
    (folder / "home.html").write_text(
        render_page(new_notebook(cells=[_output(sections.reviews([]))])), encoding="utf-8"
    )
    opened = open_page(f"{address}/home.html", 390)
    assert "workbench incident add" in opened.page.locator("main").inner_text()
    assert opened.accessibility() == []
    assert opened.errors == []
