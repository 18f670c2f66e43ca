"""How often somebody is looked at, from posture to posture, 15 frames a second."""

from edge_agent.core import cadence
from edge_agent.core.posture import Posture, measure
from tests.people import HINGE, RATE_HZ, SQUAT, STANDING, Person, motion

EARLY_S = 0.01


def looked_at(*keys: tuple[float, Person]) -> list[float]:
    """When somebody who moves like this is looked at: in the first two frames, and then when it is due."""
    looks: list[Posture] = []
    due_s = 0.0
    for time_s, body in motion(*keys):
        if time_s >= due_s - EARLY_S:
            looks.append(measure(body.pose(outlined=False), time_s))
            due_s = time_s + cadence.gap_s(looks[-2], looks[-1]) if len(looks) > 1 else 0.0
    return [posture.time_s for posture in looks]


def share_looked_at(times_s: list[float], begin_s: float, end_s: float) -> float:
    return sum(begin_s <= time_s < end_s for time_s in times_s) / ((end_s - begin_s) * RATE_HZ)


def test_who_stands_still_is_looked_at_in_every_other_frame() -> None:
    times_s = looked_at((0.0, STANDING), (4.0, STANDING))
    assert 0.5 <= share_looked_at(times_s, 0.0, 4.0) < 0.55


def test_a_bend_is_followed_frame_by_frame_and_its_bottom_less_closely() -> None:
    for bottom in HINGE, SQUAT:
        times_s = looked_at((0.0, STANDING), (2.0, STANDING), (3.0, bottom), (5.0, bottom), (6.0, STANDING))
        assert share_looked_at(times_s, 2.2, 2.8) > 0.75
        assert share_looked_at(times_s, 3.1, 4.9) < 0.6
        assert share_looked_at(times_s, 5.2, 5.8) > 0.75


def test_a_bend_is_seen_before_it_has_gone_far() -> None:
    """A fast one: the bottom is reached in 0.6 s."""
    times_s = looked_at((0.0, STANDING), (2.0, STANDING), (2.6, HINGE), (4.0, HINGE))
    assert any(2.0 < time_s <= 2.0 + 2.5 / RATE_HZ for time_s in times_s)


def test_who_runs_across_the_picture_is_not_let_out_of_sight() -> None:
    start, end = Person(feet_xy=(100.0, 600.0)), Person(feet_xy=(1600.0, 600.0))
    times_s = looked_at((0.0, start), (2.0, end))  # six metres
    assert share_looked_at(times_s, 0.5, 1.5) > 0.9


def test_without_time_between_two_looks_the_next_one_is_due_at_once() -> None:
    now = measure(STANDING.pose(), 1.5)
    assert cadence.gap_s(now, now) == 0.0
