"""Every figure is valid, light, and says in its title what its data say."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any, NamedTuple

import altair as alt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import charts
from workbench.analysis.impact import phases
from workbench.charts import Figure
from workbench.charts.axis import view
from workbench.charts.messages import wording
from workbench.charts.phases import _heights, _text
from workbench.charts.theme import MIME
from workbench.charts.values import quantity, series_name
from workbench.record import Milestones
from workbench.resources import STATIC
from workbench.telemetry.schema import FRAMES

OWN_FIELDS = re.compile(r"[a-z]{1,2}")


def _milestones(cut: Any, **more: float) -> Milestones:
    start = cut.window.start
    named = {f"{name}_at": start + timedelta(seconds=seconds) for name, seconds in more.items()}
    return Milestones(started_at=start, resolved_at=cut.window.end, **named)


@pytest.fixture
def glance(cut: Any) -> Figure:
    """Return the sample's incident at a glance."""
    times = _milestones(cut, detected=60, acknowledged=90, mitigated=120)
    return charts.glance(
        cut.metrics, cut.spans, suspects=cut.ranked, changes=cut.changes, milestones=times, phases=phases(times),
        window=cut.window, baseline=cut.baseline, unproven={"acknowledged_at"},
    )  # fmt: skip


@pytest.fixture
def tiles(cut: Any) -> Figure:
    """Return the sample's suspects side by side."""
    return charts.suspects(
        cut.metrics, cut.spans, ranked=cut.ranked, changes=cut.changes, window=cut.window, baseline=cut.baseline
    )


@pytest.fixture
def lanes(cut: Any) -> Figure:
    """Return the sample's error messages."""
    return charts.messages(cut.logs, templates=cut.templates, window=cut.window, baseline=cut.baseline)


@pytest.fixture(params=["glance", "tiles", "lanes"])
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return each of them."""
    found: Figure = request.getfixturevalue(request.param)
    return found


def _walk(part: Any) -> Any:
    yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _walk(one)


def test_it_is_valid_vega_lite_and_json(figure: Figure) -> None:
    """The specification fits the schema of the version that draws it, and survives being stored."""
    bundle, metadata = figure._repr_mimebundle_()
    assert set(bundle) == {MIME, "text/plain"}
    assert json.loads(json.dumps(bundle, allow_nan=False)) == bundle
    assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata
    alt.Chart.from_dict(bundle[MIME]).to_dict(validate=True)


def test_it_holds_its_data_and_asks_for_none(figure: Figure) -> None:
    """No address, no settings that change how it is drawn, and every named table is there."""
    assert "usermeta" not in figure.spec
    outside = {key: value for key, value in figure.spec.items() if key not in {"datasets", "$schema"}}
    assert "://" not in json.dumps(outside)
    named = [part["data"]["name"] for part in _walk(outside) if isinstance(part, dict) and "data" in part]
    assert named
    assert set(named) <= set(figure.spec["datasets"])


def test_no_name_from_the_data_becomes_a_field(figure: Figure) -> None:
    """A metric called ``a.b[0]`` would break the expression language, so fields have names of our own."""
    fields = {
        part["field"] for part in _walk(figure.spec) if isinstance(part, dict) and isinstance(part.get("field"), str)
    }
    assert fields
    assert all(OWN_FIELDS.fullmatch(name) for name in fields)


def test_it_stretches_with_the_page(figure: Figure) -> None:
    """Every view takes the room there is."""
    views = figure.spec.get("vconcat") or figure.spec.get("concat") or [figure.spec]
    assert all(view["width"] == "container" for view in views)


def test_it_is_light(figure: Figure) -> None:
    """47 services over half an hour stay under 150 kB, so that a page of three stays readable over a slow line."""
    assert len(json.dumps(figure.spec)) < 150_000


def test_everything_around_it_is_text(figure: Figure) -> None:
    """Title, subtitle, text alternative and table are plain sentences with date, zone and n."""
    about = figure.metadata()
    assert about["title"]
    assert "UTC" in about["subtitle"]
    assert about["alt"].endswith(".")
    assert all(len(row) == len(about["columns"]) for row in about["rows"])
    assert all(isinstance(cell, str) for row in about["rows"] for cell in row)


def test_colours_are_tokens_of_the_style_sheet(figure: Figure) -> None:
    """Dark pages and paper follow because every colour is a variable, and each variable exists."""
    used = set(re.findall(r"var\((--wb-[a-z0-9-]+)", json.dumps(figure.spec)))
    defined = set(re.findall(r"(--wb-[a-z0-9-]+):", (STATIC / "style.css").read_text(encoding="utf-8")))
    assert used
    assert used <= defined
    assert not re.search(r'"(?:color|fill|stroke)": "#', json.dumps(figure.spec))


def test_the_title_of_the_glance_is_computed(cut: Any, glance: Figure) -> None:
    """The numbers of its title are the baseline's median and a sample of the window, read from the frame."""
    first = glance.title.split(";")[0]
    service = next(
        name for name in cut.metrics.select("service").unique().collect()["service"] if f" of {name} " in first
    )
    metric = next(
        name
        for name in cut.metrics.select("metric").unique().collect()["metric"]
        if first.startswith(f"{series_name(name)} of ")
    )
    mine = cut.metrics.filter(pl.col("service") == service, pl.col("metric") == metric, pl.col("value").is_finite())
    before = mine.filter(cut.baseline.holds()).collect()["value"].median()
    inside = mine.filter(cut.window.holds()).collect()["value"]
    unit = metric[metric.index("(") + 1 : -1] if "(" in metric else ""
    assert f"from {quantity(before, unit)} to " in first
    assert any(first.endswith(quantity(value, unit)) for value in inside)


