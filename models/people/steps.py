"""Footsteps: where each foot is put and when, and from them the feet, the path of the body and its hips.

A foot that carries weight never moves: the body follows its feet. World frame, metres and seconds; yaw as in
`scene.Place`. Proportions of a step (swing three quarters of it, toe-off near 50°, heel strike near −20°) are
those of ordinary adult gait (Perry & Burnfield 2010), rounded.
"""

from dataclasses import dataclass

import numpy as np
from body import Body
from limbs import highest_hip
from motion import glide
from person import Stance
from scene import Place
from turns import rot

SWING = 0.76  # share of a step for which its foot is in the air
TOE_OFF_DEG, HEEL_STRIKE_DEG = 42.0, -16.0
BALL_M, HEEL_M = 0.125, 0.05  # ahead of and behind the ankle: what a foot rolls over
LEVEL_S, TURN_S = 0.20, 0.22  # smoothing that turns feet into a body's steady advance and turn
LEAD_S = 0.09  # by which the body is ahead of the mean of its feet: a foot lands under a body on its way


@dataclass(frozen=True)
class Plant:
    """Where a foot stands: the point below its ankle, height of the ground there, direction."""

    x: float
    y: float
    z: float
    yaw_deg: float


@dataclass(frozen=True)
class Step:
    """One foot (0 left, 1 right) leaves the ground, and lands at `to`; `roll` is 1 in a full stride."""

    side: int
    lift_s: float
    land_s: float
    to: Plant
    roll: float


@dataclass(frozen=True)
class Gait:
    """How somebody walks."""

    step_m: float = 0.66
    step_s: float = 0.55
    base_m: float = 0.11
    toe_out_deg: float = 6.0
    arm_swing_deg: float = 20.0

    @staticmethod
    def sample(tall_m: float, rng: np.random.Generator) -> "Gait":
        """A stroll or a brisk walk."""
        speed = rng.uniform(0.75, 1.55)
        step = 0.36 * tall_m * (speed / 1.25) ** 0.5 * rng.uniform(0.93, 1.07)
        return Gait(step, step / speed, rng.uniform(0.07, 0.16), rng.uniform(2, 12), rng.uniform(8, 28))


@dataclass(frozen=True)
class Path:
    """Where a body is at every frame: position (T, 3) and yaw (T,)."""

    at: np.ndarray
    yaw_deg: np.ndarray

    def inside(self, points: np.ndarray) -> np.ndarray:
        """World points (T, N, 3) in the body frame."""
        return np.einsum("tba,tnb->tna", rot("z", self.yaw_deg), points - self.at[:, None])

    def place(self, frame: int) -> Place:
        """Where the body stands at one frame, its height above the floor left out."""
        return Place(float(self.at[frame, 0]), float(self.at[frame, 1]), float(self.yaw_deg[frame]))


def stand(place: Place, stance: Stance, z: float = 0.0) -> list[Plant]:
    """Both feet of somebody who stands at a place."""
    plants = []
    for sign in (1.0, -1.0):
        x, y, _ = place.moved(np.array([sign * stance.width_m / 2, sign * stance.stagger_m / 2, 0.0]))
        plants.append(Plant(float(x), float(y), z, place.yaw_deg + sign * stance.toe_out_deg))
    return plants


def bearing(way: np.ndarray, near_deg: float) -> float:
    """The yaw that faces along `way`, as the turn of less than half a circle from `near_deg`."""
    yaw = float(np.degrees(np.arctan2(way[0], -way[1])))
    return near_deg + (yaw - near_deg + 180) % 360 - 180


def walk(start: Place, end: Place, stance: Stance, gait: Gait, at_s: float) -> list[Step]:
    """Steps straight from one place to another, the last one drawing level; the body should face along the way."""
    way = np.array([end.x - start.x, end.y - start.y])
    far = float(np.linalg.norm(way))
    heading = bearing(way, start.yaw_deg)
    count = max(round(far / gait.step_m), 1)
    first, steps = int(far * 1e4) % 2, []
    final = stand(end, stance)
    for i in range(1, count + 2):
        side = (first + i) % 2
        sign = 1.0 if side == 0 else -1.0
        along = Place(start.x + way[0] * i / count, start.y + way[1] * i / count, heading)
        x, y, _ = along.moved(np.array([sign * gait.base_m / 2, 0, 0]))
        to = Plant(float(x), float(y), 0.0, heading + sign * gait.toe_out_deg)
        lift_s = at_s + (i - 1) * gait.step_s
        roll = min(far / count / 0.66, 1.2) * (0.5 if i in (1, count + 1) else 1.0)
        steps.append(Step(side, lift_s, lift_s + SWING * gait.step_s, final[side] if i >= count else to, roll))
    return steps


def turn(start: Place, yaw_deg: float, stance: Stance, step_s: float, at_s: float) -> list[Step]:
    """Small steps on the spot until the body faces `yaw_deg`; the foot on the inside goes first."""
    by = yaw_deg - start.yaw_deg
    count = max(int(np.ceil(abs(by) / 50)), 1)
    steps: list[Step] = []
    for i in range(1, count + 1):
        feet = stand(Place(start.x, start.y, start.yaw_deg + by * i / count), stance)
        for side in (0, 1) if by > 0 else (1, 0):
            lift_s = at_s + len(steps) * step_s
            steps.append(Step(side, lift_s, lift_s + SWING * step_s, feet[side], 0.25))
    return steps


