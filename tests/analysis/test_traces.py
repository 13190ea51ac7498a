"""What each service did itself, and how long callers waited for more than the call."""

from __future__ import annotations

import polars as pl
import pytest

from workbench.analysis.traces import failed, operations, read

# minute, ms, service, name, trace, span, parent, status
TRACE = [
    (1, 100, "web", "GET /", "t1", "a", None, None),
    (1, 10, "web", "render", "t1", "b", "a", None),
    (1, 60, "web", "POST", "t1", "c", "a", None),
    (1, 40, "cart", "/cart", "t1", "d", "c", None),
    (1, 25, "cart", "SELECT", "t1", "e", "d", None),
]


def test_a_visit_is_one_service_handling_one_call(given) -> None:
    """Its own work is all its spans' but the wait for another service; the wait beyond the answer is the gap."""
    visits = read(given.spans(TRACE), **given.when).visits.sort("service")
    told = visits.select("service", "operation", "caller", own=pl.col("own_ns") / 1e6, gap=pl.col("gap_ns") / 1e6)
    assert told.rows() == [("cart", "/cart", "web", 40.0, 20.0), ("web", "GET /", None, 40.0, None)]
    web = visits.filter(service="web")["visit"].item()
    assert visits.filter(service="cart")["parent_visit"].item() == web


def test_a_span_that_calls_two_services_is_work_and_not_a_wait(given) -> None:
    """Where one span covers two calls, nobody can tell which of them it waited for."""
    rows = [*TRACE[:1], (1, 30, "cart", "/cart", "t1", "d", "a", None), (1, 30, "user", "/me", "t1", "e", "a", None)]
    visits = read(given.spans(rows), **given.when).visits
    assert visits["gap_ns"].null_count() == visits.height
    assert visits.filter(service="web")["own_ns"].item() == 40_000_000


def test_a_span_delivered_twice_counts_once(given) -> None:
    """Exporters deliver at least once."""
    once, twice = read(given.spans(TRACE), **given.when), read(given.spans([*TRACE, *TRACE]), **given.when)
    assert twice.spans.height == once.spans.height
    assert sorted(twice.visits["own_ns"]) == sorted(once.visits["own_ns"])


def test_a_visit_that_outlasts_the_window_is_left_out(given) -> None:
    """What it did after the end isn't in the frames, so its missing calls would look like a fault."""
    late = [(4.999, 100, "web", "GET /", "t2", "f", None, None), (4.999, 10, "cart", "/cart", "t2", "g", "f", None)]
    assert read(given.spans([*TRACE, *late]), **given.when).visits.sort("trace", "service")["service"].to_list() == [
        "cart", "web", "cart",
    ]  # fmt: skip


def test_parents_that_loop_or_are_missing_are_survived(given) -> None:
    """A span whose parent isn't there starts a visit of its own; a loop ends."""
    looped = [(1, 5, "web", "x", "t1", "a", "b", None), (1, 5, "web", "y", "t1", "b", "a", None)]
    orphan = [(1, 5, "web", "z", "t2", "c", "gone", None), (1, 5, "web", "q", "t3", None, None, None)]
    visits = read(given.spans([*looped, *orphan]), **given.when).visits
    assert sorted(visits["operation"]) == ["q", "z"]


def test_the_order_of_rows_does_not_matter(given) -> None:
    """Permuted frames give the same visits."""
    rows = given.shop().serve(-3, 3).rows
    mixed = rows[1::2] + rows[::2][::-1]
    columns = ["trace", "service", "operation", "caller", "own_ns", "gap_ns", "slice"]
    one, other = (
        read(given.spans(these), **given.when).visits.select(columns).sort(columns) for these in (rows, mixed)
    )
    assert one.equals(other)


@pytest.mark.parametrize(
    ("status", "attributes", "expected"),
    [
        ("STATUS_CODE_ERROR", None, True),
        ("Error", None, True),
        ("2", None, True),
        ("OK", None, False),
        (None, None, False),
        (None, '{"http.response.status_code": 503}', True),
        ("UNSET", '{"http.status_code":"500"}', True),
        (None, '{"http.response.status_code": 404}', False),
        (None, '{"latency.status_code": 500}', False),
    ],
)
def test_a_span_failed_by_its_status_or_its_servers_answer(status, attributes, expected) -> None:
    """The semantic conventions of OpenTelemetry, old and new; a client's mistake (4xx) is no failure of the service."""
    row = pl.DataFrame(
        {"status": [status], "attributes": [attributes]}, schema={"status": pl.String, "attributes": pl.String}
    )
    assert row.select(failed()).item() is expected


def test_operations_tell_calls_and_medians_before_and_during(given) -> None:
    """One row for each service and operation."""
    shop = given.shop().serve(-10, 0).serve(0, 5, cart_ms=50)
    rows = {row["service"]: row for row in operations(shop.spans, **given.when).iter_rows(named=True)}
    assert rows["cart"]["n_before"] == 40
    assert rows["cart"]["n_during"] == 20
    assert rows["cart"]["own_during"] == pytest.approx(10 * rows["cart"]["own_before"])
    assert rows["store"]["n_during"] == 40


def test_no_spans_give_no_rows(given) -> None:
    """An empty frame has its columns."""
    assert read(given.spans([]), **given.when).visits.is_empty()
    assert operations(given.spans([]), **given.when).is_empty()
