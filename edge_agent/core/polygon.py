"""Polygons that a person typed: whether one can be a part of the floor, and what stands in it."""

from collections.abc import Sequence
from itertools import combinations

Point = tuple[float, float]

SMALLEST_AREA = 1e-4
"""As a fraction of the picture: 92 pixels of 1280x720. Nobody draws less on purpose; chosen, not measured."""


def flaw(corners: Sequence[Point]) -> str | None:
    """Say "what: cure" of an impossible polygon, or None. Corners: fractions of the picture, in order."""
    if len(set(corners)) < len(corners):
        return "a corner is given twice: drop one; the last edge closes by itself"
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    for (first, one), (second, other) in combinations(enumerate(edges), 2):
        neighbours = second - first in {1, len(edges) - 1}
        if not neighbours and _meet(one, other):
            return f"edge {first + 1} crosses edge {second + 1}: list the corners in drawing order"
    area = abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in edges)) / 2
    if area < SMALLEST_AREA:
        return "the area is zero: choose corners that do not lie on one line"
    return None


def contains(corners: Sequence[Point], point: Point) -> bool:
    """Whether the point lies inside: a ray from it to the right crosses an odd number of edges."""
    x, y = point
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


def _meet(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether two segments cross or touch."""
    (a, b), (c, d) = one, other
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((one, c), (one, d), (other, a), (other, b))
    return any(turn == 0 and _between(edge, end) for turn, (edge, end) in zip(turns, ends, strict=True))


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive where a, b, c turn one way, negative where the other, 0 where they lie on one line."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(edge: tuple[Point, Point], point: Point) -> bool:
    """Whether a point on the edge's line lies within its bounds."""
    (x0, y0), (x1, y1) = edge
    return min(x0, x1) <= point[0] <= max(x0, x1) and min(y0, y1) <= point[1] <= max(y0, y1)
