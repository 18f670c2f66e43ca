"""Who a simulated person is and how they hold themselves: what does not change with time."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Shape:
    """Phenotype of one body, in anny's units: 0…1, age 2/3 a young adult and 1 an old one."""

    gender: float = 0.0
    age: float = 0.7
    muscle: float = 0.6
    weight: float = 0.5
    height: float = 0.55
    proportions: float = 0.6
    cupsize: float = 0.4
    firmness: float = 0.6
    african: float = 0.33
    asian: float = 0.33
    caucasian: float = 0.33
    tall_m: float = 1.76  # the body is scaled to this height

    @staticmethod
    def sample(rng: np.random.Generator) -> "Shape":
        """An adult of 18 to 65 years, either sex, any common build."""
        african, asian, caucasian = rng.dirichlet([0.6, 0.6, 0.6])
        female = rng.random() < 0.5
        return Shape(
            gender=rng.uniform(0.85, 1) if female else rng.uniform(0, 0.15),
            tall_m=float(np.clip(rng.normal(1.64 if female else 1.77, 0.07), 1.46, 1.98)),
            age=rng.uniform(0.64, 0.9),
            muscle=rng.uniform(0.3, 0.85),
            weight=rng.uniform(0.25, 0.85),
            height=rng.uniform(0.35, 0.75),
            proportions=rng.uniform(0.3, 0.8),
            cupsize=rng.uniform(0.1, 0.6),
            firmness=rng.uniform(0.3, 0.8),
            african=float(african),
            asian=float(asian),
            caucasian=float(caucasian),
        )


# How far each joint of the spine (body.SPINE, lowest first) can be flexed from standing, degrees. Assumed, with room:
# what each has of 80° in most people, and 50 to 80 % more. All together, 130°, they go further than anybody.
JOINT_LIMITS_DEG = (20.0, 35.0, 32.0, 25.0, 18.0)


@dataclass(frozen=True)
class Stance:
    """How one person stands and moves all the time: the part of a pose that does not change with time."""

    width_m: float = 0.3
    toe_out_deg: float = 12.0
    stagger_m: float = 0.0
    hands_apart_m: float = 0.36
    arm_spread_m: float = 0.14
    slump_deg: float = 0.0  # a stoop kept even when upright: truth stays relative to it
    curve_deg: float = 0.0  # upper back this much rounder and lower back this much hollower than the mean body's
    spine_shares: tuple[float, ...] = (0.14, 0.27, 0.26, 0.20, 0.13)
    reach_shares: tuple[float, float] = (1.0, 1.0)  # how far the left and the right hand go to the load

    @staticmethod
    def sample(rng: np.random.Generator) -> "Stance":
        """A random adult's way to stand."""
        shares = rng.dirichlet(np.array(Stance.spine_shares) * 25)
        stagger = rng.uniform(-0.35, 0.35) if rng.random() < 0.25 else np.clip(rng.normal(0, 0.04), -0.15, 0.15)
        one_hand = (1.0, 0.0) if rng.random() < 0.5 else (0.0, 1.0)
        return Stance(
            width_m=rng.uniform(0.18, 0.48),
            toe_out_deg=rng.uniform(2, 28),
            stagger_m=float(stagger),
            hands_apart_m=rng.uniform(0.18, 0.5),
            arm_spread_m=rng.uniform(0.08, 0.2),
            slump_deg=float(np.clip(rng.normal(2, 5), -6, 14)),
            curve_deg=float(np.clip(rng.normal(0, 6), -12, 14)),
            spine_shares=tuple(float(s) for s in shares),
            reach_shares=one_hand if rng.random() < 0.12 else (1.0, 1.0),
        )

    @property
    def upper_back_share(self) -> float:
        """Of the spine's flexion, how much is in its upper half: 0 all lumbar … 1 all in the upper back."""
        return float(sum(self.spine_shares[3:]) + self.spine_shares[2] / 2)

    @property
    def most_flexion_deg(self) -> float:
        """Spine flexion at which the first joint reaches its limit."""
        return min(limit / max(share, 1e-6) for limit, share in zip(JOINT_LIMITS_DEG, self.spine_shares, strict=True))

    def bending_elsewhere(self, rng: np.random.Generator) -> "Stance":
        """The same person, whose spine bends where it will: mostly low, mostly high, or evenly."""
        shares = rng.dirichlet(np.array(Stance.spine_shares) * 7)
        return replace(self, spine_shares=tuple(float(s) for s in shares))
