"""The frames that `extract.py` kept, as training and measuring both see them, and who is held out of training.

NumPy alone: both the simulator's environment and the product's own can import it.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

SEED, HELD_OUT = 0, 0.2  # HELD_OUT: share of people
MIRROR_MARK = "m"  # behind the name of a person seen in a mirror
LEAST_VISIBILITY = 0.4
LEAST_DROP_M = 0.12  # a smaller drop of the shoulders has no meaningful stoop-squat index

Rows = dict[str, np.ndarray]
"""What `extract.py` kept of many frames, sequence by sequence."""


def rows_of(paths: Sequence[str], *, mirrored: bool = False) -> Rows:
    """All frames seen well enough, sequence by sequence; on request mirror images too, as sequences of their own."""
    parts = [dict(np.load(path)) for path in paths]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    marked = np.char.add(arrays["sequence"], MIRROR_MARK)
    arrays["sequence"] = np.where(arrays["mirrored"], marked, arrays["sequence"])
    keep = (arrays["visibility"] >= LEAST_VISIBILITY) & (mirrored | ~arrays["mirrored"])
    order = np.flatnonzero(keep)[np.argsort(arrays["sequence"][keep], kind="stable")]
    rows = {name: values[order] for name, values in arrays.items()}
    rows["twist_deg"] = np.abs(rows["twist_deg"])
    rows["head_from_trunk_deg"] = rows["head_pitch_deg"] - rows["trunk_inclination_deg"]
    return rows


def by_person(rows: Rows) -> list[np.ndarray]:
    """Where the frames of each sequence are; a sequence is one person."""
    names = rows["sequence"]
    return np.split(np.arange(len(names)), np.flatnonzero(names[1:] != names[:-1]) + 1)


def held_out(sequences: np.ndarray) -> np.ndarray:
    """(n,) bool: who is never trained on, only measured. By the name alone: whoever else is seen changes nothing."""
    return np.array([_draw(str(name).removesuffix(MIRROR_MARK)) < HELD_OUT for name in sequences])


def _draw(person: str) -> float:
    return int(sha256(person.encode()).hexdigest()[:8], 16) / 2**32
