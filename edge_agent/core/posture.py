"""One pose as the angles and heights that ergonomists use.

Camera coordinates: x right, y down, z away from the camera. Side to side and up and down come from the picture
itself; depth comes from the network's metric landmarks, which are too poor to be used alone (in deep squats seen
from the side they halve the knee angle) but tell which way the body faces.
"""

from dataclasses import dataclass
from math import acos, atan2, degrees, hypot, radians, sin, sqrt

import numpy as np

from edge_agent.core.records import Floats, Pose
from edge_agent.core.skeleton import ANKLES, HEELS, HIPS, KNEES, SHOULDERS, TOES

# Below this visibility a joint is a guess of the network, often a bold one: with the feet behind a box it
# folds the legs away. Read off lifts whose feet are hidden (guesses 0.1-0.4, seen joints 0.7-1.0).
SEEN = 0.5
_SCALE_JOINTS = [*SHOULDERS, *HIPS, *KNEES, *ANKLES, 0, 7, 8]


@dataclass(frozen=True, slots=True)
class Posture:
    """One person at one moment. ``None`` means that it could not be seen.

    Places are frame pixels; ``px_per_m`` is the picture's scale at the person. Angles are degrees.
    ``trunk_inclination_deg``: hip to shoulder against the vertical, in the person's own sagittal plane, so a
    sideways lean does not count; ``trunk_lean_deg`` is the same with its sign, negative for who leans back.
    ``stagger_m``: one ankle ahead of the other. ``knee_flexion_deg``: 0 straight. ``shin_inclination_deg``: knee to
    ankle against the vertical. ``view_from_side_deg``: 0 the camera sees the person from the side, 90 from the front
    or back. Heights are above the ankles.
    """

    time_s: float
    hip_xy: tuple[float, float]
    shoulder_xy: tuple[float, float]
    feet_xy: tuple[float, float]
    px_per_m: float
    trunk_inclination_deg: float | None
    trunk_lean_deg: float | None
    knee_flexion_deg: float | None
    shin_inclination_deg: float | None
    hip_height_m: float | None
    shoulder_height_m: float | None
    stagger_m: float | None
    view_from_side_deg: float


def measure(pose: Pose, time_s: float) -> Posture:
    """The posture of a pose. Never raises: what cannot be seen is ``None``."""
    scale = _px_per_m(pose)
    points = pose.world_m.copy()
    points[:, :2] = pose.xy / scale
    forward, view_deg = _facing(points)
    hip, shoulder = points[list(HIPS)].mean(0), points[list(SHOULDERS)].mean(0)
    feet = _weighted(points, pose.visibility, (*ANKLES, *HEELS, *TOES))
    ankle = _weighted(points, pose.visibility, ANKLES)
    ankle_seen = float(pose.visibility[list(ANKLES)].max()) >= SEEN
    lean_deg = _trunk_lean_deg(pose, shoulder - hip, forward)
    return Posture(
        time_s=time_s,
        hip_xy=(float(hip[0] * scale), float(hip[1] * scale)),
        shoulder_xy=(float(shoulder[0] * scale), float(shoulder[1] * scale)),
        feet_xy=(float(feet[0] * scale), float(feet[1] * scale)),
        px_per_m=scale,
        trunk_inclination_deg=None if lean_deg is None else abs(lean_deg),
        trunk_lean_deg=lean_deg,
        knee_flexion_deg=_knee_flexion_deg(pose, view_deg),
        shin_inclination_deg=_shin_inclination_deg(pose, points, forward),
        hip_height_m=float(ankle[1] - hip[1]) if ankle_seen else None,
        shoulder_height_m=float(ankle[1] - shoulder[1]) if ankle_seen else None,
        stagger_m=_stagger_m(pose, points, forward),
        view_from_side_deg=view_deg,
    )


def in_picture(xy: tuple[float, float], size: tuple[int, int]) -> tuple[float, float]:
    """A place in frame pixels as shares of the picture's (width, height), kept within it."""
    x, y = (min(max(value / length, 0.0), 1.0) for value, length in zip(xy, size, strict=True))
    return x, y


def _px_per_m(pose: Pose) -> float:
    """The scale that best lays the metric landmarks on the picture (least squares, weak perspective)."""
    seen, metric = pose.xy[_SCALE_JOINTS], pose.world_m[_SCALE_JOINTS, :2]
    seen, metric = seen - seen.mean(0), metric - metric.mean(0)
    return max(float((seen * metric).sum() / max(float((metric**2).sum()), 1e-6)), 1.0)


def _facing(points: Floats) -> tuple[Floats, float]:
    """(3,) unit vector, level with the ground, towards which the person faces; and the view from the side."""
    right = points[HIPS[1]] - points[HIPS[0]] + points[SHOULDERS[1]] - points[SHOULDERS[0]]
    forward = np.array([-right[2], 0.0, right[0]], np.float32)  # up × right
    length = max(hypot(right[0], right[2]), 1e-6)
    return forward / np.float32(length), degrees(atan2(abs(right[0]), abs(right[2])))


def _trunk_lean_deg(pose: Pose, trunk: Floats, forward: Floats) -> float | None:
    if float(pose.visibility[[*HIPS, *SHOULDERS]].mean()) < SEEN:
        return None
    return degrees(atan2(float(trunk @ forward), -float(trunk[1])))


def _stagger_m(pose: Pose, points: Floats, forward: Floats) -> float | None:
    left, right = ANKLES
    if float(pose.visibility[list(ANKLES)].min()) < SEEN:
        return None
    return abs(float((points[left] - points[right]) @ forward))


def _weighted(points: Floats, visibility: Floats, joints: tuple[int, ...]) -> Floats:
    """Mean of the joints, those seen best counting most."""
    weights = visibility[list(joints)] ** 2 + np.float32(1e-3)
    return np.asarray((points[list(joints)] * weights[:, None]).sum(0) / weights.sum(), np.float32)


def _angle_deg(one: Floats, other: Floats) -> float:
    cos = float(one @ other) / max(sqrt(float(one @ one) * float(other @ other)), 1e-6)
    return degrees(acos(min(max(cos, -1.0), 1.0)))


def _knee_flexion_deg(pose: Pose, view_deg: float) -> float | None:
    """Seen from the side the picture knows best; from the front only the metric landmarks see the bend."""
    trust_depth = sin(radians(view_deg)) ** 2
    total = weight = 0.0
    for hip, knee, ankle in zip(HIPS, KNEES, ANKLES, strict=True):
        seen = float(pose.visibility[[hip, knee, ankle]].min())
        if seen < SEEN:
            continue
        flat = 180 - _angle_deg(pose.xy[hip] - pose.xy[knee], pose.xy[ankle] - pose.xy[knee])
        deep = 180 - _angle_deg(pose.world_m[hip] - pose.world_m[knee], pose.world_m[ankle] - pose.world_m[knee])
        total += seen * ((1 - trust_depth) * flat + trust_depth * max(flat, deep))
        weight += seen
    return total / weight if weight else None


def _shin_inclination_deg(pose: Pose, points: Floats, forward: Floats) -> float | None:
    total = weight = 0.0
    for knee, ankle in zip(KNEES, ANKLES, strict=True):
        seen = float(pose.visibility[[knee, ankle]].min())
        if seen < SEEN:
            continue
        shin = points[knee] - points[ankle]
        total += seen * degrees(atan2(abs(float(shin @ forward)), -float(shin[1])))
        weight += seen
    return total / weight if weight else None
