"""What is due follows from times, retention and what is pinned: nothing is missed, and nothing is asked for twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evidence.due import SETTLE, Held, Part, Plan, Wanted, due, whole
from workbench.window import Window

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ENDED = Wanted(START, START + HOUR, HOUR)
LASTS = Wanted(START, None, HOUR)
SPAN = Window(START - HOUR, START + HOUR)
LOGS: Part = ("shop", "logs")
KEPT: dict[Part, timedelta | None] = {LOGS: 15 * DAY}


def table(window: Window = SPAN, *, pulled: datetime = START + 2 * HOUR, part: Part = LOGS, version: str = "1") -> Held:
    """Return a whole table of a snapshot."""
    return Held(version, "shop.logs.parquet", part, window, 100, pulled)


def asked(plan: Plan) -> list[tuple[Part, Window]]:
    """Return what a plan asks for."""
    return [(one.part, one.window) for one in plan.asks]


def carried(plan: Plan) -> list[Window]:
    """Return the windows that a plan carries."""
    return [one.window for one in plan.carries]


# When


def test_an_incident_that_ended_is_due_once_late_rows_are_in() -> None:
    """Ten minutes after its end, for the window and the baseline, and not sooner."""
    assert not due(ENDED, KEPT, [], START + HOUR + SETTLE - timedelta(microseconds=1)).asks
    plan = due(ENDED, KEPT, [], START + HOUR + SETTLE)
    assert asked(plan) == [(LOGS, SPAN)]
    assert (plan.window, plan.baseline) == (Window(START, START + HOUR), Window(START - HOUR, START))


def test_once_it_is_pinned_there_is_nothing_to_do() -> None:
    """A month later neither, when the backend has forgotten all of it."""
    for later in (2 * HOUR, 10 * DAY, 30 * DAY):
        plan = due(ENDED, KEPT, [table()], START + later)
        assert (plan.asks, plan.lost) == ((), ())
        assert carried(plan) == [SPAN]


@pytest.mark.parametrize(
    ("now", "what"),
    [(2 * HOUR, ()), (12 * DAY - 2 * HOUR, ()), (12 * DAY - HOUR, ("asked",)), (13 * DAY, ("asked",))],
)
def test_an_incident_that_lasts_is_due_before_its_start_is_forgotten(now: timedelta, what: tuple[str, ...]) -> None:
    """Three days before the baseline's first moment leaves 15 days of retention."""
    plan = due(LASTS, KEPT, [], START + now)
    assert asked(plan) == [(LOGS, Window(START - HOUR, START + now - SETTLE)) for _ in what]


def test_while_it_lasts_only_what_is_new_is_asked_for() -> None:
    """What was pinned in time is carried, and the two meet exactly."""
    first = Window(START - HOUR, START + 12 * DAY)
    held = [table(first, pulled=first.end + SETTLE)]
    assert due(LASTS, KEPT, held, START + 20 * DAY).asks == ()
    plan = due(LASTS, KEPT, held, START + 24 * DAY)
    assert asked(plan) == [(LOGS, Window(first.end, START + 24 * DAY - SETTLE))]
    assert carried(plan) == [first]


def test_a_source_that_keeps_everything_waits_for_the_end() -> None:
    """However long the incident lasts."""
    assert due(LASTS, {LOGS: None}, [], START + 1000 * DAY).asks == ()


def test_when_one_source_is_about_to_forget_all_are_asked() -> None:
    """A snapshot with one source alone would be half a view of the incident."""
    kept = {**KEPT, ("files", "metrics"): None}
    plan = due(LASTS, kept, [], START + 13 * DAY)  # type: ignore[arg-type]
    assert [part for part, _ in asked(plan)] == [LOGS, ("files", "metrics")]


def test_an_incident_that_has_just_begun_has_nothing_to_pin() -> None:
    """Nor one that is yet to come."""
    for now in (START - DAY, START, START + SETTLE):
        assert due(LASTS, KEPT, [], now) == Plan(None, None)


# What


def test_what_is_forgotten_is_lost_and_not_asked_for() -> None:
    """All of it, or its first part."""
    plan = due(ENDED, KEPT, [], START + 16 * DAY)
    assert (plan.asks, [one.window for one in plan.lost]) == ((), [SPAN])
    plan = due(ENDED, KEPT, [], START + 15 * DAY)
    assert asked(plan) == [(LOGS, Window(START, START + HOUR))]
    assert [one.window for one in plan.lost] == [Window(START - HOUR, START)]


