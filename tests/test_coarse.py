"""What a person may be shown of a picture, and for how long."""

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from edge_agent.agent import Look
from edge_agent.coarse import WIDTH_PX, Shutter, small_jpeg, without_faces
from edge_agent.overlay import Drawing
from edge_agent.settings import CameraSettings
from tests.setup_site import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shutter(clock: Clock) -> Shutter:
    return Shutter("dock", clock)


def test_of_a_masked_area_no_pixel_is_left_and_the_rest_is_small() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    camera = CameraSettings(name="dock", source="0", masks=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),))
    image = without_faces(noise, camera, Look(0.0), Drawing())
    assert image[:, :640].max() == 0
    assert image[:, 641:].std() > 50
    shown = cv2.imdecode(np.frombuffer(small_jpeg(image), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (270, WIDTH_PX, 3)


def test_a_shut_picture_keeps_nothing(shutter: Shutter) -> None:
    shutter.put(b"picture")
    assert (shutter.left_s, shutter.jpeg) == (0.0, b"")
    shutter.open()
    assert (shutter.left_s, shutter.jpeg) == (120.0, b"")


def test_an_open_picture_ends_by_itself_at_the_second_and_is_forgotten(shutter: Shutter, clock: Clock) -> None:
    with capture_logs() as logs:
        shutter.open()
        shutter.put(b"picture")
        clock.now_s += 119.9
        assert shutter.jpeg == b"picture"
        clock.now_s += 0.1
        assert (shutter.left_s, shutter.jpeg) == (0.0, b"")
        shutter.put(b"late")
        assert shutter.jpeg == b""
    assert [(line["event"], line["camera"]) for line in logs] == [
        ("a camera's picture is shown", "dock"),
        ("a camera's picture is no longer shown", "dock"),
    ]


def test_hiding_is_at_once_and_told_once(shutter: Shutter) -> None:
    with capture_logs() as logs:
        shutter.open()
        shutter.put(b"picture")
        shutter.close()
        shutter.close()
    assert shutter.jpeg == b""
    assert len(logs) == 2
