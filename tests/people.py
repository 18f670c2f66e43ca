"""People made of angles: poses whose truth is known, for tests that read as stories.

A body stands in its own sagittal plane (forward, up, and to its left), is turned to the camera and laid on the
picture without perspective. Lengths are those of ``core.upright``: a standing hip is 0.70 m above the ankle.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.core import crop
from edge_agent.core.crop import Crop
from edge_agent.core.records import Floats, Pose
from edge_agent.core.skeleton import ANKLES, HEELS, HIPS, KNEES, LANDMARKS, SHOULDERS, TOES, Landmark
from edge_agent.core.tracking import Sighting

Facing = Literal["left", "right"]
FACINGS: tuple[Facing, ...] = ("left", "right")

RATE_HZ = 15.0
MASK_PX = 256
_SHIN_M, _THIGH_M, _TRUNK_M, _ARM_M = 0.36, 0.34, 0.50, 0.28
_HALF_HIPS_M, _HALF_SHOULDERS_M = 0.10, 0.17
# The skin is this far behind and in front of the line from hip to shoulder.
_BEHIND_M, _BEFORE_M = 0.10, 0.10
_NUMBERS = ("trunk_deg", "knee_deg", "shin_deg", "neck_deg", "stride_deg", "rounding_deg", "lean_deg", "twist_deg")

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """One body at one moment. Angles in degrees; 0 everywhere is standing upright, seen from the side.

    ``view_deg``: 0 seen from the side, 90 facing the camera. ``rounding_deg``: turn of the back's outline from
    pelvis to neck. ``lean_deg``: of the trunk to the person's left. ``stride_deg``: of each leg, one ahead and
    one behind; ``stagger_m`` between the ankles. ``twist_deg`` of the shoulders (told, not drawn).
    ``feet_xy``: between the ankles, frame pixels. ``hidden``: landmarks that are guesses.
    """

    trunk_deg: float = 0.0
    knee_deg: float = 0.0
    shin_deg: float = 0.0
    neck_deg: float = 0.0
    stride_deg: float = 0.0
    rounding_deg: float = 0.0
    lean_deg: float = 0.0
    twist_deg: float = 0.0
    stagger_m: float = 0.0
    view_deg: float = 0.0
    facing: Facing = "right"
    feet_xy: tuple[float, float] = (640.0, 600.0)
    px_per_m: float = 250.0
    hidden: frozenset[Landmark] = field(default_factory=frozenset)

    def pose(self, *, outlined: bool = True, score: float = 0.98) -> Pose:
        """What the landmark network would say of this body at its best."""
        points = self._points()
        origin = np.array(self.feet_xy) - self.px_per_m * points[list(ANKLES), :2].mean(0)
        xy = np.asarray(origin + self.px_per_m * points[:, :2], np.float32)
        hip, shoulder = xy[list(HIPS)].mean(0), xy[list(SHOULDERS)].mean(0)
        window = crop.around(hip, shoulder, float(np.hypot(*(xy - hip).T).max()))
        visibility = np.full(LANDMARKS, 0.95, np.float32)
        visibility[[int(joint) for joint in self.hidden]] = 0.1
        mask = self._mask(window, origin) if outlined else None
        world_m = np.asarray(points - points[list(HIPS)].mean(0), np.float32)
        return Pose(window, xy, into(window, xy), visibility, world_m, score, mask)

    @property
    def stoop_squat_index(self) -> float:
        """0 a full squat, 100 a full stoop; 50 for who stands."""
        points, still = self._points(), Person()._points()
        hip, shoulder = (float((points - still)[list(joints), 1].mean()) for joints in (HIPS, SHOULDERS))
        return 100 * (1 - hip / shoulder) if shoulder > 0.05 else 50.0

    def sighting(self, colour: Sequence[float] = (120.0, 128.0, 128.0)) -> Sighting:
        """The same for the tracker, in clothes of this Lab colour."""
        return Sighting(self.pose(outlined=False), np.array(colour, np.float32))

    def _axes(self) -> tuple[Vector, Vector, Vector]:
        """The body's forward, up and left in the camera's axes: x right, y down, z away."""
        view, sign = np.radians(self.view_deg), 1.0 if self.facing == "right" else -1.0
        forward = np.array([sign * np.cos(view), 0.0, -np.sin(view)])
        up = np.array([0.0, -1.0, 0.0])
        return forward, up, np.cross(up, forward)

    def _trunk(self) -> tuple[Vector, Vector]:
        """Unit vectors from hip to shoulder, and out of the chest."""
        forward, up, left = self._axes()
        bent, lean = np.radians(self.trunk_deg), np.radians(self.lean_deg)
        along = np.cos(lean) * (np.sin(bent) * forward + np.cos(bent) * up) + np.sin(lean) * left
        return along, np.cos(bent) * forward - np.sin(bent) * up

    def _hip(self) -> Vector:
        forward, up, _ = self._axes()
        if self.stride_deg:
            return np.asarray((_SHIN_M + _THIGH_M) * np.cos(np.radians(self.stride_deg)) * up)
        shin, thigh = np.radians(self.shin_deg), np.radians(self.knee_deg - self.shin_deg)
        height = _SHIN_M * np.cos(shin) + _THIGH_M * np.cos(thigh)
        return np.asarray(height * up + (_SHIN_M * np.sin(shin) - _THIGH_M * np.sin(thigh)) * forward)

    def _points(self) -> Vector:
        """(33, 3) landmarks in metres about the point between the standing feet."""
        _, up, left = self._axes()
        along, chest = self._trunk()
        points = np.zeros((LANDMARKS, 3))
        hip = self._hip()
        shoulder = hip + _TRUNK_M * along
        for side, sign in enumerate((1.0, -1.0)):
            points[HIPS[side]] = hip + sign * _HALF_HIPS_M * left
            points[SHOULDERS[side]] = shoulder + sign * _HALF_SHOULDERS_M * left
            self._put_leg(points, side, sign * _HALF_HIPS_M * left)
            elbow, hand = points[SHOULDERS[side]] - _ARM_M * up, points[SHOULDERS[side]] - 2 * _ARM_M * up
            points[Landmark.LEFT_ELBOW + side] = elbow
            points[[int(Landmark.LEFT_WRIST) + side + finger for finger in (0, 2, 4, 6)]] = hand
        neck = np.radians(self.neck_deg)
        upward, face = np.cos(neck) * along + np.sin(neck) * chest, np.cos(neck) * chest - np.sin(neck) * along
        points[:11] = shoulder + 0.20 * upward + 0.10 * face
        points[Landmark.LEFT_EAR] = shoulder + 0.20 * upward + 0.07 * left
        points[Landmark.RIGHT_EAR] = shoulder + 0.20 * upward - 0.07 * left
        return points

    def _put_leg(self, points: Vector, side: int, aside: Vector) -> None:
        forward, up, _ = self._axes()
        apart = (_SHIN_M + _THIGH_M) * np.sin(np.radians(self.stride_deg)) + self.stagger_m / 2
        ahead = (1.0, -1.0)[side] * apart
        shin = np.radians(self.shin_deg)
        ankle = ahead * forward + aside
        knee = ankle + _SHIN_M * (np.sin(shin) * forward + np.cos(shin) * up)
        if self.stride_deg:
            knee = (ankle + self._hip() + aside) / 2 + 0.02 * forward
        points[KNEES[side]], points[ANKLES[side]] = knee, ankle
        points[HEELS[side]] = ankle - 0.05 * forward - 0.05 * up
        points[TOES[side]] = ankle + 0.15 * forward - 0.07 * up

    def _mask(self, window: Crop, origin: Vector) -> Floats:
        points = self._points()
        picture = np.zeros((MASK_PX, MASK_PX), np.uint8)

        def cells(where: Vector) -> npt.NDArray[np.int32]:
            xy = np.asarray(origin + self.px_per_m * where[:, :2], np.float32)
            return np.rint(into(window, xy) * MASK_PX).astype(np.int32)

        def thick(width_m: float) -> int:
            return max(int(width_m * self.px_per_m / window.side_px * MASK_PX), 1)

        cv2.fillPoly(picture, [cells(self._flank())], (1,))
        corners = cells(points[[SHOULDERS[0], SHOULDERS[1], HIPS[1], HIPS[0]]])
        cv2.polylines(picture, [corners], isClosed=True, color=(1,), thickness=thick(0.12))
        for side in (0, 1):
            leg = cells(points[[HIPS[side], KNEES[side], ANKLES[side], TOES[side]]])
            arm = cells(points[[SHOULDERS[side], Landmark.LEFT_ELBOW + side, Landmark.LEFT_WRIST + side]])
            cv2.polylines(picture, [leg], isClosed=False, color=(1,), thickness=thick(0.13))
            cv2.polylines(picture, [arm], isClosed=False, color=(1,), thickness=thick(0.08))
        head = cells(points[[Landmark.LEFT_EAR, Landmark.RIGHT_EAR]]).mean(0)
        cv2.circle(picture, (int(head[0]), int(head[1])), thick(0.11), (1,), -1)
        return np.asarray(picture, np.float32)

    def _flank(self) -> Vector:
        """The trunk's outline from the side: the back an arc that turns by ``rounding_deg``, the front straight."""
        along, chest = self._trunk()
        share = np.linspace(-0.12, 1.12, 32)[:, None]
        sagitta = _TRUNK_M / 2 * np.tan(np.radians(self.rounding_deg) / 4)
        bulge = 4 * sagitta * np.clip(share * (1 - share), 0, None)
        spine = self._hip() + share * _TRUNK_M * along
        return np.asarray(np.vstack([spine - (_BEHIND_M + bulge) * chest, (spine + _BEFORE_M * chest)[::-1]]))


