"""A person's own upright posture: what every bend is measured against. Kept in memory, forgotten with the track."""

from dataclasses import dataclass
from math import inf

import numpy as np

from edge_agent.core.kinematics import Back, Kinematics
from edge_agent.core.posture import Posture
from edge_agent.core.records import Floats

# Landmarks of a standing adult, in the pose network's metric units: read off standing people in real footage,
# 5th to 95th percentile 0.60-0.77 m and 1.06-1.29 m. Used until the person has been seen upright.
TYPICAL_HIP_HEIGHT_M = 0.69
TYPICAL_SHOULDER_HEIGHT_M = 1.20
# Upright: trunk within REBA's lowest flexion band (0-20°) plus the camera's tilt, knees nearly straight.
_MAX_TRUNK_DEG = 28.0
_MAX_KNEE_DEG = 35.0
# Told upright: within REBA's lowest band, and no more than the model's own error beyond standing.
_TOLD_TRUNK_DEG = 15.0
_TRUSTED_HEIGHTS_M = (0.5, 0.9)
# Share of each new upright posture in the running mean: half a second of standing at 15 Hz settles it, and half a
# second at any other rate. After a longer time unseen, as in a bend, a posture counts as after this one.
_SHARE, _FRAMES_PER_S, _LONGEST_S = 0.15, 15.0, 0.2
_CODE_SHARE = 0.3
# Slower: who leans back at the top of a lift for a second has not changed how they stand.
_LEAN_SHARE = 0.02


@dataclass(slots=True)
class Upright:
    """Running mean of the person's upright postures; ``code`` is the (n, 64) code of the standing back."""

    hip_height_m: float = TYPICAL_HIP_HEIGHT_M
    shoulder_height_m: float = TYPICAL_SHOULDER_HEIGHT_M
    trunk_deg: float = 0.0
    lean_deg: float = 0.0
    code: Floats | None = None
    backs: int = 0
    hip_y_px: float | None = None
    shoulder_y_px: float | None = None
    seen: int = 0
    seen_s: float = -inf

    def learn(self, posture: Posture, back: Back | None, told: Kinematics | None) -> bool:
        """Take the posture, and the back where it is known, into the mean if it is upright; say whether it was."""
        trunk = posture.trunk_inclination_deg
        if trunk is None or not _is_upright(posture, told):
            return False
        hip, shoulder = posture.hip_height_m, posture.shoulder_height_m
        share = max(_share(_SHARE, posture.time_s - self.seen_s), 1 / (self.seen + 2))
        if hip is not None and shoulder is not None and _TRUSTED_HEIGHTS_M[0] < hip < _TRUSTED_HEIGHTS_M[1]:
            self.hip_height_m += share * (hip - self.hip_height_m)
            self.shoulder_height_m += share * (shoulder - self.shoulder_height_m)
        self.trunk_deg += share * (trunk - self.trunk_deg)
        lean_share = max(_share(_LEAN_SHARE, posture.time_s - self.seen_s), 1 / (self.seen + 2))
        self.lean_deg += lean_share * ((posture.trunk_lean_deg or 0.0) - self.lean_deg)
        self.hip_y_px = _toward(self.hip_y_px, posture.hip_xy[1], 2 * share)
        self.shoulder_y_px = _toward(self.shoulder_y_px, posture.shoulder_xy[1], 2 * share)
        if back is not None:
            self._learn_code(back.code)
        self.seen, self.seen_s = self.seen + 1, posture.time_s
        return True

    def move(self, before: Posture, now: Posture) -> None:
        """Who stands has gone elsewhere in the picture between two postures."""
        if self.hip_y_px is not None and self.shoulder_y_px is not None:
            self.hip_y_px += now.hip_xy[1] - before.hip_xy[1]
            self.shoulder_y_px += now.shoulder_xy[1] - before.shoulder_xy[1]

    def _learn_code(self, now: Floats) -> None:
        self.backs += 1
        share = np.float32(max(_CODE_SHARE, 1 / self.backs))
        self.code = now if self.code is None else np.asarray(self.code + share * (now - self.code), np.float32)

    def hip_drop(self, posture: Posture) -> float | None:
        """How far the hips are below standing, as a share of their standing height."""
        if posture.hip_height_m is None:
            return None
        return 1 - posture.hip_height_m / self.hip_height_m

    def drops_in_picture_m(self, posture: Posture) -> tuple[float, float] | None:
        """Drop of hips and shoulders on the picture, for one whose planted feet are hidden now."""
        if self.hip_y_px is None or self.shoulder_y_px is None:
            return None
        hip = (posture.hip_xy[1] - self.hip_y_px) / posture.px_per_m
        return hip, (posture.shoulder_xy[1] - self.shoulder_y_px) / posture.px_per_m

    def inclination_deg(self, posture: Posture) -> float | None:
        """Trunk inclination against the person's own upright trunk, which also takes out the camera's tilt."""
        if posture.trunk_inclination_deg is None:
            return None
        return max(posture.trunk_inclination_deg - 0.7 * self.trunk_deg, 0.0)


def _is_upright(posture: Posture, told: Kinematics | None) -> bool:
    """By what the spine model tells where it was asked: seen from above, keypoints make everybody lean."""
    if told is not None:
        return told.trunk_inclination_deg.value < _TOLD_TRUNK_DEG and told.knee_flexion_deg.value < _MAX_KNEE_DEG
    trunk, knee = posture.trunk_inclination_deg, posture.knee_flexion_deg
    return trunk is not None and trunk <= _MAX_TRUNK_DEG and (knee is None or knee <= _MAX_KNEE_DEG)


def _share(of_one: float, elapsed_s: float) -> float:
    """The share that as many frames would have had that could have been seen since the last one."""
    return float(1 - (1 - of_one) ** (min(elapsed_s, _LONGEST_S) * _FRAMES_PER_S))


def _toward(mean: float | None, value: float, share: float) -> float:
    return value if mean is None else mean + min(share, 1.0) * (value - mean)
