"""The project's own clip and what is true of it."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

DEMO_CLIP = Path(__file__).parents[1] / "edge_agent" / "assets" / "demo.mp4"


@dataclass(frozen=True)
class TrueLift:
    """What one simulated person really did. ``x`` is a fraction of the picture's width."""

    x: float
    start_s: float
    peak_s: float
    end_s: float
    technique: str


def true_lifts() -> list[TrueLift]:
    """In the order of their peaks."""
    truth = json.loads(DEMO_CLIP.with_suffix(".truth.json").read_text())["demo"]
    lifts = [
        TrueLift(person["x"], lift["start"], lift["peak"], lift["end"], lift["technique"])
        for person in truth["people"]
        for lift in person["lifts"]
    ]
    return sorted(lifts, key=lambda lift: lift.peak_s)


def true_techniques(lifts: list[TrueLift] | None = None) -> Counter[str]:
    return Counter(lift.technique for lift in (true_lifts() if lifts is None else lifts))
