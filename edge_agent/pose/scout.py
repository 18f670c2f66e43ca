"""Where in the frame somebody without a track may be: windows around motion, and tiles taken in turn.

The detector sees a person who fills a quarter or more of a window's side and misses one under about 15 %,
so the whole frame is never enough: a person 120 px tall in a 1280-px frame fills 9 % of it.
"""

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from edge_agent.core.records import Frame, Image
from edge_agent.core.search import Rests, TileTurn
from edge_agent.pose.detector import Window

_MOTION_WIDTH_PX = 160
# A window this many times the moving blob's longer side: arms or legs alone may be what moves.
_AROUND_MOTION = 2.2
_SMALLEST_WINDOW_PX = 240.0  # at first
# After a search in vain the next windows are of another size: the same again would most likely show the same.
_SIZES = (1.0, 1.6, 0.8)
_SMALLEST_BLOB = 12  # cells of the motion picture: about 24x24 px in a 1280-px frame
_MOTION_WINDOWS = 2
# Grey levels by which a cell must change before its tile is searched again. A sensor's noise of 4 is 0.8 here, after
# averaging; who stands still sways by more.
_CHANGED = 5
# More than this share of the picture moving is the camera or the light, not somebody.
_SHAKEN = 0.4


def tiles(width: int, height: int) -> list[Window]:
    """Windows of three sizes that together show everyone from 1/6 of the frame's height to all of it."""
    long, short = float(max(width, height)), float(min(width, height))
    found = []
    for side in (long, short, max(0.6 * short, min(_SMALLEST_WINDOW_PX, short))):
        xs, ys = _starts(width, side), _starts(height, side)
        found += [Window(x, y, side) for y in ys for x in xs]
    return list(dict.fromkeys(found))


def _starts(length: float, side: float) -> list[float]:
    """Where windows of this side begin so that they overlap by about half; centred when one is enough."""
    spare = length - side
    if spare <= 0:
        return [spare / 2]
    count = int(np.ceil(spare / (0.5 * side))) + 1
    return [float(start) for start in np.linspace(0, spare, count)]


class Scout:
    """Chooses the few windows of a frame that deserve the detector; policy in `core.search`. One for each camera."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self.searches: list[str] = []
        self._start()

    def _start(self) -> None:
        self._background = cv2.createBackgroundSubtractorMOG2(history=300, varThreshold=25, detectShadows=False)
        self._seen: Image = np.empty((0, 0), np.uint8)
        self._rests, self._tile_turn = Rests(), TileTurn()
        self._searched: list[Window] = []
        self._fruitless = 0
        self._shaken, self.stirred = False, True

    def windows(self, frame: Frame, followed: Sequence[Window], lost: Sequence[Window]) -> list[Window]:
        """Everything on a stream's first frame; later motion outside ``followed``, what was ``lost``, and a tile.

        ``searches`` says why, window by window; ``stirred`` whether there was anything new, be it all of the picture.
        """
        image = frame.image
        if image.shape != self._shape:
            self._shape = image.shape
            self._start()
            self._moving(image)
            self._tiles = deque((tile, self._seen) for tile in tiles(image.shape[1], image.shape[0]))
            self.searches = ["everywhere"] * len(self._tiles)
            return [tile for tile, _ in self._tiles]
        motion = self._around_motion(image, followed)
        self._searched = [window for window in motion if not self._rests.rests(*window.centre, frame.time_s)]
        tile = self._changed_tile(followed) if self._tile_turn.is_due(frame.time_s) else []
        rested = len(motion) - len(self._searched)
        counts = {"motion": len(self._searched), "rested": rested, "lost": len(lost), "tile": len(tile)}
        self.searches = [reason for reason, count in counts.items() for _ in range(count)]
        self.stirred = bool(self.searches) or self._shaken
        return [*self._searched, *lost, *tile]

    def found(self, people_xy: Sequence[tuple[float, float]], time_s: float) -> None:
        """Where in the windows last given somebody new was found and is followed now: other motion may rest."""
        met = [any(window.shows(x, y) for x, y in people_xy) for window in self._searched]
        for window, fruitful in zip(self._searched, met, strict=True):
            self._rests.note(window.centre, window.side_px, fruitful=fruitful, time_s=time_s)
        if met:
            self._fruitless = 0 if any(met) else self._fruitless + 1

    def _moving(self, image: Image) -> Image:
        scale = _MOTION_WIDTH_PX / image.shape[1]
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        self._seen = np.asarray(cv2.blur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5)), np.uint8)
        return np.asarray(self._background.apply(small), np.uint8)

    def _changed_tile(self, occupied: Sequence[Window]) -> list[Window]:
        """The next in turn that shows more than when it was last searched; of the others the answer is known."""
        for _ in range(len(self._tiles)):
            tile, then = self._tiles.popleft()
            differs = cv2.absdiff(self._seen, then) >= _CHANGED
            for window in occupied:
                differs[self._small(window)] = False
            changed = np.count_nonzero(differs[self._small(tile)]) >= _SMALLEST_BLOB
            self._tiles.append((tile, self._seen if changed else then))
            if changed:
                return [tile]
        return []

    def _small(self, window: Window) -> tuple[slice, slice]:
        """Rows and columns of the small picture."""
        scale = self._shape[1] / _MOTION_WIDTH_PX
        x0, y0 = (max(int(v / scale), 0) for v in (window.x, window.y))
        x1, y1 = (max(int((v + window.side_px) / scale), 0) for v in (window.x, window.y))
        return slice(y0, y1), slice(x0, x1)

    def _around_motion(self, image: Image, occupied: Sequence[Window]) -> list[Window]:
        moving, scale = self._moving(image), image.shape[1] / _MOTION_WIDTH_PX
        for window in occupied:
            moving[self._small(window)] = 0
        self._shaken = bool(np.count_nonzero(moving) > _SHAKEN * moving.size)
        if self._shaken:
            return []
        moving = np.asarray(cv2.dilate(moving, np.ones((3, 3), np.uint8)), np.uint8)
        _, _, blobs, centers = cv2.connectedComponentsWithStats(moving)
        times = _SIZES[self._fruitless % len(_SIZES)]
        found = [
            _window(center * scale, float(max(blob[cv2.CC_STAT_WIDTH], blob[cv2.CC_STAT_HEIGHT])) * scale, times)
            for blob, center in sorted(zip(blobs[1:], centers[1:], strict=True), key=lambda pair: -pair[0][4])
            if blob[cv2.CC_STAT_AREA] >= _SMALLEST_BLOB
        ]
        return found[:_MOTION_WINDOWS]


def _window(center: np.ndarray[tuple[int], np.dtype[np.float64]], extent_px: float, times: float) -> Window:
    side = times * max(_AROUND_MOTION * extent_px, _SMALLEST_WINDOW_PX)
    return Window(float(center[0]) - side / 2, float(center[1]) - side / 2, side)