def test_what_was_pulled_too_late_counts_when_there_was_something() -> None:
    """A backend may keep more than it promises; but it says nothing of what it has forgotten, and that is no answer."""
    late, now = table(pulled=START + 15 * DAY), START + 15 * DAY + HOUR / 2
    plan = due(ENDED, KEPT, [late], now)
    assert (plan.asks, carried(plan), plan.lost) == ((), [SPAN], ())
    plan = due(ENDED, KEPT, [replace(late, rows=0)], now)
    assert [one.window for one in plan.lost] == [Window(SPAN.start, START + HOUR / 2)]


def test_where_two_overlap_the_one_that_was_pulled_in_time_counts() -> None:
    """The longer one may be empty where its source had forgotten already."""
    first = table(Window(SPAN.start, START), pulled=START + DAY)
    late = table(pulled=START + 15 * DAY, version="2")
    plan = due(ENDED, KEPT, [first, late], START + 30 * DAY)
    assert [(one.held.version, one.window) for one in plan.carries] == [
        ("1", Window(SPAN.start, START)),
        ("2", Window(START, START + HOUR)),
    ]


def test_what_came_incomplete_is_asked_for_again() -> None:
    """What is there is kept should the answer be no better; a limit that was reached is no reason to ask."""
    half = replace(table(), complete=False)
    plan = due(ENDED, KEPT, [half], START + 3 * HOUR)
    assert asked(plan) == [(LOGS, SPAN)]
    assert [piece.held for piece in plan.asks[0].instead] == [half]
    assert not plan.carries
    assert due(ENDED, KEPT, [replace(half, limited=True)], START + 3 * HOUR).asks == ()


def test_what_came_incomplete_stays_once_its_start_is_forgotten() -> None:
    """Asking again would bring less."""
    half = replace(table(), complete=False)
    plan = due(ENDED, KEPT, [half], START + 15 * DAY)
    assert (plan.asks, carried(plan)) == ((), [SPAN])


def test_what_was_pulled_before_late_rows_came_is_asked_for_again() -> None:
    """By a person, in the minute of the end."""
    early = table(pulled=START + HOUR + SETTLE / 2)
    plan = due(ENDED, KEPT, [early], START + 2 * HOUR)
    assert asked(plan) == [(LOGS, SPAN)]
    assert [piece.held for piece in plan.asks[0].instead] == [early]


def test_a_source_that_did_not_answer_is_asked_alone() -> None:
    """The others are carried."""
    kept = {**KEPT, ("dead", "logs"): 30 * DAY}
    plan = due(ENDED, kept, [table()], START + 3 * HOUR)  # type: ignore[arg-type]
    assert asked(plan) == [(("dead", "logs"), SPAN)]
    assert [piece.held.part for piece in plan.carries] == [LOGS]


def test_times_that_were_corrected_are_filled_up() -> None:
    """On either side of what is pinned."""
    moved = Wanted(START - HOUR, START + 2 * HOUR, HOUR)
    plan = due(moved, KEPT, [table()], START + DAY)
    assert asked(plan) == [
        (LOGS, Window(START - 2 * HOUR, START - HOUR)),
        (LOGS, Window(START + HOUR, START + 2 * HOUR)),
    ]


def test_any_snapshot_counts_and_no_moment_twice() -> None:
    """A later one that failed hides no earlier one; where they overlap, the longer one wins."""
    old, new = table(), table(Window(START, START + HOUR), version="2")
    plan = due(ENDED, {**KEPT, ("x", "logs"): None}, [old, new], START + DAY)
    assert [(piece.held.version, piece.window) for piece in plan.carries] == [("1", SPAN)]


def test_a_source_that_is_configured_no_more_is_carried_on() -> None:
    """From the newest snapshot only: one that a person made without it was made without it on purpose."""
    former = table(part=("former", "logs"))
    plan = due(ENDED, KEPT, [former], START + DAY)
    assert [piece.held for piece in plan.carries] == [former]
    plan = due(ENDED, KEPT, [former, table(part=("x", "logs"), version="2")], START + DAY)
    assert former not in [piece.held for piece in plan.carries]


# By hand


def test_a_person_gets_everything_anew() -> None:
    """Until now while it lasts, and with what is pinned to fall back on."""
    plan = whole(LASTS, KEPT, [table()], START + 5 * HOUR)
    assert asked(plan) == [(LOGS, Window(START - HOUR, START + 5 * HOUR))]
    assert [piece.window for piece in plan.asks[0].instead] == [SPAN]
    assert not plan.carries


def test_a_person_loses_nothing_that_is_forgotten() -> None:
    """It is carried; what isn't pinned is asked for, because a backend may keep more than it promises."""
    first = Window(START - HOUR, START + HOUR / 2)
    plan = whole(ENDED, KEPT, [table(first)], START + 40 * DAY)
    assert carried(plan) == [first]
    assert asked(plan) == [(LOGS, Window(first.end, START + HOUR))]


# Whatever the facts

