"""Ordinary movement that is no lift, written into a `Script`: `ACTIVITIES` names them all.

Nothing here fits the product's definition of a lift (a bend or squat, held less than a few seconds, and back):
whoever goes down here stays down, 6.5 s at the least. Angles in degrees, lengths in metres of the body at hand.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import steps
from gestures import ahead_of, half_kneel, hand, hands_at_shoe, hands_down, kneel_reach, rise, upright
from render import box
from scene import BOARD, CARDBOARD, METAL, WOOD, cart, shelf
from script import Prop, Script
from spots import Spots

Activity = Callable[[Script, Spots], None]
SITS_S = KNEELS_S = (10.0, 18.0)
TIES_S = (6.5, 11.0)  # at the bottom, without the way down and up
WHITE, BLACK = (0.8, 0.8, 0.78), (0.03, 0.03, 0.035)


def stand(script: Script, spots: Spots) -> None:
    """Stand about, shift a little, look around."""
    del spots
    for _ in range(int(script.rng.integers(1, 4))):
        script.to("bend", float(script.rng.normal(0, 4)), 0.9)
        script.to("twist", float(script.rng.normal(0, 12)), 0.9)
        script.to("head", float(script.rng.normal(0, 8)), 0.7)
        script.wait(float(script.rng.uniform(1.2, 3.5)))
    upright(script)


def walk(script: Script, spots: Spots) -> None:
    """Walk across, towards or away, twice or three times, stopping between."""
    for _ in range(int(script.rng.integers(2, 4))):
        script.walk_to(*spots.pick(script.rng, script.place, 1.5))
        script.wait(float(script.rng.uniform(0.2, 1.5)))


def carry(script: Script, spots: Spots) -> None:
    """Carry a box about in front of the body; it is in the hands from the start and stays there."""
    rng = script.rng
    size = np.array([script.body.stance.hands_apart_m - 0.02, rng.uniform(0.15, 0.32), rng.uniform(0.1, 0.36)])
    rows = box(np.array([0, 0, -0.2 * size[2]]), size, 0.0, (tuple(rng.uniform(0.15, 0.6, 3)), CARDBOARD))
    script.props.append(Prop(rows, "hands"))
    script.moves["carry"].append((-1.0, -0.9, 1.0))
    script.to("trunk", -float(rng.uniform(0, 5)), 0.5)
    walk(script, spots)


def glance(script: Script, spots: Spots) -> None:
    """Look down at the floor or at one's feet for a moment, more than once."""
    del spots
    rng = script.rng
    for _ in range(int(rng.integers(2, 5))):
        script.to("head", float(rng.uniform(25, 48)), 0.5)
        script.to("trunk", float(rng.uniform(1, 14)), 0.6)
        script.to("spine", float(rng.uniform(0, 12)), 0.6)
        script.wait(float(rng.uniform(0.9, 3.5)))
        upright(script)
        script.wait(float(rng.uniform(0.6, 2.0)))


def read(script: Script, spots: Spots) -> None:
    """Look at a telephone in one hand, or at a clipboard in both."""
    del spots
    rng, tall = script.rng, script.body.height_m
    board = rng.random() < 0.5
    size, look = ([0.23, 0.02, 0.31], WHITE) if board else ([0.075, 0.012, 0.15], BLACK)
    until = script.now_s + float(rng.uniform(5, 12))
    for side, sign in (("L", 1.0), ("R", -1.0))[0 if board else 1 :]:
        hand(script, side, (sign * (0.13 if board else 0.05), -0.34, float(rng.uniform(0.62, 0.72)) * tall), 0.8)
    rows = box(np.array([0, -0.03, 0.05]), np.array(size), 0.0, (look, METAL))
    script.props.append(Prop(rows, "hands" if board else "finger3-1.R", shown=(script.now_s + 0.5, until)))
    script.to("head", float(rng.uniform(22, 40)), 0.8)
    script.to("spine", float(rng.uniform(2, 10)), 0.8)
    if rng.random() < 0.4:
        script.wait(1.0)
        script.turn_to(script.place.yaw_deg + float(rng.choice([-70, 70])))
    script.now_s = max(script.now_s, until - 0.8)
    hands_down(script)
    upright(script)