def test_the_glance_names_every_milestone_and_doubts_what_nobody_showed(glance: Figure) -> None:
    """Each milestone has its time; the one without evidence has a question mark."""
    rows = [row for table in glance.spec["datasets"].values() for row in table if "lw" in row]
    assert [row["lw"] for row in rows] == [
        "started 09:12:56", "detected 09:13:56", "acknowledged ? 09:14:26", "mitigated 09:14:56", "resolved 09:16:00",
    ]  # fmt: skip
    assert {name for name, _ in glance.metadata()["key"]} == {"unnoticed", "seen", "being mitigated", "watching"}


def test_the_table_of_the_glance_holds_the_samples_that_are_drawn(cut: Any, glance: Figure) -> None:
    """What can be seen can be read: as many rows as there are moments with a sample."""
    assert glance.table.columns[0] == "Time, UTC"
    assert glance.table["Time, UTC"].is_sorted()
    assert glance.table["Time, UTC"].min() >= view(cut.window, cut.baseline).start


def test_without_metrics_the_phases_are_still_told(cut: Any) -> None:
    """An incident of which nothing is pinned has milestones all the same."""
    times = _milestones(cut)
    empty = pl.LazyFrame(schema=FRAMES["metrics"])
    made = charts.glance(
        empty, suspects=(), changes=cut.changes.head(0), milestones=times, phases=phases(times),
        window=cut.window, baseline=None,
    )  # fmt: skip
    alt.Chart.from_dict(made.spec).to_dict(validate=True)
    assert "No metric" in made.title


class _Times(NamedTuple):
    started_at: Any
    detected_at: Any
    acknowledged_at: Any
    mitigated_at: Any
    resolved_at: Any


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5), st.sampled_from([282, 662]))
def test_no_line_crosses_a_milestones_name(cut: Any, parts: list[float], width: int) -> None:
    """Names are set left of their line, and one that would reach an earlier line stands above its end."""
    shown = view(cut.window, cut.baseline)
    known = [("acknowledged_at", shown.start + shown.duration * part) for part in sorted(parts)]
    heights = _heights(known, shown, width, (), long=True)
    for place, (field, at) in enumerate(known):
        x = (at - shown.start) / shown.duration * width
        begins = x - len(_text(field, at, (), long=True)) * 6.6
        for earlier in range(place):
            other = (known[earlier][1] - shown.start) / shown.duration * width
            assert other <= begins or heights[place] > heights[earlier]


