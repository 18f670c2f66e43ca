"""What one stage hands to the next inside the box. None of these objects ever leaves it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from edge_agent.core.crop import Crop

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

Technique = Literal["hinge", "squat", "rounded_back", "unknown"]
View = Literal["side", "oblique", "end", "unknown"]

TECHNIQUES: tuple[Technique, ...] = ("hinge", "squat", "rounded_back", "unknown")
VIEWS: tuple[View, ...] = ("side", "oblique", "end", "unknown")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture of one camera.

    image: (height, width, 3) uint8, BGR.
    time_s: media time, seconds since the stream's first frame; never decreases within a stream.
    captured_s: when it came out of the decoder, on the monotonic clock; None where nobody looked at the clock.
    passed_over: the frames since the last one that was looked at, oldest first, each converted only when asked for.
    """

    camera: str
    image: Image
    time_s: float
    captured_s: float | None = None
    passed_over: tuple[Callable[[], "Frame"], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person in one frame.

    xy: (33, 2) frame pixels. crop_xy: (33, 2) crop units 0…1, torso up. visibility: (33,) 0…1.
    world_m: (33, 3) metres about the mid-hip, x right, y down, z away from the camera, frame-aligned.
    score: 0…1 that a person is in the crop. mask: (256, 256) probability of body, crop-aligned, or None.
    """

    crop: Crop
    xy: Floats
    crop_xy: Floats
    visibility: Floats
    world_m: Floats
    score: float
    mask: Floats | None

    def elsewhere(self, by_px: Floats) -> "Pose":
        """The same body, moved by (2,) frame pixels; nothing is known of its outline there."""
        x, y = self.crop.center_x + float(by_px[0]), self.crop.center_y + float(by_px[1])
        crop = replace(self.crop, center_x=x, center_y=y)
        return replace(self, crop=crop, xy=np.asarray(self.xy + by_px, np.float32), mask=None)


@dataclass(frozen=True, slots=True)
class Lift:
    """One finished bend-and-return cycle of one person, judged.

    Times are media seconds of the camera's stream; ``center_x`` and ``feet_xy`` are fractions of the frame's
    width and height (origin top left). Angles are in degrees, ``None`` where they could not be seen.
    ``reasons`` are sentences for people; ``unknown_reason`` is a short fixed word for metrics, set exactly
    when ``technique`` is ``unknown``.
    """

    person: int
    start_s: float
    peak_s: float
    end_s: float
    center_x: float
    feet_xy: tuple[float, float]
    technique: Technique
    confidence: float
    view: View
    view_from_side_deg: float | None
    trunk_inclination_deg: float | None
    spine_flexion_deg: float | None
    knee_flexion_deg: float | None
    reasons: tuple[str, ...]
    unknown_reason: str | None = None
