"""The frames that `extract.py` kept, as training and measuring both see them, and who is held out of training.

NumPy alone: both the simulator's environment and the product's own can import it.
"""

from collections.abc import Sequence

import numpy as np

SEED, HELD_OUT = 0, 0.2
LEAST_VISIBILITY = 0.4
LEAST_DROP_M = 0.12  # a smaller drop of the shoulders has no meaningful stoop-squat index

Rows = dict[str, np.ndarray]
"""What `extract.py` kept of many frames, sequence by sequence."""


def rows_of(paths: Sequence[str]) -> Rows:
    """All frames seen well enough, sequence by sequence."""
    parts = [dict(np.load(path)) for path in paths]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    keep = arrays["visibility"] >= LEAST_VISIBILITY
    order = np.flatnonzero(keep)[np.argsort(arrays["sequence"][keep], kind="stable")]
    rows = {name: values[order] for name, values in arrays.items()}
    rows["twist_deg"] = np.abs(rows["twist_deg"])
    rows["head_from_trunk_deg"] = rows["head_pitch_deg"] - rows["trunk_inclination_deg"]
    return rows


def by_person(rows: Rows) -> list[np.ndarray]:
    """Where the frames of each sequence are; a sequence is one person."""
    names = rows["sequence"]
    return np.split(np.arange(len(names)), np.flatnonzero(names[1:] != names[:-1]) + 1)


def held_out(sequences: np.ndarray, share: float = HELD_OUT) -> np.ndarray:
    """(n,) bool for n different sequences in order: who is never trained on, only measured."""
    return np.random.default_rng(SEED).random(len(sequences)) < share
