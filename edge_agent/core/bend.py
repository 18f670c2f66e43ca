"""One bend, from leaving an upright posture to being back in it: what was seen, frame by frame, and how it moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np

from edge_agent.core.kinematics import Back
from edge_agent.core.posture import Posture
from edge_agent.core.records import Floats

BENT: Final = 0.45
"""The depth at which a bend begins and ends."""
BOTTOM: Final = 0.85
"""Moments at least this share of the deepest are the bottom of a bend."""
# Depth tells late that a bend began or has ended. It begins where the shoulders leave their height by this share of
# their way down, and ends where they are nearly back at it; their height is what they hardly exceeded from this time
# before the bend on, and the median of this time after it. The shares were chosen on simulated lifts of seeds 961 and
# 971; on those of 901 and 951 the start is off by 0.13 s and the end by 0.16 s, by depth it was 0.26 and 0.21 s.
_LEFT, _BACK, _PLACE_S = 0.02, 0.03, 0.7
_HIGHEST_PERCENT = 10
_GRID_S = 1 / 15
# Who has come up by less than this share of the way down is most likely still bent, if that was this far.
_BACK_UP, _HARDLY_M, _FIRST = 0.5, 0.2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame of one person: posture, depth of the bend, and the back where its outline was asked for."""

    posture: Posture
    depth: float
    back: Back | None

    @property
    def time_s(self) -> float:
        """Media time, seconds."""
        return self.posture.time_s


@dataclass(frozen=True, slots=True, eq=False)
class Bend:
    """A finished cycle, or as much of it as was in view."""

    moments: tuple[Moment, ...]
    start_s: float
    end_s: float

    @property
    def peak(self) -> Moment:
        """The moment the bottom is reached; there a person may stay for a while."""
        return self.bottom(0.95)[0]

    def bottom(self, share: float) -> list[Moment]:
        """Moments at least this share of the peak's depth deep."""
        return _deep(self.moments, share)

    @property
    def ends(self) -> tuple[Sequence[Moment], Sequence[Moment]]:
        """The first and the last eighth of the moments."""
        few = max(len(self.moments) // 8, 1)
        return self.moments[:few], self.moments[-few:]

    @property
    def lowered_m(self) -> tuple[float, float]:
        """How far the shoulders sink on the picture from the start of the bend, and rise to its end."""
        low_px = _shoulder_y_px(self.bottom(BOTTOM))
        start_m, end_m = ((low_px - _shoulder_y_px(end)) / px_per_m(self.moments) for end in self.ends)
        return start_m, end_m

    @property
    def travel_m(self) -> float:
        """How far the hips moved from left to right on the picture."""
        x_px = [moment.posture.hip_xy[0] for moment in self.moments]
        return (max(x_px) - min(x_px)) / px_per_m(self.moments)


def px_per_m(moments: Sequence[Moment]) -> float:
    """How large the person is on the picture, in the median of these moments."""
    return median(moment.posture.px_per_m for moment in moments)


def came_up(moments: Sequence[Moment]) -> bool:
    """Whether the shoulders are back up where the bend began, by half of the way down at least.

    True as well where they hardly went down on the picture: then it says nothing.
    """
    first, low, now = (_shoulder_y_px(part) for part in (moments[:_FIRST], _deep(moments, BOTTOM), moments[-1:]))
    sank_px = low - first
    return sank_px < _HARDLY_M * px_per_m(moments) or low - now >= _BACK_UP * sank_px


def start_s(before: Sequence[Moment], moments: Sequence[Moment]) -> float:
    """When the shoulders left their height, going back from the bottom; the first moment's time where nobody saw.

    Only up and down counts: who is about to lift steps up to it. Of one who steps towards a camera that looks down it
    is told some tenths early. Some are taken for bent while they still stand, so their height is read of all the time
    until the bottom.
    """
    place = [moment for moment in before if moments[0].time_s - moment.time_s <= _PLACE_S]
    if len(place) < 2:
        return moments[0].time_s
    bottom = _deep(moments, BOTTOM)
    seen = (*place, *(moment for moment in moments if moment.time_s > place[-1].time_s))
    going_down = [moment for moment in seen if moment.time_s <= bottom[0].time_s]
    at_y_px = float(np.percentile(_evenly_y_px(going_down), _HIGHEST_PERCENT))
    sank_px = _shoulder_y_px(bottom) - at_y_px
    if sank_px < _HARDLY_M / 2 * px_per_m(moments):
        return moments[0].time_s
    off_px = [moment.posture.shoulder_xy[1] - at_y_px for moment in going_down]
    left_s = _within_s(going_down[::-1], off_px[::-1], _LEFT * sank_px)
    return moments[0].time_s if left_s is None else left_s


def end_s(bend: Bend, after: Sequence[Moment]) -> float:
    """When the shoulders were back at their height, going on from the peak; of who is still bent, the last moment.

    ``after``: how the person stood then; where nobody saw that, how the bend's own last moments did. Only up and down
    counts: who has lifted walks off. Of one who walks up to a camera that looks down it is told some tenths early.
    """
    if bend.moments[-1].depth >= BENT:
        return bend.end_s
    place = [moment for moment in after if moment.time_s - bend.end_s <= _PLACE_S]
    at_y_px = float(np.median(_evenly_y_px(place if len(place) > 1 else bend.moments[-2:])))
    rise_px = _shoulder_y_px(bend.bottom(BOTTOM)) - at_y_px
    if rise_px < _HARDLY_M / 2 * px_per_m(bend.moments):
        return bend.end_s
    coming_up = [moment for moment in bend.moments if moment.time_s >= bend.peak.time_s]
    off_px = [abs(moment.posture.shoulder_xy[1] - at_y_px) for moment in coming_up]
    back_s = _within_s(coming_up, off_px, _BACK * rise_px)
    return bend.end_s if back_s is None else back_s


def _within_s(way: Sequence[Moment], off_px: Sequence[float], limit_px: float) -> float | None:
    """When the shoulders were first so near, from the bottom on; between two looks they are taken to move evenly."""
    for i in range(1, len(way)):
        if off_px[i] < limit_px:
            share = (limit_px - off_px[i]) / max(off_px[i - 1] - off_px[i], 1e-6)
            return way[i].time_s + min(share, 1.0) * (way[i - 1].time_s - way[i].time_s)
    return None


def _evenly_y_px(moments: Sequence[Moment]) -> Floats:
    """Heights of the shoulders at even steps of time: who stands is looked at less often than who moves."""
    at_s = [moment.time_s for moment in moments]
    y_px = [moment.posture.shoulder_xy[1] for moment in moments]
    return np.asarray(np.interp(np.arange(at_s[0], at_s[-1] + _GRID_S / 2, _GRID_S), at_s, y_px), np.float32)


def _deep(moments: Sequence[Moment], share: float) -> list[Moment]:
    deepest = max(moment.depth for moment in moments)
    return [moment for moment in moments if moment.depth >= share * deepest]


def _shoulder_y_px(moments: Sequence[Moment]) -> float:
    return median(moment.posture.shoulder_xy[1] for moment in moments)
