"""The pictures of the camera placement guide: how large, what is in the way, zones and masks."""

from math import radians, tan

from scripts.docs.drawing import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    VERMILLION,
    WHITE,
    Picture,
    Point,
    area,
    box,
    disc,
    lines,
    text,
)
from scripts.docs.measured import said
from scripts.docs.person import HINGE, STANDING, TALL_M, View, back, drawn, load
from scripts.docs.placement import FARTHEST_M, README

SMALLEST_PX, FRAME_PX = 120, (1280, 720)


def size_in_the_picture() -> Picture:
    """How large a person must be, and how far away that is."""
    said(README, "at least 120 pixels tall in a 1280×720 picture")
    picture = Picture(
        820,
        400,
        "In a picture of 1280 by 720 a person should be at least 120 pixels tall; "
        "with a lens of 90 degrees that is 9.3 metres.",
    )
    scale = 0.36
    picture.add(box((20, 20), (FRAME_PX[0] * scale, FRAME_PX[1] * scale), PALE, edge=INK))
    floor = 20 + FRAME_PX[1] * scale - 14
    for x, tall, colour, words in ((70, 80, VERMILLION, "too small"), (170, SMALLEST_PX, ORANGE, "least"),
                                   (280, 250, GREEN, "good"), (405, 420, GREEN, "good")):  # fmt: skip
        picture.add(drawn(STANDING, View((x, floor), tall * scale / TALL_M), colour))
        picture.add(text((x, floor + 38), f"{tall} px", look="middle bold"))
        picture.add(text((x, floor + 58), words, look="middle", fill=colour if colour != ORANGE else "#8a5a00"))
    picture.add(
        text((20, 382), "a picture of 1280×720; taller ones are reduced to 720 lines (height_px)", fill=GREY, size=12)
    )
    picture.add(*_reach((520, 20)))
    return picture


def _reach(at: Point) -> list[str]:
    """A bar for each lens."""
    x, y = at
    parts = [text((x, y + 16), f"A person {TALL_M} m tall has {SMALLEST_PX} px at", look="bold")]
    for row, lens in enumerate((40, 60, 75, 90, 110)):
        far = farthest_m(lens)
        top, wide = y + 36 + 46 * row, 13.0 * min(far, FARTHEST_M)
        parts += [
            text((x, top + 18), f"lens {lens}°"),
            box((x + 72, top), (wide, 26), GREEN if far >= FARTHEST_M else ORANGE),
            text((x + 80 + wide, top + 18), f"{far:.1f} m" if far < FARTHEST_M else "10 m *"),
        ]
    words = (
        "* farther by the pixels, but the simulated",
        "cameras end at 10 m. Reckoned, not measured:",
        "640 / tan(lens / 2) × 1.75 m / 120",
    )
    return [*parts, lines((x, y + 290), words, fill=GREY, size=12)]


def farthest_m(lens_deg: float) -> float:
    """Where a person is as tall as the least, through a lens that shows this angle across the picture."""
    return FRAME_PX[0] / 2 / tan(radians(lens_deg / 2)) * TALL_M / SMALLEST_PX


def nothing_in_the_way() -> Picture:
    """What may hide which part."""
    picture = Picture(
        820,
        300,
        "The whole body must be in view: a cart hides the legs, the picture's edge cuts "
        "off the feet, a load before the trunk blurs the back.",
    )
    said(README, "The whole body, feet included, should be in view")
    said(README, "Things held in front of the belly, barbell plates and dark backgrounds blur the outline")
    for column, (good, words) in enumerate((
        (True, ("whole body, feet included",)),
        (False, ("legs hidden behind a cart:", "hinge and squat look alike")),
        (False, ("feet cut off: no zone, and", "the legs are a guess")),
        (False, ("a rack before the trunk:", "the back is not an outline")),
    )):  # fmt: skip
        left = 16 + 200 * column
        colour = GREEN if good else VERMILLION
        view = View((left + 80, 260 if column == 2 else 196), 118, 0, 8)
        body = [load(HINGE, view), drawn(HINGE, view, "#5b6470"), back(HINGE, view, colour if good else "#eba77c")]
        frame = f'<svg x="{left}" y="16" width="188" height="200" viewBox="{left} 16 188 200">'
        picture.add(frame, box((left, 16), (188, 200), PALE), *body, *_hiding(column, left), "</svg>")
        picture.add(text((left + 94, 242), "good" if good else "not so", fill=colour, look="middle bold"))
        picture.add(lines((left + 94, 262), words, size=13, look="middle"))
    return picture


def _hiding(column: int, left: float) -> list[str]:
    if column == 1:
        return [box((left + 20, 112), (150, 84), ORANGE, edge=INK, radius=3), disc((left + 50, 200), 9, INK),
                disc((left + 140, 200), 9, INK)]  # fmt: skip
    if column == 3:
        return [
            box((left + 64, 16), (22, 200), "#9aa4b0", edge=INK),
            box((left + 20, 84), (150, 16), "#9aa4b0", edge=INK),
        ]
    return []


def zones_and_masks() -> Picture:
    """A picture as the settings see it."""
    picture = Picture(
        820,
        356,
        "Zones are parts of the floor: a lift belongs to the zone in which the feet stand. "
        "A mask is black before anything looks at it.",
    )
    said(README, "A lift belongs to the zone in which the person's feet stand")
    left, top, wide, high = 20.0, 20.0, 520.0, 292.0

    def place(x: float, y: float) -> Point:
        return left + x * wide, top + y * high

    picture.add(box((left, top), (wide, high), PALE, edge=INK))
    picture.add(area([place(0, 0.4), place(0.6, 0.4), place(0.6, 1), place(0, 1)], BLUE, opacity=0.25))
    picture.add(area([place(0.62, 0.55), place(1, 0.55), place(1, 1), place(0.62, 1)], ORANGE, opacity=0.3))
    picture.add(area([place(0.8, 0), place(1, 0), place(1, 0.3), place(0.8, 0.3)], "#000000"))
    bending = View(place(0.3, 0.9), 112, 0, 8)
    picture.add(load(HINGE, bending), drawn(HINGE, bending, "#5b6470"))
    picture.add(drawn(STANDING, View(place(0.85, 0.86), 92, 30, 8), "#5b6470"))
    picture.add(disc(place(0.3, 0.9), 6, VERMILLION), disc(place(0.85, 0.86), 6, VERMILLION))
    picture.add(text(place(0.02, 0.48), "pallet-line", fill=BLUE, look="bold"))
    picture.add(text(place(0.64, 0.64), "packing", fill="#8a5a00", look="bold"))
    picture.add(text(place(0.9, 0.17), "mask", fill=WHITE, look="middle"))
    picture.add(
        text(
            (left, 336),
            "corners are fractions of width and height, origin top left (0, 0); bottom right is 1, 1",
            fill=GREY,
            size=12,
        )
    )
    picture.add(*_zone_words())
    return picture


def _zone_words() -> list[str]:
    return [
        disc((566, 46), 6, VERMILLION),
        lines((582, 51), ["the feet say which zone", "a lift belongs to"]),
        box((560, 94), (14, 14), BLUE),
        lines((582, 106), ["zones: where several", "people work; say how", "many (workers)"]),
        box((560, 166), (14, 14), "#000000"),
        lines((582, 178), ["masks: black before", "anything looks at them;", "for windows, desks, doors"]),
    ]
