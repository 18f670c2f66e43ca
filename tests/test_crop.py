"""The window on a person and the way back: what is cut out is where it says it is."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.crop import Crop, around
from edge_agent.core.records import Floats
from edge_agent.pose.landmarker import cut
from tests.people import into

SIZE_PX = 256
crops = st.builds(
    Crop,
    center_x=st.floats(0, 1280),
    center_y=st.floats(0, 720),
    side_px=st.floats(40, 2000),
    angle_rad=st.floats(-3.1, 3.1),
)


def xy(*points: tuple[float, float]) -> Floats:
    return np.array(points, np.float32)


@given(crops)
def test_there_and_back(window: Crop) -> None:
    points = xy((0, 0), (1, 0), (0.5, 0.5), (0.2, 0.9))
    assert into(window, window.to_frame(points)) == pytest.approx(points, abs=1e-3)
    assert window.to_frame(xy((0.5, 0.5)))[0] == pytest.approx((window.center_x, window.center_y), abs=0.01)


@pytest.mark.parametrize("angle_deg", [0, 30, 90, -135, 180])
@pytest.mark.parametrize("side_px", [180, 512])
def test_a_spot_in_the_picture_is_cut_out_where_to_frame_puts_it(angle_deg: float, side_px: float) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[195:206, 295:306] = 255  # its centre is pixel (300, 200)
    window = Crop(320, 230, side_px, float(np.radians(angle_deg)))
    rows, columns = np.nonzero(cut(image, window, SIZE_PX)[..., 0] > 128)
    found = xy(((columns.mean() + 0.5) / SIZE_PX, (rows.mean() + 0.5) / SIZE_PX))
    assert window.to_frame(found)[0] == pytest.approx((300.5, 200.5), abs=1.0)


@given(crops)
def test_the_fast_way_shows_what_plain_resampling_shows(window: Crop) -> None:
    grain = np.random.default_rng(7).integers(0, 256, (72, 128, 3), np.uint8)
    image = np.asarray(cv2.resize(grain, (1280, 720), interpolation=cv2.INTER_CUBIC), np.uint8)
    right, down = (axis * np.float32(window.side_px / SIZE_PX) for axis in window.axes())
    centre = np.array([window.center_x, window.center_y], np.float32)
    to_frame = np.column_stack([right, down, centre - (right + down) * np.float32((SIZE_PX - 1) / 2)])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    plain = cv2.warpAffine(image, to_frame, (SIZE_PX, SIZE_PX), flags=flags)
    off = cv2.absdiff(cut(image, window, SIZE_PX), np.asarray(plain, np.uint8))
    assert off.max() <= 3  # where a window begins in its part of the picture is rounded


def test_a_crop_of_somebody_who_is_nowhere_is_black() -> None:
    """A network that answers nonsense of one person costs nobody else anything."""
    assert cut(np.full((100, 100, 3), 255, np.uint8), Crop(float("nan"), 50, 100, 0), SIZE_PX).max() == 0


def test_outside_the_frame_is_black() -> None:
    picture = cut(np.full((100, 100, 3), 255, np.uint8), Crop(0, 50, 100, 0), SIZE_PX)
    assert picture[:, :120].max() == 0
    assert picture[10:-10, 136:].min() == 255


def test_a_bent_torso_points_up_in_its_crop() -> None:
    hip, shoulder = np.array([400, 300], np.float32), np.array([500, 330], np.float32)
    window = around(hip, shoulder, 200)
    turned = into(window, np.stack([hip, shoulder]))
    assert turned[0] == pytest.approx((0.5, 0.5), abs=1e-4)
    assert turned[1, 0] == pytest.approx(0.5, abs=1e-4)
    assert turned[1, 1] < 0.5
    assert window.side_px == 500  # 2.5 x the farthest body point


def test_a_torso_too_short_to_have_a_direction_does_not_turn_the_crop() -> None:
    hip = np.array([400, 300], np.float32)
    assert around(hip, hip + np.array([10, 5], np.float32), 200).angle_rad == 0
    assert around(hip, hip, 0).angle_rad == 0


def test_metric_points_turn_with_the_crop() -> None:
    """A quarter turn: what is up in the crop lies to the right in the frame; depth stays."""
    window = Crop(0, 0, 1, float(np.pi / 2))
    points = np.array([[0, -1, 0.3], [1, 0, -0.2]], np.float32)
    assert window.turn(points) == pytest.approx(np.array([[1, 0, 0.3], [0, 1, -0.2]]), abs=1e-6)
