"""Whatever kind of fact speaks against a service, it is told in words with its numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from workbench.analysis.suspects import Reason, Suspect
from workbench.review import Story
from workbench.review.wording import big, distinct, first, headline, lead, line

AT = datetime(2023, 1, 29, 14, 50, 6, tzinfo=UTC)


def _reason(**given: Any) -> Reason:
    facts = {
        "kind": "metric", "name": "CpuUsageRate(%)", "measure": "value", "direction": "up", "n_before": 60,
        "n_during": 5,
        "time": AT, "before": 0.93, "during": 99.93, "unit": "%", "weight": 5.0, "text": "food waited for travel",
    }  # fmt: skip
    facts |= given
    facts["change"] = facts["during"] - facts["before"]
    return Reason.model_validate(facts)


def _suspect(*reasons: Reason) -> Suspect:
    return Suspect(service="food", rank=1, score=5.0, stands_out=True, reasons=reasons)


SPAN = {"kind": "span", "name": "GET /foods", "unit": "ms", "before": 10.2, "during": 302.0}
CASES = [
    (_reason(), "CPU usage rate of food rose from 0.93\u00a0% to 99.9\u00a0%"),
    (_reason(before=50.0, during=1.0), "CPU usage rate of food fell from 50\u00a0% to 1\u00a0%"),
    (_reason(**SPAN, measure="own"), "food itself worked 302\u00a0ms a call instead of 10.2\u00a0ms"),
    (_reason(**SPAN, measure="gap", peer="travel"), "food waited 302\u00a0ms instead of 10.2\u00a0ms for travel"),
    (
        _reason(**SPAN, measure="gap", peer="gateway", text="gateway waited for food"),
        "food kept gateway waiting 302\u00a0ms instead of 10.2\u00a0ms",
    ),
    (
        _reason(
            kind="log",
            name="<*> ERROR no",
            measure="share",
            direction="more",
            unit="% of calls",
            before=4.0,
            during=95.0,
        ),
        "food logged an unusual message in 95\u00a0% of calls instead of 4\u00a0%",
    ),
    (
        _reason(
            kind="log", name="done", measure="share", direction="less", unit="% of calls", before=8.0, during=100.0
        ),
        "A message of food was missing in 100\u00a0% of calls instead of 8\u00a0%",
    ),
    (
        _reason(
            kind="span",
            name="GET",
            peer="travel",
            measure="share",
            direction="less",
            unit="% of calls",
            before=8.0,
            during=50.0,
        ),
        "A call of travel of food was missing in 50\u00a0% of calls instead of 8\u00a0%",
    ),
    (
        _reason(
            kind="log", name="no food", measure="blame", peer="gateway", unit="% of minutes", before=0.0, during=50.0
        ),
        "Others complained about food in 50\u00a0% of minutes instead of 0\u00a0%",
    ),
    (
        _reason(name="", measure="silence", instance="food-1", unit="points", before=60.0, during=1.0),
        "food-1 fell silent",
    ),
]


@pytest.mark.parametrize(("reason", "told"), CASES)
def test_a_headline_says_what_was_measured(reason: Reason, told: str) -> None:
    """Each measure has its own sentence, none claims a cause."""
    assert headline(_suspect(reason), reason) == told


@pytest.mark.parametrize(("reason", "_told"), CASES)
def test_every_reason_has_a_line_a_few_words_and_a_first_time(reason: Reason, _told: str) -> None:
    """No kind of reason leaves a hole on the page."""
    assert "".join(line("food", reason)).strip()
    assert big(reason)[0]
    assert first("food", reason)[0]


def test_a_clear_reason_leads_when_it_weighs_enough() -> None:
    """A metric says more to a reader than a share of calls, but never in place of far stronger evidence."""
    share = _reason(kind="log", name="x", measure="share", direction="more", unit="% of calls", weight=9.0)
    metric = _reason(weight=5.0)
    assert lead(_suspect(share, metric)) == metric
    assert lead(_suspect(share, _reason(weight=1.0))) == share
    assert lead(None) is None


def test_percentiles_of_one_thing_are_told_once() -> None:
    """p90, p95 and p99 of one latency are one line."""
    three = [_reason(name=f"PodServerLatencyP{p}(s)", unit="s") for p in (90, 95, 99)]
    assert distinct(three) == (three[0],)


def test_what_the_demo_finds_can_be_told(told: Story) -> None:
    """Every reason of every suspect of a real incident has its words."""
    for suspect in told.suspects:
        for reason in suspect.reasons:
            assert suspect.service in headline(suspect, reason) or reason.measure == "silence"
            assert "".join(line(suspect.service, reason))
