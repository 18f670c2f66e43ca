"""The detector's raw numbers become people: in the right place, once each, and only those seen whole."""

import numpy as np
import pytest

from edge_agent.core.records import Floats
from edge_agent.frames import read_video
from edge_agent.pose.detector import Detection, Window, anchors, decode, distinct, whole
from edge_agent.pose.eyes import Eyes
from tests.demo_clip import DEMO_CLIP

SIZE_PX = 224
WINDOW = Window(100, 50, 400)
Person = tuple[tuple[float, float], tuple[float, float], tuple[float, float], float]
"""Hip, shoulder and farthest point in frame pixels, and the score."""


def raw(*people: Person, window: Window = WINDOW) -> tuple[Floats, Floats]:
    """What the network would have to say for these people to be there, each on the anchor nearest the hip."""
    boxes, logits = np.zeros((2254, 12), np.float32), np.full((2254, 1), -20, np.float32)
    corner, centres = np.array([window.x, window.y]), anchors()
    for hip, shoulder, farthest, score in people:
        points = (np.array([hip, farthest, shoulder, farthest]) - corner) / window.side_px
        free = np.flatnonzero(logits[:, 0] == -20)
        anchor = free[np.argmin(np.hypot(*(centres[free] - points[0]).T))]
        boxes[anchor, 4:12] = ((points - centres[anchor]) * SIZE_PX).ravel()
        logits[anchor] = np.log(score / (1 - score))
    return boxes, logits


ANA: Person = (300, 250), (300, 200), (300, 370), 0.9
BO: Person = (420, 260), (425, 215), (420, 370), 0.8


def test_there_is_one_anchor_for_every_raw_box() -> None:
    assert anchors().shape == (2254, 2)
    assert anchors().min() > 0
    assert anchors().max() < 1


def test_people_come_back_where_they_are_best_first() -> None:
    ana, bo = decode(*raw(BO, ANA), WINDOW, 0.5)
    assert ana.hip_xy == pytest.approx((300, 250), abs=0.1)
    assert ana.shoulder_xy == pytest.approx((300, 200), abs=0.1)
    assert ana.reach_px == pytest.approx(120, abs=0.1)
    assert [ana.score, bo.score] == pytest.approx([0.9, 0.8])


def test_one_person_on_many_anchors_is_one_person() -> None:
    echoes = [((300 + d, 250 - d), (300 + d, 200), (300, 370), 0.6 + d / 100) for d in range(10)]
    assert len(decode(*raw(ANA, BO, *echoes), WINDOW, 0.5)) == 2


def test_somebody_in_several_windows_is_met_once_where_they_are_seen_best() -> None:
    whole_picture, close_by = Window(0, 0, 720), Window(200, 150, 300)
    seen = [*decode(*raw(ANA, window=whole_picture), whole_picture, 0.5)]
    seen += decode(*raw(BO, (*ANA[:3], 0.95), window=close_by), close_by, 0.5)
    assert [one.score for one in distinct(seen)] == pytest.approx([0.95, 0.8])


def test_doubtful_ones_are_left_out() -> None:
    assert decode(*raw(((300, 250), (300, 200), (300, 370), 0.45)), WINDOW, 0.5) == []
    assert decode(*raw(), WINDOW, 0.5) == []


def test_wild_numbers_are_no_crash() -> None:
    boxes, logits = raw(ANA)
    assert len(decode(boxes, logits * np.float32(1e6), WINDOW, 0.5)) == 1


@pytest.mark.parametrize(
    ("hip", "window", "is_whole"),
    [
        ((640, 400), Window(440, 200, 400), True),
        ((500, 400), Window(440, 200, 400), False),  # cut by the window's left edge: the next tile shows all of them
        ((640, 500), Window(440, 200, 400), False),  # by its lower edge
        ((30, 400), Window(-10, 200, 400), True),  # by the frame's own edge: nothing shows more
        ((1260, 650), Window(900, 340, 400), True),
    ],
)
def test_people_cut_by_a_window_are_left_to_another(hip: tuple[float, float], window: Window, is_whole: bool) -> None:
    person = Detection(hip, (hip[0], hip[1] - 50), 150.0, 0.9)
    assert whole(person, window, 1280, 720) is is_whole


@pytest.mark.parametrize("side_px", [720, 540])
def test_the_network_finds_both_people_of_the_demo_clip(eyes: Eyes, side_px: float) -> None:
    image = next(read_video(DEMO_CLIP, 720, None)).image
    height, width = image.shape[:2]
    windows = [Window(x, (height - side_px) / 2, side_px) for x in (0, width - side_px)]
    found = sorted(one.hip_xy[0] / width for one in eyes.detect(image, windows))
    # Where the landmarks have the hips in this frame; the clip's truth, 0.23 and 0.77, tells where the lifts are.
    assert found[0] == pytest.approx(0.257, abs=0.02)
    assert found[-1] == pytest.approx(0.746, abs=0.02)


def test_an_empty_floor_is_empty(eyes: Eyes) -> None:
    assert eyes.detect(np.full((720, 1280, 3), 90, np.uint8), [Window(0, 0, 720), Window(560, 0, 720)]) == []
    assert eyes.detect(np.full((720, 1280, 3), 90, np.uint8), []) == []


@pytest.mark.parametrize(
    "window",
    [Window(1300, 100, 200), Window(100, 730, 700), Window(1279, 719, 700), Window(-900, -900, 700)],
    ids=["right of it", "below it", "a corner's last pixel", "above and left of it"],
)
def test_somebody_lost_outside_of_the_picture_is_searched_for_in_the_dark(eyes: Eyes, window: Window) -> None:
    assert eyes.detect(np.full((720, 1280, 3), 90, np.uint8), [window]) == []
