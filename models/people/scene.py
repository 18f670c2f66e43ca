"""A plain warehouse out of boxes: floor, wall, racks, pallets; and a person's place in it."""

from dataclasses import dataclass

import numpy as np
from render import box

METAL, CARDBOARD, FLOOR, WALL, WOOD = 4.0, 5.0, 6.0, 7.0, 8.0
BOARD = (0.42, 0.29, 0.16)
BAY_M, RACK_M = 2.3, 0.9  # a rack's bays are so wide, and it is so deep
CRATE_COLOURS = ((0.05, 0.12, 0.45), (0.45, 0.06, 0.05), (0.25, 0.27, 0.29), (0.10, 0.30, 0.12))


@dataclass(frozen=True)
class Place:
    """Where a body stands in the world; yaw 0 faces −y, yaw 90 faces +x."""

    x: float
    y: float
    yaw_deg: float

    def moved(self, points: np.ndarray) -> np.ndarray:
        """Body-frame points (…, 3) in the world."""
        return self.turned(points) + np.array([self.x, self.y, 0.0])

    def turned(self, directions: np.ndarray) -> np.ndarray:
        """Body-frame directions (…, 3) in the world."""
        a = np.deg2rad(self.yaw_deg)
        return directions @ np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]).T

    def view_from_side_deg(self, eye: np.ndarray) -> float:
        """Angle of a camera from this person's side view: 0 side-on, 90 from the front or the back."""
        ahead = self.turned(np.array([0.0, -1.0, 0.0]))[:2]
        to_eye = np.array([eye[0] - self.x, eye[1] - self.y])
        cosine = abs(ahead @ to_eye) / np.linalg.norm(to_eye)
        return float(np.degrees(np.arcsin(min(cosine, 1.0))))


def pallet(x: float, y: float, yaw_deg: float, tall_m: float = 0.14) -> np.ndarray:
    """A low wooden pallet, 0.6 × 0.42 m, as vertex rows."""
    deck = [box(np.array([x, y, tall_m - 0.02]), np.array([0.6, 0.42, 0.04]), yaw_deg, (BOARD, WOOD))]
    a = np.deg2rad(yaw_deg)
    for k in (-0.25, 0.0, 0.25):
        at = np.array([x + k * np.cos(a), y + k * np.sin(a), (tall_m - 0.04) / 2])
        deck.append(box(at, np.array([0.09, 0.40, tall_m - 0.04]), yaw_deg, (BOARD, WOOD)))
    return np.concatenate(deck)


def barbell(grip: np.ndarray, disc_m: float, yaw_deg: float) -> np.ndarray:
    """A bar along the body's x with one disc at each end, as vertex rows."""
    a = np.deg2rad(yaw_deg)
    along = np.array([np.cos(a), np.sin(a), 0.0])
    black = (0.03, 0.03, 0.035)
    parts = [box(grip, np.array([1.9, 0.03, 0.03]), yaw_deg, ((0.45, 0.45, 0.46), METAL))]
    for sign in (-1.0, 1.0):
        for k in range(4):  # four crossed slabs make an octagon; a second turn of them would not be seen
            b = np.deg2rad(22.5 * (2 * k + 1))
            slab = box(np.zeros(3), np.array([0.07, 2 * disc_m, 0.83 * disc_m]), 0, (black, METAL))
            tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
            turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ tilt
            slab[:, 0:3], slab[:, 3:6] = slab[:, 0:3] @ turn.T, slab[:, 3:6] @ turn.T
            slab[:, 0:3] += grip + sign * 0.72 * along
            parts.append(slab)
    return np.concatenate(parts)


def _cardboard(rng: np.random.Generator) -> tuple:
    return tuple(np.array([0.50, 0.35, 0.20]) * rng.uniform(0.6, 1.15)), CARDBOARD


