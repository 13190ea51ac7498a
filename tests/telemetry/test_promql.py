"""PromQL is filled in and narrowed so that it asks for exactly what was meant, whatever services are called."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.telemetry.sources.prometheus.promql import (
    alternatives,
    duration,
    fill,
    narrowed,
    quantile,
    selector_fault,
    text_fault,
)

LENGTHS = {"interval": "4m", "window": "3600s", "step": "60s"}
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), min_size=1)


def filled(text: str, *services: str) -> str:
    """Return a query filled in for these services."""
    return fill(text, services=services, **LENGTHS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rate(x[$interval])", "rate(x[4m])"),
        ("increase(x[${window}])", "increase(x[3600s])"),
        ("x[5m:$step]", "x[5m:60s]"),
        ('up{service=~"$service"}', 'up{service=~".+"}'),
        ('label_replace(up, "a", "$1", "b", "(.*)$")', 'label_replace(up, "a", "$1", "b", "(.*)$")'),
        ("up # not $service, nor $this", "up # not $service, nor $this"),
        ('\'$interval\' "a\\"$step"', '\'4m\' "a\\"60s"'),
    ],
)
def test_places_are_filled_in(text: str, wanted: str) -> None:
    """In brackets and quotes, not in comments; what is no place stays."""
    assert text_fault(text) == ""
    assert filled(text) == wanted


@pytest.mark.parametrize("quote", ['"', "'", "`"])
@given(services=st.lists(NAMES, min_size=1, max_size=4))
def test_services_match_exactly_themselves(services: list[str], quote: str) -> None:
    """Whatever signs are in a name, the string PromQL reads is a pattern of it, and ends where it should."""
    text = filled(f"up{{service=~{quote}$service{quote}}}", *services)
    body = text.removeprefix(f"up{{service=~{quote}").removesuffix(f"{quote}}}")
    if quote == "`":
        assert "`" not in body
        pattern = body
    else:
        # What is escaped in a Go string is here escaped as in JSON, but for the other kind of quote.
        inner = body.replace('"', '\\"').replace("\\'", "'") if quote == "'" else body
        pattern = json.loads(f'"{inner}"', strict=False)
    for service in services:
        assert re.fullmatch(pattern, service)
    assert re.fullmatch(pattern, "\n".join([*services, "and more"])) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("up{service=~$service}", "outside quotes"),
        ("rate(x[$__rate_interval])", r"\$__rate_interval"),
        ('up{service=~"$servcie"}', r"\$servcie"),
        ('up{a="b}', "never closed"),
        ("up{a=`b}", "never closed"),
    ],
)
def test_a_mistake_in_a_query_is_told_in_words(text: str, said: str) -> None:
    """Before anything is asked."""
    assert re.search(said, text_fault(text))


def test_a_group_that_a_query_names_is_not_a_place() -> None:
    """label_replace may give its groups names."""
    assert text_fault('label_replace(up, "a", "$name", "b", "(?P<name>.*)")') == ""


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("up", 'up{app=~"(?:a|b)"}'),
        ('up{job="x"}', 'up{job="x",app=~"(?:a|b)"}'),
        ('up{job="x}",}', 'up{job="x}",app=~"(?:a|b)"}'),
        ('{__name__=~"a.*"}', '{__name__=~"a.*",app=~"(?:a|b)"}'),
        ("up{}", 'up{app=~"(?:a|b)"}'),
        ('up{pod=~"$service-.*"}', 'up{pod=~"$service-.*"}'),
    ],
)
def test_a_selector_is_narrowed(selector: str, wanted: str) -> None:
    """By one more condition, unless it has its own place for services; without services it stays."""
    assert selector_fault(selector) == ""
    assert narrowed(selector, "app", ["a", "b"]) == wanted
    assert narrowed(selector, "app", []).rstrip("{}") == selector.replace(",}", "}").rstrip("{}")


@pytest.mark.parametrize("text", ["", "{}", "rate(up[5m])", "up[5m]", "up offset 5m", "up + 1", 'up{a="b"', "1up"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    """An expression belongs under queries."""
    assert selector_fault(text)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    """By words, never by an error; what is without fault can be filled in."""
    assert isinstance(selector_fault(text), str)
    if not text_fault(text):
        assert isinstance(filled(text, "a"), str)


def test_a_quantile_asks_for_classic_and_native_histograms() -> None:
    """One of the two has the answer."""
    asked = quantile(0.99, 'latency{job="x"}', "app", [])
    assert asked == (
        'histogram_quantile(0.99, sum by (le, app) (rate(latency_bucket{job="x"}[$interval])))'
        ' or histogram_quantile(0.99, sum by (app) (rate(latency{job="x"}[$interval])))'
    )


@pytest.mark.parametrize(("length", "text"), [(60_000, "60s"), (1, "1ms"), (1500, "1500ms")])
def test_lengths_are_written_as_promql_reads_them(length: int, text: str) -> None:
    """In seconds, or in milliseconds where they aren't whole."""
    assert duration(length) == text


def test_one_service_needs_no_group() -> None:
    """And none at all means every series that has the label."""
    assert (alternatives(["a.b"], "`"), alternatives([], "`")) == (r"a\.b", ".+")
