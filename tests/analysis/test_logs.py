"""Which messages are the same but for their values, and how often each occurred."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from workbench.analysis.logs import masked, records, templates


def mask(body: str | None, names: tuple[str, ...] = ()) -> str:
    """Return one body's template."""
    return pl.DataFrame({"body": [body]}, schema={"body": pl.String}).select(masked(pl.col("body"), names)).item()


@pytest.mark.parametrize(
    ("body", "template"),
    [
        ("took 12.5ms for 3 rows", "took <*> for <*> rows"),
        ("2026-01-05 12:00:01,123 INFO started", "INFO started"),
        ("[2026-01-05T12:00:01Z] WARN slow", "WARN slow"),
        ("user 8c756d0c-b064-4dc6-b705-496a75343ddb left", "user <*> left"),
        ("GET http://10.0.0.7:8080/a/b1 refused", "GET <*> refused"),
        ("/var/log/app-3.log rotated", "rotated"),
        ("id=1, size=2, name=box", "<*> name=box"),
        ("stops: [north, south, east]", "stops: [<*>]"),
        ("sold [Ticket(seat=1, to=a), Ticket(seat=2, to=b)]", "sold [<*>]"),
        ("sold [Ticket(seat=1, to=a)]", "sold [<*>]"),
        ("boom at 3\n  at x.y(Z.java:12)\n  at q", "boom at <*>"),
        ('{"severity":"info","message":"hello 7","pid":1}', "hello <*>"),
        ('{"msg": "db \\"a\\" is down", "level": 5}', 'db \\"a\\" is down'),
        ('{"level": 5}', '{"level": <*>}'),
        ("answered status=500 in 3 ms", "answered status=server-error in <*> ms"),
        ('"GET /x HTTP/1.1" 404 12', '"GET /x <*>" client-error <*>'),
        ("status code: 200", "status code: <*>"),
        (None, ""),
        ("", ""),
    ],
)
def test_what_varies_is_masked_and_what_means_something_stays(body, template) -> None:
    """Numbers, ids, addresses, paths, times and lists go; words, and what a server answered, stay."""
    assert mask(body) == template


def test_names_of_services_are_values() -> None:
    """An error about one service and the same about another are one message; a longer name isn't cut."""
    names = ("cart", "cart-store")
    assert mask("no answer from cart-store", names) == mask("no answer from cart", names) == "no answer from <*>"
    assert mask("carton is empty", names) == "carton is empty"


@every(st.text(max_size=400))
def test_any_text_has_a_template_without_ascii_digits(body) -> None:
    """Whatever is logged, masking neither fails nor leaves a number behind."""
    template = mask(body)
    assert not any(sign in "0123456789" for sign in template)
    assert len(template) <= 300


def test_templates_are_counted_on_either_side_of_the_start(given) -> None:
    """The window is half-open: a record at its start is in it, one at its end is not."""
    rows = [
        (-1, "cart", "info", "loaded 3 items", None, None),
        (0, "cart", "INFO", "loaded 4 items", None, None),
        (4.9, "cart", "ERROR", "lost 2 items", None, None),
        (5, "cart", "ERROR", "lost 3 items", None, None),
        (-61, "cart", "INFO", "loaded 5 items", None, None),
    ]
    found = templates(given.logs(rows), **given.when).drop("example").rows()
    assert found == [
        ("cart", "ERROR", "lost <*> items", 0, 1, given.at(4.9), True),
        ("cart", "INFO", "loaded <*> items", 1, 1, given.at(0), False),
    ]


def test_an_example_is_given_from_the_window(given) -> None:
    """A template is shown with a body a person can look up."""
    rows = [
        (-1, "a", "INFO", "x 1", None, None),
        (1, "a", "INFO", "x 2", None, None),
        (-2, "a", "INFO", "y 3", None, None),
    ]
    told = templates(given.logs(rows), **given.when)
    assert dict(zip(told["template"], told["example"], strict=True)) == {"x <*>": "x 2", "y <*>": "y 3"}


def test_records_say_whom_they_complain_about(given) -> None:
    """Only warnings and errors complain, never about their own service, and one delivered twice counts once."""
    rows = [
        (1, "cart", "ERROR", "no answer from store", "t", "s"),
        (1, "cart", "ERROR", "no answer from store", "t", "s"),
        (1, "cart", "INFO", "asking store", "t", "s"),
        (1, "cart", "ERROR", "cart is full", "t", "s"),
        (1, None, "ERROR", "store?", "t", "s"),
    ]
    found = records(given.logs(rows), ["cart", "store"], **given.when)
    assert sorted(found.select("template", "severe", "blames").rows()) == [
        ("<*> is full", True, None), ("asking <*>", False, None), ("no answer from <*>", True, "store"),
    ]  # fmt: skip


def test_no_logs_give_no_rows(given) -> None:
    """An empty frame has its columns."""
    assert templates(given.logs([]), **given.when).is_empty()
    assert records(given.logs([]), ["a"], **given.when).is_empty()
