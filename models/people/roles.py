"""What people do in a clip: somebody who lifts, somebody busy with anything else, somebody who only passes by."""

from dataclasses import replace

import numpy as np
from activities import ACTIVITIES
from motion import Lift, Timed, load_point
from render import box
from scene import CARDBOARD, Place, barbell, tote
from script import Performance, Prop, Script
from sequences import sample_lift
from spots import Spots

WITH_HANDS_FULL = ("walk", "turn_about", "stand", "glance")
APART_M = 0.62  # people who pass each other; twice that where both lift
MOST_LEAN_BACK_DEG = 22.0  # about the hips' and lower back's range of extension
LIFT_EVERY_S, LAST_WAIT_S = 20.0, 4.0
LAST_START_S = 15.0  # no activity begins later, so that none is cut by the end of a clip of 40 s


def lifter(script: Script, spots: Spots, count: int) -> None:
    """Walk in or be there, lift so many times with pauses and turns between, perhaps walk on."""
    rng = script.rng
    lifts = with_loads(lifts_of(script, count), rng)
    script.wait(float(rng.uniform(0.3, 1.5)))
    for i, lift in enumerate(lifts):
        full_next = i + 1 < count and lifts[i + 1].box == "up"
        script.lift(lift)
        script.block(0.5)
        script.wait(float(rng.uniform(0.2, 2.5)))
        if i + 1 < count and ((lift.box == "down" and full_next) or rng.random() < 0.35):
            script.turn_to(script.place.yaw_deg + float(rng.choice([-1, 1]) * rng.uniform(60, 170)))
    if rng.random() < 0.4:
        script.walk_to(*spots.pick(rng, script.place, 1.2))
    script.wait(0.6)


def form(script: Script, count: int) -> None:
    """Lifts on the spot, some of which end leaning back past upright, as who locks out too far does."""
    rng = script.rng
    script.wait(float(rng.uniform(1.0, 2.0)))
    for lift in with_loads(lifts_of(script, count), rng):
        script.lift(lift)
        lean_deg = float(rng.uniform(0, MOST_LEAN_BACK_DEG)) if rng.random() < 0.5 else 0.0
        script.lean_back(lean_deg)
        script.wait(float(rng.uniform(0.6, 1.5)))
    script.wait(0.6)


def shift(script: Script, spots: Spots, count: int) -> None:
    """As in a warehouse: a lift every twenty seconds, and walking and standing about in between. For benchmarks."""
    rng = script.rng
    for lift in with_loads(lifts_of(script, count), rng):
        begun_s = script.now_s
        script.wait(float(rng.uniform(0.5, 1.5)))
        script.lift(replace(lift, box="none"))
        script.wait(float(rng.uniform(0.2, 1.0)))
        while script.now_s - begun_s < LIFT_EVERY_S - LAST_WAIT_S:
            script.walk_to(*spots.pick(rng, script.place, 1.2))
            script.wait(float(rng.uniform(0.5, LAST_WAIT_S)))
        script.wait(max(LIFT_EVERY_S - (script.now_s - begun_s), 0.0))


def lifts_of(script: Script, count: int) -> list[Lift]:
    """So many, each as far as this person's spine goes."""
    return [sample_lift(script.body.stance, script.rng) for _ in range(count)]


def with_loads(lifts: list[Lift], rng: np.random.Generator) -> list[Lift]:
    """Lifts in an order that can happen: what has been picked up is put down before the next is picked up."""
    low = bool(rng.random() < 0.25)
    if rng.random() < 0.3:
        return [replace(lift, box="none", carried_low=low) for lift in lifts]
    boxes = ("up", "down") if rng.random() < 0.65 else ("down", "up")
    return [replace(lift, box=boxes[i % 2], carried_low=low) for i, lift in enumerate(lifts)]


def enter(spots: Spots, rng: np.random.Generator) -> tuple[Place, tuple[float, float]]:
    """A place out of the picture, facing a spot within it, and that spot."""
    x, y = spots.outside(rng, float(rng.uniform(-0.8, 1.2)))
    to = spots.pick(rng)
    return Place(x, y, float(np.degrees(np.arctan2(to[0] - x, -(to[1] - y))))), to


def busy(script: Script, spots: Spots, main: str, least_s: float) -> None:
    """One activity, and others before the time is up."""
    rng = script.rng
    script.wait(float(rng.uniform(0.2, 1.0)))
    others = WITH_HANDS_FULL if main in ("carry", "push") else [n for n in ACTIVITIES if n not in ("carry", "push")]
    names = [main]
    while names or script.now_s < min(least_s, LAST_START_S):
        name = names.pop() if names else str(rng.choice(others))
        start_s = script.now_s
        ACTIVITIES[name](script, spots)
        script.done.append((name, start_s, script.now_s))
        script.wait(float(rng.uniform(0.2, 1.0)))


