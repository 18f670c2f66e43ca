"""One body as the spine model sees it: the dowel upright, the back to the right, lengths in chords.

Turned and scaled so, every bend looks alike wherever the camera hangs: what is left to learn is the shape.
"""

from dataclasses import dataclass

import numpy as np

from edge_agent.core.posture import Posture
from edge_agent.core.records import Floats, Pose
from edge_agent.core.skeleton import ANKLES, EARS, ELBOWS, HEELS, HIPS, KNEES, SHOULDERS, TOES, WRISTS, Landmark
from edge_agent.core.spine import Dowel, lay_dowel

# The window on the mask, in chord lengths: along the dowel from below the seat to over the head, and across it.
ROWS, COLUMNS = 64, 48
_BELOW, _ABOVE, _ASIDE = -0.7, 1.7, 0.9
_PAIRS = (EARS, SHOULDERS, ELBOWS, WRISTS, HIPS, KNEES, ANKLES, HEELS, TOES)
_JOINTS = (Landmark.NOSE, *(joint for pair in _PAIRS for joint in pair))
_MIRRORED = (Landmark.NOSE, *(joint for one, other in _PAIRS for joint in (other, one)))
# Farther away than this, in chord lengths, a joint is misplaced.
_FARTHEST = 3.0
# Brings degrees and metres to the size of the other inputs.
_PER_DEG, _PER_M = 1 / 50, 2.0
VALUES = 4 * len(_JOINTS) + 2 + 2 * 6


@dataclass(frozen=True, slots=True, eq=False)
class BodyView:
    """What the spine model is shown of one frame.

    mask: (64, 48) probability of body; head up, back to the right. values: (90,) for each of 19 joints its place
    along and behind the dowel, depth and visibility; the dowel's direction in the picture; six measures of the
    posture, each with whether it is known.
    """

    mask: Floats
    values: Floats


def body_view(pose: Pose, posture: Posture) -> BodyView | None:
    """The view of a pose with a mask; None without a mask or with a chord seen end-on."""
    if pose.mask is None or (dowel := lay_dowel(pose)) is None:
        return None
    return BodyView(
        _window(pose.mask, dowel), np.concatenate([_joints(pose, dowel), _turn(pose, dowel), _known(posture)])
    )


def _window(mask: Floats, dowel: Dowel) -> Floats:
    along = np.linspace(_ABOVE, _BELOW, ROWS, dtype=np.float32)
    across = np.linspace(-_ASIDE, _ASIDE, COLUMNS, dtype=np.float32) * dowel.length
    points = dowel.hip + along[:, None, None] * dowel.chord + across[None, :, None] * dowel.dorsal
    return _bilinear(mask, points * mask.shape[0] - np.float32(0.5))


def _bilinear(mask: Floats, at: Floats) -> Floats:
    """The mask at (…, 2) places (x, y) in its pixels; outside of it the nearest edge's value."""
    limit = mask.shape[0] - 1
    low = np.clip(np.floor(at), 0, limit - 1).astype(np.intp)
    share = np.clip(at - low, 0, 1)
    sx, sy, width = share[..., 0], share[..., 1], mask.shape[1]
    cells, first = mask.ravel(), low[..., 1] * width + low[..., 0]
    upper = (1 - sx) * cells[first] + sx * cells[first + 1]
    lower = (1 - sx) * cells[first + width] + sx * cells[first + width + 1]
    return np.asarray((1 - sy) * upper + sy * lower, np.float32)


def _joints(pose: Pose, dowel: Dowel) -> Floats:
    """(76,) the near side first, whichever side of the body it is."""
    order = list(_JOINTS if dowel.faces_left else _MIRRORED)
    off = (pose.crop_xy[order] - dowel.hip) / dowel.length
    trunk = pose.world_m[list(SHOULDERS)].mean(0) - pose.world_m[list(HIPS)].mean(0)
    depth = pose.world_m[order, 2] / max(float(np.linalg.norm(trunk)), 0.05)
    along, behind = off @ (dowel.chord / dowel.length), off @ dowel.dorsal
    places = np.clip(np.column_stack([along, behind, depth]), -_FARTHEST, _FARTHEST)
    table = np.column_stack([places, pose.visibility[order]])
    return np.asarray(table.ravel(), np.float32)


def _turn(pose: Pose, dowel: Dowel) -> Floats:
    """(2,) how the dowel leans in the picture: forwards and upwards."""
    right, down = pose.crop.axes()
    chord = (dowel.chord[0] * right + dowel.chord[1] * down) / dowel.length
    forward = -chord[0] if dowel.faces_left else chord[0]
    return np.array([forward, -chord[1]], np.float32)


def _known(posture: Posture) -> Floats:
    """(12,) six measures and whether each is known."""
    measures = (
        (posture.trunk_inclination_deg, _PER_DEG),
        (posture.knee_flexion_deg, _PER_DEG),
        (posture.shin_inclination_deg, _PER_DEG),
        (posture.view_from_side_deg, _PER_DEG),
        (posture.hip_height_m, _PER_M),
        (posture.shoulder_height_m, _PER_M),
    )
    values = [0.0 if value is None else value * scale for value, scale in measures]
    return np.array([*values, *(float(value is not None) for value, _ in measures)], np.float32)
