"""The square, torso-upright window on a person, and the way back to the frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Half the side of the crop is this many times the distance from the hip to the farthest body point, as in
# MediaPipe's ``pose_landmark`` graph (scale 1.25 on both sides).
_MARGIN = 1.25
# Seen from the front a deeply bent torso is a short line of uncertain direction; below this share of the
# body's reach the crop is turned less and less, and at half of it not at all.
_SHORT_TORSO = 0.24


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the frame, turned so that the person's torso points up in it.

    Centre and side in frame pixels. ``angle_rad`` turns "up" in the crop to the torso's direction in the
    frame: 0 upright, positive when the torso leans to the right of the picture.
    """

    center_x: float
    center_y: float
    side_px: float
    angle_rad: float

    def axes(self) -> tuple[Floats, Floats]:
        """Unit vectors, in the frame, of the crop's right and down directions."""
        cos, sin = np.cos(self.angle_rad), np.sin(self.angle_rad)
        return np.array([cos, sin], np.float32), np.array([-sin, cos], np.float32)

    def to_frame(self, points: Floats) -> Floats:
        """(n, 2) points in crop units (0…1, origin top left) to frame pixels."""
        right, down = self.axes()
        offset = (points - np.float32(0.5)) * np.float32(self.side_px)
        center = np.array([self.center_x, self.center_y], np.float32)
        return np.asarray(center + offset[:, :1] * right + offset[:, 1:2] * down, np.float32)

    def turn(self, points: Floats) -> Floats:
        """(n, 3) metric points from crop-aligned to frame-aligned axes; depth is unchanged."""
        right, down = self.axes()
        turned = points.copy()
        turned[:, :2] = points[:, :1] * right + points[:, 1:2] * down
        return turned


def around(hip: Floats, shoulder: Floats, reach_px: float) -> Crop:
    """The crop on a person whose mid-hip and mid-shoulder are at these (2,) frame pixels."""
    torso = shoulder - hip
    length = float(np.hypot(*torso))
    angle = float(np.arctan2(torso[0], -torso[1]))
    certainty = np.clip(2 * length / (_SHORT_TORSO * reach_px) - 1, 0, 1) if reach_px > 0 else 0.0
    return Crop(float(hip[0]), float(hip[1]), 2 * _MARGIN * reach_px, angle * float(certainty))
