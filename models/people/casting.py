"""Everything random about one clip, drawn from its seed and number before the first pixel."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import roles
from activities import ACTIVITIES
from body import Body
from clothing import Look, Outfit, dress
from film import Film
from hall import NOTHING, obstacle, racks, room
from person import Shape, Stance
from render import Camera, Light
from scene import CRATE_COLOURS, Place
from script import Performance, Script, path_of, perform
from spots import Spots

FPS, LONGEST_S, SHORTEST_S = 15, 40.0, 8.0
KINDS = ("lifts", "movement", "crowd", "form", "shift")
SIZES = {"lifts": (640, 360), "movement": (640, 360), "crowd": (1280, 720), "form": (640, 360), "shift": (640, 360)}
TRIES = 60
WIDEST_STEP_M = 0.45  # one foot ahead of the other


@dataclass(frozen=True)
class Actor:
    """One person of a clip, dressed, with everything that they do."""

    body: Body
    outfit: Outfit
    look: Look
    shown: Performance
    done: list[tuple[str, float, float]]


@dataclass(frozen=True)
class Clip:
    """A clip, ready to be drawn."""

    kind: str
    actors: list[Actor]
    camera: Camera
    light: Light
    hall: np.ndarray
    obstacle: tuple[str, np.ndarray]  # what stands between camera and people, if anything
    film: Film
    crf: int
    frames: int
    racks: bool
    totes: bool  # crates are lifted instead of cartons

    @property
    def duration_s(self) -> float:
        """Length of the video."""
        return self.frames / FPS


@dataclass(frozen=True)
class Site:
    """What a clip's place adds: racks, crates instead of cartons, somebody who passes. Drawn apart from the rest."""

    rng: np.random.Generator
    racks: bool
    tote: tuple | None
    passer: tuple[Body, Outfit, Look] | None

    @staticmethod
    def sample(rng: np.random.Generator, kind: str) -> "Site":
        """Of clips with one lifter every seventh has somebody who passes; crowds have one anyway."""
        racked, totes, passed = rng.random(3) < (0.4, 0.3, 0.15)
        tote = CRATE_COLOURS[rng.integers(len(CRATE_COLOURS))] if totes else None
        passer = _dressed(kind, rng) if passed and kind == "lifts" else None
        return Site(rng, bool(racked), tote, passer)


def cast(kind: str, seed: int, number: int, size: tuple[int, int]) -> tuple[Clip, np.random.Generator]:
    """The clip with this number; the generator returned goes on to the pixels' noise."""
    rng = np.random.default_rng([seed, KINDS.index(kind), number])
    site = Site.sample(np.random.default_rng([seed, KINDS.index(kind), number, 1]), kind)
    light, film, crf = Light.sample(rng), Film.sample(rng), int(rng.integers(18, 36))
    count = 3 if kind == "crowd" else 1 + (kind == "movement" and rng.random() < 0.2)
    dressed = [_dressed(kind, rng) for _ in range(count)]
    if site.passer:
        dressed.append(site.passer)
    write = {"lifts": _lifting, "movement": _moving, "crowd": _crowding, "form": _forming, "shift": _shifting}[kind]
    for _ in range(TRIES):
        camera = sample_camera(kind, size, rng)
        scripts = write([body for body, _, _ in dressed], Spots(camera), number, rng)
        if site.passer:
            scripts.append(_passing(site.passer[0], Spots(camera), site.rng))
        for script in scripts:
            script.tote = site.tote
        seconds = _length_s(scripts, rng)
        paths = [path_of(script, _times(seconds))[1].at for script in scripts]
        if not roles.bump(scripts, paths) and all(t.end_s < seconds for s in scripts for t in s.lifts):
            break
    else:
        raise RuntimeError(f"{kind} {seed}-{number}: no way found for these people round each other")
    shown = [perform(script, _times(seconds)) for script in scripts]
    actors = [Actor(*d, s, script.done) for d, s, script in zip(dressed, shown, scripts, strict=True)]
    hall, in_the_way = _surroundings(scripts, shown, camera, rng)
    standing = racks(camera, _walked(scripts, shown), site.rng) if site.racks else []
    hall = np.concatenate([hall, *standing])
    frames, placed = len(_times(seconds)), (bool(standing), site.tote is not None)
    return Clip(kind, actors, camera, light, hall, in_the_way, film, crf, frames, *placed), rng


def _dressed(kind: str, rng: np.random.Generator) -> tuple[Body, Outfit, Look]:
    """Anybody."""
    shape, stance = Shape.sample(rng), Stance.sample(rng)
    if kind == "form":
        stance = replace(stance, stagger_m=float(rng.uniform(-WIDEST_STEP_M, WIDEST_STEP_M)))
    body, outfit = Body(shape, stance), Outfit.sample(rng)
    return body, outfit, dress(body, outfit, rng)


