"""Lifts in time: stand, bend, grasp, return, with smooth minimum-jerk timing and the exact truth of it.

Ranges cover what people really do, not only what a textbook draws: a hinge may bend the knees up to 90°
(a deadlift from the floor), and a rounded back goes with any leg strategy.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from arms import held
from body import Body, Pose

LEGS = ("hinge", "squat", "semi")
NEUTRAL_SPINE_DEG, ROUNDED_SPINE_DEG = 20.0, 35.0
HIP_FLEXION_DEG = 132.0  # thigh against pelvis, as far as a supple adult can; AAOS gives 120 as normal
LEAST_HEAD_DEG = 35.0  # who bends less than this looks at the load all the same
MOVED = 0.05  # a lift starts (ends) once the body is this share into (from the end of) its movement


@dataclass(frozen=True)
class Lift:
    """One bend-and-return cycle: angles at its bottom in degrees, times in seconds."""

    legs: str
    trunk_deg: float
    spine_deg: float
    knee_deg: float
    shin_limit_deg: float = 60.0
    balance_m: float = 0.06
    head_share: float = 0.6
    twist_deg: float = 0.0
    bend_deg: float = 0.0
    down_s: float = 1.3
    hold_s: float = 0.3
    up_s: float = 1.3
    spine_lead: float = 0.0  # share of the movement by which the spine runs ahead of the hips
    knee_lead: float = 0.0
    box: str = "none"  # "up" picks a load up, "down" puts one down, "none" only touches, "kept" is held all along
    arms: str = "load"  # "load": hands go to the load; else where `arms.held` keeps them all along
    carried_low: bool = False  # the load hangs from straight arms, as a barbell does; else it is held at the waist

    @property
    def technique(self) -> str:
        """The one label outside: rounded back whatever the legs do, else the legs; "borderline" between."""
        if self.spine_deg >= ROUNDED_SPINE_DEG:
            return "rounded_back"
        if self.spine_deg > NEUTRAL_SPINE_DEG or self.legs == "semi":
            return "borderline"
        return self.legs

    @property
    def load(self) -> str:
        """What is moved or held: "none", "box", or "barbell", which hangs from the arms or lies on the shoulders."""
        if self.box == "none":
            return "none"
        return "barbell" if self.carried_low or self.arms == "shoulders" else "box"

    @property
    def length_s(self) -> float:
        """From the first to the last movement."""
        return self.down_s + self.hold_s + self.up_s

    @staticmethod
    def sample(legs: str, spine_deg: float, rng: np.random.Generator) -> "Lift":
        """A natural lift with this leg strategy and this spine flexion."""
        if legs == "hinge":
            knee = 5 + 85 * rng.beta(1.2, 1.8)
            trunk, limit = rng.uniform(40, 95), rng.uniform(-2, 10) + knee / 12
            shin = limit
        elif legs == "squat":
            knee, trunk, limit, shin = rng.uniform(70, 130), rng.uniform(15, 60), 60.0, 35.0
        else:
            knee, trunk, limit, shin = rng.uniform(45, 85), rng.uniform(35, 80), 60.0, 20.0
        trunk = min(trunk, HIP_FLEXION_DEG - (knee - shin) + 0.5 * max(spine_deg, 0))
        brisk = rng.uniform(0.6, 1.7)
        return Lift(
            legs=legs,
            trunk_deg=float(trunk),
            spine_deg=float(spine_deg),
            knee_deg=float(knee),
            shin_limit_deg=float(limit),
            balance_m=rng.uniform(0.0, 0.11),
            head_share=rng.uniform(0.25, 1.05),
            twist_deg=float(rng.normal(0, 18 if rng.random() < 0.2 else 5)),
            bend_deg=float(rng.normal(0, 3)),
            down_s=brisk * rng.uniform(0.8, 1.2),
            hold_s=rng.uniform(0.05, 0.7),
            up_s=brisk * rng.uniform(0.8, 1.2),
            spine_lead=float(rng.normal(0, 0.06)),
            knee_lead=float(rng.normal(0, 0.06)),
            box=str(rng.choice(["none", "up", "down"])),
            carried_low=bool(rng.random() < 0.3),
        )


@dataclass(frozen=True)
class Timed:
    """A lift that begins at `at_s`."""

    lift: Lift
    at_s: float
    load_at: tuple[float, float, float] | None = None  # grip point; None: where the hands come easily

    @property
    def bottom_s(self) -> float:
        """When the hands are at the load and the body turns."""
        return self.at_s + self.lift.down_s + self.lift.hold_s / 2

    @property
    def start_s(self) -> float:
        """When the movement is visibly under way."""
        return self.at_s + _inverse(MOVED) * self.lift.down_s

    @property
    def end_s(self) -> float:
        """When the movement is visibly over."""
        return self.at_s + self.lift.length_s - _inverse(MOVED) * self.lift.up_s


@dataclass(frozen=True)
class Movement:
    """A pose per frame, with where the load rests and when it is in the hands."""

    pose: Pose
    held: np.ndarray  # (T,) bool
    load_at: np.ndarray  # (3,) grip point of the resting load, body frame


def minimum_jerk(x: np.ndarray) -> np.ndarray:
    """0 → 1 with zero speed and acceleration at both ends (Flash & Hogan 1985)."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x * x)


