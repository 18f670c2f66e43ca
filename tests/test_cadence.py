"""How often somebody is looked at, from posture to posture, 15 frames a second."""

from dataclasses import replace
from itertools import pairwise

from edge_agent.core import cadence
from edge_agent.core.posture import Posture, measure
from tests.people import HINGE, RATE_HZ, SQUAT, STANDING, Person, motion
from tests.told import lift_detector

EARLY_S = 0.01


def looked_at(*keys: tuple[float, Person]) -> list[float]:
    """When somebody who moves like this is looked at: in the first two frames, and then when it is due."""
    looks: list[Posture] = []
    detector, due_s = lift_detector(), 0.0
    for time_s, body in motion(*keys):
        if time_s >= due_s - EARLY_S:
            looks.append(measure(body.pose(outlined=False), time_s))
            detector.update(looks[-1], None)
            due_s = time_s + cadence.gap_s(looks[-2], looks[-1], bending=detector.bending) if looks[1:] else 0.0
    return [posture.time_s for posture in looks]


def share_looked_at(times_s: list[float], begin_s: float, end_s: float) -> float:
    return sum(begin_s <= time_s < end_s for time_s in times_s) / ((end_s - begin_s) * RATE_HZ)


def test_who_stands_still_is_looked_at_in_every_other_frame() -> None:
    times_s = looked_at((0.0, STANDING), (4.0, STANDING))
    assert 0.5 <= share_looked_at(times_s, 0.0, 4.0) < 0.55


def test_a_bend_is_followed_frame_by_frame_from_its_first_tenth_to_its_end() -> None:
    for bottom in HINGE, SQUAT:
        for view_deg in 0.0, 60.0:
            keys = STANDING, STANDING, bottom, bottom, STANDING
            bodies = [replace(body, view_deg=view_deg) for body in keys]
            times_s = looked_at(*zip((0.0, 2.0, 3.0, 5.0, 6.0), bodies, strict=True))
            assert share_looked_at(times_s, 2.3, 5.7) > 0.95


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
    assert cadence.gap_s(now, now, bending=False) == 0.0


def test_a_look_that_finds_somebody_on_the_move_after_a_pause_is_repeated() -> None:
    def looks(*keys: tuple[float, Person]) -> list[bool]:
        seen = [measure(body.pose(outlined=False), time_s) for time_s, body in motion(*keys, rate_hz=RATE_HZ / 2)]
        return [cadence.lags_behind(one, other) for one, other in pairwise(seen)]

    assert not any(looks((0.0, STANDING), (2.0, STANDING)))
    assert sum(looks((0.0, STANDING), (0.8, HINGE))) >= 4
    every_frame = [
        measure(body.pose(outlined=False), time_s) for time_s, body in motion((0.0, STANDING), (0.8, HINGE))
    ]
    assert not any(cadence.lags_behind(one, other) for one, other in pairwise(every_frame))
