"""The virtual dowel: how far the outline of the back leaves the straight line from pelvis to neck.

Keypoints have none between hip and shoulder, so they cannot see the spine. The dorsal edge of the body's mask can:
trainers lay a dowel along the back, and head, upper back and tailbone must touch it. Here the chord from mid-hip
to mid-shoulder is the dowel, and the outline's distance from it, sampled along it, is the *back profile*.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.core.records import Floats, Pose
from edge_agent.core.skeleton import EARS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Landmark

# Places along the chord at which the outline is read, as shares of it: 0 hip, 1 shoulder.
STATIONS: Floats = np.linspace(-0.1, 1.1, 25, dtype=np.float32)
# The outline is searched from this far in front of the chord to this far behind it, in chord lengths.
_VENTRAL, _DORSAL, _STEPS = -0.3, 0.9, 121
# A chord shorter than this many mask pixels (of 256) is seen too much end-on to have a profile.
_SHORTEST_CHORD_PX = 24.0
_BODY = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Dowel:
    """The line from mid-hip to mid-shoulder and the side of it on which the back lies, in crop units.

    hip, shoulder: (2,) its ends. dorsal: (2,) unit vector at right angles to it, out of the back.
    ``faces_left``: with the chord turned upright, the person faces the left edge of the picture.
    """

    hip: Floats
    shoulder: Floats
    dorsal: Floats
    faces_left: bool

    @property
    def chord(self) -> Floats:
        """(2,) from hip to shoulder."""
        return np.asarray(self.shoulder - self.hip, np.float32)

    @property
    def length(self) -> np.float32:
        """Of the chord."""
        return np.float32(np.hypot(*self.chord))


@dataclass(frozen=True, slots=True, eq=False)
class BackProfile:
    """The outline of the back in one frame.

    distance: (25,) outline's distance behind the chord at each of STATIONS, in chord lengths; NaN where unseen.
    outline_xy: (25, 2) the same points in crop units. chord_xy: (2, 2) hip and shoulder, crop units.
    """

    distance: Floats
    outline_xy: Floats
    chord_xy: Floats

    @property
    def seen_xy(self) -> Floats:
        """(n, 2) the points of the outline that were found, crop units."""
        return self.outline_xy[np.isfinite(self.distance)]


def lay_dowel(pose: Pose) -> Dowel | None:
    """The dowel on this back; None for a chord seen end-on."""
    hip = np.asarray(pose.crop_xy[list(HIPS)].mean(0), np.float32)
    shoulder = np.asarray(pose.crop_xy[list(SHOULDERS)].mean(0), np.float32)
    chord = shoulder - hip
    length = float(np.hypot(*chord))
    if length * 256 < _SHORTEST_CHORD_PX:
        return None
    across = np.array([-chord[1], chord[0]], np.float32) / np.float32(length)
    faces_left = _ventral_side(pose, hip, across, length) < 0
    return Dowel(hip, shoulder, across if faces_left else -across, faces_left)


def back_profile(pose: Pose) -> BackProfile | None:
    """The back's profile from a pose with a mask; None without a mask or with a chord seen end-on."""
    if pose.mask is None or (dowel := lay_dowel(pose)) is None:
        return None
    size, length = pose.mask.shape[0], dowel.length
    depth = np.linspace(_VENTRAL, _DORSAL, _STEPS, dtype=np.float32) * length
    base = dowel.hip + STATIONS[:, None] * dowel.chord
    probes = base[:, None] + depth[None, :, None] * dowel.dorsal
    cells = np.clip((probes * size).astype(np.intp), 0, size - 1)
    edge = _outer_edge(pose.mask[cells[..., 1], cells[..., 0]] > _BODY, int(np.argmin(np.abs(depth))))
    distance = np.where(edge >= 0, depth[edge], np.nan)
    outline = base + distance[:, None] * dowel.dorsal
    return BackProfile(
        np.asarray(distance / length, np.float32),
        np.asarray(outline, np.float32),
        np.stack([dowel.hip, dowel.shoulder]),
    )


def _outer_edge(body: npt.NDArray[np.bool_], chord: int) -> npt.NDArray[np.intp]:
    """For each row the last column of the body's run that holds or comes nearest to the chord; -1 if none."""
    columns = np.arange(body.shape[1])
    start = np.where(body, np.abs(columns - chord), len(columns)).argmin(1)
    outside = ~body & (columns > start[:, None])
    end = np.where(outside.any(1), outside.argmax(1), len(columns)) - 1
    return np.where(body.any(1), end, -1)


def _ventral_side(pose: Pose, hip: Floats, across: Floats, length: float) -> float:
    """+1 if the front of the body lies on the ``across`` side of the chord, else -1: a vote of its limbs.

    Hands, knees, toes and nose are in front of a bent body; each votes with its distance, a held-out arm no more
    than half a chord.
    """

    def mean(joints: tuple[int, ...]) -> Floats:
        weights = pose.visibility[list(joints)] + np.float32(0.05)
        return np.asarray((pose.crop_xy[list(joints)] * weights[:, None]).sum(0) / weights.sum(), np.float32)

    leads = [
        1.5 * (mean((Landmark.NOSE,)) - mean(EARS)),
        1.5 * (mean(TOES) - mean(HEELS)),
        mean(KNEES) - hip,
        mean(WRISTS) - hip,
    ]
    votes = [float(np.clip(lead @ across / length, -0.5, 0.5)) for lead in leads]
    return 1.0 if sum(votes) >= 0 else -1.0
