"""Legs and arms: hips over the feet, knees and elbows between where limbs begin and where they end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from turns import frame, rot, two_bones

if TYPE_CHECKING:
    from body import Body, Pose

SIDES = (("L", 1.0), ("R", -1.0))
Joints = dict[str, np.ndarray]  # bone → one row per frame
# Shares of body mass (de Leva 1996, rounded): all above the hips, both thighs, both shanks and feet.
UPPER_MASS, THIGH_MASS, SHANK_MASS = 0.62, 0.27, 0.11
STRAIGHT = 0.998  # share of its length to which a leg may stretch


@dataclass(frozen=True)
class Limbs:
    """Where feet, hips and hands go that are not simply planted, balanced and hanging; sides are (left, right)."""

    ankles: np.ndarray  # (T, 2, 3)
    foot_yaw: np.ndarray  # (T, 2) degrees, left positive
    foot_pitch: np.ndarray  # (T, 2) degrees, heel up positive
    hip: np.ndarray  # (T, 3) mid-hip
    hip_share: np.ndarray  # (T,) 0 hips where balance puts them … 1 at `hip`
    hands: np.ndarray  # (T, 2, 3)
    hand_share: np.ndarray  # (T, 2) 0 hand where the pose has it … 1 at `hands`
    swing: np.ndarray  # (T, 2) degrees by which a hanging arm is ahead of the plumb line
    shrug: np.ndarray  # (T, 2) degrees by which a shoulder is raised


def hip_over_feet(body: "Body", pose: "Pose", joints: Joints) -> tuple[np.ndarray, np.ndarray]:
    """Mid-hip (T, 3) and shin inclination that put the centre of mass `balance` ahead of the ankles."""
    hip = middle(joints, "upperleg01")
    shoulder = middle(joints, "upperarm01")[:, 1] - hip[:, 1]
    head = joints["head"][:, 1] - hip[:, 1]
    above = 0.70 * 0.5 * shoulder + 0.12 * head + 0.18 * shoulder
    knee_deg = pose.knee + body.rest_knee_deg
    ahead = (UPPER_MASS * above + pose.load * shoulder) / (1 + pose.load)

    def mass_y(shin: np.ndarray) -> np.ndarray:
        knee = -body.shank_m * np.sin(np.deg2rad(shin))
        hips = knee + body.thigh_m * np.sin(np.deg2rad(knee_deg - shin))
        legs = UPPER_MASS * hips + THIGH_MASS * (knee + hips) / 2 + SHANK_MASS * knee / 2
        return (legs + pose.load * hips) / (1 + pose.load) + ahead

    low, high = np.full_like(pose.knee, -15.0), np.full_like(pose.knee, 48.0)
    for _ in range(30):
        shin = (low + high) / 2
        behind = mass_y(shin) > -pose.balance
        low, high = np.where(behind, shin, low), np.where(behind, high, shin)
    shin = np.minimum(shin, pose.shin_limit)
    y = -body.shank_m * np.sin(np.deg2rad(shin)) + body.thigh_m * np.sin(np.deg2rad(knee_deg - shin))
    a, b = body.thigh_m, body.shank_m
    reach2 = a * a + b * b + 2 * a * b * np.cos(np.deg2rad(knee_deg))
    reach2 -= (body.stance.width_m / 2 - body.head_of("upperleg01.L")[0]) ** 2
    z = np.sqrt(reach2 - y * y) + body.head_of("foot.L")[2]
    return np.stack([np.zeros_like(y), y, z], axis=-1), shin


def moved_hip(body: "Body", limbs: Limbs, balanced: np.ndarray) -> np.ndarray:
    """Mid-hip (T, 3) between balance and `limbs.hip`, never so high that a foot would leave its place."""
    share = limbs.hip_share[:, None]
    hip = (1 - share) * balanced + share * limbs.hip
    hip[:, 2] = np.minimum(hip[:, 2], highest_hip(body, limbs.ankles, hip, STRAIGHT))
    return hip


def highest_hip(body: "Body", ankles: np.ndarray, hip: np.ndarray, straight: float) -> np.ndarray:
    """How high (T,) mid-hips over a point (T, 3) can be while legs this straight still reach both ankles."""
    aside = body.head_of("upperleg01.L")[0] * np.array([1.0, -1.0])
    across = ankles[..., 0] - hip[:, None, 0] - aside
    along = ankles[..., 1] - hip[:, None, 1]
    reach2 = ((body.thigh_m + body.shank_m) * straight) ** 2 - across**2 - along**2
    return (ankles[..., 2] + np.sqrt(np.maximum(reach2, 0.01))).min(axis=1)


def middle(joints: Joints, bone: str) -> np.ndarray:
    """Halfway between the left and the right bone (T, 3)."""
    return (joints[f"{bone}.L"] + joints[f"{bone}.R"]) / 2


def plant_legs(body: "Body", limbs: Limbs | None, turns: Joints, joints: Joints) -> None:
    """Two-bone legs from the hips to the feet, which stand still unless `limbs` moves them."""
    for i, (side, sign) in enumerate(SIDES):
        hip, stance = joints[f"upperleg01.{side}"], body.stance
        if limbs is None:
            spot = [sign * stance.width_m / 2, sign * stance.stagger_m / 2, body.head_of("foot.L")[2]]
            ankle, yaw, pitch = np.array(spot) + 0 * hip, np.full(len(hip), sign * stance.toe_out_deg), None
        else:
            ankle, yaw, pitch = limbs.ankles[:, i], limbs.foot_yaw[:, i], limbs.foot_pitch[:, i]
        foot = rot("z", yaw)
        ahead, across = foot @ [0.0, -1.0, 0.0], foot @ [1.0, 0.0, 0.0]
        knee = two_bones(hip, ankle, (body.thigh_m, body.shank_m), ahead)
        rest_hip, rest_knee, rest_ankle = (body.head_of(f"{b}.{side}") for b in ("upperleg01", "lowerleg01", "foot"))
        side_axis = np.array([1.0, 0.0, 0.0])
        turns[f"=upperleg01.{side}"] = frame(knee - hip, across) @ frame(rest_knee - rest_hip, side_axis).T
        turns[f"=lowerleg01.{side}"] = frame(ankle - knee, across) @ frame(rest_ankle - rest_knee, side_axis).T
        turns[f"=foot.{side}"] = foot if pitch is None else foot @ rot("x", pitch)
        if pitch is not None:  # toes stay flat on the floor when the heel comes up
            turns |= {f"=toe{k}-1.{side}": foot @ rot("x", np.minimum(pitch, 0)) for k in range(1, 6)}


def shrug(limbs: Limbs) -> Joints:
    """Local turns that raise the shoulders."""
    return {f"clavicle.{side}": rot("y", -sign * limbs.shrug[:, i]) for i, (side, sign) in enumerate(SIDES)}


def reach(body: "Body", pose: "Pose", turns: Joints, joints: Joints) -> None:
    """Two-bone arms: hanging, or hands at the load, or where `pose.limbs` puts them, or anything between."""
    limbs = pose.limbs
    for i, (side, sign) in enumerate(SIDES):
        grasp = body.stance.reach_shares[i] * pose.grasp[:, None]
        shoulder = joints[f"upperarm01.{side}"]
        hang = np.array([sign * body.stance.arm_spread_m * 0.6, -0.10, -0.955 * body.arm_m])
        if limbs is not None:
            hang = rot("x", -limbs.swing[:, i]) @ hang
        hold = pose.hand + np.array([sign * body.stance.hands_apart_m / 2, 0.0, 0.0])
        hand = (1 - grasp) * (shoulder + hang) + grasp * hold
        pole = np.array([sign * 0.7, 0.6, -0.15]) + 0 * hand
        if limbs is not None:
            hand, pole = _moved_hand(limbs, i, (hand, pole), shoulder)
        elbow = two_bones(shoulder, hand, (body.upper_arm_m, body.forearm_m), pole)
        rest = [body.head_of(f"{b}.{side}") for b in ("upperarm01", "lowerarm01", "finger3-1")]
        normal = np.cross(pole, hand - shoulder)
        rest_normal = np.cross(rest[1] - rest[0], rest[2] - rest[1])
        turns[f"=upperarm01.{side}"] = frame(elbow - shoulder, normal) @ frame(rest[1] - rest[0], rest_normal).T
        turns[f"=lowerarm01.{side}"] = frame(hand - elbow, normal) @ frame(rest[2] - rest[1], rest_normal).T


def _moved_hand(limbs: Limbs, i: int, hand_and_pole: tuple, shoulder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A hand on its way to its own target, bulging forward; the elbow hangs, and turns outwards as the hand rises."""
    hand, pole = hand_and_pole
    share = limbs.hand_share[:, i : i + 1]
    hand = (1 - share) * hand + share * limbs.hands[:, i] + 4 * share * (1 - share) * np.array([0.0, -0.12, 0.0])
    raised = np.clip((hand[:, 2:] - shoulder[:, 2:]) / 0.5 + 0.3, 0, 1)
    hanging = share * (1 - raised) * np.array([-0.4 * SIDES[i][1], 0.0, -0.35])
    return hand, pole + hanging + raised * np.array([0.0, -0.75, -0.1])