def rack(at: tuple[float, float], bays: int, rng: np.random.Generator) -> np.ndarray:
    """A pallet rack along x with its goods, as vertex rows."""
    parts, (x0, y), bay = [], at, BAY_M
    blue, orange = (0.05, 0.12, 0.36), (0.75, 0.26, 0.04)
    for i in range(bays + 1):
        for dy in (0.0, RACK_M):
            parts.append(box(np.array([x0 + i * bay, y + dy, 1.9]), np.array([0.09, 0.09, 3.8]), 0, (blue, METAL)))
    for i in range(bays):
        middle = x0 + (i + 0.5) * bay
        for level in (0.0, 1.35, 2.7):
            if level:
                for dy in (0.0, RACK_M):
                    parts.append(
                        box(np.array([middle, y + dy, level]), np.array([bay, 0.06, 0.11]), 0, (orange, METAL))
                    )
            x = middle - bay / 2 + 0.2
            while x < middle + bay / 2 - 0.5:
                wide, tall = rng.uniform(0.35, 0.7), rng.uniform(0.3, 0.95)
                centre = np.array([x + wide / 2, y + 0.4 + rng.uniform(-0.05, 0.1), level + 0.06 + tall / 2])
                if rng.random() < 0.85:
                    parts.append(box(centre, np.array([wide, 0.7, tall]), rng.normal(0, 2), _cardboard(rng)))
                x += wide + rng.uniform(0.02, 0.15)
    return np.concatenate(parts)


def tote(size: np.ndarray, colour: tuple) -> np.ndarray:
    """An open plastic crate with a rim, its middle at the origin, as vertex rows."""
    (wide, deep, tall), wall, rim, look = size, 0.012, 0.02, (colour, METAL)
    parts = [box(np.array([0, 0, -tall / 2 + wall / 2]), np.array([wide, deep, wall]), 0, look)]
    for sign in (-1.0, 1.0):
        parts.append(box(np.array([sign * (wide - wall) / 2, 0, 0]), np.array([wall, deep, tall]), 0, look))
        parts.append(box(np.array([0, sign * (deep - wall) / 2, 0]), np.array([wide, wall, tall]), 0, look))
        parts.append(box(np.array([sign * wide / 2, 0, tall / 2]), np.array([rim, deep + rim, rim]), 0, look))
        parts.append(box(np.array([0, sign * deep / 2, tall / 2]), np.array([wide + rim, rim, rim]), 0, look))
    return np.concatenate(parts)


def shelf(before: Place, level_m: float) -> np.ndarray:
    """One high board on two posts with things on it, half a metre before somebody, as vertex rows."""
    grey, parts = (0.45, 0.46, 0.48), []
    for size, at, look in (
        ((1.1, 0.36, 0.03), (0.0, -0.56, level_m - 0.03), (grey, METAL)),
        ((0.05, 0.34, level_m), (-0.56, -0.56, level_m / 2), (grey, METAL)),
        ((0.05, 0.34, level_m), (0.56, -0.56, level_m / 2), (grey, METAL)),
        ((0.3, 0.26, 0.2), (-0.3, -0.6, level_m + 0.09), ((0.45, 0.31, 0.18), CARDBOARD)),
        ((0.22, 0.24, 0.15), (0.32, -0.6, level_m + 0.065), ((0.5, 0.36, 0.2), CARDBOARD)),
    ):
        parts.append(box(before.moved(np.array(at)), np.array(size), before.yaw_deg, look))
    return np.concatenate(parts)