STANDING = Person()
HINGE = Person(trunk_deg=75, knee_deg=25, shin_deg=3)
SQUAT = Person(trunk_deg=35, knee_deg=110, shin_deg=35)
ROUNDED_STOOP = replace(HINGE, rounding_deg=75)
ROUNDED_SQUAT = replace(SQUAT, trunk_deg=50, rounding_deg=75)
SITTING = Person(trunk_deg=5, knee_deg=90)


def into(window: Crop, xy: Floats) -> Floats:
    """Frame pixels to crop units: the way back of ``Crop.to_frame``."""
    right, down = window.axes()
    offset = xy - np.array([window.center_x, window.center_y], np.float32)
    return np.asarray(np.column_stack([offset @ right, offset @ down]) / window.side_px + 0.5, np.float32)


def motion(*keys: tuple[float, Person], rate_hz: float = RATE_HZ) -> Iterator[tuple[float, Person]]:
    """A smooth way from each (time in seconds, body) to the next, frame by frame."""
    for (start_s, one), (end_s, other) in pairwise(keys):
        frames = max(round((end_s - start_s) * rate_hz), 1)
        for frame in range(frames):
            way = 0.5 - 0.5 * np.cos(np.pi * frame / frames)
            yield start_s + frame / rate_hz, between(one, other, float(way))
    yield keys[-1]


def between(one: Person, other: Person, way: float) -> Person:
    """The body this share of the way from one to the other."""
    angles = {name: (1 - way) * getattr(one, name) + way * getattr(other, name) for name in _NUMBERS}
    x, y = (1 - way) * np.array(one.feet_xy) + way * np.array(other.feet_xy)
    return replace(one, **angles, feet_xy=(float(x), float(y)))
