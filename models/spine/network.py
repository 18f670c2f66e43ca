"""The spine network: what one frame shows becomes a code; codes of a bent and of a standing frame become angles.

The encoder is exported to OpenVINO; the head is a few thousand multiplications and runs in NumPy
(``edge_agent/core/kinematics.py``), again and again as more becomes known of how the person stands.
"""

from itertools import pairwise

import torch
from torch import nn

CODE = 64
VALUES = 90
# What the head tells, each with its own uncertainty, and the size that brings it to about one.
TARGETS = {
    "spine_flexion_deg": 20.0,
    "trunk_inclination_deg": 20.0,
    "knee_flexion_deg": 25.0,
    "shin_inclination_deg": 10.0,
    "view_from_side_deg": 20.0,
    "stoop_squat_index": 20.0,
    "twist_deg": 5.0,
    "head_from_trunk_deg": 15.0,
}
LOG_SPREAD = (-3.0, 2.0)
PART = 96  # numbers that the outline and the keypoints come down to, each


class Encoder(nn.Module):
    """(n, 1, 64, 48) mask and (n, 90) values to an (n, 64) code.

    withheld: ``outline`` or ``keypoints`` where the code must do without; only `variants.py` asks for it.
    """

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, withheld: str | None = None) -> None:
        super().__init__()
        self.withheld = withheld
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        widths = (1, 24, 40, 64, 96)
        self.outline = nn.Sequential(
            *(
                layer
                for a, b in pairwise(widths)
                for layer in (nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.SiLU())
            ),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(96 * 4 * 3, PART),
            nn.SiLU(),
        )
        self.joints = nn.Sequential(nn.Linear(VALUES, 96), nn.SiLU(), nn.Dropout(0.1), nn.Linear(96, PART), nn.SiLU())
        self.both = nn.Sequential(nn.Dropout(0.1), nn.Linear(2 * PART, CODE), nn.Tanh())

    def forward(self, mask: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """(n, 1, 64, 48) and (n, 90) to (n, 64)."""
        nothing = mask.new_zeros(mask.shape[0], PART)
        outline = nothing if self.withheld == "outline" else self.outline(mask - 0.5)
        known = nothing if self.withheld == "keypoints" else self.joints((values - self.mean) / self.scale)
        return self.both(torch.cat([outline, known], 1))


class Head(nn.Module):
    """Codes of now and of standing (zeros while unknown) to (n, targets, 2): angle and log of its spread."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * CODE + 1, 96), nn.SiLU(), nn.Dropout(0.1), nn.Linear(96, 2 * len(TARGETS))
        )

    def forward(self, now: torch.Tensor, upright: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """(n, 64), (n, 64), (n, 1) to (n, targets, 2)."""
        change = (now - upright) * known
        return self.layers(torch.cat([now, change, known], 1)).view(-1, len(TARGETS), 2)
