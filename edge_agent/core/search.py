"""Where people are searched for, and how often: what is saved, who may be missed.

A stream's first frame is searched everywhere. From then on, several times a second, what moves away from the people
followed is searched at once, and so is the place where somebody was just lost from sight. Motion in which nobody was
found (a machine, a shadow, a swinging load) rests for a time that doubles from search to search, there for up to
2.4 s, and elsewhere, since what moves may be the same again, for 1.2 s. Whoever was missed so far and stands still is
found by the tiles taken in turn, one every two seconds, of those that do not look as they did when last searched: it
takes 40 s for all of a wide picture, but they cannot lift anything without moving.
"""

from dataclasses import dataclass, field
from math import hypot
from typing import Final

SEARCHES: Final = ("everywhere", "motion", "lost", "tile", "rested")
"""Why a window was searched, or in ``rested`` was not: fixed words, for metrics."""

GAP_S: Final = 0.3
"""Motion is looked for this often."""
BEYOND: Final = 1.2
"""Motion this near to a person's hips, as a multiple of how far their landmarks reach, is theirs: landmarks end at
nose and toes, hair and shadow go on."""
_TILE_GAP_S = 2.0
# Rest after the first fruitless search of a place, the longest, and the longest of all other places.
_REST_S, _LONGEST_REST_S, _LONGEST_REST_ELSEWHERE_S = 0.3, 2.4, 1.2
# Motion this near to a resting place (share of its side) is the same.
_SAME_PLACE = 0.25


@dataclass(slots=True)
class _Place:
    """Where nobody was found. Frame pixels, seconds."""

    x: float
    y: float
    side_px: float
    until_s: float
    rest_s: float


@dataclass(slots=True)
class Rests:
    """The places whose motion turned out to be nobody."""

    _places: list[_Place] = field(default_factory=list)
    _rest_s: float = 0.0
    _until_s: float = 0.0

    def rests(self, x: float, y: float, time_s: float) -> bool:
        """Whether motion centred here can wait."""
        place = self._at(x, y)
        return time_s < self._until_s or (place is not None and time_s < place.until_s)

    def note(self, centre_xy: tuple[float, float], side_px: float, *, fruitful: bool, time_s: float) -> None:
        """A search of motion here has ended."""
        self._places = [place for place in self._places if time_s - place.until_s < _LONGEST_REST_S]
        place = self._at(*centre_xy)
        self._rest_s = 0.0 if fruitful else min(max(2 * self._rest_s, _REST_S), _LONGEST_REST_ELSEWHERE_S)
        self._until_s = time_s + self._rest_s
        if fruitful:
            self._places = [other for other in self._places if other is not place]
        elif place is None:
            self._places.append(_Place(*centre_xy, side_px, time_s + _REST_S, _REST_S))
        else:
            place.rest_s = min(2 * place.rest_s, _LONGEST_REST_S)
            place.until_s = time_s + place.rest_s

    def _at(self, x: float, y: float) -> _Place | None:
        near = (place for place in self._places if hypot(x - place.x, y - place.y) < _SAME_PLACE * place.side_px)
        return next(near, None)


@dataclass(slots=True)
class TileTurn:
    """When the next tile has its turn."""

    _due_s: float = 0.0

    def is_due(self, time_s: float) -> bool:
        """Whether a tile is due; if so its turn is taken."""
        due = time_s >= self._due_s
        if due:
            self._due_s = time_s + _TILE_GAP_S
        return due