def _inverse(share: float) -> float:
    grid = np.linspace(0, 1, 2001)
    return float(np.interp(share, minimum_jerk(grid), grid))


def glide(times: np.ndarray, first: np.ndarray | float, moves: list[tuple]) -> np.ndarray:
    """A value that rests at `first` and makes each (start, end, target) move in turn."""
    at = np.asarray(first, dtype=float)
    value = np.broadcast_to(at, (len(times), *at.shape)).copy()
    for start, end, target in moves:
        share = minimum_jerk((times - start) / max(end - start, 1e-6))
        share = share.reshape(-1, *([1] * at.ndim))
        value = value + share * (np.asarray(target) - at)
        at = np.asarray(target, dtype=float)
    return value


def sway(times: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """The small slow movement of somebody standing."""
    tones = [np.sin(2 * np.pi * f * times + rng.uniform(0, 6.28)) for f in rng.uniform(0.08, 0.45, 3)]
    return size * np.sum(tones, axis=0) / 2


def bottom(lift: Lift) -> Pose:
    """The lowest pose of a lift, one frame, arms hanging."""
    one = Pose.standing(1)
    return replace(
        one,
        trunk=one.trunk * 0 + lift.trunk_deg,
        spine=one.spine + lift.spine_deg,
        knee=one.knee + lift.knee_deg,
        balance=one.balance * 0 + lift.balance_m,
        shin_limit=one.shin_limit * 0 + lift.shin_limit_deg,
    )


def _knee(body: Body, lift: Lift) -> float:
    joints = body.posed(bottom(lift)).joints
    return float(min(joints["lowerleg01.L"][0, 1], joints["lowerleg01.R"][0, 1]))


def load_point(body: Body, lift: Lift) -> np.ndarray:
    """Where hands can grasp a load at the bottom of a lift: ahead of the shins, arms nearly straight."""
    shoulder = body.shoulders(bottom(lift))[0]
    y = min(shoulder[1] - 0.04, _knee(body, lift) - 0.06, -0.24)
    down = np.sqrt(max((0.955 * body.arm_m) ** 2 - (y - shoulder[1]) ** 2, 0.01))
    return np.array([0.0, y, max(shoulder[2] - down, 0.10)])


def move(body: Body, lifts: list[Timed], times: np.ndarray, rng: np.random.Generator) -> Movement:
    """The whole movement of one person who stands and makes these lifts, sampled at `times`."""
    upright = Pose.standing(1)
    stand = {"trunk": float(upright.trunk[0]), "knee": 2.0, "spine": 0.0, "balance": 0.03, "shin_limit": 40.0}
    stand |= {"head": 8.0, "twist": 0.0, "bend": 0.0}
    moves: dict[str, list[tuple]] = {name: [] for name in stand}
    for timed in lifts:
        for name, target, lead in _targets(timed.lift):
            down, up = timed.lift.down_s, timed.lift.up_s
            start, turn = timed.at_s - lead * down, timed.at_s + down + timed.lift.hold_s
            moves[name] += [
                (start, start + down, target),
                (turn + lead * up, turn + (1 + lead) * up, stand[name]),
            ]
    tracks: dict[str, Any] = {name: glide(times, stand[name], moves[name]) for name in stand}
    for name, size in {"trunk": 0.8, "head": 3.0, "twist": 1.2, "bend": 0.5, "balance": 0.008}.items():
        tracks[name] = tracks[name] + sway(times, size, rng)
    hands = _hands(body, lifts, times)
    pose = Pose(**tracks, grasp=hands.grasp, hand=hands.hand, load=0.10 * hands.held)
    if lifts and lifts[0].lift.arms != "load":
        pose = held(body, pose, lifts[0].lift.arms, rng)
    return Movement(pose, hands.held > 0.5, hands.load_at)


def _targets(lift: Lift) -> list[tuple[str, float, float]]:
    return [
        ("trunk", lift.trunk_deg, 0.0),
        ("spine", lift.spine_deg, lift.spine_lead),
        ("knee", lift.knee_deg, lift.knee_lead),
        ("balance", lift.balance_m, 0.0),
        ("shin_limit", lift.shin_limit_deg, 0.0),
        ("head", lift.head_share * max(lift.trunk_deg, LEAST_HEAD_DEG), 0.05),
        ("twist", lift.twist_deg, 0.0),
        ("bend", lift.bend_deg, 0.0),
    ]


@dataclass(frozen=True)
class _Hands:
    grasp: np.ndarray
    hand: np.ndarray
    held: np.ndarray
    load_at: np.ndarray


def _hands(body: Body, lifts: list[Timed], times: np.ndarray) -> _Hands:
    """Hands hang, go to the load at the bottom, and come up with it or without."""
    low_carry = bool(lifts) and lifts[0].lift.carried_low
    shoulder_z = body.head_of("upperarm01.L")[2]
    carry = np.array([0.0, -0.24, shoulder_z - 0.96 * body.arm_m] if low_carry else [0, -0.36, 0.56 * body.height_m])
    loads = [load_point(body, timed.lift) if timed.load_at is None else np.array(timed.load_at) for timed in lifts]
    load_at = loads[0] if loads else carry
    holding = bool(lifts) and lifts[0].lift.box in ("down", "kept")
    grasp_moves, hand_moves, held_moves = [], [], []
    first = (1.0 if holding else 0.0, carry if holding else load_at)
    for timed, load in zip(lifts, loads, strict=True):
        lift, low = timed.lift, timed.at_s + timed.lift.down_s
        turn, top = low + lift.hold_s, low + lift.hold_s + lift.up_s
        if lift.box in ("down", "kept"):
            hand_moves.append((timed.at_s, low, load))
        else:
            hand_moves.append((timed.at_s - 0.01, timed.at_s, load))
            grasp_moves.append((timed.at_s + 0.15 * lift.down_s, low, 1.0))
        if lift.box == "up":
            hand_moves.append((turn, top, carry))
        else:
            grasp_moves.append((turn, turn + 0.8 * lift.up_s, 0.0))
        if lift.box in ("up", "down"):
            held_moves.append((turn - 0.1, turn, float(lift.box == "up")))
    held = glide(times, float(holding), held_moves)
    return _Hands(glide(times, first[0], grasp_moves), glide(times, first[1], hand_moves), held, load_at)
