"""Plain SVG for the pictures in the docs: shapes, words, arrows. Lengths are pixels, angles degrees."""

from collections.abc import Iterable, Sequence
from html import escape
from math import atan2, cos, radians, sin
from typing import Final

Point = tuple[float, float]

INK, GREY, PALE, WHITE = "#222222", "#8a8a8a", "#eef1f4", "#ffffff"
BLUE, SKY, VERMILLION, GREEN, ORANGE = "#0072b2", "#56b4e9", "#d55e00", "#00694c", "#e69f00"
"""Okabe and Ito's palette, which colour-blind people tell apart; the words always stand there too."""

FONT: Final = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
_HEAD_PX: Final = 9.0


class Picture:
    """Grows part by part; later parts lie over earlier ones. A light card, to be read on any page."""

    def __init__(self, width: int, height: int, says: str) -> None:
        """says: the picture in words, for whoever cannot see it."""
        self._width, self._height, self._says = width, height, says
        self._parts: list[str] = []

    def add(self, *parts: str) -> None:
        """What the functions below return."""
        self._parts += parts

    @property
    def svg(self) -> str:
        """The whole file."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._width} {self._height}"'
        head += f' width="{self._width}" height="{self._height}" role="img" font-family="{FONT}" font-size="14">'
        card = box((0.5, 0.5), (self._width - 1, self._height - 1), WHITE, edge="#d5dae0", radius=10)
        return "\n".join([head, f"<title>{escape(self._says)}</title>", card, *self._parts, "</svg>", ""])


def box(at: Point, size: Point, fill: str, *, edge: str = "none", radius: float = 0) -> str:
    """A rectangle from its top left corner."""
    place = f'x="{at[0]:.1f}" y="{at[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}"'
    return f'<rect {place} rx="{radius}" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'


def text(at: Point, words: str, *, fill: str = INK, size: float = 14, look: str = "") -> str:
    """look: any of `middle`, `end`, `bold`, each after a space."""
    anchor = next((word for word in ("middle", "end") if word in look.split()), "start")
    weight = ' font-weight="600"' if "bold" in look.split() else ""
    place = f'x="{at[0]:.1f}" y="{at[1]:.1f}"'
    return f'<text {place} fill="{fill}" font-size="{size}" text-anchor="{anchor}"{weight}>{escape(words)}</text>'


def lines(at: Point, words: Iterable[str], *, fill: str = INK, size: float = 14, look: str = "") -> str:
    """One below the other."""
    rows = (text((at[0], at[1] + 1.35 * size * row), each, fill=fill, size=size, look=look)
            for row, each in enumerate(words))  # fmt: skip
    return "\n".join(rows)


def stroke(points: Sequence[Point], colour: str, width: float = 1.5, *, dashes: str = "", opacity: float = 1) -> str:
    """Straight from point to point, with round ends."""
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<polyline points="{placed}" fill="none" stroke="{colour}" stroke-width="{width:.1f}" '
        f'stroke-linecap="round" stroke-linejoin="round" opacity="{opacity}"{dashed}/>'
    )


def area(points: Sequence[Point], fill: str, *, edge: str = "none", opacity: float = 1) -> str:
    """A polygon."""
    placed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{placed}" fill="{fill}" stroke="{edge}" stroke-width="1.5" opacity="{opacity}"/>'


def disc(at: Point, radius: float, fill: str, *, edge: str = "none") -> str:
    """A circle."""
    place = f'cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:.1f}"'
    return f'<circle {place} fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'


def arrow(points: Sequence[Point], colour: str = INK, width: float = 2, *, dashes: str = "") -> str:
    """A stroke with a head at its last point."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    turn = atan2(y1 - y0, x1 - x0)
    ends = [(x1 - _HEAD_PX * cos(turn + side), y1 - _HEAD_PX * sin(turn + side)) for side in (0.45, -0.45)]
    return stroke(points, colour, width, dashes=dashes) + area([(x1, y1), *ends], colour)


def around(centre: Point, radius: float, angle_deg: float) -> Point:
    """The point at an angle: 0 to the right, 90 up."""
    return centre[0] + radius * cos(radians(angle_deg)), centre[1] - radius * sin(radians(angle_deg))


def sector(centre: Point, radii: Point, angles_deg: Point, fill: str, *, opacity: float = 1) -> str:
    """A slice of a ring, from the first angle to the second, against the clock."""
    steps = [angles_deg[0] + share / 24 * (angles_deg[1] - angles_deg[0]) for share in range(25)]
    outer = [around(centre, radii[1], angle) for angle in steps]
    inner = [around(centre, radii[0], angle) for angle in reversed(steps)]
    return area([*outer, *inner], fill, opacity=opacity)


def camera(at: Point, towards: Point, fill: str = INK) -> str:
    """A small camera that looks at a point."""
    turn = atan2(towards[1] - at[1], towards[0] - at[0])

    def place(along: float, across: float) -> Point:
        return at[0] + along * cos(turn) - across * sin(turn), at[1] + along * sin(turn) + across * cos(turn)

    body = [place(-14, -7), place(6, -7), place(6, 7), place(-14, 7)]
    lens = [place(6, -4), place(13, -8), place(13, 8), place(6, 4)]
    return area(body, fill) + area(lens, fill)