def overhead(script: Script, spots: Spots) -> None:
    """Reach up to a shelf with one hand or both, two or three times."""
    del spots
    rng, tall = script.rng, script.body.height_m
    level = float(rng.uniform(0.99, 1.12)) * tall
    script.furniture.append(shelf(script.place, level))
    script.block(0.56)
    for _ in range(int(rng.integers(2, 4))):
        for side, sign in (("L", 1.0), ("R", -1.0))[: 1 + (rng.random() < 0.7)]:
            hand(script, side, (sign * 0.16 + float(rng.normal(0, 0.04)), -0.42, level + 0.05), 0.9)
            script.to(f"shrug.{side}", 14.0, 0.9)
        script.to("head", -float(rng.uniform(12, 30)), 0.8)
        script.to("trunk", -float(rng.uniform(1, 6)), 0.8)
        script.wait(float(rng.uniform(1.6, 4.0)))
        hands_down(script)
        upright(script)
        script.wait(float(rng.uniform(0.5, 1.5)))


def push(script: Script, spots: Spots) -> None:
    """Push a cart, leaning into it by less than 30°."""
    rng = script.rng
    x, y = spots.pick(rng, script.place, 2.0)
    script.turn_to(steps.bearing(np.array([x - script.place.x, y - script.place.y]), script.place.yaw_deg))
    script.props.append(Prop(cart(0.57 * script.body.height_m, rng), "root", script.now_s))
    for side, sign in (("L", 1.0), ("R", -1.0)):
        hand(script, side, (sign * 0.22, -0.47, 0.57 * script.body.height_m), 0.7)
    script.wait(0.9)
    script.to("trunk", float(rng.uniform(8, 22)), 0.8)
    script.to("head", 10.0, 0.8)
    script.walk_to(x, y, slower=float(rng.uniform(1.1, 1.5)))
    script.wait(0.7)
    script.props[-1] = replace(script.props[-1], to_s=script.now_s)
    script.block(0.8, 0.5)
    hands_down(script)
    upright(script)
    script.wait(0.5)
    script.turn_to(script.place.yaw_deg + float(rng.choice([-150, 150])))


def climb(script: Script, spots: Spots) -> None:
    """Up a step, stay a moment, down on its other side."""
    del spots
    rng, start, stance = script.rng, script.place, script.body.stance
    high, deep = float(rng.uniform(0.14, 0.22)), float(rng.uniform(0.55, 0.8))
    middle = 0.24 + deep / 2
    centre = start.moved(np.array([0, -middle, high / 2]))
    script.furniture.append(box(centre, np.array([0.9, deep, high]), start.yaw_deg, (BOARD, WOOD)))
    for far, level in ((middle, high), (2 * middle, 0.0)):
        to, first = ahead_of(start, far), int(rng.integers(2))
        feet, pace = steps.stand(to, stance, level), float(rng.uniform(0.6, 0.85))
        for side in (first, 1 - first):
            script.step([steps.Step(side, script.now_s, script.now_s + pace * steps.SWING, feet[side], 0.5)])
        script.place = to
        script.wait(float(rng.uniform(0.8, 3.0)))


def kneel(script: Script, spots: Spots) -> None:
    """Down on one knee, work there, and stay for at least ten seconds."""
    del spots
    rng = script.rng
    back = half_kneel(script)
    script.to("trunk", float(rng.uniform(6, 28)), 1.0)
    script.to("head", float(rng.uniform(15, 40)), 1.0)
    script.to("spine", float(rng.uniform(0, 18)), 1.0)
    clear = 0.13 if back == 0 else -0.13  # beside the front knee
    for side, sign in (("L", 1.0), ("R", -1.0)):
        hand(script, side, (clear + sign * 0.12, -0.58, float(rng.uniform(0.3, 0.55))), 1.0)
    script.wait(float(rng.uniform(*KNEELS_S)))
    script.settled_s = script.now_s
    rise(script, back)


