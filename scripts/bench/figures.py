"""What a benchmark concludes from its readings: pure arithmetic, tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MOST_LATE = 0.01
MOST_CAMERAS = 64
SOURCE_HZ = 15
"""Pictures a second of every stream."""

Buckets = Mapping[float, float]
"""A Prometheus histogram: how many were at most so many seconds, by that upper bound, infinity included."""


def late_share(due: float, looked_at: float, dropped: Mapping[str, float]) -> float:
    """Of the analyses that were due, how many a newer frame overtook, or whose picture did not come in time.

    due: pictures that the streams sent. dropped: pictures not looked at, by reason; those above the rate and broken
    ones were not due. A box that decodes too slowly drops nothing: its pictures are missing.
    """
    missing = max(0.0, due - looked_at - sum(dropped.values()))
    late = dropped.get("newer_frame", 0.0) + missing
    return late / (looked_at + late) if looked_at + late else 1.0


def next_try(ok: Mapping[int, bool], most: int = MOST_CAMERAS) -> int | None:
    """How many cameras to try next: twice as many while the box keeps up, then half-way; None where it is known.

    ok: whether the box kept up, by number of cameras. Beyond eight cameras an eighth either way is near enough.
    """
    kept_up = max((cameras for cameras, fine in ok.items() if fine), default=0)
    failed = min((cameras for cameras, fine in ok.items() if not fine), default=None)
    if failed is None:
        return None if kept_up >= most else min(max(1, 2 * kept_up), most)
    return (kept_up + failed) // 2 if failed - kept_up > max(1, kept_up // 8) else None


def between(before: Buckets, after: Buckets) -> dict[float, float]:
    """What was added to a histogram between two readings."""
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}


def quantile_ms(buckets: Buckets, share: float) -> float | None:
    """Milliseconds not exceeded by so much of the histogram, straight within a bucket, as PromQL tells it.

    None where it holds nothing, or where the answer lies beyond its last finite bound.
    """
    bounds = sorted(buckets)
    wanted = share * buckets[bounds[-1]] if bounds else 0.0
    if wanted <= 0:
        return None
    low_s, below = 0.0, 0.0
    for bound_s in bounds[:-1]:
        if buckets[bound_s] >= wanted:
            return 1000 * (low_s + (bound_s - low_s) * (wanted - below) / (buckets[bound_s] - below))
        low_s, below = bound_s, buckets[bound_s]
    return None


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through readings, by least squares: per hour, with its standard error.

    Readings of memory depend on each other, so the true error is larger than this one.
    """

    per_h: float
    stderr_per_h: float


def slope(times_s: Sequence[float], values: Sequence[float]) -> Slope | None:
    """None for fewer than three readings, or all of one moment."""
    if len(times_s) < 3 or max(times_s) == min(times_s):
        return None
    hours = (np.asarray(times_s) - np.mean(times_s)) / 3600
    heights = np.asarray(values) - np.mean(values)
    spread = float(hours @ hours)
    per_h = float(hours @ heights) / spread
    error = heights - per_h * hours
    return Slope(per_h, float(np.sqrt(error @ error / (len(hours) - 2) / spread)))
