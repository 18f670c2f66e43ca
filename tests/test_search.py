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


def test_motion_elsewhere_does_not_rest() -> None:
    rests = Rests()
    rests.note((300, 200), 150, fruitful=False, time_s=0)
    assert rests.rests(310, 205, 0.1)
    assert not rests.rests(400, 200, 0.1)


def test_where_somebody_was_found_the_next_motion_is_searched_at_once() -> None:
    rests = Rests()
    rests.note((300, 200), 150, fruitful=False, time_s=0)
    rests.note((300, 200), 150, fruitful=True, time_s=0.3)
    assert not rests.rests(300, 200, 0.4)


def test_tiles_are_taken_once_a_second_and_every_other_second_when_all_is_still() -> None:
    turn = TileTurn()
    halves = [half / 2 for half in range(60)]
    taken = [time_s for time_s in halves if turn.is_due(time_s, moving=time_s < 5)]
    assert taken == [half for half in halves if half % 1 == 0 and half <= 14] + [16, 18, 20, 22, 24, 26, 28]
