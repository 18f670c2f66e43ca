"""What one person does through a clip: footsteps, lifts and movements noted down in time, then performed."""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import steps
from body import Body, Joints, Pose
from limbs import Limbs
from motion import Lift, Timed, glide, move
from scene import Place

OVERLAYS = ("trunk", "spine", "head", "twist", "bend", "knee", "balance")
STRIDE_M = 0.66  # arm swing and the turn of the pelvis grow with the stride up to this one


@dataclass(frozen=True)
class Prop:
    """A thing that moves with a person between two times, and stays where it is before and after.

    `anchor` is "root" (the body frame's origin), "hands" (between the hands), or one hand's bone.
    """

    rows: np.ndarray
    anchor: str
    from_s: float = -np.inf
    to_s: float = np.inf
    shown: tuple[float, float] = (-np.inf, np.inf)


@dataclass(frozen=True)
class Performance:
    """Bones in time, ready to be skinned: rotations (J, T, 3, 3) and joints are in the body frame of `path`."""

    body: Body
    pose: Pose
    path: steps.Path
    rotations: np.ndarray
    joints: Joints
    lifts: list[Timed]
    leans_deg: list[float]
    props: list[Prop]
    furniture: list[np.ndarray]
    fps: float

    def frame_at(self, time_s: float) -> int:
        """The frame at a time, or the first or last one."""
        return int(np.clip(np.round(time_s * self.fps), 0, len(self.path.at) - 1))

    def prop_rows(self, at: float) -> list[np.ndarray]:
        """World vertex rows of everything this person moves, at one frame, or between two."""
        frame, last = int(at), len(self.path.at) - 1
        shown = [prop for prop in self.props if prop.shown[0] <= frame / self.fps <= prop.shown[1]]
        now = [self._rows(prop, frame) for prop in shown]
        if at == frame:
            return now
        then = [self._rows(prop, min(frame + 1, last)) for prop in shown]
        return [before + np.float32(at - frame) * (after - before) for before, after in zip(now, then, strict=True)]

    def _rows(self, prop: Prop, frame: int) -> np.ndarray:
        i = min(max(frame, self.frame_at(prop.from_s)), self.frame_at(prop.to_s))
        place, rows = self.path.place(i), prop.rows.copy()
        rows[:, 3:6] = place.turned(rows[:, 3:6])
        rows[:, 0:3] = place.moved(rows[:, 0:3] + self._anchor(prop.anchor, i))
        rows[:, 2] += self.path.at[i, 2]
        return rows

    def _anchor(self, name: str, frame: int) -> np.ndarray:
        if name == "root":
            return np.zeros(3)
        bones = [f"finger3-1.{side}" for side in "LR"] if name == "hands" else [name]
        return np.mean([self.joints[bone][frame] for bone in bones], axis=0)


class Script:
    """One person's timeline under construction: every method goes on from `now_s` and `place`."""

    def __init__(self, body: Body, place: Place, rng: np.random.Generator) -> None:
        self.body, self.place, self.rng = body, place, rng
        self.gait = steps.Gait.sample(body.height_m, rng)
        self.first = steps.stand(place, body.stance)
        self.now_s = 0.0
        self.steps: list[steps.Step] = []
        self.rolls: list[list[tuple]] = [[], []]
        self.moves: dict[str, list[tuple]] = defaultdict(list)
        self.lifts: list[Timed] = []
        self.leans_deg: list[float] = []  # past upright after each lift, where that was asked for
        self.tote: tuple | None = None  # the colour of the crates that are lifted, where these are not cartons
        self.props: list[Prop] = []
        self.furniture: list[np.ndarray] = []
        self.blocked: list[tuple[float, float]] = []  # floor that other ways must keep clear of
        self.done: list[tuple[str, float, float]] = []  # activities with their times
        self.settled_s: float | None = None  # from here on a clip may end with the person still down

    def wait(self, seconds: float) -> None:
        """Nothing new for a while."""
        self.now_s += seconds

    def to(self, name: str, target: object, seconds: float, after_s: float = 0.0) -> None:
        """Move one track to a target within these seconds, now or a little later; time does not go on."""
        start = self.now_s + after_s
        self.moves[name].append((start, start + seconds, target))

    def lift(self, lift: Lift) -> None:
        """One lift on the spot, standing still before and after it."""
        self.wait(0.75)
        self.lifts.append(Timed(lift, self.now_s))
        self.wait(lift.length_s + 0.3)

    def lean_back(self, lean_deg: float) -> None:
        """Right after a lift: past upright by so much, held for a moment, and back."""
        self.leans_deg.append(lean_deg)
        if not lean_deg:
            return
        self.to("trunk", -lean_deg, 0.4, after_s=-0.4)
        self.wait(float(self.rng.uniform(0.3, 0.7)))
        self.to("trunk", 0.0, 0.6)
        self.wait(0.6)

    def block(self, ahead_m: float, size_m: float = 0.0) -> None:
        """Something stands this far ahead: nobody should walk through it."""
        for far in (ahead_m, ahead_m + size_m) if size_m else (ahead_m,):
            x, y, _ = self.place.moved(np.array([0.0, -far, 0.0]))
            self.blocked.append((float(x), float(y)))

    def turn_to(self, yaw_deg: float) -> None:
        """Face another way with small steps."""
        if abs(yaw_deg - self.place.yaw_deg) < 4:
            return
        step_s = float(self.rng.uniform(0.36, 0.55))
        self.step(steps.turn(self.place, yaw_deg, self.body.stance, step_s, self.now_s))
        self.place = replace(self.place, yaw_deg=yaw_deg)

    def walk_to(self, x: float, y: float, slower: float = 1.0) -> None:
        """Turn towards a point where it is not ahead, and walk there."""
        way = np.array([x - self.place.x, y - self.place.y])
        if np.linalg.norm(way) < 0.25:
            return
        heading = steps.bearing(way, self.place.yaw_deg)
        if abs(heading - self.place.yaw_deg) > 30:
            self.turn_to(heading)
        end = Place(x, y, heading)
        gait = replace(self.gait, step_s=self.gait.step_s * slower)
        self.step(steps.walk(self.place, end, self.body.stance, gait, self.now_s))
        self.place = end

    def step(self, more: list[steps.Step]) -> None:
        """Take these steps, the last of which ends now."""
        self.steps += more
        self.now_s = more[-1].land_s + 0.1