def sample_camera(kind: str, size: tuple[int, int], rng: np.random.Generator) -> Camera:
    """All around, 2–45° up, 2.5–10 m away, lenses from 40 to 95° wide, as far as people come out in a fair size."""
    lifting = kind in ("lifts", "form", "shift")
    small, large = (0.165, 0.35) if kind == "crowd" else (0.28, 0.84) if lifting else (0.26, 0.7)
    # Half of the views lie within 35° of side-on to somebody who faces −y, where an answer is expected.
    from_side = rng.uniform(-35, 35) if rng.random() < 0.5 else rng.uniform(-90, 90)
    around = np.deg2rad(from_side + rng.choice([0, 180]))
    while True:
        up, far = np.deg2rad(rng.uniform(2, 45)), rng.uniform(2.5, 10)
        focal = size[0] / 2 / np.tan(np.deg2rad(rng.uniform(40, 95)) / 2)
        if small < 1.72 * focal / far / size[1] < large and (lifting or far > 4):
            break
    target = np.array([*rng.normal(0, 0.05 * far, 2) * (not lifting), 0.85])
    eye = target + far * np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])
    return Camera(eye, target, float(focal), *size)


def _lifting(bodies: list[Body], spots: Spots, number: int, rng: np.random.Generator) -> list[Script]:
    del number
    return [_arrived(bodies[0], spots, rng, lambda script: roles.lifter(script, spots, int(rng.integers(2, 5))))]


def _forming(bodies: list[Body], spots: Spots, number: int, rng: np.random.Generator) -> list[Script]:
    del number
    return [_arrived(bodies[0], spots, rng, lambda script: roles.form(script, int(rng.integers(2, 5))))]


def _shifting(bodies: list[Body], spots: Spots, number: int, rng: np.random.Generator) -> list[Script]:
    del number
    script = Script(bodies[0], Place(*spots.pick(rng), float(rng.normal(0, 15))), rng)
    roles.shift(script, spots, int(LONGEST_S / roles.LIFT_EVERY_S))
    return [script]


def _moving(bodies: list[Body], spots: Spots, number: int, rng: np.random.Generator) -> list[Script]:
    mains = [list(ACTIVITIES)[number % len(ACTIVITIES)], str(rng.choice(list(ACTIVITIES)))]
    return [_arrived(body, spots, rng, _busy(spots, main, rng)) for body, main in zip(bodies, mains, strict=False)]


def _busy(spots: Spots, main: str, rng: np.random.Generator) -> Callable[[Script], None]:
    return lambda script: roles.busy(script, spots, main, rng.uniform(7, 17))


def _crowding(bodies: list[Body], spots: Spots, number: int, rng: np.random.Generator) -> list[Script]:
    del number
    scripts = [
        _arrived(bodies[0], spots, rng, lambda script: roles.lifter(script, spots, int(rng.integers(2, 4)))),
        _arrived(bodies[1], spots, rng, lambda script: roles.lifter(script, spots, int(rng.integers(1, 4))))
        if rng.random() < 0.6
        else _arrived(bodies[1], spots, rng, lambda script: roles.busy(script, spots, "read", 14.0)),
    ]
    return [*scripts, _passing(bodies[2], spots, rng)]


def _passing(body: Body, spots: Spots, rng: np.random.Generator) -> Script:
    passer = Script(body, roles.enter(spots, rng)[0], rng)
    roles.passer(passer, spots)
    return passer


def _arrived(body: Body, spots: Spots, rng: np.random.Generator, role: Callable[[Script], None]) -> Script:
    """Somebody who is there, or walks in, and then plays a role."""
    if rng.random() < 0.4:
        place, to = roles.enter(spots, rng)
        script = Script(body, place, rng)
        script.walk_to(*to)
    else:
        script = Script(body, Place(*spots.pick(rng), float(rng.normal(0, 15))), rng)
    role(script)
    return script


def _length_s(scripts: list[Script], rng: np.random.Generator) -> float:
    """As long as somebody is busy; now and then the clip ends while somebody still kneels or sits."""
    lasts = max(script.now_s for script in scripts) + 0.6
    settled = scripts[0].settled_s
    if settled is not None and len(scripts) == 1 and rng.random() < 0.4:
        lasts = settled
    return float(np.clip(lasts, SHORTEST_S, LONGEST_S))


def _times(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * FPS)) / FPS


def _walked(scripts: list[Script], shown: list[Performance]) -> np.ndarray:
    """Floor points (N, 2) that people use."""
    return np.concatenate(
        [*(p.path.at[::5, :2] for p in shown), *(np.array(s.blocked).reshape(-1, 2) for s in scripts)]
    )


def _surroundings(
    scripts: list[Script], shown: list[Performance], camera: Camera, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[str, np.ndarray]]:
    """What never moves, as vertex rows, and apart from it what stands in the way of the view."""
    standing = [rows for script in scripts for rows in script.furniture]
    for script, performance in zip(scripts, shown, strict=True):
        props, under = roles.loads(script, performance)
        script.props += props
        standing += under
    walked = _walked(scripts, shown)
    in_the_way = NOTHING
    if rng.random() < 0.22:
        spot = shown[0].path.at[len(shown[0].path.at) // 2, :2]
        in_the_way = obstacle(camera, spot, walked, rng)
    return np.concatenate([room(camera, walked, rng), *standing]), in_the_way
