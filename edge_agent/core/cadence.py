"""How soon somebody must be looked at again: as often as they move, for a look costs the same whatever it shows.

Who stands or walks about is looked at every quarter of a second, mostly by what moves in the picture alone
(`Follower.carried`). Where a look finds them on the move, the frames that were passed over since the last one are
looked at first, one after the other. So a bend is seen from its first frame on, and paid for only then. From then on
every other frame is looked at, until they are still again, or for as long as they bend: of held postures seen in
every fourth frame more were taken for lifts. Newcomers, and all while somebody is lost from sight (`Watch.due_s`),
are looked at in every frame.
"""

from collections import deque
from math import hypot
from typing import Final

from edge_agent.core.posture import Posture

LOOK_BACK: Final = 4
"""Frames kept that were passed over: those of a quarter of a second at 15 a second, and one more."""

LONGEST_GAP_S: Final = 0.27
"""Between two looks: every fourth frame of the default 15 a second."""

MOVING_GAP_S: Final = 0.1
"""Between two looks at who bends, or is on the move: every other frame of the default 15 a second."""

# Shoulders that move by this much against the hips within a quarter of a second, or hips that sink or rise so far
# over the feet. A lift's way down takes 0.4 to 0.6 m in about a second.
_BEND_M: Final = 0.05
_SPAN_S: Final = 0.2
# Of what the hips of one who walks travel on the picture, far away and seen from above, the feet seem to rise or sink
# by up to this share; in a squat the hips travel down and little else.
_BOBBING: Final = 0.5


def has_moved(before: Posture, now: Posture) -> bool:
    """Whether a body has begun to bend, or to come up, between two looks. Walking is no reason, either way."""
    hip, shoulder, feet = (
        _moved_m(getattr(before, part), getattr(now, part), now) for part in ("hip_xy", "shoulder_xy", "feet_xy")
    )
    bent_m = hypot(shoulder[0] - hip[0], shoulder[1] - hip[1])
    sank_m = min(abs(hip[1]), abs(hip[1] - feet[1]))  # who walks away rises on the picture, feet and all
    return bent_m >= _BEND_M or sank_m >= max(_BEND_M, _BOBBING * hypot(*hip))


def gap_s(lately: deque[Posture], *, bending: bool) -> float:
    """Seconds until the next look, from the last postures of one person, oldest first; 0 for the next frame."""
    now = lately[-1]
    if now.time_s - lately[0].time_s < _SPAN_S:
        return 0.0
    return MOVING_GAP_S if bending or has_moved(lately[0], now) else LONGEST_GAP_S


def remember(lately: deque[Posture], posture: Posture) -> None:
    """Keep the postures of about a quarter of a second, and at least one that is so old."""
    lately.append(posture)
    while len(lately) > 2 and posture.time_s - lately[1].time_s >= _SPAN_S:
        lately.popleft()


def _moved_m(start_xy: tuple[float, float], end_xy: tuple[float, float], scale: Posture) -> tuple[float, float]:
    return (end_xy[0] - start_xy[0]) / scale.px_per_m, (end_xy[1] - start_xy[1]) / scale.px_per_m