def path_of(script: Script, times: np.ndarray) -> tuple[steps.Feet, steps.Path]:
    """Where feet and body are at these times: cheap, and enough to see who would bump into whom."""
    sampled = steps.feet(script.first, script.steps, script.rolls, times)
    return sampled, steps.path(sampled, 1 / (times[1] - times[0]))


def perform(script: Script, times: np.ndarray) -> Performance:
    """Solve the whole script at evenly spaced times."""
    body, fps = script.body, float(1 / (times[1] - times[0]))
    sampled, path = path_of(script, times)
    base = move(body, script.lifts, times, script.rng).pose
    tracks = {name: getattr(base, name) + glide(times, 0.0, script.moves[name]) for name in OVERLAYS}
    special = glide(times, 0.0, script.moves["hip_share"])
    stride = _stride(path, sampled) * (1 - special) / STRIDE_M
    path = steps.Path(path.at, path.yaw_deg + 4.0 * stride)
    tracks["twist"] = tracks["twist"] - 8.0 * stride
    tracks["trunk"] = tracks["trunk"] + 3.0 * steps.smoothed(np.abs(stride), 0.3 * fps)
    carry = glide(times, 0.0, script.moves["carry"])
    limbs = _limbs(script, (sampled, path), times, (stride, special))
    pose = replace(base, **tracks, grasp=np.maximum(base.grasp, carry), limbs=limbs)
    rotations, joints, _ = body.solved(pose)
    return Performance(
        body, pose, path, rotations, joints, script.lifts, script.leans_deg, script.props, script.furniture, fps
    )


def _stride(path: steps.Path, sampled: steps.Feet) -> np.ndarray:
    """How far the right foot is ahead of the left one (T,), metres."""
    inside = path.inside(sampled.plants)
    return inside[:, 0, 1] - inside[:, 1, 1]


def _limbs(script: Script, walked: tuple, times: np.ndarray, shares: tuple) -> Limbs:
    """Feet from the footsteps; hips between walking, balance and places of their own; hands likewise."""
    (sampled, path), (stride, special), body = walked, shares, script.body
    fps = 1 / (times[1] - times[0])
    ankles = path.inside(sampled.ankles(body.head_of("foot.L")[2]))
    stepping = np.zeros(len(times))
    for step in script.steps:
        stepping[(times > step.lift_s - 0.35) & (times < step.land_s + 0.25)] = 1
    stepping = steps.smoothed(stepping, 0.12 * fps)
    hip = steps.hips(body, ankles, sampled, fps)
    seat = glide(times, np.array([0.0, 0.3, 0.5]), script.moves["hip"])
    swing = script.gait.arm_swing_deg * np.clip(stride, -1.2, 1.2)
    moves = script.moves
    return Limbs(
        ankles=ankles,
        foot_yaw=sampled.yaw_deg - path.yaw_deg[:, None],
        foot_pitch=sampled.pitch_deg,
        hip=hip + special[:, None] * (seat - hip),
        hip_share=np.maximum(stepping, special),
        hands=np.stack([glide(times, np.zeros(3), moves[f"hand.{s}"]) for s in "LR"], axis=1),
        hand_share=np.stack([glide(times, 0.0, moves[f"hand_share.{s}"]) for s in "LR"], axis=1),
        swing=np.stack([swing, -swing], axis=1),
        shrug=np.stack([glide(times, 0.0, moves[f"shrug.{s}"]) for s in "LR"], axis=1),
    )
