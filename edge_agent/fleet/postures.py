"""What a lift looks like: techniques as bands, whose risk the product's own table gives."""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.core.records import TECHNIQUES, Technique
from edge_agent.core.risk import RISKS, KneeBand, Risk, SpineBand, TrunkBand, risk_of

LABELS: Final[tuple[tuple[Technique, Risk], ...]] = tuple(product(TECHNIQUES, RISKS))
"""The twelve counters of a zone, in the order of every array here."""
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Posture:
    """One way to lift; ``weight`` is its share among those of its technique."""

    technique: Technique
    weight: float
    trunk: TrunkBand
    spine: SpineBand
    knee: KneeBand

    @property
    def label(self) -> int:
        """The index in LABELS."""
        return LABELS.index((self.technique, risk_of(self.technique, self.trunk, self.spine)))


POSTURES: Final = (
    Posture("hinge", 0.55, "30-60", "0-20", "0-30"),
    Posture("hinge", 0.35, "60-90", "0-20", "30-60"),
    Posture("hinge", 0.10, "60-90", "20-40", "0-30"),
    Posture("squat", 0.80, "30-60", "0-20", "60+"),
    Posture("squat", 0.20, "60-90", "0-20", "60+"),
    Posture("rounded_back", 0.30, "30-60", "20-40", "0-30"),
    Posture("rounded_back", 0.45, "60-90", "20-40", "0-30"),
    Posture("rounded_back", 0.25, "60-90", "40+", "30-60"),
    Posture("unknown", 0.60, "30-60", "unknown", "unknown"),
    Posture("unknown", 0.40, "60-90", "unknown", "unknown"),
)
"""Made up, as plausible as may be."""


def _mix(technique: Technique) -> Shares:
    shares = np.zeros(len(LABELS))
    for posture in POSTURES:
        if posture.technique == technique:
            shares[posture.label] += posture.weight
    return shares


_MIXES: Final = {technique: _mix(technique) for technique in TECHNIQUES}
_HIGH: Final = np.array([risk == "high" for _, risk in LABELS])
HIGH_OF_ROUNDED: Final = float(_MIXES["rounded_back"][_HIGH].sum())
"""Of rounded backs, those whose exposure is high."""


def label_shares(risky: Shares, unknown_share: float, squat_share: float) -> Shares:
    """How lifts fall on the twelve labels: (n,) risky shares of told lifts -> (n, 12), each row adds up to 1."""
    rounded = np.minimum(risky / HIGH_OF_ROUNDED, 0.95)[:, None]
    told = rounded * _MIXES["rounded_back"] + (1 - rounded) * (
        squat_share * _MIXES["squat"] + (1 - squat_share) * _MIXES["hinge"]
    )
    shares: Shares = (1 - unknown_share) * told + unknown_share * _MIXES["unknown"]
    return shares


def draw_posture(rng: np.random.Generator, label: int) -> Posture:
    """One of those that count under this label. Raises ValueError where there is none."""
    fitting = [posture for posture in POSTURES if posture.label == label]
    weights = np.array([posture.weight for posture in fitting])
    return fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
