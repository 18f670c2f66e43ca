"""The virtual dowel: the back's outline tells a flat back from a round one, where keypoints cannot."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.spine import STATIONS, BackProfile, back_profile, flexion_deg
from tests.people import FACINGS, HINGE, ROUNDED_SQUAT, ROUNDED_STOOP, SQUAT, STANDING, Facing, Person


def profile(body: Person) -> BackProfile:
    found = back_profile(body.pose())
    assert found is not None
    return found


def flexion(body: Person) -> float:
    angle = flexion_deg(profile(body))
    assert angle is not None
    return angle


@pytest.mark.parametrize("facing", FACINGS)
@pytest.mark.parametrize("view_deg", [0, 30])
def test_a_flat_back_is_flat_and_a_round_one_round(facing: Facing, view_deg: float) -> None:
    for flat in STANDING, HINGE, SQUAT:
        assert flexion(replace(flat, facing=facing, view_deg=view_deg)) < 15
    for rounded in ROUNDED_STOOP, ROUNDED_SQUAT:
        assert flexion(replace(rounded, facing=facing, view_deg=view_deg)) > 45


def test_the_rounder_the_more() -> None:
    angles = [flexion(replace(HINGE, rounding_deg=rounding_deg)) for rounding_deg in (0, 25, 50, 75, 100)]
    assert angles == sorted(angles)
    assert angles[-1] > angles[0] + 40


@pytest.mark.parametrize("body", [HINGE, ROUNDED_STOOP, ROUNDED_SQUAT], ids=["hinge", "stoop", "squat"])
def test_left_and_right_are_mirror_images(body: Person) -> None:
    assert flexion(replace(body, facing="left")) == pytest.approx(flexion(replace(body, facing="right")), abs=6)


def test_size_in_the_picture_makes_no_difference() -> None:
    assert flexion(replace(ROUNDED_STOOP, px_per_m=80)) == pytest.approx(flexion(ROUNDED_STOOP), abs=4)


def test_the_profile_is_the_skin_behind_the_chord() -> None:
    back = profile(HINGE)
    middle = (STATIONS > 0.1) & (STATIONS < 0.9)
    assert back.distance[middle] == pytest.approx(0.10 / 0.50, abs=0.05)  # skin over trunk, see tests.people
    assert back.outline_xy.shape == (25, 2)
    assert np.isfinite(back.outline_xy).all()
    hip_y, shoulder_y = back.chord_xy[:, 1]
    assert shoulder_y < hip_y  # the crop is torso-up


def test_without_an_outline_there_is_no_profile() -> None:
    assert back_profile(HINGE.pose(outlined=False)) is None


def test_a_chord_seen_end_on_has_no_profile() -> None:
    assert back_profile(replace(HINGE, trunk_deg=88, view_deg=88).pose()) is None


def test_an_empty_outline_has_no_flexion() -> None:
    pose = HINGE.pose()
    nobody = replace(pose, mask=np.zeros((256, 256), np.float32))
    back = back_profile(nobody)
    assert back is not None
    assert np.isnan(back.distance).all()
    assert flexion_deg(back) is None


def test_a_hole_in_the_outline_is_bridged_by_the_rest() -> None:
    """A parcel or another person's arm in front of the back hides part of it."""
    pose = ROUNDED_STOOP.pose()
    assert pose.mask is not None
    torn = pose.mask.copy()
    middle_px = int(256 * profile(ROUNDED_STOOP).chord_xy[:, 1].mean())
    torn[middle_px - 4 : middle_px + 4] = 0
    back = back_profile(replace(pose, mask=torn))
    assert back is not None
    assert flexion_deg(back) == pytest.approx(flexion(ROUNDED_STOOP), abs=10)
