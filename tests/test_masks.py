"""What happens in a masked area changes no byte that any network is given."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pytest

from edge_agent.agent import Look, Watch
from edge_agent.core.records import Frame, Image
from edge_agent.core.technique import TechniqueThresholds
from edge_agent.frames import read_video
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import Network
from edge_agent.pose.pixels import blank
from edge_agent.settings import CameraSettings
from tests.demo_clip import DEMO_CLIP

UPPER_LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.6), (0.0, 0.6))
LOWER_LEFT = ((0.0, 0.4), (0.5, 0.4), (0.5, 1.0), (0.0, 1.0))
FRAMES = 30


def with_snow_on_the_left(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Somebody else's day in the masked half: noise, new in every frame."""
    random = np.random.default_rng(1)
    for frame in frames:
        image = frame.image.copy()
        left = image[:, : image.shape[1] // 2]
        left[:] = random.integers(0, 256, left.shape, np.uint8)
        yield Frame(frame.camera, image, frame.time_s)


@pytest.mark.parametrize("height_px", [720, 360], ids=["as filmed", "decoded smaller"])
def test_nothing_in_a_masked_area_reaches_a_network_or_changes_what_is_seen(
    eyes: Eyes, height_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    infer = Network.infer

    def noting(network: Network, pictures: Sequence[Image]) -> object:
        given.extend(hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures)
        return infer(network, pictures)

    monkeypatch.setattr(Network, "infer", noting)

    def day(frames: Iterator[Frame], *masks: tuple[tuple[float, float], ...]) -> tuple[list[str], list[Look]]:
        given.clear()
        watch = Watch(CameraSettings(name="dock", source="unused", masks=masks), eyes, TechniqueThresholds())
        looks = [watch.look(frame) for frame in islice(frames, FRAMES)]
        return list(given), looks

    def frames() -> Iterator[Frame]:
        return read_video(DEMO_CLIP, height_px, 15.0)

    as_filmed, looks = day(frames(), UPPER_LEFT, LOWER_LEFT)
    with_snow, _ = day(with_snow_on_the_left(frames()), UPPER_LEFT, LOWER_LEFT)
    assert len(as_filmed) > FRAMES / 2, "those that were looked at"
    assert as_filmed == with_snow
    assert {len(look.people) for look in looks[-10:]} == {1}, "the one on the right is still seen"
    assert day(with_snow_on_the_left(frames()))[0] != as_filmed, "without masks it would show"


def test_what_two_masks_share_is_blank_too() -> None:
    white = np.full((90, 160, 3), 255, np.uint8)
    blanked = blank(white, (UPPER_LEFT, LOWER_LEFT))
    assert blanked[:, :80].max() == 0
    assert blanked[:, 82:].min() == 255
    assert white.min() == 255, "the camera's own picture is left as it was"