def cart(handle_m: float, rng: np.random.Generator) -> np.ndarray:
    """A flat cart ahead of whoever pushes it, its handle at this height, as vertex rows of the body frame."""
    steel, tall = ((0.10, 0.16, 0.34), METAL), float(rng.uniform(0.2, 0.6))
    parts = [
        box(np.array([0, -1.0, 0.2]), np.array([0.56, 0.9, 0.05]), 0, steel),
        box(np.array([0, -0.50, handle_m]), np.array([0.56, 0.035, 0.035]), 0, steel),
        box(np.array([0, -1.05, 0.225 + tall / 2]), np.array([0.5, rng.uniform(0.4, 0.7), tall]), 0, _cardboard(rng)),
    ]
    for x in (-0.26, 0.26):
        parts.append(
            box(np.array([x, -0.54, 0.2 + handle_m / 2 - 0.1]), np.array([0.03, 0.03, handle_m - 0.2]), 0, steel)
        )
        for y in (-0.65, -1.35):
            parts.append(box(np.array([x, y, 0.09]), np.array([0.04, 0.15, 0.18]), 0, ((0.03, 0.03, 0.03), METAL)))
    return np.concatenate(parts)


def warehouse(rng: np.random.Generator) -> np.ndarray:
    """The demo's hall: floor with a yellow lane, corrugated wall, two racks, stacks of boxes."""
    yellow = (0.72, 0.50, 0.04)
    parts = [
        box(np.array([0, 0, -0.05]), np.array([40, 40, 0.1]), 0, ((0.40, 0.41, 0.42), FLOOR)),
        box(np.array([0, 6.0, 3.0]), np.array([40, 0.1, 6]), 0, ((0.55, 0.59, 0.62), WALL)),
        box(np.array([0, -1.25, 0.001]), np.array([40, 0.09, 0.004]), 0, (yellow, FLOOR)),
        box(np.array([0, 1.65, 0.001]), np.array([40, 0.09, 0.004]), 0, (yellow, FLOOR)),
        rack((-8.1, 3.6), 3, rng),
        rack((0.9, 3.6), 3, rng),
    ]
    for x, y, tall in ((-0.35, 4.6, 0.9), (0.25, 4.7, 0.6), (-0.1, 4.6, 0.5)):
        parts.append(box(np.array([x, y, tall / 2]), np.array([0.55, 0.5, tall]), rng.normal(0, 8), _cardboard(rng)))
    return np.concatenate(parts)


def random_hall(eye: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Any background for training: floor, walls, clutter; nothing at the origin or between it and the eye."""

    def colour() -> tuple:
        return tuple(np.clip(rng.uniform(0.05, 0.8) * (1 + rng.normal(0, 0.15, 3)), 0, 1))

    def in_the_way(at: np.ndarray, half_width: float) -> bool:
        toward = eye[:2] / np.linalg.norm(eye[:2])
        aside = abs(at[0] * toward[1] - at[1] * toward[0])
        return bool(at[:2] @ toward > -0.3 and aside < 1.1 + half_width)

    parts = [box(np.array([0, 0, -0.05]), np.array([40, 40, 0.1]), 0, (colour(), FLOOR))]
    around = rng.uniform(0, 360)
    for k in range(int(rng.integers(0, 4))):
        a, far = np.deg2rad(around + 90 * k), rng.uniform(2.5, 9)
        wall = far * np.array([np.cos(a), np.sin(a), 0]) + [0, 0, 2.5]
        look = (colour(), rng.choice([WALL, FLOOR]))
        if wall[:2] @ eye[:2] < 0.2 * far * np.linalg.norm(eye[:2]):
            parts.append(box(wall, np.array([0.1, 30, 5]), around + 90 * k, look))
    for _ in range(int(rng.integers(0, 26))):
        a, far = rng.uniform(0, 2 * np.pi), rng.uniform(1.3, 6)
        size = rng.uniform([0.15, 0.15, 0.2], [0.9, 0.9, 2.2])
        look, yaw = (colour(), rng.choice([METAL, CARDBOARD, WALL, WOOD])), rng.uniform(0, 90)
        centre = np.array([far * np.cos(a), far * np.sin(a), size[2] / 2])
        if not in_the_way(centre, 0.5 * float(size[:2].max())):
            parts.append(box(centre, size, yaw, look))
    return np.concatenate(parts)
