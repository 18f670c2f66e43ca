"""The virtual dowel: the back's outline tells a flat back from a round one, where keypoints cannot."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.spine import STATIONS, BackProfile, back_profile
from tests.people import FACINGS, HINGE, ROUNDED_SQUAT, ROUNDED_STOOP, SQUAT, STANDING, Facing, Person


def profile(body: Person) -> BackProfile:
    found = back_profile(body.pose())
    assert found is not None
    return found


def roundness(back: BackProfile) -> float:
    """How much farther from the dowel the middle of the back is than its ends, in chord lengths."""
    middle = (STATIONS > 0.4) & (STATIONS < 0.6)
    ends = ((STATIONS > 0.05) & (STATIONS < 0.2)) | ((STATIONS > 0.8) & (STATIONS < 0.95))
    return float(np.nanmean(back.distance[middle]) - np.nanmean(back.distance[ends]))


def curve(body: Person) -> float:
    return roundness(profile(body))


@pytest.mark.parametrize("facing", FACINGS)
@pytest.mark.parametrize("view_deg", [0, 30])
def test_a_flat_back_is_flat_and_a_round_one_round(facing: Facing, view_deg: float) -> None:
    for flat in STANDING, HINGE, SQUAT:
        assert abs(curve(replace(flat, facing=facing, view_deg=view_deg))) < 0.03
    for rounded in ROUNDED_STOOP, ROUNDED_SQUAT:
        assert curve(replace(rounded, facing=facing, view_deg=view_deg)) > 0.06


def test_the_rounder_the_more() -> None:
    curves = [curve(replace(HINGE, rounding_deg=rounding_deg)) for rounding_deg in (0, 25, 50, 75, 100)]
    assert curves == sorted(curves)
    assert curves[-1] > curves[0] + 0.1


@pytest.mark.parametrize("body", [HINGE, ROUNDED_STOOP, ROUNDED_SQUAT], ids=["hinge", "stoop", "squat"])
def test_left_and_right_are_mirror_images(body: Person) -> None:
    left, right = (profile(replace(body, facing=facing)).distance for facing in FACINGS)
    on_back = (STATIONS > 0.05) & (STATIONS < 0.95)
    assert left[on_back] == pytest.approx(right[on_back], abs=0.04)


def test_size_in_the_picture_makes_no_difference() -> None:
    assert curve(replace(ROUNDED_STOOP, px_per_m=80)) == pytest.approx(curve(ROUNDED_STOOP), abs=0.02)


def test_the_profile_is_the_skin_behind_the_chord() -> None:
    back = profile(HINGE)
    middle = (STATIONS > 0.1) & (STATIONS < 0.9)
    assert back.distance[middle] == pytest.approx(0.10 / 0.50, abs=0.05)  # skin over trunk, see tests.people
    assert back.outline_xy.shape == (len(STATIONS), 2)
    assert np.isfinite(back.outline_xy[middle]).all()
    hip_y, shoulder_y = back.chord_xy[:, 1]
    assert shoulder_y < hip_y  # the crop is torso-up


def test_without_an_outline_there_is_no_profile() -> None:
    assert back_profile(HINGE.pose(outlined=False)) is None


def test_a_chord_seen_end_on_has_no_profile() -> None:
    assert back_profile(replace(HINGE, trunk_deg=88, view_deg=88).pose()) is None


def test_where_no_outline_was_found_nothing_is_made_up() -> None:
    pose = HINGE.pose()
    nobody = replace(pose, mask=np.zeros((256, 256), np.float32))
    back = back_profile(nobody)
    assert back is not None
    assert np.isnan(back.distance).all()


def test_a_hole_in_the_outline_leaves_the_rest_as_it_was() -> None:
    """A parcel or another person's arm hides part of the back."""
    pose = ROUNDED_STOOP.pose()
    assert pose.mask is not None
    torn = pose.mask.copy()
    middle_px = int(256 * profile(ROUNDED_STOOP).chord_xy[:, 1].mean())
    torn[middle_px - 4 : middle_px + 4] = 0
    back = back_profile(replace(pose, mask=torn))
    assert back is not None
    unseen = ~np.isfinite(back.distance) & np.isfinite(profile(ROUNDED_STOOP).distance)
    assert 0 < unseen.sum() < 6
    seen = np.isfinite(back.distance)
    assert back.distance[seen] == pytest.approx(profile(ROUNDED_STOOP).distance[seen])
