"""The building blocks of activities: hands that go somewhere, down on a knee, straight again."""

import numpy as np
import steps
from scene import Place
from script import Script
from turns import rot

KNEEL_PITCH_DEG = 66.0  # of the hind foot, which stands on its ball
KNEE_M = 0.065  # the knee joint above the floor it kneels on


def hand(script: Script, side: str, target: tuple[float, float, float], seconds: float) -> None:
    """One hand ("L", "R") goes to a point of the body frame."""
    raised = any(share for *_, share in script.moves[f"hand_share.{side}"][-1:])
    begin = script.now_s if raised else script.now_s - 0.01
    script.moves[f"hand.{side}"].append((begin, script.now_s + (seconds if raised else 0.0), np.array(target)))
    script.to(f"hand_share.{side}", 1.0, seconds)


def hands_down(script: Script, seconds: float = 0.9) -> None:
    """Let both arms hang again; time does not go on."""
    for side in "LR":
        for name in (f"hand_share.{side}", f"shrug.{side}"):
            if script.moves[name]:
                script.to(name, 0.0, seconds)


def upright(script: Script, seconds: float = 0.8) -> None:
    """Trunk and head as in standing."""
    for name in ("trunk", "spine", "head", "bend", "twist"):
        if script.moves[name]:
            script.to(name, 0.0, seconds)
    script.wait(seconds)


def half_kneel(script: Script) -> int:
    """One foot ahead, one behind, then down on the hind knee; returns the side (0 left, 1 right) that kneels."""
    back = int(script.rng.integers(2))
    front_y, hind_y, hip_y, hip_z = kneel_reach(script)
    for side, y in ((1 - back, front_y), (back, hind_y)):
        sign = 1.0 if side == 0 else -1.0
        x, y_world, _ = script.place.moved(np.array([sign * 0.10, y, 0.0]))
        to = steps.Plant(float(x), float(y_world), 0.0, script.place.yaw_deg + sign * 4)
        script.step([steps.Step(side, script.now_s, script.now_s + 0.5, to, 0.5)])
    script.rolls[back].append((script.now_s + 0.1, script.now_s + 1.0, KNEEL_PITCH_DEG))
    script.moves["hip"].append((script.now_s - 0.02, script.now_s - 0.01, np.array([0.0, hip_y, hip_z])))
    script.to("hip_share", 1.0, 1.3)
    script.wait(0.5)
    return back


def kneel_reach(script: Script) -> tuple[float, float, float, float]:
    """Front and hind foot, and hip (y, z), of somebody on one knee, relative to the middle of the feet."""
    body = script.body
    ankle_m, shank, thigh = body.head_of("foot.L")[2], body.shank_m, body.thigh_m
    hip_z = KNEE_M + 0.985 * thigh
    _, back, up = rot("x", KNEEL_PITCH_DEG) @ [0.0, steps.BALL_M, ankle_m]
    hind = 0.02 + float(np.sqrt(shank**2 - (up - KNEE_M) ** 2)) - (back - steps.BALL_M)
    front = -float(np.sqrt(thigh**2 - (shank + ankle_m - hip_z) ** 2)) - 0.03
    half = (hind - front) / 2
    return -half, half, half - hind, hip_z


def rise(script: Script, back: int) -> None:
    """Up from one knee, and both feet back to where they stood."""
    hands_down(script)
    script.to("hip_share", 0.0, 1.4)
    script.rolls[back].append((script.now_s + 0.1, script.now_s + 0.9, 0.0))
    upright(script, 1.1)
    feet = steps.stand(script.place, script.body.stance)
    for side in (back, 1 - back):
        script.step([steps.Step(side, script.now_s, script.now_s + 0.5, feet[side], 0.5)])


def hands_at_shoe(script: Script, front: int, foot_y: float, seconds: float) -> None:
    """Both hands at the instep of one foot."""
    x = 0.10 if front == 0 else -0.10
    for side, sign in (("L", 1.0), ("R", -1.0)):
        hand(script, side, (x + sign * 0.05, foot_y, 0.13), seconds)


def ahead_of(place: Place, far: float) -> Place:
    """A place some metres ahead, facing the same way."""
    x, y, _ = place.moved(np.array([0.0, -far, 0.0]))
    return Place(float(x), float(y), place.yaw_deg)