def test_the_tiles_follow_the_ranking(cut: Any, tiles: Figure) -> None:
    """The first suspect is named first, with the score the analysis gave it, and every reason stands in the table."""
    first = cut.ranked[0]
    assert first.service in tiles.title
    titles = [view["title"]["text"] for view in tiles.spec["concat"]]
    assert titles == [f"{one.rank}  {one.service}" for one in cut.ranked if f"{one.rank}  {one.service}" in titles]
    assert len(tiles.table) == sum(len(one.reasons) for one in cut.ranked[:6])


def test_calls_are_drawn_one_by_one(cut: Any) -> None:
    """Each dot is a call of the operation that took longer; the median that is told is that of the dots."""
    from workbench.charts.calls import calls_behind, visits_of

    visits = visits_of(cut.spans, cut.window, cut.baseline)
    found = [(one, calls) for one in cut.ranked if (calls := calls_behind(visits, one, cut.window, cut.window))]
    assert found
    for suspect, calls in found:
        assert calls.reason in suspect.reasons
        median = calls.points["value"].median()
        assert median * calls.factor * 1000 == pytest.approx(calls.reason.during, rel=1e-6)
        assert len(calls.points) == calls.reason.n_during


def test_new_messages_are_told_by_word_and_shape(cut: Any, lanes: Figure) -> None:
    """A new template is a filled diamond and is called new; the counts are those of the frame."""
    rows = [row for table in lanes.spec["datasets"].values() for row in table if "s" in row and "l" in row]
    new = cut.templates.filter("is_new")
    assert sum(" · new · " in row["s"] for row in rows) == min(len(new), 8)
    assert sum(row["c"] == "new" for row in rows) == sum(" · new · " in row["s"] for row in rows)
    shown = view(cut.window, cut.baseline)
    drawn = sum(row["n"] for table in lanes.spec["datasets"].values() for row in table if "n" in row)
    inside = cut.logs.filter(shown.holds(), pl.col("severity") == "ERROR").collect().height
    assert 0 < drawn <= inside
    assert drawn >= int(cut.templates.head(8)["during"].sum())


def test_silence_and_missing_logs_are_not_the_same(cut: Any) -> None:
    """A page must not say that nothing went wrong where nobody looked."""
    none = cut.templates.head(0)
    quiet = charts.messages(cut.logs, templates=none, window=cut.window, baseline=cut.baseline)
    blind = charts.messages(pl.LazyFrame(schema=FRAMES["logs"]), templates=none, window=cut.window, baseline=None)
    assert quiet.title == "No error message was logged during the incident"
    assert blind.title == "No logs are pinned for this time"
    assert blind.spec == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "22:50:15.399 ERROR o.a.C#1 TraceID: 33018b87bb8bececb5bd6aac497a440e SpanID: bd98360fef692cd9 it broke",
            "o.a.C#1 it broke",
        ),
        ("2023-01-29T09:12:56Z WARN slow", "slow"),
        ("plain words\n\tat a.b.C", "plain words"),
        ("", ""),
        ("ERROR", "ERROR"),
    ],
)
def test_what_every_line_begins_with_is_left_out(line: str, told: str) -> None:
    """Time, level and ids say nothing about what went wrong; the rest of the first line does."""
    assert wording(line) == told


@given(st.text(max_size=400))
def test_a_message_is_never_longer_than_asked_nor_lost(text: str) -> None:
    """Whatever was logged, something of it is shown, in one short line."""
    told = wording(text)
    assert len(told) <= 150
    assert "\n" not in told
    assert bool(told.strip()) == bool(text.strip())


def test_a_plain_chart_goes_the_same_way() -> None:
    """A chart somebody made by hand is stored and drawn as ours are, without their settings for the viewer."""
    before = alt.renderers.active, alt.theme.active
    try:
        charts.enable()
        made = alt.Chart(alt.InlineData(values=[{"a": 1}])).mark_point().encode(x="a:Q")
        made.usermeta = {"embedOptions": {"actions": True}}
        bundle, _ = made._repr_mimebundle_()
    finally:
        alt.renderers.enable(before[0])
        alt.theme.enable(before[1])
    assert set(bundle) == {MIME, "text/plain"}
    assert "usermeta" not in bundle[MIME]
    assert "--wb-ink" in json.dumps(bundle[MIME]["config"])
