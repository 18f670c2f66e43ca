"""Random surroundings of a clip: floor, walls, racks and clutter that nobody walks through, and things in the way."""

import numpy as np
from render import FLOATS, Camera, box
from scene import BAY_M, BOARD, CARDBOARD, FLOOR, METAL, RACK_M, WALL, WOOD, Place, pallet, rack

NOTHING = ("none", np.empty((0, FLOATS), np.float32))


def room(camera: Camera, walked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Any background: clear of the floor points (N, 2) that people use, and of the sight on them."""
    parts = [box(np.array([0, 0, -0.05]), np.array([60, 60, 0.1]), 0, (_colour(rng), FLOOR))]
    around = rng.uniform(0, 360)
    inside = np.concatenate([walked, camera.eye[None, :2]])
    for k in range(int(rng.integers(1, 5))):
        a, far = np.deg2rad(around + 90 * k), rng.uniform(3.0, 10)
        out = np.array([np.cos(a), np.sin(a)])
        look = (_colour(rng), rng.choice([WALL, FLOOR]))
        if (inside @ out).max() < far - 0.6:
            parts.append(box(np.array([*(far * out), 2.5]), np.array([0.1, 40, 5]), around + 90 * k, look))
    for _ in range(int(rng.integers(0, 30))):
        a, far = rng.uniform(0, 2 * np.pi), rng.uniform(1.3, 8)
        at, yaw = far * np.array([np.cos(a), np.sin(a)]), float(rng.uniform(0, 90))
        size = rng.uniform([0.15, 0.15, 0.2], [0.9, 0.9, 2.2])
        if _hides(at, 0.5 * float(np.hypot(*size[:2])) + 0.4, camera, walked):
            continue
        if rng.random() < 0.15:
            parts.append(pallet(at[0], at[1], yaw))
        look = (_colour(rng), rng.choice([METAL, CARDBOARD, WALL, WOOD]))
        parts.append(box(np.array([*at, size[2] / 2]), size, yaw, look))
    return np.concatenate(parts)


def racks(camera: Camera, walked: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """One to three pallet racks, wherever they are not in the way."""
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        a, far, bays = rng.uniform(0, 2 * np.pi), rng.uniform(1.5, 7), int(rng.integers(1, 4))
        place = Place(far * np.cos(a), far * np.sin(a), float(np.degrees(a)) + 90 + rng.normal(0, 4))
        half_m = bays * BAY_M / 2
        along = np.stack([np.linspace(-half_m, half_m, 4 * bays + 1), *np.zeros((2, 4 * bays + 1))], axis=1)
        if any(_hides(at, RACK_M / 2 + 0.5, camera, walked) for at in place.moved(along)[:, :2]):
            continue
        rows = rack((-half_m, -RACK_M / 2), bays, rng)
        rows[:, 0:3], rows[:, 3:6] = place.moved(rows[:, 0:3]), place.turned(rows[:, 3:6])
        parts.append(rows)
    return parts


def obstacle(
    camera: Camera, spot: np.ndarray, walked: np.ndarray, rng: np.random.Generator
) -> tuple[str, np.ndarray]:
    """Something that stands between the camera and a spot (2,) and hides part of who is there: its name and rows."""
    toward = camera.eye[:2] - spot
    toward = toward / np.linalg.norm(toward)
    aside = np.array([-toward[1], toward[0]])
    name = str(rng.choice(["crate", "post", "shelf"], p=[0.5, 0.25, 0.25]))
    for _ in range(20):
        at = spot + toward * rng.uniform(0.8, 1.7) + aside * rng.normal(0, 0.4)
        if np.linalg.norm(walked - at, axis=1).min() > 0.5:
            return name, _thing(name, at, rng)
    return NOTHING


def _thing(name: str, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    yaw, look = float(rng.uniform(0, 90)), (_colour(rng), rng.choice([CARDBOARD, METAL]))
    if name == "crate":
        size = np.array([rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.8)])
        return box(np.array([*at, size[2] / 2]), size, yaw, look)
    if name == "post":
        wide = rng.uniform(0.06, 0.14)
        return box(np.array([*at, 1.5]), np.array([wide, wide, 3.0]), yaw, look)
    boards = [box(np.array([*at, z]), np.array([0.8, 0.3, 0.03]), yaw, (BOARD, WOOD)) for z in (0.1, 0.55, 1.0)]
    a = np.deg2rad(yaw)
    for sign in (-0.39, 0.39):
        post = at + sign * np.array([np.cos(a), np.sin(a)])
        boards.append(box(np.array([*post, 0.5]), np.array([0.04, 0.3, 1.0]), yaw, look))
    return np.concatenate(boards)


def _hides(at: np.ndarray, room_m: float, camera: Camera, walked: np.ndarray) -> bool:
    """Whether a thing stands within this of somebody's way, or of the line from the camera to it."""
    eye = camera.eye[:2]
    way = walked - eye
    along = np.clip(((at - eye) * way).sum(axis=1) / (way * way).sum(axis=1), 0, 1)
    return bool(np.linalg.norm(eye + along[:, None] * way - at, axis=1).min() < room_m)


def _colour(rng: np.random.Generator) -> tuple:
    return tuple(np.clip(rng.uniform(0.05, 0.8) * (1 + rng.normal(0, 0.15, 3)), 0, 1))
