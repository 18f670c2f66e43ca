"""What one stage hands to the next inside the box. None of these objects ever leaves it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

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
    """

    camera: str
    image: Image
    time_s: float


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
