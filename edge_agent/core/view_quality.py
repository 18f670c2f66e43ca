"""How well a camera sees the people at work, from a minute of looks: shares and sizes, and what to change.

Nothing in it tells what anybody did: no lift is counted, nobody is told apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from edge_agent.core import light, placement
from edge_agent.core.light import Light
from edge_agent.core.posture import SEEN, Posture
from edge_agent.core.records import VIEWS, Pose, View
from edge_agent.core.skeleton import ANKLES, HEAD, HEELS, HIPS, SHOULDERS, TOES
from edge_agent.core.technique import view_of

LINES: Final = 720
"""Heights are told as in a picture of so many lines."""
LEAST_HEIGHT: Final = LINES * placement.LEAST_HEIGHT
"""Of the standing body, in a picture of LINES lines: below it people are found too seldom."""
MOST_LATE: Final = 0.2
FEWEST_LOOKS, FEWEST_PER_S = 10, 1.0
"""Somebody is believed in after four looks in a row. An empty scene is looked at three times a second."""
HALF: Final = 0.5
_EYES: Final = 0.93
"""Of the stature, the height of the eyes (Drillis and Contini, 1966: 0.936)."""
_UPRIGHT_DEG: Final = 25.0
_FARTHEST_APART_S: Final = 2.0
"""A look speaks for the time to the next, but for no longer than this."""


@dataclass(frozen=True, slots=True)
class Body:
    """One person in one look. ``height``: standing, in a picture of LINES lines; None while bent or cut off."""

    view: View
    height: float | None
    feet: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """One look: its media time and who was in it."""

    time_s: float
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class ViewQuality:
    """``late_share``: of due pictures that were overtaken by newer ones before there was time to look.

    ``seen_share``: of the time, with somebody in view. ``views``: of all bodies in all looks, from where they were
    seen. ``feet_share``: of those, with an ankle in view. ``height``: median, see Body.
    """

    looks: int
    looks_per_s: float
    late_share: float
    seen_share: float
    views: dict[View, float]
    feet_share: float
    height: float | None
    light: Light


def body_of(pose: Pose, posture: Posture, frame_height_px: int) -> Body:
    """What of a pose tells how well it is seen."""
    turned_seen = float(pose.visibility[[*SHOULDERS, *HIPS]].mean()) >= SEEN
    feet = float(pose.visibility[list(ANKLES)].max()) >= SEEN
    view: View = view_of(posture.view_from_side_deg) if turned_seen else "unknown"
    height = None
    if feet and posture.trunk_inclination_deg is not None and posture.trunk_inclination_deg < _UPRIGHT_DEG:
        soles, eyes = pose.xy[[*HEELS, *TOES], 1].max(), np.median(pose.xy[list(HEAD), 1])
        height = float(soles - eyes) / _EYES * LINES / frame_height_px
    return Body(view, height, feet)


def quality_of(sights: Sequence[Sight], late: int, light: Light) -> ViewQuality:
    """``late``: how many pictures were due and not looked at."""
    spans = [min(later.time_s - one.time_s, _FARTHEST_APART_S) for one, later in pairwise(sights)]
    seen_s = sum(span for span, sight in zip(spans, sights, strict=False) if sight.bodies)
    lasted_s = sights[-1].time_s - sights[0].time_s if sights else 0.0
    bodies = [body for sight in sights for body in sight.bodies]
    heights = [body.height for body in bodies if body.height is not None]
    return ViewQuality(
        looks=len(sights),
        looks_per_s=(len(sights) - 1) / lasted_s if lasted_s > 0 else 0.0,
        late_share=late / (late + len(sights)) if sights else 0.0,
        seen_share=seen_s / sum(spans) if sum(spans) > 0 else 0.0,
        views={view: _share([body.view == view for body in bodies]) for view in VIEWS},
        feet_share=_share([body.feet for body in bodies]),
        height=median(heights) if heights else None,
        light=light,
    )


def advice(quality: ViewQuality, *, alone: bool) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to do, in the order of their weight.

    ``alone``: no agent ran beside. Else it took its share of the box, and that much was late tells nothing.
    """
    if alone and quality.late_share > MOST_LATE:
        yield (
            f"{quality.late_share:.0%} of the pictures came while the box was still busy with others",
            "give this box fewer cameras or another device, or set rate_hz to 10 or pose.landmarker to lite",
        )
    if quality.looks < FEWEST_LOOKS or quality.looks_per_s < FEWEST_PER_S:
        yield "looked too seldom to judge", "look longer, or while the box has less to do"
        return
    yield from light.advice(quality.light)
    if not any(quality.views.values()):
        yield (
            "nobody was seen",
            "have somebody lift something in view, or look longer; else turn the camera to the work",
        )
        return
    yield from _of_the_place(quality)


def _of_the_place(quality: ViewQuality) -> Iterator[tuple[str, str]]:
    if quality.height is not None and quality.height < LEAST_HEIGHT:
        yield (
            f"people are too small ({quality.height:.0f} of {LINES} lines; {LEAST_HEIGHT:.0f} are needed)",
            "hang the camera nearer, zoom in, or take a stream of at least 1280x720",
        )
    if quality.views["end"] > HALF:
        yield "most are seen from the front or back", "hang the camera so that it sees who lifts from the side"
    if quality.views["unknown"] > HALF:
        yield "most are half hidden", "hang the camera higher, or where nothing stands between it and the work"
    if quality.feet_share < HALF:
        yield "feet are mostly out of view", "tilt the camera down, zoom out, or clear what hides the feet"


def _share(marks: Sequence[bool]) -> float:
    return sum(marks) / len(marks) if marks else 0.0
