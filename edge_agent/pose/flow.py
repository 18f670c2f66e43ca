"""How far shoulders, hips and feet have gone from one picture to another: sparse optical flow in place of a network.

Of somebody who stands or walks this is all that a look is for, and it costs a twentieth of one. It says nothing of
how a body is bent: who changes has to be looked at. Lucas and Kanade's method in pyramids (Bouguet 2001), which is
OpenCV's ``calcOpticalFlowPyrLK``.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from edge_agent.core.records import Floats, Image
from edge_agent.pose.pixels import halved

Corner = npt.NDArray[np.int64]
"""(2,) whole pixels."""

# Nine points about each part, this share of the body's reach apart: cloth often shows nothing at a single one.
_APART = (-0.1, 0.0, 0.1)
_GRID: Final = np.stack(np.meshgrid(_APART, _APART), -1).reshape(-1, 2).astype(np.float32)
_ENOUGH = 4  # of them that must be found again
_FARTHEST = 0.5  # of the reach, beyond what was expected; flow that goes further has slipped onto something else
_MARGIN = 0.35  # of the reach; what is read about the parts
# Pictures are halved until a body's reach is this small. Windows of 13 px, three times halved, follow about 50 px.
_LARGEST_REACH_PX = 120.0
_WINDOW, _HALVINGS = (13, 13), 3
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 8, 0.05)
_SMALLEST_PX = 24


def moved_px(before: Image, now: Image, parts: Floats, reach_px: float, ahead_px: Floats) -> Floats | None:
    """(parts, 2) by how much each part of one body has moved, frame pixels; None where too little of it is in view.

    NaN for a part of which the first picture shows too little, or that seems to have gone too far. Nothing tells
    whether the second picture shows the same body: where something has come before it, that is what is followed.

    before, now: two pictures of one camera. parts: (parts, 2) frame pixels in the first. reach_px: of the body, from
    hip to the farthest landmark. ahead_px: (2,) how far it is expected to have moved, where the search begins.
    """
    ahead = np.rint(ahead_px).astype(np.int64)
    if before.shape != now.shape:
        return None
    low, high = _region(parts, _MARGIN * reach_px, ahead, now.shape)
    step = 2 ** max(int(np.ceil(np.log2(reach_px / _LARGEST_REACH_PX))), 0)
    if int((high - low).min()) < step * _SMALLEST_PX:
        return None
    first, second = _grey(before, low, high, step), _grey(now, low + ahead, high + ahead, step)
    points = (parts[:, None] + _GRID * np.float32(reach_px)).reshape(-1, 1, 2)
    start = np.asarray((points - low) / step, np.float32)
    end, status, _ = cv2.calcOpticalFlowPyrLK(
        first, second, start, np.empty_like(start), winSize=_WINDOW, maxLevel=_HALVINGS, criteria=_CRITERIA
    )
    found = status.reshape(len(parts), -1) == 1
    gone = (np.asarray(end, np.float32) - start).reshape(len(parts), -1, 2) * np.float32(step)
    return _middles(gone, found, _FARTHEST * reach_px) + ahead.astype(np.float32)


def _middles(ways: Floats, found: npt.NDArray[np.bool_], farthest_px: float) -> Floats:
    """(parts, 2) the way that most of each part's points have gone; NaN where they are few or have gone too far.

    ways: (parts, points, 2). found: (parts, points). NumPy's own median takes five times as long of so few.
    """
    counts = found.sum(1)
    ordered = np.sort(np.where(found[..., None], ways, np.float32(np.inf)), axis=1)
    part = np.arange(len(ways))
    middles = (ordered[part, np.maximum(counts - 1, 0) // 2] + ordered[part, counts // 2]) / 2
    kept = (counts >= _ENOUGH) & (np.hypot(middles[:, 0], middles[:, 1]) <= farthest_px)
    return np.where(kept[:, None], middles, np.float32(np.nan))


def _region(parts: Floats, margin_px: float, ahead: Corner, shape: tuple[int, ...]) -> tuple[Corner, Corner]:
    """Corners of what is read of the first picture: as much as the second has of it too, that far ahead."""
    size = np.array(shape[1::-1], np.int64)
    low = np.maximum((parts.min(0) - margin_px).astype(np.int64), np.maximum(0, -ahead))
    high = np.minimum((parts.max(0) + margin_px).astype(np.int64), np.minimum(size, size - ahead))
    return low, high


def _grey(image: Image, low: Corner, high: Corner, step: int) -> Image:
    """One part of a picture, halved after its colours are gone: before, it costs ten times as much."""
    part = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.uint8)
    while step > 1:
        grey, step = halved(grey), step // 2
    return grey
