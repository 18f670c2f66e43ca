"""One bend and return is one lift; everything else that people do is none. Told frame by frame at 15 Hz."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.posture import measure
from edge_agent.core.skeleton import ANKLES, HEELS, TOES, Landmark
from tests.people import HINGE, RATE_HZ, SITTING, SQUAT, STANDING, Person, motion
from tests.told import ONE_LIFT, Story, back, bends, lift_detector, told

HALF_UP = Person(trunk_deg=14, knee_deg=10, shin_deg=2)
LEANING = Person(trunk_deg=45, knee_deg=25, shin_deg=8)


def walk(seconds: float) -> Iterator[tuple[float, Person]]:
    for frame in range(int(seconds * RATE_HZ)):
        time_s = frame / RATE_HZ
        stride = 28 * np.sin(2 * np.pi * 0.9 * time_s)
        yield time_s, Person(trunk_deg=5, stride_deg=float(stride), feet_xy=(200 + 250 * time_s, 600))


def moved(story: Story, path: Callable[[float], tuple[float, float]]) -> Iterator[tuple[float, Person]]:
    """The same movement, with the feet taken along a path, metres to the right and up by time."""
    for time_s, body in story:
        right_m, up_m = path(time_s)
        x, y = body.feet_xy
        yield time_s, replace(body, feet_xy=(x + right_m * body.px_per_m, y - up_m * body.px_per_m))


def shaken(story: Story, degrees: float) -> Iterator[tuple[float, Person]]:
    chance = np.random.default_rng(7)
    for time_s, body in story:
        trunk, knee = chance.normal(0, degrees, 2)
        yield time_s, replace(body, trunk_deg=body.trunk_deg + trunk, knee_deg=max(body.knee_deg + knee, 0))


@pytest.mark.parametrize("bottom", [HINGE, SQUAT], ids=["hinge", "squat"])
@pytest.mark.parametrize("view_deg", [0, 50])
def test_down_and_up_is_one_lift(bottom: Person, view_deg: float) -> None:
    keys = [(time_s, replace(bottom if body is HINGE else body, view_deg=view_deg)) for time_s, body in ONE_LIFT]
    (lift,) = bends(motion(*keys))
    assert lift.start_s == pytest.approx(1.2, abs=0.3)
    assert lift.peak.time_s == pytest.approx(2.1, abs=0.4)
    assert lift.end_s == pytest.approx(3.4, abs=0.3)


def test_it_is_told_when_it_ends_not_when_the_clip_does() -> None:
    detector, told_s = lift_detector(), []
    for time_s, body in motion(*ONE_LIFT):
        if detector.update(measure(body.pose(outlined=False), time_s), None):
            told_s.append(time_s)
    assert told_s == [pytest.approx(3.4, abs=0.4)]
    assert not detector.bending


@pytest.mark.parametrize("between", [STANDING, HALF_UP], ids=["standing up", "not quite up"])
def test_two_lifts_in_a_row_are_two(between: Person) -> None:
    first, second = bends(
        motion((0, STANDING), (1, STANDING), (2, HINGE), (3, between), (4, HINGE), (5, STANDING), (6, STANDING))
    )
    assert first.end_s <= second.start_s + 0.1
    assert first.peak.time_s == pytest.approx(2, abs=0.4)
    assert second.peak.time_s == pytest.approx(4, abs=0.4)


@pytest.mark.parametrize("paused_frames", range(2, 14))
def test_who_pauses_half_way_up_and_goes_down_again_has_lifted_twice(paused_frames: int) -> None:
    paused_s = paused_frames / RATE_HZ
    half_up = Person(trunk_deg=17, knee_deg=10, shin_deg=2)
    down = [(0.0, STANDING), (1.0, STANDING), (2.0, HINGE), (2.6, HINGE), (3.6, half_up)]
    again = [(3.6, half_up), (3.8, HINGE), (4.4, HINGE), (5.4, STANDING), (7.0, STANDING)]
    assert len(bends(motion(*down, *((time_s + paused_s, body) for time_s, body in again)))) == 2


def test_a_small_bob_at_the_bottom_is_still_one_lift() -> None:
    reaching = replace(HINGE, trunk_deg=60)
    keys = (0, STANDING), (1, STANDING), (2, HINGE), (2.5, reaching), (3, HINGE), (4, STANDING), (5, STANDING)
    assert len(bends(motion(*keys))) == 1


NO_LIFTS: dict[str, Story] = {
    "standing": motion((0, STANDING), (10, STANDING)),
    "glancing down": motion((0, STANDING), (1, STANDING), (1.4, Person(trunk_deg=12, neck_deg=60)), (2, STANDING)),
    "walking": walk(8),
    "working bent": motion((0, HINGE), (4, replace(HINGE, trunk_deg=65)), (8, HINGE), (20, HINGE)),
    "bent throughout a short clip": motion((0, HINGE), (1.5, replace(HINGE, trunk_deg=68)), (3, HINGE)),
    "sitting down to stay": motion((0, STANDING), (2, STANDING), (3.5, SITTING), (30, SITTING)),
    "sitting for a while": motion((0, STANDING), (2, STANDING), (3.5, SITTING), (15, SITTING), (16.5, STANDING)),
    "kneeling down to work": motion(
        (0, STANDING), (2, STANDING), (3.5, replace(SQUAT, knee_deg=120)), (20, replace(SQUAT, knee_deg=120))
    ),
    "a hop": motion((0, STANDING), (2, STANDING), (2.2, replace(STANDING, knee_deg=30)), (2.4, STANDING)),
    "swaying and shaking": shaken(motion((0, STANDING), (20, STANDING)), degrees=4),
    "leaning on a bench": motion((0, STANDING), (2, STANDING), (3, Person(trunk_deg=28)), (8, Person(trunk_deg=28))),
    "bending knees while pushing a cart along": moved(motion(*ONE_LIFT), lambda time_s: (0.7 * time_s, 0.0)),
    "legs that seem bent, shoulders that stay": moved(
        motion((0, STANDING), (1, STANDING), (1.8, SQUAT), (2.4, SQUAT), (3.2, STANDING), (5, STANDING)),
        lambda time_s: (0.0, 0.42 * float(np.interp(time_s, (1.0, 1.8, 2.4, 3.2), (0, 1, 1, 0)))),
    ),
    "leaning forward while stepping down": moved(
        motion(*((time_s, LEANING if body is HINGE else body) for time_s, body in ONE_LIFT)),
        lambda time_s: (0.0, -0.25 * float(np.interp(time_s, (2.6, 3.6), (0, 1)))),
    ),
    "nobody": (),
}


@pytest.mark.parametrize("story", NO_LIFTS.values(), ids=NO_LIFTS.keys())
def test_this_is_no_lift(story: Story) -> None:
    assert bends(story) == []


def test_one_wild_frame_is_no_lift() -> None:
    frames = list(motion((0, STANDING), (4, STANDING)))
    frames[30] = frames[30][0], HINGE
    assert bends(frames) == []


def test_the_clip_starts_at_the_bottom() -> None:
    (lift,) = bends(motion((0, HINGE), (0.7, HINGE), (1.7, STANDING), (4, STANDING)))
    assert lift.start_s == 0
    assert lift.end_s == pytest.approx(1.6, abs=0.3)


def test_the_clip_ends_at_the_bottom() -> None:
    (lift,) = bends(motion((0, STANDING), (1, STANDING), (2, SQUAT), (2.7, SQUAT)))
    assert lift.end_s == pytest.approx(2.7, abs=0.01)


def test_a_shaking_pose_is_still_one_lift() -> None:
    (lift,) = bends(shaken(motion(*ONE_LIFT), degrees=4))
    assert lift.peak.time_s == pytest.approx(2.1, abs=0.6)


@pytest.mark.parametrize("seed", range(5))
def test_lost_frames_change_nothing(seed: int) -> None:
    """A busy box analyses what it can: half of the frames, at odd moments."""
    chance = np.random.default_rng(seed)
    (lift,) = bends((time_s, body) for time_s, body in motion(*ONE_LIFT) if chance.random() > 0.5)
    assert lift.start_s == pytest.approx(1.2, abs=0.5)
    assert lift.end_s == pytest.approx(3.4, abs=0.5)


def test_a_gap_in_the_middle_is_bridged() -> None:
    """Somebody walks past the camera while the load is on the floor."""
    (lift,) = bends((time_s, body) for time_s, body in motion(*ONE_LIFT) if not 1.7 < time_s < 2.5)
    assert lift.start_s < 1.5
    assert lift.end_s > 3


def test_hidden_feet_do_not_hide_a_hinge() -> None:
    feet = frozenset[Landmark]({*ANKLES, *HEELS, *TOES})
    keys = [(time_s, replace(body, hidden=feet)) for time_s, body in ONE_LIFT]
    assert len(bends(motion(*keys))) == 1


def test_a_tilted_camera_makes_nobody_bend() -> None:
    """Seen by a camera that hangs askew everyone leans by the same angle: their own upright is what counts."""
    tilted = Person(trunk_deg=18)
    assert bends(motion((0, tilted), (10, tilted))) == []
    assert len(bends(motion((0, tilted), (2, tilted), (3, HINGE), (4, tilted), (6, tilted)))) == 1


@pytest.mark.parametrize("every", [1, 2])
def test_depth_between_two_outlines_is_what_was_told_and_how_the_keypoints_moved_since(every: int) -> None:
    """Keypoints that see half of the bend only, as from the end of the body; the outline is there now and then."""
    detector, depths = lift_detector(), []
    for number, (time_s, body) in enumerate(motion(*ONE_LIFT)):
        half_seen = replace(body, trunk_deg=body.trunk_deg / 2, knee_deg=body.knee_deg / 2)
        seen = back(body) if number % every == 0 else None
        posture = measure(half_seen.pose(outlined=False), time_s)
        detector.update(posture, seen, told(seen.code, None) if seen else None)
        depths.append((time_s, detector.depth))
    at_the_bottom = [depth for time_s, depth in depths if 2.2 < time_s < 2.6]
    assert min(at_the_bottom) == pytest.approx(max(at_the_bottom), abs=0.05)
    assert min(at_the_bottom) > 1.3
    going_down = [depth for time_s, depth in depths if 1.2 < time_s < 2.0]
    assert going_down == sorted(going_down)


def test_every_person_has_a_detector_of_their_own() -> None:
    """No threshold or posture learned from one is shared with another."""
    one, other = lift_detector(), lift_detector()
    for time_s, body in motion((0, STANDING), (3, STANDING)):
        one.update(measure(body.pose(outlined=False), time_s), None)
    assert one.upright.seen > 0
    assert other.upright.seen == 0


def test_who_is_lost_from_sight_on_the_way_down_made_no_lift_that_anybody_saw() -> None:
    """Somebody kneels down behind a crate, and the track breaks."""
    detector = lift_detector()
    for time_s, body in motion((0.0, STANDING), (1.0, STANDING), (2.0, HINGE)):
        assert detector.update(measure(body.pose(outlined=False), time_s), None) is None
    assert detector.flush(ended=False) is None


def test_who_is_lost_while_coming_up_has_lifted() -> None:
    detector = lift_detector()
    for time_s, body in motion((0.0, STANDING), (1.0, STANDING), (2.0, HINGE), (2.6, HINGE), (3.3, HALF_UP)):
        detector.update(measure(body.pose(outlined=False), time_s), None)
    assert detector.flush(ended=False) is not None or not detector.bending


@pytest.mark.parametrize(("from_start", "lifts"), [(True, 1), (False, 0)])
def test_a_bend_already_going_on_counts_when_the_stream_begins_with_it_only(from_start: bool, lifts: int) -> None:
    """Found bent in the middle of a stream: how long they had been down, nobody knows."""
    detector = lift_detector(from_start=from_start)
    story = motion((0.0, HINGE), (0.5, HINGE), (1.5, STANDING), (3.0, STANDING))
    found = [detector.update(measure(body.pose(outlined=False), time_s), None) for time_s, body in story]
    assert len([bend for bend in found if bend]) == lifts


def test_hips_do_not_drop_on_straight_knees() -> None:
    """Feet hidden by a cart: the network puts them at its upper edge, and the legs seem short."""
    detector = lift_detector()
    story = motion((0.0, STANDING), (1.0, STANDING), (2.0, STANDING), (4.0, STANDING))
    for time_s, body in story:
        posture = measure(body.pose(outlined=False), time_s)
        if 1.5 < time_s < 2.5:
            posture = replace(posture, hip_height_m=0.35, shoulder_height_m=0.85)
        assert detector.update(posture, None) is None
    assert detector.flush(ended=True) is None


def test_down_again_from_half_way_up_are_two_lifts() -> None:
    """Two boxes in a row from the floor, coming up no further than to a trunk inclination of 27° in between."""
    half_bent = Person(trunk_deg=27, knee_deg=15, shin_deg=2)
    story = ((0, STANDING), (1, STANDING), (2, HINGE), (2.4, HINGE), (3.2, half_bent), (4, HINGE), (4.4, HINGE))
    first, second = bends(motion(*story, (5.4, STANDING), (7, STANDING)))
    assert first.end_s == second.start_s == pytest.approx(3.2, abs=0.2)


@pytest.mark.parametrize(("misread_s", "ends"), [(0.3, False), (1.5, True)])
def test_who_has_not_come_up_stays_bent_unless_the_angles_say_otherwise_for_long(
    misread_s: float, ends: bool
) -> None:
    """In a deep squat from the front the outline is misread: for a moment, or because it is really a step down."""
    detector, upright, bending = lift_detector(), back(STANDING), []
    assert upright is not None
    for time_s, body in motion((0, STANDING), (1, STANDING), (2, SQUAT), (4, SQUAT), (5, STANDING)):
        misread = 2.2 <= time_s < 2.2 + misread_s
        detector.update(
            measure(body.pose(outlined=False), time_s), None, told(upright.code, None) if misread else None
        )
        bending += [detector.bending] if 2.2 <= time_s < 3.5 else []
    assert (not all(bending)) is ends


def test_who_carries_the_load_towards_the_camera_has_lifted() -> None:
    """Down the picture, so that the shoulders do not come back to where they were in it."""
    lowered = moved(motion(*ONE_LIFT), lambda time_s: (0.0, -0.5 * max(time_s - 2.7, 0)))
    (lift,) = bends(lowered)
    assert lift.end_s == pytest.approx(3.4, abs=0.3)