def passer(script: Script, spots: Spots) -> None:
    """Across the picture and back, stopping on the way or not."""
    rng, start_s = script.rng, script.now_s
    script.wait(float(rng.uniform(0.0, 3.0)))
    home = script.place
    for _ in range(int(rng.integers(1, 3))):
        if rng.random() < 0.5:
            script.walk_to(*spots.pick(rng))
            script.wait(float(rng.uniform(0.3, 2.5)))
        script.walk_to(*spots.outside(rng, float(rng.uniform(-1.2, 2.0))))
        script.wait(float(rng.uniform(0.3, 2.0)))
    script.walk_to(home.x, home.y)
    script.done.append(("walk", start_s, script.now_s))


def bump(scripts: list[Script], paths: list[np.ndarray]) -> bool:
    """Whether people whose ways are these (T, 3) walk into each other, or through anything that stands there."""
    for i, way in enumerate(paths):
        for script, other in zip(scripts, paths[:i], strict=False):
            apart_m = APART_M * (2 if script.lifts and scripts[i].lifts else 1)
            if np.linalg.norm(way[:, :2] - other[:, :2], axis=1).min() < apart_m:
                return True
        for j, script in enumerate(scripts):
            for spot in script.blocked:
                low = way[way[:, 2] < 0.02]
                gone = np.linalg.norm(low[:, :2] - spot, axis=1)
                if len(gone) and gone.min() < (0.28 if i == j else 0.5):
                    return True
    return False


def loads(script: Script, shown: Performance) -> tuple[list[Prop], list[np.ndarray]]:
    """The boxes of a lifter, in the hands from pick-up to put-down, and what they stand on before and after."""
    props, under, rng = [], [], script.rng
    held_from = -np.inf
    moved = [t for t in script.lifts if t.lift.box != "none"]
    for i, timed in enumerate(moved):
        turn_s = timed.at_s + timed.lift.down_s + timed.lift.hold_s
        if timed.lift.box == "up":
            held_from = turn_s
            if i + 1 < len(moved):
                continue
        until = turn_s if timed.lift.box == "down" else np.inf
        carried_on = np.isfinite(held_from) and np.isfinite(until)
        rows, bottom_m = _load(script, moved[i - 1 : i + 1] if carried_on else [timed], rng)
        props.append(Prop(rows, "hands", held_from, until))
        for rest_s in (held_from, until):
            if np.isfinite(rest_s):
                under += _support(shown, shown.frame_at(rest_s), rows, bottom_m)
        held_from = -np.inf
    return props, under


def _load(script: Script, moves: list[Timed], rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Vertex rows around the grip, and how far below it the load ends."""
    lows = [load_point(script.body, t.lift)[2] for t in moves]
    if moves[0].lift.carried_low and max(lows) < 0.3:
        disc = min(0.225, *lows)
        return barbell(np.zeros(3), disc, 0.0), np.inf
    size = np.array(
        [max(script.body.stance.hands_apart_m - 0.02, 0.12), rng.uniform(0.12, 0.4), rng.uniform(0.08, 0.4)]
    )
    size[2] = min(size[2], min(lows) / 0.7)
    if script.tote is not None:
        rows = tote(size, script.tote)
        rows[:, 2] -= 0.2 * size[2]
        return rows, 0.7 * size[2]
    look = (tuple(np.array([0.5, 0.35, 0.2]) * rng.uniform(0.6, 1.3)), CARDBOARD)
    return box(np.array([0.0, 0.0, -0.2 * size[2]]), size, 0.0, look), 0.7 * size[2]


def _support(shown: Performance, frame: int, rows: np.ndarray, bottom_m: float) -> list[np.ndarray]:
    """A crate under a load that rests above the floor."""
    grip = np.mean([shown.joints[f"finger3-1.{side}"][frame] for side in "LR"], axis=0)
    top, place = grip[2] - bottom_m, shown.path.place(frame)
    if not 0.03 < top < 2:
        return []
    size = np.array([np.ptp(rows[:, 0]) + 0.04, np.ptp(rows[:, 1]) + 0.04, top])
    centre = place.moved(grip * [1, 1, 0] + [0, 0, top / 2])
    return [box(centre, size, place.yaw_deg, ((0.42, 0.30, 0.17), CARDBOARD))]
