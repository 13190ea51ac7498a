"""A page shows what a run printed, safely, in columns, and either asks our own files or holds them."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from workbench.charts.theme import MIME
from workbench.publish.bands import bands
from workbench.publish.page import POLICY, Link, render_page
from workbench.publish.templates import script_json
from workbench.resources import STATIC

PLANTED = "</title></script><script>window.hit=1</script><img src=x onerror=window.hit=1>"
SPEC = {"mark": "point", "data": {"values": [{"a": PLANTED}]}, "width": "container", "encoding": {"x": {"field": "a"}}}


def _cell(*outputs: Any, tags: tuple[str, ...] = ()) -> Any:
    cell = new_code_cell("secret_source = 1", outputs=list(outputs))
    cell.metadata["tags"] = list(tags)
    return cell


def _data(metadata: dict[str, Any] | None = None, **types: Any) -> Any:
    names = {"html": "text/html", "plain": "text/plain", "chart": MIME}
    return new_output(
        "display_data", data={names.get(name, name): value for name, value in types.items()}, metadata=metadata or {}
    )


def _about(**given: Any) -> dict[str, Any]:
    return {MIME: {"figure": {"title": "T", "subtitle": "S", "alt": "A", "columns": [], "rows": [], **given}}}


def _markdown(source: str, *tags: str) -> Any:
    cell = new_markdown_cell(source)
    cell.metadata["tags"] = list(tags)
    return cell


def _page(*cells: Any, **how: Any) -> str:
    notebook = new_notebook(cells=list(cells))
    nbformat.validate(notebook)
    return render_page(notebook, **how)


def _attributes(page: str) -> list[str]:
    """Return the name of every attribute of every element, as a browser reads them."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(name for name, _ in attrs)

    Reader().feed(page)
    return found


@pytest.mark.parametrize("mode", ["served", "file"])
def test_planted_markup_is_neutralised_wherever_it_stands(mode: str) -> None:
    """In prose, HTML, text, a chart's data, its title, its table, its key, an error, the tab: nothing of it runs."""
    about = _about(
        title=PLANTED, subtitle=PLANTED, alt=PLANTED, citation=PLANTED, key=[[PLANTED, PLANTED]],
        columns=[{"name": "c0", "label": PLANTED, "numeric": PLANTED}], rows=[[PLANTED], PLANTED, [1, 2, 3]],
    )  # fmt: skip
    page = _page(
        _markdown(f"# Title {PLANTED}"),
        _cell(_data(html=f"<p>{PLANTED}</p>")),
        _cell(_data(plain=PLANTED)),
        _cell(_data(about, chart=SPEC)),
        _cell(_data({MIME: {"figure": PLANTED}}, chart=SPEC)),
        _cell(
            _data(
                **{
                    "image/svg+xml": "<svg onload=window.hit=1></svg>",
                    "image/png": '"onerror=window.hit=1',
                    "plain": "x",
                }
            )
        ),
        _cell(_data(**{"text/markdown": PLANTED, "application/javascript": "window.hit=1"})),
        _cell(new_output("stream", name="stdout", text=PLANTED)),
        _cell(new_output("error", ename=PLANTED, evalue=PLANTED, traceback=[PLANTED])),
        title=PLANTED,
        edition=PLANTED,
        nav=(Link(PLANTED, PLANTED),),
        base=f"/{PLANTED}/",
        mode=mode,
    )
    shown = re.sub(r"(<script[^>]*>).*?</script>|(<style>).*?</style>", r"\1\2", page, flags=re.DOTALL)
    assert "<img" not in shown
    assert "<svg" not in shown
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    if mode == "served":
        assert all(
            'src="' in attributes and not body if "json" not in attributes else json.loads(body) is not None
            for attributes, body in scripts
        )
    assert not [name for name in _attributes(shown) if name.startswith("on") or name in {"style", "srcdoc"}]


def test_a_served_page_holds_nothing_inline() -> None:
    """The strict policy lets it be whole: no inline script, style, handler, or address of another host."""
    page = _page(_markdown("# A"), _cell(_data(_about(), chart=SPEC)), title="A")
    assert "<style" not in page
    assert not re.search(r"\sstyle=", page)
    assert "://" not in re.sub(r"<script type=\"application/json\".*?</script>", "", page, flags=re.DOTALL)
    assert "unsafe" not in POLICY
    for name in re.findall(r'(?:href|src)="/static/([^"?]+)', page):
        assert (STATIC / name).is_file()


