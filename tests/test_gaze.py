"""Whom the network is asked about and where it is shown them, picture by picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import pytest

from edge_agent.core.crop import Crop
from edge_agent.core.follower import Follower
from edge_agent.core.records import Frame, Image, Pose
from edge_agent.core.tracking import Track
from edge_agent.gaze import Gaze, Glance
from edge_agent.pose.network import InferenceError
from tests.people import HINGE, STANDING, Person
from tests.told import back, lift_detector, told

GAP_S = 4 / 15
AT_S = 10 * GAP_S
LEFT, RIGHT = (replace(STANDING, feet_xy=(x, 600.0)) for x in (400.0, 900.0))


@dataclass
class Network:
    """Shown a crop, it sees whoever is in its middle; ``asked`` is what it was shown."""

    bodies: list[Person]
    asked: list[Crop] = field(default_factory=list)
    fails: bool = False
    score: float = 1.0

    def locate(self, _image: Image, crops: Sequence[Crop], outlined: Sequence[bool]) -> list[Pose]:
        if self.fails:
            raise InferenceError("pose-landmarker-full", "device lost")
        self.asked += crops
        poses = [replace(self._nearest(shown), crop=shown, score=self.score) for shown in crops]
        return [pose if mask else replace(pose, mask=None) for pose, mask in zip(poses, outlined, strict=True)]

    def _nearest(self, shown: Crop) -> Pose:
        poses = [body.pose() for body in self.bodies]
        return min(poses, key=lambda pose: abs(pose.crop.center_x - shown.center_x))


def scene() -> Image:
    """1280 wide and 720 high, something to see everywhere."""
    grain = np.random.default_rng(0).normal(128, 60, (720, 1280, 3))
    return np.asarray(cv2.GaussianBlur(grain, (0, 0), 3) * 4 - 384, np.float32).clip(0, 255).astype(np.uint8)


def shifted(image: Image, x_px: float) -> Image:
    to = np.array([[1, 0, x_px], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(image, to, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REFLECT))


@dataclass
class Stage:
    """People who have stood for ten looks in front of one camera."""

    bodies: list[Person]

    def __post_init__(self) -> None:
        self.network = Network(self.bodies)
        self.gaze = Gaze(self.network)  # type: ignore[arg-type]
        self.people = [Follower(Track(body.sighting(), 0.0), lift_detector()) for body in self.bodies]
        for number in range(1, 11):
            for one, body in zip(self.people, self.bodies, strict=True):
                take(one, body.pose(), body, number * GAP_S)
        self.gaze.remember(Frame("dock", scene(), AT_S))

    def asked_about(
        self, image: Image, gaps: int = 1, movers: Sequence[Follower] = (), first: Glance | None = None
    ) -> int:
        """How many people the network was asked about in a picture so many quarters of a second later."""
        self.network.asked.clear()
        self.glance = self.gaze.glance(Frame("dock", image, AT_S + gaps * GAP_S), self.people, movers, first)
        return len(self.network.asked)


def take(follower: Follower, pose: Pose, body: Person, time_s: float) -> None:
    follower.note(pose, time_s)
    follower.track.follow(replace(follower.track.last, pose=pose), time_s)
    seen = back(body)
    assert seen is not None
    follower.read(follower.posture(pose, time_s), seen, told(seen.code, None))


def test_where_nothing_moves_nobody_is_asked_about() -> None:
    assert Stage([LEFT, RIGHT]).asked_about(scene()) == 0


def test_who_has_begun_to_move_is_looked_at_also_where_the_picture_shows_little_of_it() -> None:
    stage = Stage([LEFT, RIGHT])
    assert stage.asked_about(scene(), movers=stage.people[1:]) == 1
    assert stage.glance.poses[0].xy == pytest.approx(LEFT.pose().xy), "the other one is carried"


def test_two_whose_clothes_may_be_mistaken_are_both_looked_at() -> None:
    near = replace(LEFT, feet_xy=(500.0, 600.0))
    assert Stage([LEFT, near]).asked_about(scene()) == 2


def test_the_network_is_shown_the_place_where_somebody_has_gone() -> None:
    """She has taken a step, and is to be looked at."""
    stage = Stage([LEFT])
    stage.asked_about(shifted(scene(), 15), movers=stage.people)
    (shown,) = stage.network.asked
    assert shown.center_x == pytest.approx(LEFT.pose().crop.center_x + 15, abs=1)


def test_only_those_are_looked_at_once_more_whose_crop_lay_beside_them() -> None:
    """One bends where he stood; she bends half a metre further on, and nothing in the picture says so."""
    stage = Stage([LEFT, RIGHT])
    there = replace(LEFT, trunk_deg=8), replace(HINGE, feet_xy=(1000.0, 600.0))
    stage.network.bodies = list(there)
    stage.asked_about(scene(), movers=stage.people)
    assert (stage.glance.moved, stage.glance.astray) == ([0, 1], [1])
    stage.network.asked.clear()
    stage.gaze.look_again(Frame("dock", scene(), AT_S + GAP_S), stage.people, stage.glance)
    (shown,) = stage.network.asked
    assert shown.center_x == pytest.approx(there[1].pose().crop.center_x, abs=1)


def test_after_the_look_back_only_those_are_asked_about_again_whose_crop_lay_beside_them() -> None:
    stage = Stage([LEFT, RIGHT])
    there = replace(LEFT, trunk_deg=8), replace(HINGE, feet_xy=(1000.0, 600.0))
    stage.network.bodies = list(there)
    stage.asked_about(scene(), movers=stage.people)
    first = stage.glance
    assert stage.asked_about(scene(), movers=stage.people, first=first) == 1
    assert stage.glance.poses[0] is first.poses[0]
    assert stage.glance.poses[1] is not first.poses[1]


def test_after_the_look_back_who_was_not_seen_at_first_is_asked_about_again() -> None:
    stage = Stage([LEFT])
    stage.network.score = 0.1
    assert stage.asked_about(scene(), movers=stage.people) == 1
    stage.network.score = 1.0
    assert stage.asked_about(scene(), movers=stage.people, first=stage.glance) == 1
    assert stage.glance.poses[0].score == 1.0


def test_after_the_look_back_who_turned_out_to_bend_is_asked_for_the_outline() -> None:
    stage = Stage([LEFT])
    stage.asked_about(scene(), movers=stage.people)
    first = stage.glance
    assert first.poses[0].mask is None
    stage.people[0].outlined_s = -60.0
    assert stage.asked_about(scene(), movers=stage.people, first=first) == 1
    assert stage.glance.poses[0].mask is not None


def test_of_what_was_passed_over_before_a_picture_nothing_is_kept() -> None:
    """Those are as they came, without the masks."""
    stage = Stage([LEFT])
    raw = Frame("dock", scene(), AT_S)
    stage.gaze.remember(replace(raw, passed_over=(lambda: raw,)))
    assert stage.gaze._before is not None
    assert stage.gaze._before.passed_over == ()


@pytest.mark.parametrize("forgets", ["a failing network", "a new frame that could not be taken in", "a long time"])
def test_without_a_picture_just_before_everybody_is_looked_at(forgets: str) -> None:
    stage = Stage([LEFT, RIGHT])
    if forgets == "a failing network":
        stage.network.fails = True
        with pytest.raises(InferenceError):
            stage.asked_about(scene(), movers=stage.people)
        stage.network.fails = False
    elif forgets == "a new frame that could not be taken in":
        stage.gaze.remember(None)
    assert stage.asked_about(scene(), gaps=4 if forgets == "a long time" else 1) == 2
