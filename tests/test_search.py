"""Where people are searched for again and where not: told second by second."""

from itertools import pairwise

import pytest

from edge_agent.core.search import Rests, TileTurn

RATE_HZ = 15


def test_motion_that_is_nobody_rests_longer_each_time_but_never_long() -> None:
    rests, searches = Rests(), []
    for frame in range(20 * RATE_HZ):
        time_s = frame / RATE_HZ
        if not rests.rests(300, 200, time_s):
            searches.append(time_s)
            rests.note((300, 200), 150, fruitful=False, time_s=time_s)
    gaps = [after - before for before, after in pairwise(searches)]
    assert gaps[:4] == pytest.approx([0.3, 0.6, 1.2, 2.4], abs=0.1)
    assert max(gaps) < 2.5


def test_motion_elsewhere_rests_no_longer_than_a_little_over_a_second() -> None:
    """It may be the same cart, further on."""
    rests, searches = Rests(), []
    for frame in range(20 * RATE_HZ):
        time_s, x = frame / RATE_HZ, 200.0 * frame
        if not rests.rests(x, 200, time_s):
            searches.append(time_s)
            rests.note((x, 200), 150, fruitful=False, time_s=time_s)
    gaps = [after - before for before, after in pairwise(searches)]
    assert gaps[:3] == pytest.approx([0.3, 0.6, 1.2], abs=0.1)
    assert max(gaps) < 1.3


def test_where_somebody_was_found_the_next_motion_is_searched_at_once() -> None:
    rests = Rests()
    rests.note((300, 200), 150, fruitful=False, time_s=0)
    rests.note((300, 200), 150, fruitful=True, time_s=0.3)
    assert not rests.rests(300, 200, 0.4)


def test_tiles_are_taken_once_in_two_seconds() -> None:
    turn = TileTurn()
    halves = [half / 2 for half in range(60)]
    assert [time_s for time_s in halves if turn.is_due(time_s)] == list(range(0, 30, 2))
