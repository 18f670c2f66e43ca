"""Whether a confidence means what it says, and what it buys to listen to the sure answers only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_agent.core.figures import Share
from edge_agent.core.scoring import Match

BINS = 10
"""Bins of equal count: confidences crowd near 1, where bins of equal width would say nothing."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Answers of about one confidence. ``confidence``: their mean, 0…1; ``right``: those that were."""

    confidence: float
    right: Share


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """Told only what is at least ``min_confidence`` sure: how much is told, and how much of it is right."""

    min_confidence: float
    coverage: Share
    accuracy: Share


def reliability(matches: Iterable[Match], bins: int = BINS) -> list[ReliabilityBin]:
    """Bins of (nearly) equal count by rising confidence; answers of equal confidence share one bin.

    Only lifts whose technique was told and can be right or wrong count.
    """
    told = [match for match in matches if match.scored and match.covered]
    return binned([match.told.confidence for match in told], [match.right for match in told], bins)


def binned(confidences: Sequence[float], rights: Sequence[bool], bins: int = BINS) -> list[ReliabilityBin]:
    """The same from each answer's confidence and whether it was right; none for no answer."""
    if not confidences:
        return []
    confidence, right = np.array(confidences), np.array(rights)
    edges = np.unique(np.quantile(confidence, np.arange(1, bins) / bins, method="higher"))
    place = np.searchsorted(edges, confidence, side="right")
    return [
        ReliabilityBin(float(confidence[inside].mean()), Share(int(right[inside].sum()), int(inside.sum())))
        for inside in (place == number for number in np.unique(place))
    ]


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """Mean distance between confidence and share right over the bins, each weighted by its count, 0…1."""
    count = sum(each.right.whole for each in bins)
    if not count:
        return None
    return sum(abs(each.confidence * each.right.whole - each.right.part) for each in bins) / count


def risk_coverage(matches: Iterable[Match]) -> list[CoveragePoint]:
    """One point for each confidence that occurs, surest first; the last tells all that was told at all."""
    scored = [match for match in matches if match.scored]
    told = sorted((match for match in scored if match.covered), key=lambda match: -match.told.confidence)
    points, right = [], 0
    for count, match in enumerate(told, 1):
        right += match.right
        last = count == len(told) or told[count].told.confidence != match.told.confidence
        if last:
            accuracy = Share(right, count)
            points.append(CoveragePoint(match.told.confidence, Share(count, len(scored)), accuracy))
    return points
