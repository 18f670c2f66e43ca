"""Technique and bands -> low, medium or high **posture exposure**.

This is not injury risk. The camera sees neither the mass lifted nor how often one person lifts, which matter
most, and whether lumbar flexion predicts back pain is contested (PMID 31775556: no clear difference). The
word ranks postures for attention, as an ergonomist's REBA sheet does, and must be read that way.
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from edge_agent.core.records import Technique

Risk = Literal["low", "medium", "high"]
TrunkBand = Literal["0-30", "30-60", "60-90", "90+", "unknown"]
SpineBand = Literal["0-20", "20-40", "40+", "unknown"]
KneeBand = Literal["0-30", "30-60", "60+", "unknown"]
ConfidenceBand = Literal["low", "medium", "high", "unknown"]

RISKS: Final[tuple[Risk, ...]] = get_args(Risk)

# Rows: why.
# hinge, squat   the spine keeps its shape; only the lean counts. REBA's trunk score is highest beyond 60
#                degrees and ISO 11226 does not recommend that range, so it is medium; a straight back is
#                never high.
# rounded_back   flexion of the spine adds shear at T12-L5 (arXiv 2109.00431): one step above the same lean.
# unknown        the technique was not seen, so the lean alone decides, as for a straight back: an unseen
#                spine is not accused.
# A lean that was not seen either is medium: not seen is not safe.
RISK_BY_TRUNK: Final[Mapping[Technique, Mapping[TrunkBand, Risk]]] = {
    "hinge": {"0-30": "low", "30-60": "low", "60-90": "medium", "90+": "medium", "unknown": "medium"},
    "squat": {"0-30": "low", "30-60": "low", "60-90": "medium", "90+": "medium", "unknown": "medium"},
    "rounded_back": {"0-30": "medium", "30-60": "medium", "60-90": "high", "90+": "high", "unknown": "high"},
    "unknown": {"0-30": "low", "30-60": "low", "60-90": "medium", "90+": "medium", "unknown": "medium"},
}


def risk_of(technique: Technique, trunk: TrunkBand, spine: SpineBand) -> Risk:
    """Look the posture up. A spine rounded beyond 40 degrees (most of its range) is high at any lean."""
    if technique == "rounded_back" and spine == "40+":
        return "high"
    return RISK_BY_TRUNK[technique][trunk]
