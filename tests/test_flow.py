"""How far the parts of a body have gone from one picture to another, in pictures whose truth is known."""

import cv2
import numpy as np
import pytest

from edge_agent.core.records import Floats, Image
from edge_agent.pose.flow import moved_px

PARTS = np.array([(300.0, 120.0), (300.0, 190.0), (300.0, 270.0)], np.float32)  # shoulders, hips, feet
REACH_PX = 90.0
NOWHERE = np.zeros(2, np.float32)


def cloth(seed: int = 0) -> Image:
    """A picture that shows something everywhere, 640 wide and 360 high."""
    grain = np.random.default_rng(seed).normal(128, 60, (360, 640, 3))
    return np.asarray(cv2.GaussianBlur(grain, (0, 0), 3) * 4 - 384, np.float32).clip(0, 255).astype(np.uint8)


def shifted(image: Image, x_px: float, y_px: float) -> Image:
    to = np.array([[1, 0, x_px], [0, 1, y_px]], np.float32)
    return np.asarray(cv2.warpAffine(image, to, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REFLECT))


def gone(before: Image, now: Image, ahead: Floats = NOWHERE, reach_px: float = REACH_PX) -> Floats:
    found = moved_px(before, now, PARTS, reach_px, ahead)
    assert found is not None
    return found


def test_a_body_that_has_moved_is_found_where_it_is() -> None:
    assert gone(cloth(), shifted(cloth(), 7.5, -3)) == pytest.approx(np.tile([7.5, -3], (3, 1)), abs=0.3)


def test_each_part_is_told_by_itself() -> None:
    """Shoulders that sink over hips that stay: a bend."""
    now = cloth()
    now[:155] = shifted(cloth(), 6, 4)[:155]
    assert gone(cloth(), now) == pytest.approx(np.array([(6, 4), (0, 0), (0, 0)]), abs=0.5)


def test_who_walks_fast_is_found_where_they_were_heading() -> None:
    now = shifted(cloth(), 96, 2)
    assert gone(cloth(), now, np.array([90.0, 0.0], np.float32)) == pytest.approx(np.tile([96, 2], (3, 1)), abs=0.5)


def test_somebody_large_is_seen_in_a_smaller_picture() -> None:
    found = gone(cloth(), shifted(cloth(), 12, 4), reach_px=300.0)
    assert found == pytest.approx(np.tile([12, 4], (3, 1)), abs=1.0)


def test_of_a_part_over_bare_floor_nothing_is_told_and_of_the_others_all() -> None:
    before = cloth()
    before[230:] = 128
    found = gone(before, shifted(before, 5, 0))
    assert found[:2] == pytest.approx(np.tile([5, 0], (2, 1)), abs=0.3)
    assert np.isnan(found[2]).all()


def test_of_pictures_that_show_nothing_or_are_of_another_size_nothing_is_told() -> None:
    grey = np.full_like(cloth(), 128)
    assert np.isnan(gone(grey, grey)).all()
    assert moved_px(cloth(), np.ascontiguousarray(cloth()[:300]), PARTS, REACH_PX, NOWHERE) is None


def test_of_who_has_left_the_picture_nothing_is_told() -> None:
    away = np.array([(638.0, 10.0), (639.0, 40.0), (639.0, 80.0)], np.float32)
    assert moved_px(cloth(), cloth(), away, 20.0, np.array([30.0, 0.0], np.float32)) is None
