"""The angles that a body was made with come back out of its pose."""

from dataclasses import replace

import pytest

from edge_agent.core.posture import Posture, measure
from edge_agent.core.skeleton import ANKLES, HEELS, HIPS, KNEES, SHOULDERS, TOES
from tests.people import FACINGS, HINGE, SITTING, SQUAT, STANDING, Facing, Person

BODIES = {"standing": STANDING, "hinge": HINGE, "squat": SQUAT, "sitting": SITTING}
bodies = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
facings = pytest.mark.parametrize("facing", FACINGS)


def seen(body: Person) -> Posture:
    return measure(body.pose(), 1.5)


@bodies
@facings
def test_the_side_view_gives_every_angle_back(body: Person, facing: Facing) -> None:
    posture = seen(replace(body, facing=facing))
    assert posture.time_s == 1.5
    assert posture.trunk_inclination_deg == pytest.approx(body.trunk_deg, abs=2)
    assert posture.knee_flexion_deg == pytest.approx(body.knee_deg, abs=2)
    assert posture.shin_inclination_deg == pytest.approx(body.shin_deg, abs=2)
    assert posture.view_from_side_deg < 2


@bodies
@facings
@pytest.mark.parametrize("view_deg", [20, 45, 80])
def test_a_turned_body_keeps_its_trunk_and_tells_its_view(body: Person, facing: Facing, view_deg: float) -> None:
    posture = seen(replace(body, facing=facing, view_deg=view_deg))
    assert posture.view_from_side_deg == pytest.approx(view_deg, abs=3)
    assert posture.trunk_inclination_deg == pytest.approx(body.trunk_deg, abs=3)
    assert posture.knee_flexion_deg == pytest.approx(body.knee_deg, abs=12)


@bodies
def test_far_or_near_makes_no_difference(body: Person) -> None:
    near, far = seen(replace(body, px_per_m=400)), seen(replace(body, px_per_m=60, feet_xy=(100.0, 200.0)))
    assert near.px_per_m == pytest.approx(400, rel=0.02)
    assert far.px_per_m == pytest.approx(60, rel=0.02)
    for name in ("trunk_inclination_deg", "knee_flexion_deg", "shin_inclination_deg"):
        assert getattr(near, name) == pytest.approx(getattr(far, name), abs=1)
    for name in ("hip_height_m", "shoulder_height_m"):
        assert getattr(near, name) == pytest.approx(getattr(far, name), abs=0.02)


def test_heights_are_those_above_the_ankles() -> None:
    standing, squatting = seen(STANDING), seen(SQUAT)
    assert standing.hip_height_m == pytest.approx(0.70, abs=0.01)
    assert standing.shoulder_height_m == pytest.approx(1.20, abs=0.01)
    assert squatting.hip_height_m is not None
    assert squatting.hip_height_m < 0.45


def test_places_are_frame_pixels() -> None:
    posture = seen(replace(STANDING, feet_xy=(320.0, 500.0), px_per_m=200.0))
    assert posture.hip_xy == pytest.approx((320, 360), abs=2)
    assert posture.shoulder_xy == pytest.approx((320, 260), abs=2)
    assert posture.feet_xy == pytest.approx((327, 505), abs=10)


def test_hidden_feet_leave_the_trunk_and_take_the_legs() -> None:
    posture = seen(replace(HINGE, hidden=frozenset({*ANKLES, *HEELS, *TOES})))
    assert posture.trunk_inclination_deg == pytest.approx(75, abs=2)
    legs = posture.knee_flexion_deg, posture.shin_inclination_deg, posture.hip_height_m, posture.shoulder_height_m
    assert legs == (None, None, None, None)


def test_one_visible_leg_is_enough() -> None:
    posture = seen(replace(SQUAT, hidden=frozenset({KNEES[0], ANKLES[0], HEELS[0], TOES[0]})))
    assert posture.knee_flexion_deg == pytest.approx(SQUAT.knee_deg, abs=2)
    assert posture.shin_inclination_deg == pytest.approx(SQUAT.shin_deg, abs=2)
    assert posture.hip_height_m is not None


def test_a_hidden_trunk_has_no_inclination() -> None:
    assert seen(replace(HINGE, hidden=frozenset({*HIPS, *SHOULDERS}))).trunk_inclination_deg is None


@pytest.mark.parametrize("view_deg", [0, 45, 85])
def test_leaning_sideways_is_no_inclination(view_deg: float) -> None:
    posture = seen(Person(lean_deg=40, view_deg=view_deg))
    assert posture.trunk_inclination_deg == pytest.approx(0, abs=5)
