"""A bent body's angles with their own uncertainty, from the spine model's codes of now and of the person standing.

The encoder (``pose.spine_encoder``) turns one frame into a code. This head turns two codes into angles: a few
thousand multiplications, so NumPy runs them, again once more is known of how the person stands. How it was
trained and how well it does on bodies it never saw: ``models/spine/README.md``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from edge_agent.core.records import Floats
from edge_agent.core.spine import BackProfile

_LOG_SPREAD = (-3.0, 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Back:
    """The back in one frame: its outline, for people to see, and the (n, 64) codes that tell its flexion."""

    profile: BackProfile
    code: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and how far it may be off: half of the errors are smaller than 0.7 spreads (Laplace)."""

    value: float
    spread: float


@dataclass(frozen=True, slots=True)
class Kinematics:
    """One bent body. Degrees, but for the stoop-squat index (0 squat … 100 stoop).

    ``spine_flexion_deg``: thoracolumbar, relative to the person's own upright posture. ``trunk_inclination_deg``
    and ``shin_inclination_deg``: against the vertical, forward. ``knee_flexion_deg``: 0 straight.
    ``view_from_side_deg``: 0 side-on. ``twist_deg``: shoulders against hips, either way.
    ``head_from_trunk_deg``: pitch of the head beyond the trunk's, negative craned back.
    """

    spine_flexion_deg: Estimate
    trunk_inclination_deg: Estimate
    knee_flexion_deg: Estimate
    shin_inclination_deg: Estimate
    view_from_side_deg: Estimate
    stoop_squat_index: Estimate
    twist_deg: Estimate
    head_from_trunk_deg: Estimate


TellAngles = Callable[[Floats, Floats | None], Kinematics]
"""From the codes of one frame, and of the person standing where they are known, to angles."""


@dataclass(frozen=True, slots=True, eq=False)
class KinematicsHead:
    """The TellAngles that was trained: one small network for each of ``n`` codes, and the mean of their answers.

    Where they disagree, the spread is wider.

    weights: (n, 129, h), (n, h, 16). biases: (n, h), (n, 16). scale: (8,) of the answers.
    """

    weights: tuple[Floats, Floats]
    biases: tuple[Floats, Floats]
    scale: Floats

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats]) -> Self:
        """From the arrays that the training script saved."""
        first, second = (np.asarray(arrays[f"weight{i}"], np.float32) for i in range(2))
        one, two = (np.asarray(arrays[f"bias{i}"], np.float32) for i in range(2))
        return cls((first, second), (one, two), np.asarray(arrays["scale"], np.float32))

    def __call__(self, code: Floats, upright: Floats | None) -> Kinematics:
        """The angles of a body with these (n, 64) codes, whose codes while standing are ``upright`` where known."""
        change = np.zeros_like(code) if upright is None else code - upright
        known = np.full((len(code), 1), upright is not None, np.float32)
        values = np.concatenate([code, change, known], axis=1)
        hidden = _silu(np.einsum("ni,nih->nh", values, self.weights[0]) + self.biases[0])
        answers = np.einsum("nh,nho->no", hidden, self.weights[1]) + self.biases[1]
        answers = answers.reshape(len(code), len(self.scale), 2)
        value = answers[..., 0] * self.scale
        own = np.exp(np.clip(answers[..., 1], *_LOG_SPREAD)).mean(0) * self.scale
        spread = np.hypot(own, value.std(0))
        return Kinematics(*(Estimate(float(v), float(s)) for v, s in zip(value.mean(0), spread, strict=True)))


def middle(readings: Sequence[Kinematics]) -> Kinematics:
    """Medians over several frames of one bend. The spreads too: frames of one body in one view err together."""
    table = np.array([[(getattr(r, f.name).value, getattr(r, f.name).spread) for f in fields(r)] for r in readings])
    return Kinematics(*(Estimate(float(value), float(spread)) for value, spread in np.median(table, axis=0)))


def _silu(x: Floats) -> Floats:
    return np.asarray(x / (1 + np.exp(-np.clip(x, -60, 60))), np.float32)
