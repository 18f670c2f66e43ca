"""A person made of lines, posed in metres and seen from any side: what a picture shows is how it would look."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin
from typing import Final

from scripts.docs.drawing import INK, ORANGE, Point, box, disc, stroke

Place = tuple[float, float, float]
"""Metres: x the way the person faces, y to their left, z up; between the ankles on the floor is (0, 0, 0)."""

TALL_M: Final = 1.75
_BACK_M: Final = 0.125
"""From the middle of the trunk to the outline of the back."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the joints are, by their side of the body where there are two; ``spine`` from the pelvis to the neck."""

    spine: tuple[Place, ...]
    head: Place
    knee_x: float
    hand: Place


def _spine(hip: Place, lean_deg: float, curl_deg: float) -> tuple[Place, ...]:
    """Six points along half a metre; it leans more and more where it curls, about the same mean."""
    x, y, z = hip
    places = [hip]
    for step in range(5):
        lean = radians(lean_deg + curl_deg * (step / 4 - 0.5))
        x, z = x + 0.1 * sin(lean), z + 0.1 * cos(lean)
        places.append((x, y, z))
    return tuple(places)


STANDING: Final = Pose(_spine((0.0, 0.0, 0.93), 0, 0), (0.02, 0.0, 1.63), 0.02, (0.1, 0.0, 0.78))
HINGE: Final = Pose(_spine((-0.24, 0.0, 0.86), 68, 0), (0.42, 0.0, 1.17), 0.04, (0.32, 0.0, 0.42))
ROUNDED: Final = Pose(_spine((-0.16, 0.0, 0.88), 72, 80), (0.45, 0.0, 0.86), 0.02, (0.36, 0.0, 0.36))


@dataclass(frozen=True, slots=True)
class View:
    """From where, and how large: ``from_side_deg`` 0 is the person's right side, 90 the front."""

    foot: Point
    px_per_m: float
    from_side_deg: float = 0.0
    up_deg: float = 0.0

    def point(self, place: Place) -> Point:
        """On the picture, without perspective."""
        turn, up = radians(self.from_side_deg), radians(self.up_deg)
        across = place[0] * cos(turn) + place[1] * sin(turn)
        nearer = place[0] * sin(turn) - place[1] * cos(turn)
        high = place[2] * cos(up) - nearer * sin(up)
        return self.foot[0] + across * self.px_per_m, self.foot[1] - high * self.px_per_m

    def limb(self, places: Sequence[Place], thick_m: float, colour: str) -> str:
        """A stroke from joint to joint."""
        return stroke([self.point(place) for place in places], colour, thick_m * self.px_per_m)


def drawn(pose: Pose, view: View, colour: str = INK) -> str:
    """The whole person."""
    hip, neck = pose.spine[0], pose.spine[-1]
    parts = [_leg(pose, view, side, colour) for side in (0.1, -0.1)]
    parts += [view.limb([(x, across, z) for x, _, z in pose.spine], 0.2, colour) for across in (0.07, -0.07)]
    parts += [view.limb([(neck[0], -0.17, neck[2]), (neck[0], 0.17, neck[2])], 0.12, colour)]
    parts += [view.limb([(hip[0], -0.1, hip[2]), (hip[0], 0.1, hip[2])], 0.16, colour)]
    parts += [view.limb([neck, pose.head], 0.1, colour), disc(view.point(pose.head), 0.115 * view.px_per_m, colour)]
    return "".join([*parts, *(_arm(pose, view, side, colour) for side in (0.19, -0.19))])


def load(pose: Pose, view: View) -> str:
    """A crate in the hands."""
    (x, y), side = view.point(pose.hand), 0.3 * view.px_per_m
    return box((x - side / 2, y - side / 3), (side, side), ORANGE, edge=INK, radius=2)


def back(pose: Pose, view: View, colour: str) -> str:
    """The outline of the back, from pelvis to neck: what the product reads."""
    return stroke([view.point(place) for place in _outline(pose)], colour, max(0.05 * view.px_per_m, 3))


def _outline(pose: Pose) -> list[Place]:
    places = []
    for before, after in pairwise(pose.spine):
        along = ((after[0] - before[0]) / 0.1, (after[2] - before[2]) / 0.1)
        for share in (0.0, 1.0):
            x, z = before[0] + share * (after[0] - before[0]), before[2] + share * (after[2] - before[2])
            places.append((x - _BACK_M * along[1], 0.0, z + _BACK_M * along[0]))
    return places


def _leg(pose: Pose, view: View, side: float, colour: str) -> str:
    hip = pose.spine[0]
    knee = (pose.knee_x, 1.1 * side, 0.47)
    ankle = (0.0, 1.1 * side, 0.08)
    toe = (0.17, 1.2 * side, 0.04)
    return view.limb([(hip[0], side, hip[2]), knee, ankle, toe], 0.13, colour)


def _arm(pose: Pose, view: View, side: float, colour: str) -> str:
    neck, hand = pose.spine[-1], pose.hand
    elbow = ((neck[0] + hand[0]) / 2 - 0.05, side * 1.25, (neck[2] + hand[2]) / 2)
    return view.limb([(neck[0], side, neck[2]), elbow, (hand[0], side, hand[2])], 0.085, colour)
