"""Where the people followed are in a new picture: looked at by the network, or carried along by what moves in it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import cos, hypot

import numpy as np

from edge_agent.core import crop
from edge_agent.core.follower import CARRIED_S, HIP, SHOULDER, Follower
from edge_agent.core.records import Floats, Frame, Image, Pose
from edge_agent.core.tracking import MIN_SCORE, Sighting, Track, near
from edge_agent.pose import flow
from edge_agent.pose.detector import Detection
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import InferenceError
from edge_agent.pose.pixels import torso_colour

# Who has moved is looked at once more where the crop lay beside them by this share of the reach, or was turned by so
# much. Without second looks 282 of 365 simulated lifts were found, not 293.
_ASTRAY, _TURNED_RAD = 0.1, 0.17


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """One pose for each of the people, in their order.

    ``moved``: the numbers of those who have begun to move since they were last looked at, or are not there any more.
    ``astray``: of these, those whose crop turned out to lie beside them. ``asked``: what the network
    answered of the others.
    """

    poses: list[Pose]
    moved: list[int]
    astray: list[int]
    asked: Mapping[Follower, Pose]

    def suffices(self, people: Sequence[Follower], time_s: float) -> dict[Follower, Pose]:
        """Whose poses need not be asked for again: they are there, and with an outline where one is wanted by now."""
        return {
            one: pose
            for one in people
            if (pose := self.asked.get(one)) is not None
            and pose.score >= MIN_SCORE
            and (pose.mask is not None or not one.wants_outline(time_s))
        }


class Gaze:
    """One camera's. Remembers the last picture, of which it is known where everybody was in it."""

    def __init__(self, eyes: Eyes) -> None:
        self._eyes = eyes
        self._before: Frame | None = None

    def remember(self, frame: Frame | None) -> None:
        """The picture in which everybody's last pose is, without those passed over before it; None for none."""
        self._before = frame and replace(frame, passed_over=())

    def glance(
        self,
        frame: Frame,
        people: Sequence[Follower],
        movers: Collection[Follower] = (),
        first: Glance | None = None,
    ) -> Glance:
        """Where everybody should be. Who has hardly changed is carried along; ``movers`` are looked at.

        first: a glance at this very frame, after which others were looked at. Raises InferenceError.
        """
        known = first.suffices(people, frame.time_s) if first else {}
        gone_px = [None if one in known else self._gone_px(one, people, frame) for one in people]
        for one, by_px in zip(people, gone_px, strict=True):
            if by_px is not None and one not in movers and (carried := one.carried(by_px, frame.time_s)):
                known[one] = carried
        asked = [i for i, one in enumerate(people) if one not in known]
        crops = [_crop(people[i].track, gone_px[i], frame.time_s) for i in asked]
        seen = self._locate(frame, crops, [people[i].wants_outline(frame.time_s) for i in asked])
        known |= {people[i]: pose for i, pose in zip(asked, seen, strict=True)}
        poses = [known[one] for one in people]
        moved = [i for i in asked if people[i].has_moved(poses[i], frame.time_s)]
        astray = [i for i in moved if _astray(poses[i], people[i].track.reach_px)]
        return Glance(poses, moved, astray, {people[i]: poses[i] for i in asked if i not in astray})

    def _locate(self, frame: Frame, crops: Sequence[crop.Crop], outlined: Sequence[bool]) -> list[Pose]:
        try:
            return self._eyes.locate(frame.image, crops, outlined)
        except InferenceError:
            self._before = None  # as long as the network fails no picture is kept
            raise

    def look_again(self, frame: Frame, people: Sequence[Follower], glance: Glance) -> list[Pose]:
        """At those astray, with the crop that the glance gave. Raises InferenceError."""
        poses = list(glance.poses)
        crops = [_own_crop(poses[i], people[i].track.reach_px) for i in glance.astray]
        again = self._eyes.locate(frame.image, crops, [poses[i].mask is not None for i in glance.astray])
        for i, pose in zip(glance.astray, again, strict=True):
            poses[i] = pose
        return poses

    def meet(self, image: Image, found: Sequence[Detection]) -> list[Sighting]:
        """A first look corrects the detector's rough crop, a second one can be trusted. Raises InferenceError."""
        places = [(np.array(one.hip_xy, np.float32), np.array(one.shoulder_xy, np.float32)) for one in found]
        crops = [crop.around(*place, one.reach_px) for place, one in zip(places, found, strict=True)]
        crops = [_own_crop(pose) for pose in self._eyes.locate(image, crops, [False] * len(crops))]
        poses = self._eyes.locate(image, crops, [True] * len(crops))
        return [Sighting(pose, torso_colour(image, pose)) for pose in poses]

    def _gone_px(self, one: Follower, people: Sequence[Follower], frame: Frame) -> Floats | None:
        """(3, 2) how far shoulders, hips and feet have gone since the last picture; None where nobody can tell."""
        before, parts = self._before, one.parts
        if before is None or parts is None or frame.time_s - before.time_s > CARRIED_S:
            return None
        if near(one.track, [other.track for other in people if other is not one], frame.time_s):
            return None
        ahead_px = one.track.expected_hip(frame.time_s) - one.track.last.hip
        return flow.moved_px(before.image, frame.image, parts, one.track.reach_px, ahead_px)


def _crop(track: Track, gone_px: Floats | None, time_s: float) -> crop.Crop:
    """Where shoulders and hips have gone, or else where the person should be by now."""
    if gone_px is None or not np.isfinite(gone_px[[SHOULDER, HIP]]).all():
        return track.crop(time_s)
    return crop.around(track.last.hip + gone_px[HIP], track.last.shoulder + gone_px[SHOULDER], track.reach_px)


def _astray(pose: Pose, reach_px: float) -> bool:
    right, used = _own_crop(pose, reach_px), pose.crop
    off_px = hypot(right.center_x - used.center_x, right.center_y - used.center_y)
    return off_px > _ASTRAY * reach_px or cos(right.angle_rad - used.angle_rad) < cos(_TURNED_RAD)


def _own_crop(pose: Pose, reach_px: float | None = None) -> crop.Crop:
    """The crop that a pose's own landmarks ask for; as large as they reach where nothing else is known."""
    seen = Sighting(pose, np.zeros(3, np.float32))  # for the places alone
    return crop.around(seen.hip, seen.shoulder, seen.reach_px if reach_px is None else reach_px)