def test_an_exported_page_is_one_file() -> None:
    """It holds style, fonts, scripts and icon, asks for nothing, and its own policy lets nothing else run."""
    page = _page(_markdown("# A"), _cell(_data(_about(), chart=SPEC)), mode="file")
    outer = re.sub(r"(<script[^>]*>).*?</script>", r"\1", page, flags=re.DOTALL)
    assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:)', outer)
    assert not re.findall(r"url\((?![\"']?data:)", outer)
    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1])
    assert "default-src 'none'" in policy
    assert policy.count("sha256-") == 4
    assert "unsafe" not in policy


def test_code_and_its_noise_are_never_shown() -> None:
    """A reader sees neither source nor tracebacks nor what went to standard error."""
    page = _page(
        _cell(new_output("stream", name="stderr", text="a warning of /home/ana")),
        _cell(new_output("error", ename="KeyError", evalue="'x'", traceback=["File /home/ana/a.py"])),
        _markdown("# A"),
        _markdown("for who works here", "hidden"),
        _cell(_data(plain="parameters"), tags=("parameters",)),
    )
    for hidden in ("secret_source", "/home/ana", "KeyError", "Traceback", "for who works here", "parameters"):
        assert hidden not in page
    assert "This part could not be made." in page


def test_text_is_shown_only_where_there_is_nothing_better() -> None:
    """The words for terminals stay hidden behind HTML, charts and widgets."""
    page = _page(
        _cell(_data(html="<p>good</p>", plain="worse")),
        _cell(_data(plain="only & this")),
        _cell(_data(**{"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "plain": "Text(value='')"})),
    )
    assert "good" in page
    assert "worse" not in page
    assert "only &amp; this" in page
    assert "Text(value" not in page


def test_a_figure_has_its_finding_and_its_table() -> None:
    """What stands around a chart is written by the server, so that it is there without a script."""
    about = _about(
        columns=[{"name": "c0", "label": "CPU, %", "numeric": True}],
        rows=[["99.9"]],
        key=[["seen", "phase-2"]],
        citation="E6, metrics, and E1, a <b>",
    )
    page = _page(_cell(_data(about, chart=SPEC)))
    for part in ('<h3 class="wb-figure__title">T</h3>', 'aria-label="A"', "Show as table", "CPU, %", "wb-key--phase-2"):
        assert part in page
    assert 'From <a href="#E6">E6</a>, metrics, and <a href="#E1">E1</a>, a &lt;b&gt;</p>' in page
    (stored,) = re.findall(r'class="wb-spec">(.*?)</script>', page, re.DOTALL)
    assert json.loads(stored) == SPEC


def test_a_chart_that_asks_for_an_address_is_told_not_drawn() -> None:
    """The rest of the page stands."""
    page = _page(_cell(_data(_about(), chart={"data": {"url": "https://other.example"}})), _markdown("# Still here"))
    assert "asks for something from an address" in page
    assert "other.example" not in page
    assert "Still here" in page


def test_the_tab_is_called_by_the_first_heading() -> None:
    """Unless a title is given."""
    assert "<title>Food was slow &amp; cold · Incident reviews</title>" in _page(
        _cell(_data(html="<h1>Food <em>was</em> slow &amp; cold</h1>"))
    )
    assert "<title>Mine · Incident reviews</title>" in _page(_markdown("# Other"), title="Mine")
    assert "<title>Incident reviews</title>" in _page()


def test_cells_stand_in_the_columns_their_tags_name() -> None:
    """Halves beside each other, notes in the margin, a heading of its own over both."""
    made = bands(
        new_notebook(
            cells=[
                _cell(_data(html="<p>top</p>")),
                _markdown("## At a glance", "main"),
                _cell(_data(html="<p>chart</p>"), tags=("main",)),
                _cell(_data(html="<p>note</p>"), tags=("margin",)),
                _markdown("## Left", "left"),
                _markdown("## Right", "right"),
                _cell(_data(html="<p>more</p>"), tags=("left",)),
                _markdown("## Actions"),
                _cell(_data(html="<p>do</p>")),
                _cell(_data(plain=" ")),
            ]
        )
    )
    assert [(one.kind, len(one.head), len(one.first), len(one.second)) for one in made] == [
        ("whole", 0, 1, 0),
        ("noted", 1, 1, 1),
        ("halves", 0, 2, 1),
        ("whole", 0, 2, 0),
    ]


def test_the_same_run_gives_the_same_page() -> None:
    """Nothing of a page comes from a clock or a counter."""
    cells = [_markdown("# A"), _cell(_data(_about(), chart=SPEC))]
    assert _page(*cells) == _page(*cells)


def test_json_in_a_page_never_ends_its_element() -> None:
    """Whatever stands in the data, the element is read back as the same data."""
    value = {"a": "</script><!--<script>&\u2028\u2029"}
    text = str(script_json(value))
    assert not re.search(r"[<>&\u2028\u2029]", text)
    assert json.loads(text) == value
