"""Lift by lift, on bodies the network never saw: how far to trust it. Fits the widths that `core.technique` uses.

Usage: python models/spine/calibrate.py EXTRACTED.npz...    (in the product's own environment)
"""

import sys
from collections.abc import Sequence

import numpy as np
from heldout import HeldOutLift, held_out_people, is_plain, lifts_of, rows_by_view, verdict_of
from rich.progress import track
from rows import rows_of

from edge_agent.core.calibration import binned, expected_calibration_error
from edge_agent.core.kinematics import Kinematics, TellAngles
from edge_agent.core.technique import TechniqueThresholds, Verdict
from edge_agent.pose.network import new_core
from edge_agent.pose.spine_encoder import SpineEncoder
from edge_agent.spine_card import Row


def best_width(beyond: np.ndarray, truth: np.ndarray) -> float:
    """The logistic width, in spreads, of the greatest likelihood."""
    widths = np.linspace(0.2, 3, 57)

    def loss(width: float) -> float:
        p = 1 / (1 + np.exp(-np.clip(beyond / width, -30, 30)))
        return float(-np.log(np.where(truth, p, 1 - p).clip(1e-6)).mean())

    return float(min(widths, key=loss))


def print_widths(lifts: Sequence[HeldOutLift], tell: TellAngles) -> None:
    """Of both axes, with the limits that ship."""
    limits = TechniqueThresholds()
    told = [(lift, lift.told(tell)) for lift in lifts]
    over = [
        (k.spine_flexion_deg, limits.rounded_deg, lift.at_bottom("spine_flexion_deg") >= limits.rounded_deg)
        for lift, k in told
    ]
    legs = [
        (k.stoop_squat_index, limits.squat_index, lift.word("legs") == "hinge")
        for lift, k in told
        if lift.word("legs") != "semi"
    ]
    for name, rows in (("flexion", over), ("index", legs)):
        beyond = np.array([(estimate.value - limit) / estimate.spread for estimate, limit, _ in rows])
        print(f"{name} width {best_width(beyond, np.array([truth for _, _, truth in rows])):.2f} spreads")


def calibration_in_words(lifts: Sequence[HeldOutLift], tell: TellAngles) -> str:
    """Whether the confidences mean what they say, within 60° of the side and from everywhere."""
    answers = [(lift, verdict_of(lift.told(tell))) for lift in lifts if is_plain(lift)]
    told = [(lift, said) for lift, said in answers if said.technique != "unknown"]
    near = [(lift, said) for lift, said in told if lift.at_bottom("view_from_side_deg") < 60]
    return "expected calibration error " + ", ".join(
        f"{_calibration_error(some)} of {len(some)} told {where}"
        for some, where in ((near, "within 60 deg of the side"), (told, "from everywhere"))
    )


def _calibration_error(told: Sequence[tuple[HeldOutLift, Verdict]]) -> str:
    rights = [said.technique == lift.word("technique") for lift, said in told]
    error = expected_calibration_error(binned([said.confidence for _, said in told], rights))
    return "unknown" if error is None else f"{error:.3f}"


def in_words(row: Row) -> str:
    """One line for the terminal."""
    told, right, found, alarms = row.coverage, row.accuracy, row.rounded_recall, row.rounded_false_alarm
    return (
        f"  view {row.view_deg[0]}-{row.view_deg[1]}: told {told.part} of {told.whole} lifts, right {right.part}, "
        f"rounded found {found.part} of {found.whole}, false alarms {alarms.part} of {alarms.whole}, "
        f"spine MAE {row.spine_flexion_deg.mean_absolute} deg of {row.lifts}"
    )


def main() -> None:
    """Print widths and verdicts."""
    rows, encoder = rows_of(sys.argv[1:]), SpineEncoder(new_core())
    people = held_out_people(rows)
    lifts = list(track(lifts_of(rows, people, encoder), total=len(people)))
    print_widths(lifts, encoder.head)
    print(calibration_in_words(lifts, encoder.head))
    for title, standing in (("seen standing before", True), ("never seen standing", False)):
        print(title)

        def told(lift: HeldOutLift, standing: bool = standing) -> Kinematics:
            return lift.told(encoder.head, standing=standing)

        print("\n".join(in_words(row) for row in rows_by_view(lifts, told)))


if __name__ == "__main__":
    main()
