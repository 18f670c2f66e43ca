"""Five cameras and one core: who is looked at, moment by moment."""

from collections import Counter

import pytest

from edge_agent.core.turns import LONGEST_WAIT_S, Waiting, next_turn


def taken_turns(bending: dict[str, bool], look_s: float, seconds: float) -> Counter[str]:
    """How often each camera has its turn if all of them always have a frame and one look takes so long."""
    begun_s, turns, now_s = dict.fromkeys(bending, 0.0), Counter[str](), 0.0
    while now_s < seconds:
        waiting = [Waiting(name, now_s - begun_s[name], bends) for name, bends in bending.items()]
        chosen = next_turn(waiting).camera
        begun_s[chosen] = now_s
        turns[chosen] += 1
        now_s += look_s
    return turns


CALM = dict.fromkeys("abcde", False)


def test_while_all_stand_everybody_has_the_same_share() -> None:
    turns = taken_turns(CALM, 0.02, 10.0)
    assert max(turns.values()) - min(turns.values()) <= 1


def test_where_somebody_bends_is_looked_at_most_and_nobody_is_forgotten() -> None:
    turns = taken_turns(CALM | {"c": True}, 0.02, 10.0)
    assert turns["c"] > 0.7 * turns.total()
    for name in "abde":
        assert turns[name] == pytest.approx(10.0 / LONGEST_WAIT_S, abs=2)


def test_where_all_bend_they_share_alike() -> None:
    turns = taken_turns(dict.fromkeys("abcde", True), 0.02, 10.0)
    assert max(turns.values()) - min(turns.values()) <= 1


def test_a_box_far_too_small_goes_round() -> None:
    turns = taken_turns(CALM | {"c": True}, 0.4, 40.0)
    assert max(turns.values()) - min(turns.values()) <= 1
