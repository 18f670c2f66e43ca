"""How often a stream's pictures come, and how often one that can be decoded without those before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Rhythm:
    """``fps`` is None of fewer than two pictures, ``keyframe_s`` of fewer than two keyframes.

    ``keyframe_s``: the longest time from one keyframe to the next. ``seen_s``: from the first picture to the last.
    """

    fps: float | None
    keyframe_s: float | None
    seen_s: float


def rhythm_of(pictures: Sequence[tuple[float, bool]]) -> Rhythm:
    """Of (time in seconds, whether it is a keyframe) in any order: pictures are sent in that of their decoding."""
    times = sorted(time_s for time_s, _ in pictures)
    keys = sorted(time_s for time_s, key in pictures if key)
    seen_s = times[-1] - times[0] if times else 0.0
    fps = (len(times) - 1) / seen_s if seen_s > 0 else None
    return Rhythm(fps, max((later - one for one, later in pairwise(keys)), default=None), seen_s)