def tie_shoe(script: Script, spots: Spots) -> None:
    """Down to a shoe with both hands, on one knee or crouching, held longer than any lift."""
    del spots
    rng = script.rng
    kneeling = rng.random() < 0.6
    front = int(rng.integers(2))
    if kneeling:
        back = half_kneel(script)
        front, foot_y = 1 - back, -kneel_reach(script)[0]
        hands_at_shoe(script, front, foot_y - 0.10, 1.2)
        script.to("trunk", float(rng.uniform(50, 66)), 1.1)
    else:
        for name, target in (("knee", rng.uniform(112, 126)), ("trunk", rng.uniform(42, 60)), ("balance", 0.04)):
            script.to(name, float(target), 1.4)
        hands_at_shoe(script, front, -0.16, 1.4)
        script.wait(0.4)
    script.to("spine", float(rng.uniform(18, 50)), 1.1)
    script.to("head", float(rng.uniform(45, 70)), 1.1)
    script.wait(float(rng.uniform(*TIES_S)) + 1.2)
    if kneeling:
        rise(script, back)
        return
    hands_down(script)
    for name in ("knee", "balance"):
        script.to(name, 0.0, 1.3)
    upright(script, 1.3)


def sit(script: Script, spots: Spots) -> None:
    """Sit down on a crate and stay."""
    del spots
    rng, body = script.rng, script.body
    seat = float(rng.uniform(0.40, 0.50))
    hip_z = seat + 0.115
    knee_z = body.shank_m + body.head_of("foot.L")[2]
    hip_y = 0.02 + float(np.sqrt(body.thigh_m**2 - (hip_z - knee_z) ** 2))
    centre = script.place.moved(np.array([0.0, hip_y + 0.03, seat / 2]))
    look = (tuple(rng.uniform(0.1, 0.6, 3)), rng.choice([CARDBOARD, WOOD]))
    script.furniture.append(box(centre, np.array([0.5, 0.4, seat]), script.place.yaw_deg, look))
    script.block(-hip_y - 0.03)
    script.moves["hip"].append((script.now_s - 0.02, script.now_s - 0.01, np.array([0.0, hip_y, hip_z])))
    script.to("trunk", float(rng.uniform(28, 40)), 0.9)
    script.to("hip_share", 1.0, 1.4, after_s=0.1)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        hand(script, side, (sign * 0.17, hip_y - 0.36, hip_z + 0.12), 1.3)
    script.wait(1.3)
    script.to("trunk", float(rng.uniform(0, 26)), 1.0)
    script.to("spine", float(rng.uniform(2, 20)), 1.0)
    script.to("head", float(rng.uniform(0, 30)), 1.0)
    script.wait(float(rng.uniform(*SITS_S)))
    script.settled_s = script.now_s
    script.to("trunk", float(rng.uniform(30, 42)), 0.7)
    script.wait(0.5)
    script.to("hip_share", 0.0, 1.1)
    hands_down(script)
    script.wait(0.4)
    upright(script, 0.9)


def turn_about(script: Script, spots: Spots) -> None:
    """Turn round on the spot, and back or on."""
    del spots
    for _ in range(int(script.rng.integers(2, 4))):
        script.turn_to(script.place.yaw_deg + float(script.rng.choice([-1, 1]) * script.rng.uniform(60, 180)))
        script.wait(float(script.rng.uniform(0.5, 2.0)))


def lean(script: Script, spots: Spots) -> None:
    """Lean over to one side and reach out there, then perhaps to the other."""
    del spots
    rng, tall = script.rng, script.body.height_m
    for _ in range(int(rng.integers(2, 4))):
        side, sign = [("L", 1.0), ("R", -1.0)][rng.integers(2)]
        script.to("bend", sign * float(rng.uniform(10, 24)), 0.9)
        script.to("twist", sign * float(rng.uniform(0, 14)), 0.9)
        hand(script, side, (sign * 0.58, -0.22, float(rng.uniform(0.48, 0.62)) * tall), 0.9)
        script.wait(float(rng.uniform(1.4, 3.2)))
        hands_down(script)
        upright(script)
        script.wait(float(rng.uniform(0.4, 1.2)))


ACTIVITIES: dict[str, Activity] = {
    f.__name__: f
    for f in (walk, stand, kneel, glance, carry, tie_shoe, overhead, push, sit, read, climb, lean, turn_about)
}
