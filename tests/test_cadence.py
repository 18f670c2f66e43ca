"""How often somebody is looked at, from posture to posture, 15 frames a second."""

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import pairwise

from edge_agent.core import cadence
from edge_agent.core.posture import Posture, measure
from tests.people import HINGE, RATE_HZ, SQUAT, STANDING, Person, motion
from tests.told import lift_detector

EARLY_S = 0.01


@dataclass
class Looks:
    """When somebody was looked at; ``back``: of these, frames that had been passed over first."""

    at_s: list[float] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)

    def share(self, begin_s: float, end_s: float) -> float:
        """Of the frames of this time, those looked at."""
        return sum(begin_s <= time_s < end_s for time_s in self.at_s) / ((end_s - begin_s) * RATE_HZ)

    def longest_gap(self, begin_s: float, end_s: float) -> int:
        """Between two looks of this time, frames."""
        within = [time_s for time_s in self.at_s if begin_s <= time_s < end_s]
        return max(round((after - before) * RATE_HZ) for before, after in pairwise(within))


def looks_at(*keys: tuple[float, Person]) -> Looks:
    """At somebody who moves like this, as the agent would have it: when it is due, and back where they have moved."""
    looks, detector, due_s, calm = Looks(), lift_detector(), 0.0, False
    lately, passed = deque[Posture](), deque[Posture](maxlen=cadence.LOOK_BACK)

    def take(posture: Posture) -> None:
        cadence.remember(lately, posture)
        looks.at_s.append(posture.time_s)
        detector.update(posture, None)

    for time_s, body in motion(*keys):
        posture = measure(body.pose(outlined=False), time_s)
        if time_s < due_s - EARLY_S:
            passed.append(posture)
            continue
        if calm and cadence.has_moved(lately[-1], posture):
            looks.back_s += [earlier.time_s for earlier in passed]
            for earlier in passed:
                take(earlier)
        passed.clear()
        take(posture)
        gap_s = cadence.gap_s(lately, bending=detector.bending)
        due_s, calm = time_s + gap_s, gap_s > cadence.MOVING_GAP_S
    return looks


def test_who_stands_still_is_looked_at_in_every_fourth_frame() -> None:
    looks = looks_at((0.0, STANDING), (8.0, STANDING))
    assert 0.25 <= looks.share(0.0, 8.0) < 0.3
    assert not looks.back_s


def test_a_bend_is_followed_in_every_other_frame_from_its_first_tenth_to_its_end() -> None:
    for bottom in HINGE, SQUAT:
        for view_deg in 0.0, 60.0:
            keys = STANDING, STANDING, bottom, bottom, STANDING
            bodies = [replace(body, view_deg=view_deg) for body in keys]
            looks = looks_at(*zip((0.0, 2.0, 3.0, 5.0, 6.0), bodies, strict=True))
            assert looks.longest_gap(2.2, 5.7) == 2
            assert looks.share(3.0, 5.0) < 0.55


def test_the_frames_in_which_a_bend_began_are_looked_at_after_all() -> None:
    """A fast one: the bottom is reached in 0.6 s."""
    looks = looks_at((0.0, STANDING), (2.1, STANDING), (2.7, HINGE), (4.0, HINGE))
    assert 1 <= len(looks.back_s) <= cadence.LOOK_BACK
    assert looks.at_s == sorted(looks.at_s)
    assert looks.share(2.1, looks.back_s[-1]) > 0.95
    assert looks.longest_gap(2.1, 2.7) == 2


def test_who_has_come_up_again_is_soon_looked_at_less_often() -> None:
    looks = looks_at((0.0, STANDING), (1.0, HINGE), (2.0, STANDING), (6.0, STANDING))
    assert looks.longest_gap(0.3, 2.0) == 2
    assert looks.share(2.6, 6.0) < 0.35


def test_who_stays_bent_is_looked_at_in_every_other_frame() -> None:
    looks = looks_at((0.0, STANDING), (1.0, SQUAT), (20.0, SQUAT), (21.0, STANDING))
    assert looks.longest_gap(0.3, 20.9) == 2
    assert looks.share(1.0, 20.0) < 0.55


def test_walking_across_the_picture_is_no_reason_to_look_more_often() -> None:
    start, end = Person(feet_xy=(100.0, 600.0)), Person(feet_xy=(1000.0, 600.0))
    assert looks_at((0.0, start), (4.0, end)).share(0.5, 4.0) < 0.35


def test_feet_that_seem_to_bob_under_one_who_walks_are_no_bend_and_a_squat_is_one() -> None:
    """Seen from far away, the feet of one who walks jump by some pixels."""
    now = measure(STANDING.pose(), 1.0)
    (hip_x, hip_y), (feet_x, feet_y), metre = now.hip_xy, now.feet_xy, now.px_per_m
    walked = replace(now, hip_xy=(hip_x - 0.2 * metre, hip_y - 0.07 * metre), feet_xy=(feet_x - 0.2 * metre, feet_y))
    walked = replace(walked, shoulder_xy=(now.shoulder_xy[0] - 0.2 * metre, now.shoulder_xy[1] - 0.07 * metre))
    assert not cadence.has_moved(walked, now)
    sank = replace(now, hip_xy=(hip_x, hip_y - 0.07 * metre), shoulder_xy=(now.shoulder_xy[0], now.shoulder_xy[1]))
    assert cadence.has_moved(sank, now)


def test_without_time_between_two_looks_the_next_one_is_due_at_once() -> None:
    now = measure(STANDING.pose(), 1.5)
    assert cadence.gap_s(deque([now, now]), bending=False) == 0.0
