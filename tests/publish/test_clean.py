"""Foreign markup can neither run, nor load, nor stand in for a part of the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.publish.clean import clean_html, clean_markdown, clean_spec

RUNS = [
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<details open ontoggle=window.hit=1>a</details>",
    '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
    "<svg onload=window.hit=1></svg>",
    "<svg><script>window.hit=1</script></svg>",
    "<math><mtext><style><img src=x onerror=window.hit=1></style></mtext></math>",
    '<a href="javascript:window.hit=1">go</a>',
    '<a href="JaVaScRiPt:window.hit=1">go</a>',
    '<a href="java&#10;script:window.hit=1">go</a>',
    '<a href="&#x6A;avascript:window.hit=1">go</a>',
    '<a href="vbscript:msgbox(1)">go</a>',
    '<a href="data:text/html,<script>window.hit=1</script>">go</a>',
    '<a href="//other.example/">go</a>',
    '<a href="/\\other.example/">go</a>',
    '<base href="https://other.example/">',
    "<style>body{display:none}</style>",
    '<link rel="stylesheet" href="https://other.example/x.css">',
    '<meta http-equiv="refresh" content="0;url=https://other.example">',
    '<form action="https://other.example"><input name=password></form>',
    '<object data="x"></object><embed src="x">',
    '<div style="position:fixed;inset:0">over everything</div>',
    '<p id="wb-main">pretender</p>',
    '<div class="jp-Notebook modal">pretender</div>',
    "<template><script>window.hit=1</script></template>",
    '<noscript><p title="</noscript><img src=x onerror=window.hit=1>">',
    "<!--<img src=x onerror=window.hit=1>-->",
    '<video src="https://other.example/x.mp4" autoplay></video>',
    '<p contenteditable autofocus onfocus=window.hit=1 tabindex="5">a</p>',
]
ALLOWED = {
    "class", "dir", "id", "lang", "role", "tabindex", "title", "href", "rel", "open", "datetime", "scope",
    "colspan", "rowspan", "headers", "start", "reversed", "value", "span",
}  # fmt: skip
FORBIDDEN = {
    "script", "style", "svg", "math", "iframe", "img", "base", "link", "meta", "form", "input", "object",
    "embed", "template", "noscript", "video", "button",
}  # fmt: skip


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def _check(html: str) -> None:
    seen = _Seen()
    seen.feed(html)
    assert not FORBIDDEN & set(seen.tags)
    for name, value in seen.attributes:
        assert name in ALLOWED or name.startswith("aria-")
        if name == "href":
            assert re.match(r"(https?://|mailto:|#|\?|/(?![/\\])|\.|\w[^:]*$)", value)
        if name == "class":
            assert all(one.startswith("wb") for one in value.split())
        if name == "id":
            assert re.fullmatch(r"E\d+", value)
    assert "hit=1" not in re.sub(r">[^<]*<", "><", html)


@pytest.mark.parametrize("markup", RUNS)
def test_what_ran_elsewhere_is_taken_out(markup: str) -> None:
    """Each spelling that once ran a script in a stored page leaves nothing that could."""
    _check(clean_html(markup))
    _check(clean_markdown(markup))
    _check(clean_markdown(f"# Title\n\nwords {markup} words\n\n- {markup}"))


@given(st.text(alphabet=st.sampled_from("<>/=\"'&;: abcdefghijklmnoprstuvx!-\n\t\0#%"), max_size=200))
def test_no_text_becomes_markup_that_runs(text: str) -> None:
    """Random mixtures of the letters that markup is made of stay harmless."""
    _check(clean_html(text))
    _check(clean_markdown(text))


def test_our_own_markup_stays_as_it_was() -> None:
    """Cleaning changes nothing of what a section is made of."""
    ours = (
        '<div class="wb wb-headline"><h1 class="wb-finding">A</h1><p><time datetime="2023-01-29T09:00:00Z">9</time></p>'
        '<table class="wb-table"><tr id="E1"><th scope="row">b</th><td colspan="2">c</td></tr></table>'
        '<details class="wb-message"><summary><code>d</code></summary>e</details>'
        '<span class="wb-icon wb-icon--tick" aria-hidden="true"></span></div>'
    )
    assert clean_html(ours).replace("<tbody>", "").replace("</tbody>", "") == ours
    assert (
        clean_html('<a class="wb-chip" href="#E1">E1</a>')
        == '<a class="wb-chip" href="#E1" rel="noopener noreferrer">E1</a>'
    )


def test_markdown_has_tables_and_links_that_tell_nothing() -> None:
    """Prose is CommonMark; a link doesn't say where it was followed from."""
    html = clean_markdown("| a | b |\n|---|---|\n| 1 | 2 |\n\n[x](https://example.org)")
    assert "<td>1</td>" in html
    assert 'rel="noopener noreferrer"' in html


@pytest.mark.parametrize(
    "spec",
    [
        {"data": {"url": "https://other.example/data.csv"}, "mark": "point"},
        {"layer": [{"data": {"url": "data.csv"}, "mark": "point"}]},
        {"mark": {"type": "image", "url": "https://other.example/x.png"}},
        {"mark": "point", "encoding": {"href": {"value": "javascript:window.hit=1"}}},
        {"mark": "point", "encoding": {"url": {"field": "a"}}},
        {"transform": [{"lookup": "a", "from": {"data": {"url": "x.json"}, "key": "a"}}], "mark": "point"},
        "not a chart",
        None,
    ],
)
def test_a_chart_that_asks_for_something_is_refused(spec: Any) -> None:
    """A chart holds its data; neither data nor pictures nor links come from an address."""
    with pytest.raises(WorkbenchError):
        clean_spec(spec)


def test_a_chart_keeps_words_in_its_data_and_loses_settings() -> None:
    """A column may be called url; what would change how a chart is drawn is left out."""
    spec = {
        "data": {"values": [{"url": "https://a.example", "href": "x"}]},
        "datasets": {"a": [{"url": "b"}]},
        "mark": "point",
        "usermeta": {"embedOptions": {"actions": True, "ast": False}},
    }
    kept = clean_spec(spec)
    assert "usermeta" not in kept
    assert kept["data"] == spec["data"]
    assert kept["datasets"] == spec["datasets"]