@dataclass(frozen=True)
class Feet:
    """Both feet at every frame: points below the ankles (T, 2, 3), yaw and pitch (T, 2), height in the air (T, 2)."""

    plants: np.ndarray
    yaw_deg: np.ndarray
    pitch_deg: np.ndarray
    air_m: np.ndarray

    def ankles(self, ankle_m: float) -> np.ndarray:
        """Ankle joints (T, 2, 3) in the world: the foot rolls over its ball, or over its heel."""
        pivot = np.where(self.pitch_deg > 0, -BALL_M, HEEL_M)
        zero = np.zeros_like(pivot)
        arm = np.stack([zero, -pivot, zero + ankle_m], axis=-1)
        rolled = (rot("x", self.pitch_deg) @ arm[..., None])[..., 0] + np.stack([zero, pivot, zero], axis=-1)
        turned = (rot("z", self.yaw_deg) @ rolled[..., None])[..., 0]
        return self.plants + turned + np.stack([zero, zero, self.air_m], axis=-1)


def feet(first: list[Plant], steps: list[Step], rolls: list[list[tuple]], times: np.ndarray) -> Feet:
    """Sample the feet; `rolls` are further pitch moves (start, end, target) of each side, of a foot that kneels."""
    columns = []
    for side in (0, 1):
        own, at = [s for s in steps if s.side == side], first[side]
        before = [at, *(s.to for s in own)]
        air = sum((_flight(s, s.to.z - b.z, times) for s, b in zip(own, before, strict=False)), np.zeros(len(times)))
        points = [(s.lift_s, s.land_s, (s.to.x, s.to.y)) for s in own]
        heights = [_climb(s, s.to.z - b.z) for s, b in zip(own, before, strict=False)]
        ground = glide(times, np.array([at.x, at.y]), points)
        plants = np.concatenate([ground, glide(times, at.z, heights)[:, None]], axis=1)
        yaw = glide(times, at.yaw_deg, [(s.lift_s, s.land_s, s.to.yaw_deg) for s in own])
        pitch = glide(times, 0.0, sorted([move for s in own for move in _roll(s)] + rolls[side]))
        columns.append((plants, yaw, pitch, air))
    return Feet(*(np.stack(c, axis=1) for c in zip(*columns, strict=True)))


def _roll(step: Step) -> list[tuple]:
    """The heel comes up while the other foot takes the weight; the foot lands on its heel and goes flat."""
    whole = (step.land_s - step.lift_s) / SWING
    return [
        (step.lift_s - 0.34 * whole, step.lift_s + 0.05 * whole, TOE_OFF_DEG * step.roll),
        (step.lift_s + 0.08 * whole, step.land_s, HEEL_STRIKE_DEG * step.roll),
        (step.land_s, step.land_s + 0.2 * whole, 0.0),
    ]


def _flight(step: Step, climb: float, times: np.ndarray) -> np.ndarray:
    share = np.clip((times - step.lift_s) / (step.land_s - step.lift_s), 0, 1)
    return (0.025 + 0.03 * step.roll + 0.35 * abs(climb)) * np.sin(np.pi * share**0.85) ** 1.3


def _climb(step: Step, climb: float) -> tuple:
    """Up before the edge, down after it."""
    span = step.land_s - step.lift_s
    early, late = (0.0, 0.6) if climb > 0 else (0.4, 1.0)
    return step.lift_s + early * span, step.lift_s + late * span, step.to.z


def path(sampled: Feet, fps: float) -> Path:
    """The body goes steadily with the mean of its feet."""
    at = smoothed(sampled.plants.mean(axis=1), LEVEL_S * fps)
    frames = np.arange(len(at))
    at = np.stack([np.interp(frames + LEAD_S * fps, frames, column) for column in at.T], axis=-1)
    return Path(at, smoothed(sampled.yaw_deg.mean(axis=1), TURN_S * fps))


def hips(body: Body, ankles: np.ndarray, sampled: Feet, fps: float) -> np.ndarray:
    """Mid-hips (T, 3) of a walker: over the foot that bears the weight, as high as nearly straight legs allow."""
    swings = sampled.air_m > 0
    hip = np.zeros((len(ankles), 3))
    hip[:, 0] = smoothed(0.022 * (swings[:, 1].astype(float) - swings[:, 0]), 0.09 * fps)
    hip[:, 2] = smoothed(highest_hip(body, ankles, hip, 0.98), 0.10 * fps)
    return hip


def smoothed(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing along time, the ends held."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate([np.repeat(values[:1], reach, 0), values, np.repeat(values[-1:], reach, 0)])
    columns = padded.reshape(len(padded), -1).T
    return np.stack([np.convolve(c, kernel / kernel.sum(), "valid") for c in columns], -1).reshape(values.shape)
