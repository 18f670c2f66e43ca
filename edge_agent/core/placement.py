"""Whether a camera hangs well, from what it has seen: how large people are, their feet, and from which side."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from edge_agent.core import light
from edge_agent.core.bend import Moment
from edge_agent.core.figures import Share
from edge_agent.core.light import Light
from edge_agent.core.quality import UNKNOWN_CAUTION, UNKNOWN_POOR, Level
from edge_agent.core.records import Lift, View

Advice = tuple[Level, str]
"""How bad it is, and in words what to do."""

LEAST_HEIGHT: Final = 1 / 6
"""Of a person standing, as a share of the picture's height: 120 of 720 pixels. The detector misses who fills less
than about 15 % of its window, and its smallest windows are made for people from here on (``pose.scout.tiles``)."""
FEWEST_BENDS: Final = 10
"""A share of fewer says nothing yet: of ten, five are anything from 24 to 76 % (Wilson)."""
FEET_CAUTION, FEET_POOR = 0.2, 0.5
"""Share of looks at people in which the feet were not seen. Chosen, not measured."""

# Shoulders above ankles, of the stature: acromion 0.818, ankle 0.039 (Drillis and Contini 1966).
_SHOULDER_TO_ANKLE = 0.779
# Depth of a bend below which somebody certainly stands, as in `core.lifts`.
_STANDING = 0.22
# Sizes of the last so many looks at somebody standing: some minutes, for a camera may be moved meanwhile.
_SIZES = 2000
_SEEN_FROM: Final[dict[View, str]] = {
    "side": "from the side",
    "oblique": "obliquely",
    "end": "from front or back",
}
_UNTOLD: Final = {
    "too_short": "they were in view too shortly",
    "legs_hidden": "the legs were hidden",
    "view": "the outline of the back could not be seen",
    "confidence": "they lay between two techniques",
}


@dataclass(slots=True)
class Placement:
    """Fed look by look. ``looks``, and those with anybody in them; bends by view, and by why they were not told.

    ``light``: as the newest picture has it.
    """

    looks: int = 0
    occupied: int = 0
    feet_hidden: int = 0
    bodies: int = 0
    picture_px: int = 0
    light: Light = field(default_factory=Light)
    views: Counter[View] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    _heights_px: deque[float] = field(default_factory=lambda: deque(maxlen=_SIZES))

    def see(self, people: Sequence[Moment], lifts: Sequence[Lift], picture_px: int) -> None:
        """Take one look. picture_px: the picture's height."""
        self.picture_px = picture_px
        self.looks += 1
        self.occupied += bool(people)
        self.bodies += len(people)
        for moment in people:
            shoulder_m = moment.posture.shoulder_height_m
            if shoulder_m is None:
                self.feet_hidden += 1
            elif moment.depth < _STANDING:
                self._heights_px.append(shoulder_m * moment.posture.px_per_m / _SHOULDER_TO_ANKLE)
        self.views.update(lift.view for lift in lifts)
        self.untold.update(lift.unknown_reason for lift in lifts if lift.unknown_reason)

    @property
    def bends(self) -> int:
        """How many were seen."""
        return self.views.total()

    @property
    def height_px(self) -> float | None:
        """Median height of people standing, None before anybody was seen with their feet."""
        return median(self._heights_px) if self._heights_px else None

    def advice(self) -> list[Advice]:
        """What is good and what to change, in the order in which to change it."""
        if not self.occupied:
            walk = "nobody was seen so far: walk through the picture, and stand where people lift"
            return [*self._lit(), ("caution", walk)]
        return [*self._lit(), *self._size(), *self._feet(), *self._view(), *self._told()]

    def _lit(self) -> Iterator[Advice]:
        for what, fix in light.advice(self.light):
            yield "poor", f"{fix}: {what}"

    def _size(self) -> Iterator[Advice]:
        height_px = self.height_px
        if height_px is None:
            return
        share = height_px / self.picture_px
        seen = f"people are {height_px:.0f} pixels tall, {share:.0%} of the picture"
        if share < LEAST_HEIGHT:
            least_px = LEAST_HEIGHT * self.picture_px
            yield "poor", f"move the camera closer or zoom in: {seen}; below {least_px:.0f} pixels many are not found"
        else:
            yield "good", seen

    def _feet(self) -> Iterator[Advice]:
        hidden = Share(self.feet_hidden, self.bodies)
        share = hidden.value or 0.0
        if share <= FEET_CAUTION:
            yield "good", "feet are in view"
        else:
            level: Level = "poor" if share > FEET_POOR else "caution"
            yield (
                level,
                f"bring the feet into view, they tell the zone and the legs: hidden or cut off in {share:.0%} "
                "of looks at people",
            )

    def _view(self) -> Iterator[Advice]:
        if self.bends < FEWEST_BENDS:
            yield (
                "caution",
                f"{self.bends} of the {FEWEST_BENDS} bends that a judgement needs were seen: let people work, or "
                "bend where they lift, as they would stand there",
            )
            return
        end, oblique, side = self.views["end"], self.views["oblique"], self.views["side"]
        turn = "turn or move the camera so that people are seen from the side"
        if end > UNKNOWN_CAUTION * self.bends:
            level: Level = "poor" if end > UNKNOWN_POOR * self.bends else "caution"
            yield level, f"{turn}: {end} of {self.bends} bends were seen {_SEEN_FROM['end']}"
        elif oblique > side:
            yield "caution", f"{turn}: {oblique} of {self.bends} bends were seen {_SEEN_FROM['oblique']}"
        else:
            yield "good", f"{side} of {self.bends} bends were seen {_SEEN_FROM['side']}"

    def _told(self) -> Iterator[Advice]:
        share = self.untold.total() / self.bends if self.bends >= FEWEST_BENDS else 0.0
        if share > UNKNOWN_CAUTION:
            level: Level = "poor" if share > UNKNOWN_POOR else "caution"
            reasons = "; ".join(f"{_UNTOLD[word]} ({count})" for word, count in self.untold.most_common())
            yield level, f"{self.untold.total()} of {self.bends} bends could not be told, because {reasons}"
