"""People in a window of the frame: BlazePose's SSD detector.

Source of layout and numbers: MediaPipe ``pose_detection`` graph (anchors, 224 px, threshold 0.5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import dist
from typing import Self

import numpy as np

from edge_agent.core.records import Floats, Image
from edge_agent.pose.network import Network
from edge_agent.pose.pixels import halved, warped

_BOXES, _SCORES = OUTPUTS = ("Identity", "Identity_1")
_SIZE_PX = 224
# Stride in pixels → anchors per cell; the three stride-32 layers of the graph share one grid.
_ANCHORS_PER_CELL = {8: 2, 16: 2, 32: 6}
_HIP, _SCALE, _SHOULDER = 0, 1, 2  # its four keypoints; the last (upper-body scale) is not used


@dataclass(frozen=True, slots=True)
class Window:
    """A square of the frame to look at, in frame pixels; it may reach over the frame's edge."""

    x: float
    y: float
    side_px: float

    @classmethod
    def about(cls, centre: Floats, reach_px: float) -> Self:
        """That reaches so far from a (2,) frame point, to all sides."""
        return cls(float(centre[0]) - reach_px, float(centre[1]) - reach_px, 2 * reach_px)

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle, frame pixels."""
        return self.x + self.side_px / 2, self.y + self.side_px / 2

    def shows(self, x: float, y: float) -> bool:
        """Whether a point of the frame lies in it."""
        return self.x <= x <= self.x + self.side_px and self.y <= y <= self.y + self.side_px


@dataclass(frozen=True, slots=True)
class Detection:
    """Somebody: mid-hip, mid-shoulder and the farthest body point's distance from the hip, frame pixels."""

    hip_xy: tuple[float, float]
    shoulder_xy: tuple[float, float]
    reach_px: float
    score: float

    @property
    def torso(self) -> Floats:
        """(2,) middle of the torso, frame pixels."""
        return np.asarray(np.add(self.hip_xy, self.shoulder_xy) / 2, np.float32)


def anchors() -> Floats:
    """(2254, 2) anchor centres as fractions of the window."""
    layers = []
    for stride, per_cell in _ANCHORS_PER_CELL.items():
        grid = (np.arange(_SIZE_PX // stride, dtype=np.float32) + 0.5) / (_SIZE_PX // stride)
        x, y = np.meshgrid(grid, grid)
        layers.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), per_cell, axis=0))
    return np.concatenate(layers)


def decode(boxes: Floats, logits: Floats, window: Window, min_score: float) -> list[Detection]:
    """The raw (2254, 12) boxes and (2254, 1) scores as detections, best first, duplicates merged."""
    scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -60, 60)))
    likely = np.flatnonzero(scores >= min_score)
    found = []
    for i in likely:
        points = (boxes[i, 4:12].reshape(4, 2) / _SIZE_PX + _ANCHORS[i]) * window.side_px
        points += (window.x, window.y)
        hip, shoulder = points[_HIP], points[_SHOULDER]
        reach = float(np.hypot(*(points[_SCALE] - hip)))
        hip_xy, shoulder_xy = (float(hip[0]), float(hip[1])), (float(shoulder[0]), float(shoulder[1]))
        found.append(Detection(hip_xy, shoulder_xy, reach, float(scores[i])))
    return distinct(found)


def distinct(found: Iterable[Detection]) -> list[Detection]:
    """Best first; of several detections of one person, from one window or more, the best."""
    kept: list[Detection] = []
    for one in sorted(found, key=lambda one: -one.score):
        if one.reach_px > 0 and not any(_same(one, other) for other in kept):
            kept.append(one)
    return kept


def _same(one: Detection, other: Detection) -> bool:
    return dist(one.hip_xy, other.hip_xy) < 0.4 * max(one.reach_px, other.reach_px)


def whole(person: Detection, window: Window, width: int, height: int) -> bool:
    """Whether the window shows the person from head to foot, as far as the frame itself does.

    The detector guesses wildly about people cut by a window's edge; another window shows them whole.
    """
    (x, y), reach = person.hip_xy, _MUST_SHOW * person.reach_px
    end_x, end_y = window.x + window.side_px, window.y + window.side_px
    return (
        x - reach >= (window.x if window.x > 0 else -width)
        and y - reach >= (window.y if window.y > 0 else -height)
        and x + reach <= (end_x if end_x < width else 2 * width)
        and y + reach <= (end_y if end_y < height else 2 * height)
    )


_MUST_SHOW = 0.75  # of the reach; arms and feet may stick out a little
_ANCHORS = anchors()
_LARGEST_STEP = 2.0


class Detector:
    """Finds people who fill about a quarter to all of a window's side."""

    def __init__(self, network: Network, min_score: float = 0.5) -> None:
        """``min_score`` 0.5 is MediaPipe's own ``min_detection_confidence``."""
        self._network = network
        self._min_score = min_score

    def detect(self, image: Image, windows: Sequence[Window]) -> list[Detection]:
        """Everyone seen in any of the windows; somebody in two windows is reported twice."""
        answers = self._network.infer([_cut(image, window) for window in windows])
        height, width = image.shape[:2]
        return [
            person
            for window, answer in zip(windows, answers, strict=True)
            for person in decode(answer[_BOXES], answer[_SCORES], window, self._min_score)
            if whole(person, window, width, height)
        ]


def _cut(image: Image, window: Window) -> Image:
    """The window as the network's picture; what lies outside of the frame is black.

    A plain bilinear step over more than two pixels would skip some: thin limbs would flicker. Halves are cheap, 0.5
    against 3.5 CPU ms for one resampling by area, and are made of the window only.
    """
    height, width = image.shape[:2]
    x, y = min(max(int(window.x), 0), width - 1), min(max(int(window.y), 0), height - 1)
    part = image[y : y + int(window.side_px) + 2, x : x + int(window.side_px) + 2]
    left, top, step = window.x - x, window.y - y, window.side_px / _SIZE_PX
    while step > _LARGEST_STEP and min(part.shape[:2]) > 1:
        part, left, top, step = halved(part), left / 2, top / 2, step / 2
    return warped(part, np.array([[step, 0, left], [0, step, top]], np.float32), _SIZE_PX)
