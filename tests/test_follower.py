"""Who needs a look of the network, and who is only carried along; look by look."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from edge_agent.core.follower import Follower
from edge_agent.core.records import Floats
from edge_agent.core.skeleton import ANKLES, Landmark
from edge_agent.core.tracking import Track
from tests.people import STANDING, Person
from tests.told import back, lift_detector, told

GAP_S = 4 / 15
AT_S = 10 * GAP_S


def by(shoulders: tuple[float, float], hips: tuple[float, float], feet: tuple[float, float]) -> Floats:
    """Metres that the parts have moved to the right and down, as pixels."""
    return np.array((shoulders, hips, feet), np.float32) * np.float32(STANDING.px_per_m)


STILL = by((0, 0), (0, 0), (0, 0))
STEP = by((0.2, 0), (0.2, 0), (0.2, 0))


def look(follower: Follower, body: Person, time_s: float) -> None:
    """A look of the network, as the agent takes it."""
    pose = body.pose()
    assert not follower.note(pose, time_s)
    follower.track.follow(replace(follower.track.last, pose=pose), time_s)
    read(follower, body, time_s)


def read(follower: Follower, body: Person, time_s: float) -> None:
    posture, seen = follower.posture(follower.track.last.pose, time_s), back(body)
    assert seen is not None
    follower.read(posture, seen, told(seen.code, None))


@pytest.fixture
def standing() -> Follower:
    """Somebody who has stood for ten looks, the last of them at ``AT_S``."""
    follower = Follower(Track(STANDING.sighting(), 0.0), lift_detector())
    for number in range(1, 11):
        look(follower, STANDING, number * GAP_S)
    assert follower.settled
    return follower


def carry(follower: Follower, moved_px: Floats, time_s: float) -> bool:
    """Whether they were carried along; then it is taken for a look, as the agent does."""
    if follower.parts is None:
        return False
    pose = follower.carried(moved_px, time_s)
    if pose is None:
        return False
    assert follower.note(pose, time_s)
    follower.track.follow(replace(follower.track.last, pose=pose), time_s)
    follower.read(follower.posture(pose, time_s), None, None)
    return True


def test_who_stands_is_looked_at_once_a_second_and_carried_in_between(standing: Follower) -> None:
    assert [carry(standing, STILL, AT_S + number * GAP_S) for number in (1, 2, 3, 4)] == [True, True, True, False]


def test_who_walks_goes_along_with_what_moves(standing: Follower) -> None:
    assert carry(standing, STEP, AT_S + GAP_S)
    assert carry(standing, STEP, AT_S + 2 * GAP_S)
    there = replace(STANDING, feet_xy=(STANDING.feet_xy[0] + 0.4 * STANDING.px_per_m, STANDING.feet_xy[1])).pose()
    pose = standing.track.last.pose
    assert pose.xy == pytest.approx(there.xy, abs=0.1)
    assert pose.crop.center_x == pytest.approx(there.crop.center_x, abs=0.1)
    assert pose.mask is None, "of an outline nothing is known"


@pytest.mark.parametrize(
    "moved_px",
    [by((0.06, 0.03), (0, 0), (0, 0)), by((0, 0.06), (0, 0.06), (0, 0)), by((1, 0), (1, 0), (1, 0))],
    ids=["shoulders over hips", "hips over feet", "further than anybody goes"],
)
def test_whoever_changes_is_looked_at(standing: Follower, moved_px: Floats) -> None:
    assert not carry(standing, moved_px, AT_S + GAP_S)


def test_a_part_that_is_not_found_again_has_to_be_looked_for(standing: Follower) -> None:
    assert not carry(standing, by((0, 0), (0, 0), (nan, nan)), AT_S + GAP_S)
    assert not carry(standing, by((0, 0), (nan, nan), (0, 0)), AT_S + GAP_S)


def test_slowly_bending_over_adds_up(standing: Follower) -> None:
    """What moves by less than it takes is held against what the network saw: two times 3 cm are enough."""
    slowly = by((0.03, 0.005), (0, 0), (0, 0))
    assert carry(standing, slowly, AT_S + GAP_S)
    assert not carry(standing, slowly, AT_S + 2 * GAP_S)
    leaning = replace(STANDING, trunk_deg=7)  # 6 cm
    assert standing.has_moved(leaning.pose(), AT_S + 2 * GAP_S), "the frames before are looked at as well"
    assert not standing.has_moved(STANDING.pose(), AT_S + 2 * GAP_S)


def test_who_walks_up_and_squats_is_looked_back_at(standing: Follower) -> None:
    for number in (1, 2, 3):
        assert carry(standing, STEP, AT_S + number * GAP_S)
    x = STANDING.feet_xy[0] + 0.6 * STANDING.px_per_m
    arrived = replace(STANDING, feet_xy=(x, STANDING.feet_xy[1]))
    assert standing.has_moved(replace(arrived, knee_deg=50, shin_deg=20).pose(), AT_S + 4 * GAP_S)
    assert not standing.has_moved(arrived.pose(), AT_S + 4 * GAP_S)


def test_who_walks_away_is_followed_as_small_as_they_are(standing: Follower) -> None:
    """At 1.2 m a second from 4 m on, looked at once a second."""
    time_s = AT_S
    for number in range(1, 29):
        time_s, far_m = AT_S + number * GAP_S, 4 + 1.2 * number * GAP_S
        body = replace(STANDING, px_per_m=STANDING.px_per_m * 4 / far_m)
        standing.calm = True
        if not carry(standing, STILL, time_s):
            look(standing, body, time_s)
    assert standing.track.reach_px == pytest.approx(standing.track.last.reach_px, rel=0.2)


def test_who_was_carried_has_not_been_seen_to_lean_back(standing: Follower) -> None:
    assert carry(standing, STILL, AT_S + GAP_S)
    seen, carried = standing.detector.standing[-2:]
    assert seen.posture.trunk_lean_deg is not None
    assert carried.posture.trunk_lean_deg is None


def test_who_walks_up_to_the_camera_stands_lower_in_the_picture_and_has_not_sunk(standing: Follower) -> None:
    down = by((0, 0.2), (0, 0.2), (0, 0.2))
    assert carry(standing, down, AT_S + GAP_S)
    posture = standing.posture(standing.track.last.pose, AT_S + GAP_S)
    assert standing.detector.upright.drops_in_picture_m(posture) == pytest.approx((0, 0), abs=0.02)


def test_carrying_teaches_nothing_about_how_somebody_stands_or_how_large_they_are(standing: Follower) -> None:
    """One bad look, the feet guessed too high and too far, counts once, however often they are carried after it."""
    bad = STANDING.pose()
    bad.xy[list(ANKLES), 1] -= 0.1 * STANDING.px_per_m
    bad.xy[int(Landmark.LEFT_FOOT_INDEX), 0] += 0.4 * STANDING.px_per_m
    standing.track.follow(replace(standing.track.last, pose=bad), AT_S + GAP_S)
    read(standing, STANDING, AT_S + GAP_S)
    upright, track, depth = standing.detector.upright, standing.track, standing.detector.depth
    before = upright.hip_height_m, upright.seen, track.reach_px, track.largest_px, track.looks, depth
    for number in (2, 3):
        standing.calm = True
        assert carry(standing, STILL, AT_S + number * GAP_S)
    assert before == (
        *(upright.hip_height_m, upright.seen, track.reach_px, track.largest_px, track.looks),
        standing.detector.depth,
    )


def test_a_newcomer_and_who_is_hidden_are_looked_at(standing: Follower) -> None:
    newcomer = Follower(Track(STANDING.sighting(), 0.0), lift_detector())
    look(newcomer, STANDING, GAP_S)
    assert newcomer.parts is None
    standing.track.occluded = True
    assert standing.parts is None