lengths = st.integers(1, 60 * 24).map(lambda hours: timedelta(hours=hours))
parts: st.SearchStrategy[Part] = st.tuples(st.sampled_from(["a", "b", "former"]), st.sampled_from(["logs", "metrics"]))
wanteds = st.builds(Wanted, st.just(START), st.none() | lengths.map(lambda n: START + n), st.just(HOUR) | lengths)


@st.composite
def helds(draw: st.DrawFn) -> Held:
    """Return a table of any kind, around the incident."""
    start = START + timedelta(minutes=draw(st.integers(-3000, 90_000)))
    window = Window(start, start + timedelta(minutes=draw(st.integers(1, 50_000))))
    pulled = window.start + timedelta(minutes=draw(st.integers(0, 60_000)))
    version = draw(st.sampled_from("1234"))
    rows = draw(st.sampled_from([0, 5]))
    return Held(version, "f", draw(parts), window, rows, pulled, draw(st.booleans()), draw(st.booleans()))


keeps = st.dictionaries(parts.filter(lambda part: part[0] != "former"), st.none() | lengths, min_size=1, max_size=3)


def covered(windows: Sequence[Window], within: Window) -> timedelta:
    """Return how much of a window others cover together."""
    return within.duration - sum((gap.duration for gap in within.without(windows)), timedelta(0))


@settings(max_examples=300, deadline=None)
@given(wanteds, keeps, st.lists(helds(), max_size=6), lengths, st.randoms())
def test_a_plan_holds_together(
    wanted: Wanted, kept: Mapping[Part, timedelta | None], held: list[Held], later: timedelta, random: object
) -> None:
    """Every moment is carried, asked for or lost, once; nothing forgotten is asked for; done is done."""
    now = START + later
    plan = due(wanted, kept, held, now)
    if plan.window is None:
        assert plan == Plan(None, None)
        return
    span = Window(plan.baseline.start if plan.baseline else plan.window.start, plan.window.end)
    for part, retention in kept.items():
        pieces = [one.window for one in (*plan.carries, *plan.asks) if getattr(one, "held", one).part == part]
        pieces += [one.window for one in plan.lost if one.part == part]
        assert all(one.overlap(span) == one for one in pieces)
        assert sum((one.duration for one in pieces), timedelta(0)) == covered(pieces, span)
        if plan.asks:
            assert covered(pieces, span) == span.duration
        for ask in plan.asks:
            assert ask.part != part or retention is None or ask.window.start >= now - retention
            assert all(piece.window.overlap(ask.window) == piece.window for piece in ask.instead)
        whole_ones = [one.window for one in held if one.part == part and one.complete and one.rows]
        if plan.asks:
            got = [one.window for one in (*plan.carries, *plan.asks) if getattr(one, "held", one).part == part]
            lost = [one.window for one in plan.lost if one.part == part]
            assert not any(one.overlap(gone) for one in whole_ones for gone in lost)
            assert covered(got, span) >= covered(whole_ones, span)
    mixed = list(held)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert asked(due(wanted, kept, mixed, now)) == asked(plan)
    assert due(wanted, kept, pulled(plan, now, "9"), now).asks == ()


def pulled(plan: Plan, now: datetime, version: str) -> list[Held]:
    """Return the tables of the snapshot that a plan becomes when every source answers."""
    carried = [replace(one.held, window=one.window, version=version) for one in plan.carries]
    return carried + [Held(version, "f", one.part, one.window, 7, now) for one in plan.asks]


@settings(max_examples=100, deadline=None)
@given(
    retention=st.integers(4, 60 * 24).map(lambda hours: timedelta(hours=hours)),
    lasted=st.floats(0.01, 6.0),
    often=st.floats(0.3, 1.0),
    offset=st.floats(0.0, 1.0),
)
def test_cron_misses_nothing(retention: timedelta, lasted: float, often: float, offset: float) -> None:
    """However long an incident lasts, all is pinned in few pulls, if cron runs once in each stretch before forgetting.

    The baseline is young enough for the backend to have it when the incident is added.
    """
    ahead = min(3 * DAY, retention / 3)
    step, end = ahead * often, START + lasted * retention
    kept, now, held, pulls = {LOGS: retention}, START + offset * step, list[Held](), 0
    while True:
        wanted = Wanted(START, end if now >= end else None, HOUR)
        plan = due(wanted, kept, held, now)
        assert not plan.lost
        if plan.asks:
            pulls += 1
            held += pulled(plan, now, f"{pulls:04}")
        elif now >= end + SETTLE:
            break
        now += step
    newest = [one.window for one in held if one.version == f"{pulls:04}"]
    span = Window(START - HOUR, end)
    assert sum((one.duration for one in newest), timedelta(0)) == covered(newest, span) == span.duration
    assert pulls <= 2 + (span.duration / (retention - ahead - SETTLE))
