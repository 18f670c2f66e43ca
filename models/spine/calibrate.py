"""Lift by lift, on bodies the network never saw: how far to trust it. Fits the widths that `core.technique` uses.

Usage: python models/spine/calibrate.py EXTRACTED.npz...    (in the product's own environment)
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import openvino as ov
from rich.progress import track

from edge_agent.core.bodyview import BodyView
from edge_agent.core.kinematics import Kinematics, middle
from edge_agent.core.technique import Measures, TechniqueThresholds, judge
from edge_agent.pose.spine_encoder import SpineEncoder

SEED, HELD_OUT = 0, 0.2  # as in train.py: the same bodies are held out
LEAST_VISIBILITY = 0.4
BOTTOM = 0.8
VIEWS = ((0, 30), (30, 60), (60, 91), (0, 61), (0, 91))


@dataclass(frozen=True)
class Case:
    """One lift: what was told, and the truth at its bottom."""

    told: Kinematics
    told_blind: Kinematics  # by who never saw the person standing
    spine_deg: float
    index: float
    legs: str
    technique: str
    view_deg: float


def rows_of(paths: list[str]) -> dict[str, np.ndarray]:
    """All frames seen well enough, sequence by sequence."""
    parts = [dict(np.load(path)) for path in paths]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    keep = arrays["visibility"] >= LEAST_VISIBILITY
    order = np.flatnonzero(keep)[np.argsort(arrays["sequence"][keep], kind="stable")]
    return {name: values[order] for name, values in arrays.items()}


def cases(rows: dict[str, np.ndarray], encoder: SpineEncoder) -> Iterator[Case]:
    """Every held-out lift whose bottom was seen in at least two frames."""
    names, numbers = np.unique(rows["sequence"], return_inverse=True)
    held = np.random.default_rng(SEED).random(len(names)) < HELD_OUT
    for number in track(np.flatnonzero(held)):
        here = np.flatnonzero(numbers == number)
        drop = rows["shoulder_drop_m"][here]
        bent = rows["phase"][here] != "upright"
        bottom = here[bent & (drop >= BOTTOM * drop.max())]
        standing = here[~bent]
        if len(bottom) < 2 or drop.max() < 0.12 or not len(standing):
            continue

        def code(row: int) -> np.ndarray:
            return encoder.encode(BodyView(rows["mask"][row].astype(np.float32) / 255, rows["values"][row]))

        codes, upright = [code(row) for row in bottom], np.mean([code(row) for row in standing], 0)
        index = 100 * (1 - rows["hip_drop_m"][bottom] / rows["shoulder_drop_m"][bottom])
        yield Case(
            middle([encoder.head(c, upright) for c in codes]),
            middle([encoder.head(c, None) for c in codes]),
            float(np.median(rows["spine_flexion_deg"][bottom])),
            float(np.median(index)),
            str(rows["legs"][bottom[0]]),
            str(rows["technique"][bottom[0]]),
            float(rows["view_from_side_deg"][bottom[0]]),
        )


def best_width(beyond: np.ndarray, truth: np.ndarray) -> float:
    """The logistic width, in spreads, of the greatest likelihood."""
    widths = np.linspace(0.2, 3, 57)

    def loss(width: float) -> float:
        p = 1 / (1 + np.exp(-np.clip(beyond / width, -30, 30)))
        return float(-np.log(np.where(truth, p, 1 - p).clip(1e-6)).mean())

    return float(min(widths, key=loss))


def verdicts(found: list[Case], blind: bool) -> None:
    """What the product would say of them."""
    for low, high in VIEWS:
        here = [case for case in found if low <= case.view_deg < high and case.technique != "borderline"]
        said = []
        for case in here:
            told = case.told_blind if blind else case.told
            trunk, knee = told.trunk_inclination_deg.value, told.knee_flexion_deg.value
            measures = Measures(told, trunk, knee, told.stoop_squat_index, told.view_from_side_deg.value, 9)
            said.append(judge(measures, TechniqueThresholds()))
        pairs = [(case.technique, verdict.technique) for case, verdict in zip(here, said, strict=True)]
        covered = [pair for pair in pairs if pair[1] != "unknown"]
        right = sum(a == b for a, b in covered)
        rounded = [b for a, b in covered if a == "rounded_back"]
        flat = [b for a, b in covered if a != "rounded_back"]
        every = [case for case in found if low <= case.view_deg < high]
        off = [abs((c.told_blind if blind else c.told).spine_flexion_deg.value - c.spine_deg) for c in every]
        told_rounded = [np.mean([b == "rounded_back" for b in group]) for group in (rounded, flat)]
        print(
            f"  view {low}-{high}: {len(here)} lifts, covered {len(covered) / len(here):.2f}, "
            f"right {right / len(covered):.3f}, rounded found {told_rounded[0]:.2f} of {len(rounded)}, "
            f"false alarms {told_rounded[1]:.2f} of {len(flat)}, spine MAE {np.mean(off):.1f} deg of {len(every)}"
        )


def main() -> None:
    """Print widths and verdicts."""
    found = list(cases(rows_of(sys.argv[1:]), SpineEncoder(ov.Core())))
    limits = TechniqueThresholds()
    over = [(c.told.spine_flexion_deg, limits.rounded_deg, c.spine_deg >= limits.rounded_deg) for c in found]
    legs = [(c.told.stoop_squat_index, limits.squat_index, c.legs == "hinge") for c in found if c.legs != "semi"]
    for name, rows in (("flexion", over), ("index", legs)):
        beyond = np.array([(told.value - limit) / told.spread for told, limit, _ in rows])
        print(f"{name} width {best_width(beyond, np.array([truth for _, _, truth in rows])):.2f} spreads")
    for title, blind in (("seen standing before", False), ("never seen standing", True)):
        print(title)
        verdicts(found, blind)


if __name__ == "__main__":
    main()
