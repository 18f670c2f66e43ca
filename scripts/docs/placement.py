"""The pictures of the camera placement guide: from which side, how high, how far. ``measured`` has the figures."""

from math import asin, degrees, sqrt

from scripts.docs.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    WHITE,
    Picture,
    Point,
    around,
    box,
    camera,
    disc,
    lines,
    sector,
    stroke,
    text,
)
from scripts.docs.measured import said, told_by_view
from scripts.docs.person import ROUNDED, STANDING, TALL_M, View, back, drawn, load

SPINE, README = "models/spine/README.md", "README.md"
STEEPEST_DEG, NEAREST_M, FARTHEST_M = 45, 2.5, 10.0
"""Of the simulated cameras: ``said`` holds them against the page."""
ZONES = ((0, 30, BLUE, "Side"), (30, 60, SKY, "Oblique"), (60, 90, "#c9ced6", "Front or back"))


def view_from_above() -> Picture:
    """Which directions are worth how much."""
    said(README, "Up to about 60° from the side; beyond it, mostly `unknown`.")
    centre: Point = (250, 262)
    picture = Picture(
        820,
        520,
        "From above: a camera within 30 degrees of the person's side tells most, "
        "up to 60 degrees less, from the front or the back hardly anything.",
    )
    for low, high, colour, _ in ZONES:
        for middle in (90, 270):
            for sign in (1, -1):
                picture.add(sector(centre, (62, 215), (middle + sign * low, middle + sign * high), colour))
    picture.add(*_worker_from_above(centre))
    for angle in (90, 270):
        picture.add(camera(around(centre, 190, angle), centre))
    for words, angles in (("side", (90, 270)), ("oblique", (45, 135, 225, 315)), ("front", (0,)), ("back", (180,))):
        for x, y in (around(centre, 135, angle) for angle in angles):
            picture.add(text((x, y + 5), words, fill=WHITE if words == "side" else INK, look="middle bold"))
    picture.add(lines((500, 60), ["Lifts that the spine model", "was not trained on:"], size=15))
    for row, seen in enumerate(told_by_view()):
        picture.add(*_bars((500, 130 + 122 * row), row, (seen.lifts, seen.told, seen.right)))
    picture.add(text((500, 496), "simulated people; models/spine/README.md", fill=GREY, size=12))
    return picture


def _worker_from_above(centre: Point) -> list[str]:
    x, y = centre
    return [
        box((x + 30, y - 20), (34, 40), ORANGE, edge=INK, radius=3),
        stroke([(x, y - 28), (x + 34, y - 16)], INK, 9),
        stroke([(x, y + 28), (x + 34, y + 16)], INK, 9),
        stroke([(x, y - 26), (x, y + 26)], INK, 24),
        disc((x + 10, y), 13, WHITE, edge=INK),
    ]


def _bars(at: Point, zone: int, counts: tuple[int, int, int]) -> list[str]:
    (x, y), (low, high, colour, name), (lifts, told, right) = at, ZONES[zone], counts
    wide = 290.0
    return [
        text((x, y), f"{name}, {low}–{high}° off", look="bold"),
        box((x, y + 10), (wide, 22), PALE, edge=GREY),
        box((x, y + 10), (wide * told / lifts, 22), colour),
        text((x, y + 50), f"technique told: {told} of {lifts} ({told / lifts:.0%})"),
        text((x, y + 70), f"told rightly: {right} of {told} ({right / told:.0%})"),
    ]


def what_the_camera_sees() -> Picture:
    """One rounded back, from three sides."""
    picture = Picture(
        820,
        320,
        "The same bent person from the side, obliquely and from the front: "
        "only from the side is the outline of the back to be seen.",
    )
    said(README, "the outline of the back cannot be seen")
    for column, (angle, name, told) in enumerate((
        (0, "Side", "the back is an outline"),
        (45, "Oblique", "part of it is hidden"),
        (85, "Front", "there is no outline: unknown"),
    )):  # fmt: skip
        left = 20 + 265 * column
        picture.add(box((left, 16), (250, 220), PALE, radius=6))
        view = View((left + (95 if angle == 0 else 118), 214), 135, angle, 12)
        picture.add(load(ROUNDED, view), drawn(ROUNDED, view, "#5b6470"))
        if angle < 60:
            picture.add(back(ROUNDED, view, VERMILLION if angle == 0 else "#eba77c"))
        picture.add(text((left + 125, 264), f"{name}, {angle if angle < 60 else 90}°", look="middle bold"))
        picture.add(text((left + 125, 288), told, look="middle"))
    return picture


def height_and_distance() -> Picture:
    """Where the camera may hang, seen from the side."""
    said(SPINE, "2–45° up, 2.5–10 m away, 110–700 pixels per person")
    scale, foot = 54.0, (110.0, 448.0)
    middle = (foot[0], foot[1] - scale * TALL_M / 2)
    picture = Picture(
        820,
        500,
        "Seen from the side: the camera may be 2.5 to 10 metres away and look down by "
        "2 to 45 degrees; it was not trained with steeper ones.",
    )
    picture.add(sector(middle, (scale * NEAREST_M, scale * FARTHEST_M), (2, STEEPEST_DEG), "#d7e9f7"))
    picture.add(stroke([(20, foot[1]), (800, foot[1])], INK, 2))
    picture.add(drawn(STANDING, View(foot, scale), "#5b6470"))
    for far, high in ((5.0, 3.0), (8.0, 4.0)):
        picture.add(*_mounted(foot, middle, scale, far, high))
    picture.add(*_too_steep(foot, middle, scale))
    for angle in (2, STEEPEST_DEG):
        x, y = around(middle, scale * FARTHEST_M + 8, angle)
        picture.add(text((x + 4, max(y, 26)), f"{angle}° down", look="bold", fill=BLUE))
    for far in (NEAREST_M, 5, FARTHEST_M):
        x = foot[0] + scale * far
        picture.add(stroke([(x, foot[1]), (x, foot[1] + 8)], INK, 2))
        picture.add(text((x, foot[1] + 26), f"{far:g} m", look="middle"))
    picture.add(lines((28, 48), ["Blue: the cameras it was", "trained with. Stay inside."], fill=BLUE, look="bold"))
    return picture


def _mounted(foot: Point, middle: Point, scale: float, far: float, high: float) -> list[str]:
    at = (foot[0] + scale * far, foot[1] - scale * high)
    down = degrees(asin((high - TALL_M / 2) / sqrt(far**2 + (high - TALL_M / 2) ** 2)))
    return [
        stroke([(at[0], foot[1]), at], GREY, 3),
        stroke([at, middle], GREEN, 1.5, dashes="5 5"),
        camera(at, middle, GREEN),
        lines(
            (at[0] + 10, at[1] + 44), (f"{high:g} m up, {far:g} m away:", f"{down:.0f}° down"), fill=GREEN, size=13
        ),
    ]


def _too_steep(foot: Point, middle: Point, scale: float) -> list[str]:
    at = (foot[0] + scale * 0.8, foot[1] - scale * 4.4)
    return [
        stroke([at, middle], VERMILLION, 1.5, dashes="5 5"),
        camera(at, middle, VERMILLION),
        text((at[0] + 20, at[1] + 4), "steeper than trained", fill=VERMILLION, size=13),
    ]
