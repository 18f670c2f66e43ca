"""Whole counts out of counters that begin late, fall, pause, and are shown by two programs at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.change import Change
from edge_agent.core.counting import Counts, Reading, counts, unclear_hours
from edge_agent.core.figures import Share


def hours(*readings: Reading) -> tuple[int, ...]:
    return counts(readings).hours


def test_the_hours_of_one_counter_are_the_differences_of_its_edges() -> None:
    assert hours(Reading([100, 103, 103, 110])) == (3, 0, 7)


def test_what_came_while_it_was_not_read_stands_in_the_hour_in_which_it_is_again() -> None:
    assert hours(Reading([100, None, None, 110, 111])) == (0, 0, 10, 1)


def test_of_a_counter_that_begins_only_what_came_after_its_first_value_counts() -> None:
    assert hours(Reading([None, None, 7, 9], {1: [0, 0, 4, 7]})) == (0, 7, 2)
    assert hours(Reading([None, None, 507, 509], {1: [500, 504]})) == (0, 7, 2)
    assert hours(Reading([None, 7, 9])) == (0, 2)  # without a closer look nothing of its first hour is known


def test_a_counter_that_falls_goes_on_from_nought_and_is_told_of() -> None:
    found = counts([Reading([100, 3], {0: [100, 104, 0, 2, 3]})])
    assert found == Counts((4 + 3,), falls=1)
    assert counts([Reading([100, 3])]) == Counts((3,), falls=1)


def test_two_bridges_are_never_added() -> None:
    assert hours(Reading([100, 105, 108]), Reading([20, 25, 28])) == (5, 3)


def test_when_one_bridge_is_away_the_other_counts_and_nothing_counts_twice_when_it_is_back() -> None:
    away = Reading([100, None, None, 120, 121])
    stays = Reading([20, 30, 35, 40, 41])
    assert hours(away, stays) == hours(stays, away) == (10, 5, 5, 1)


def test_when_the_bridge_that_shows_more_goes_for_good_the_others_smaller_total_is_no_news() -> None:
    assert hours(Reading([500, 505, None, None]), Reading([480, 485, 487, 490])) == (5, 2, 3)
    assert hours(Reading([480, 485, 487, 490]), Reading([500, 505, None, None])) == (5, 2, 3)


def test_a_bridge_that_joins_adds_nothing_of_what_it_had_counted_before() -> None:
    assert hours(Reading([10, 12, 15, 16]), Reading([None, 9000, 9003, 9004], {0: [8998]})) == (2, 3, 1)
    new_zone = Reading([None, 2, 3], {0: [0, 1, 2]})
    assert hours(new_zone, new_zone) == (2, 1)


def test_a_bridge_that_lost_its_file_costs_nothing_while_the_other_has_its_own() -> None:
    lost = Reading([100, 2, 4], {0: [103, 0, 2]})
    whole = Reading([50, 56, 58])
    assert counts([lost, whole]) == Counts((6, 2), falls=1)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.lists(st.booleans(), min_size=9, max_size=9),
)
def test_whatever_is_away_when_the_whole_is_counted_once(
    true: list[int], first: int, second: int, there: list[bool]
) -> None:
    """At any moment one of two bridges may be away, never both, and both are there at the beginning."""
    totals = [sum(true[:hour]) for hour in range(len(true) + 1)]
    one = [first + total if edge == 0 or there[edge] else None for edge, total in enumerate(totals)]
    other = [second + total if edge == 0 or not there[edge] else None for edge, total in enumerate(totals)]
    assert hours(Reading(one), Reading(other)) == tuple(true)


@given(st.lists(st.none() | st.integers(0, 50), min_size=2, max_size=12))
def test_no_count_is_ever_below_nought_and_every_fall_calls_for_a_closer_look(edges: list[int | None]) -> None:
    found = counts([Reading(edges)])
    assert min(found.hours) >= 0
    values = [value for value in edges if value is not None]
    assert found.falls == sum(later < earlier for earlier, later in pairwise(values))
    assert len(unclear_hours(edges)) >= found.falls


def test_hours_that_need_a_closer_look() -> None:
    assert unclear_hours([None, None, 5, 6, 2, None, 1, 3]) == {1, 3, 5}
    assert unclear_hours([5, 6, 6, None, 8]) == set()


@pytest.mark.parametrize(
    ("before", "now", "low", "high"),
    [  # Newcombe 1998, table II, method 10
        ((48, 80), (56, 70), 0.0524, 0.3339),
    ],
)
def test_a_difference_of_shares_has_newcombes_interval(
    before: tuple[int, int], now: tuple[int, int], low: float, high: float
) -> None:
    interval = Change(Share(*before), Share(*now)).interval
    assert interval == pytest.approx((low, high), abs=5e-5)


def test_a_change_says_whether_it_may_be_chance_and_nothing_of_too_few() -> None:
    assert Change(Share(10, 100), Share(30, 100)).words == "more than before"
    assert Change(Share(30, 100), Share(10, 100)).words == "less than before"
    assert Change(Share(20, 100), Share(24, 100)).words == "no change beyond chance"
    few = Change(Share(1, 29), Share(30, 100))
    assert (few.value, few.interval, few.words) == (None, None, "too few to compare")
