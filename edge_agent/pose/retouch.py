"""Pictures of noisy or dim cameras, made clear before any network sees them; those of others stay as they are.

In such pictures the detector finds people whom the landmark network is then not sure of. DESIGN.md, 30 November, has
what each step is worth.
"""

from collections import deque
from math import sqrt
from statistics import median

import cv2
import numpy as np

from edge_agent.core.light import BLANK, DIM, Light
from edge_agent.core.records import Floats, Image

# A dim picture is stretched to two thirds of all levels, and stays so until it has this many times as many of its
# own: a lamp that flickers is no new camera.
_NO_LONGER_DIM = 1.25
_DARKEST, _BRIGHTEST = 20, 200  # nearer to the ends what few levels there are glare
# How far on its way to the mean each still picture takes it; and what differs by more of what noise does, moves.
_SHARE, _MOVES = 0.15, 4.0
_SMOOTH, _BLOCK = (5, 5), 8
_BLACK, _WHITE = 2, 253
_FEWEST = 20  # levels that are spread no further: what little is there would be mostly noise
_MEASURED_FIRST, _MEASURED_EVERY = 4, 16
_SAMPLE_WIDTH_PX = 160
_EDGE = 8  # an eighth at the top and one at the bottom, where cameras write name and time, says nothing of the light
# The standard deviation of what is spread normally, by the median of its sizes.
_BY_MEDIAN = 1 / 0.6745
_GLARING = 0.05  # of a stretched picture, brighter than its brightest when that was measured
_LEAST_CHANGE = 0.5  # grey levels, of the smoothed difference: what rounding does


class Retouch:
    """One for each camera. Measures on some of the pictures it is given whether they need anything.

    ``light``: what was measured last, before anything was done about it.
    """

    def __init__(self) -> None:
        self.light = Light()
        self._shape: tuple[int, ...] = ()
        self._mean: Floats | None = None

    def clear(self, image: Image) -> Image:
        """The (H, W, 3) picture of which the networks see most; the same object where nothing is amiss."""
        if image.shape != self._shape:
            self._start(image)
        if self._pictures < _MEASURED_FIRST or self._pictures % _MEASURED_EVERY == 0 or self._glares(image):
            self._measure(image)
        self._pictures += 1
        if self.light.noisy:
            image = np.asarray(cv2.medianBlur(self._at_rest(image), 3), np.uint8)
        else:
            self._mean = None  # 11 MB at 1280x720
        return image if self._levels is None else np.asarray(cv2.LUT(image, self._levels), np.uint8)

    def _start(self, image: Image) -> None:
        self._shape, self._pictures = image.shape, 0
        self._sample: Floats | None = None
        self._noises: deque[float] = deque(maxlen=_MEASURED_FIRST)
        self._levels: Image | None = None
        self._mean = None

    def _measure(self, image: Image) -> None:
        before, self._sample = self._sample, image[::4, ::4, 1].astype(np.float32)
        if before is not None:
            self._noises.append(_noise_between(before, self._sample))
        height = max(round(_SAMPLE_WIDTH_PX * image.shape[0] / image.shape[1]), 1)
        small = cv2.resize(image, (_SAMPLE_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
        low, high = np.percentile(_middle(_grey(np.asarray(small, np.uint8))), (0.1, 99.9))
        limit = DIM if self._levels is None else _NO_LONGER_DIM * DIM
        self._high = float(high)
        self._levels = _stretched(low, high) if BLANK <= high - low < limit else None
        self.light = Light(float(high - low), median(self._noises) if self._noises else 0.0)

    def _glares(self, image: Image) -> bool:
        """Whether the lights went on while the picture is stretched."""
        return self._levels is not None and float(np.mean(_middle(image[::8, ::8, 1]) > self._high)) > _GLARING

    def _at_rest(self, image: Image) -> Image:
        """Each place as the mean of its last pictures, as long as nothing moves there."""
        grey = _grey(image)
        if self._mean is None:
            self._mean, self._mean_grey = image.astype(np.float32), grey
        change = np.abs(cv2.blur(cv2.subtract(grey, self._mean_grey, dtype=cv2.CV_16S), _SMOOTH))
        usual = max(float(np.median(change[::4, ::4])) * _BY_MEDIAN, _LEAST_CHANGE)
        if usual > 2 * self.light.noise:  # smoothed, noise is less: the light has changed, or the camera has turned
            self._mean, self._mean_grey = image.astype(np.float32), grey
            return image
        moves = np.asarray(change > _MOVES * usual, np.uint8)
        cv2.accumulateWeighted(image, self._mean, _SHARE)
        cv2.copyTo(image.astype(np.float32), moves, self._mean)
        still = np.asarray(cv2.convertScaleAbs(self._mean), np.uint8)
        self._mean_grey = _grey(still)
        return still


def _middle(picture: Image) -> Image:
    edge = len(picture) // _EDGE
    return picture[edge : len(picture) - edge]


def _grey(image: Image) -> Image:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)


def _noise_between(before: Floats, now: Floats) -> float:
    """Standard deviation of what is new in each picture, in the stillest tenth of it: movement is not everywhere.

    More light, or a shadow, changes a place and its neighbours alike, and is taken out. What is quite black or white
    shows no noise and is left out; of a thumbnail it is 0.
    """
    if min(now.shape) < _BLOCK:
        return 0.0
    change = now - before
    alone = np.abs(change - cv2.blur(change, _SMOOTH))
    rows, columns = alone.shape[0] // _BLOCK, alone.shape[1] // _BLOCK
    cut = np.s_[: rows * _BLOCK, : columns * _BLOCK]
    blocks, levels = (each[cut].reshape(rows, _BLOCK, columns, _BLOCK) for each in (alone, now))
    shown = np.median(levels, axis=(1, 3))
    sizes = np.median(blocks, axis=(1, 3))[(shown > _BLACK) & (shown < _WHITE)]
    return float(np.percentile(sizes, 10)) * _BY_MEDIAN / sqrt(2) if len(sizes) else 0.0


def _stretched(low: float, high: float) -> Image:
    """(256,) what each level becomes."""
    gain = (_BRIGHTEST - _DARKEST) / max(high - low, _FEWEST)
    return np.asarray(np.clip((np.arange(256) - low) * gain + _DARKEST, 0, 255), np.uint8)
