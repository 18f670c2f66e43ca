"""Arms that do not reach for a load: at the chest, ahead, under a bar on the shoulders, on hips, thighs or head."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from limbs import middle

if TYPE_CHECKING:
    from body import Body, Pose
    from motion import Lift

# Where the hands are: along the trunk's own forward and upward direction from the shoulders, in arm lengths.
FROM_SHOULDERS = {"chest": (0.32, -0.25), "shoulders": (0.02, 0.06), "head": (0.12, 0.35), "overhead": (0.1, 0.85)}
PLACES = (*FROM_SHOULDERS, "ahead", "hips", "thighs")
WITH_LOAD = ("chest", "ahead", "shoulders")


def elsewhere(lift: "Lift", rng: np.random.Generator) -> "Lift":
    """The same bend with the arms held in another place, with a load in them or none."""
    arms = str(rng.choice(PLACES))
    loaded = arms == "shoulders" or (arms in WITH_LOAD and rng.random() < 0.5)
    return replace(lift, arms=arms, box="kept" if loaded else "none", carried_low=False)


def held(body: "Body", pose: "Pose", arms: str, rng: np.random.Generator) -> "Pose":
    """The pose with the hands kept at that place in every frame."""
    joints = body.posed(replace(pose, grasp=np.zeros_like(pose.grasp))).joints
    shoulder, hip, knee = (middle(joints, bone) for bone in ("upperarm01", "upperleg01", "lowerleg01"))
    up = (shoulder - hip) / np.linalg.norm(shoulder - hip, axis=1, keepdims=True)
    ahead = np.stack([0 * up[:, 0], -up[:, 2], up[:, 1]], axis=1)
    off = rng.normal(0, 0.04, 3) * [0.5, 1, 1]
    if arms == "ahead":
        hand = shoulder + body.arm_m * rng.uniform(0.7, 0.95) * np.array([0.0, -1.0, rng.uniform(-0.25, 0.25)])
    elif arms == "hips":
        hand = hip + 0.06 * up + 0.05 * ahead
    elif arms == "thighs":
        hand = hip + rng.uniform(0.5, 0.95) * (knee - hip) + 0.09 * ahead
    else:
        forward, upward = FROM_SHOULDERS[arms]
        hand = shoulder + body.arm_m * (forward * ahead + upward * up)
    return replace(pose, hand=hand + off, grasp=np.ones_like(pose.grasp))
