"""How good the answers are, as figures that carry their counts and their doubt."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from edge_agent.core.scoring import SCORED, Match, ScoredClip

Z95 = 1.959964
"""Standard normal deviate of a two-sided 95 % interval."""

MISSED, NO_LIFT = "missed", "no_lift"
"""Where a lift that was not found, and one that never happened, stand in the confusion matrix."""

TOLD: tuple[str, ...] = (*SCORED, "unknown", MISSED)
"""The confusion matrix's columns."""


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """0…1; None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval (Wilson 1927), which stays inside 0…1 and holds for small counts."""
        if not self.whole:
            return None
        n, p = self.whole, self.part / self.whole
        centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
        half = Z95 / (1 + Z95**2 / n) * sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
        return max(centre - half, 0.0), min(centre + half, 1.0)


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` events in ``watched_s`` seconds."""

    count: int
    watched_s: float

    @property
    def per_hour(self) -> float | None:
        """None where nothing was watched."""
        return 3600 * self.count / self.watched_s if self.watched_s else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval per hour of a Poisson count (Byar's approximation; Breslow and Day 1987, p. 69)."""
        if not self.watched_s:
            return None
        low = self.count * _byar(self.count, -Z95) if self.count else 0.0
        high = (self.count + 1) * _byar(self.count + 1, Z95)
        return 3600 * low / self.watched_s, 3600 * high / self.watched_s


def _byar(count: int, z: float) -> float:
    return float((1 - 1 / (9 * count) + z / (3 * sqrt(count))) ** 3)


@dataclass(frozen=True, slots=True)
class Errors:
    """Estimates against truth, in their unit. Bias above 0: estimates run high. None of nothing."""

    count: int
    mean_absolute: float | None
    bias: float | None

    @classmethod
    def of(cls, errors: Iterable[float]) -> "Errors":
        """From each estimate minus its truth."""
        values = np.fromiter(errors, np.float64)
        if not values.size:
            return cls(0, None, None)
        return cls(values.size, float(np.abs(values).mean()), float(values.mean()))


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One technique among the lifts whose technique was told. ``told``: how often it was the answer."""

    right: int
    true: int
    told: int

    @property
    def recall(self) -> Share:
        """Of the lifts done this way, those told so."""
        return Share(self.right, self.true)

    @property
    def precision(self) -> Share:
        """Of the lifts told so, those done this way."""
        return Share(self.right, self.told)

    @property
    def f1(self) -> float | None:
        """None where the technique neither happened nor was told."""
        return 2 * self.right / (self.true + self.told) if self.true + self.told else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is said about a set of clips.

    lifts: how many are labelled, those cut off by their clip included. recall: of the whole lifts, those found.
    precision: of the lifts told, those that happened. coverage: of the lifts found, those whose technique was told;
    accuracy, by_technique and the rounded back's shares are of those. spine, start, end: errors in degrees and
    seconds. false_lifts: in all watched time; false_at_rest: in clips without any lift.
    """

    lifts: int
    recall: Share
    precision: Share
    coverage: Share
    accuracy: Share
    by_technique: dict[str, ClassFigures]
    rounded_recall: Share
    rounded_false_alarm: Share
    spine: Errors
    start: Errors
    end: Errors
    false_lifts: Rate
    false_at_rest: Rate

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 over the techniques that happened or were told."""
        each = [figures.f1 for figures in self.by_technique.values() if figures.f1 is not None]
        return sum(each) / len(each) if each else None

    @property
    def timing_mae_s(self) -> float | None:
        """Mean absolute error of start and end together, seconds."""
        if self.start.mean_absolute is None or self.end.mean_absolute is None:
            return None
        return (self.start.mean_absolute + self.end.mean_absolute) / 2


def figures(clips: Sequence[ScoredClip]) -> Figures:
    """The figures of all these clips together."""
    matches = [match for clip in clips for match in clip.matches]
    scored = [match for match in matches if match.scored]
    covered = [match for match in scored if match.covered]
    classes = {technique: _class_figures(technique, covered) for technique in SCORED}
    rounded = classes["rounded_back"]
    timed = [match for match in matches if match.truth.exact]
    return Figures(
        lifts=len(matches) + sum(len(clip.missed) for clip in clips),
        recall=_recall(clips),
        precision=_precision(clips),
        coverage=Share(len(covered), len(scored)),
        accuracy=Share(sum(match.right for match in covered), len(covered)),
        by_technique=classes,
        rounded_recall=rounded.recall,
        rounded_false_alarm=Share(rounded.told - rounded.right, len(covered) - rounded.true),
        spine=Errors.of(told - true for true, told in spine_pairs(matches)),
        start=Errors.of(match.told.start_s - match.truth.start_s for match in timed),
        end=Errors.of(match.told.end_s - match.truth.end_s for match in timed),
        false_lifts=_false_rate(clips),
        false_at_rest=_false_rate([clip for clip in clips if not clip.clip.lifts]),
    )


def spine_pairs(matches: Iterable[Match]) -> list[tuple[float, float]]:
    """(true, told) spine flexion in degrees of the lifts for which both are known."""
    angles = ((match.truth.spine_flexion_deg, match.told.spine_flexion_deg) for match in matches)
    return [(true, told) for true, told in angles if true is not None and told is not None]


def confusion(clips: Sequence[ScoredClip]) -> dict[str, dict[str, int]]:
    """Counts by true and told technique; told ``missed``: whole but not found; true ``no_lift``: never happened."""
    counts = Counter((match.truth.technique, match.told.technique) for clip in clips for match in clip.matches)
    counts.update((lift.technique, MISSED) for clip in clips for lift in clip.missed if not lift.partial)
    counts.update((NO_LIFT, lift.technique) for clip in clips for lift in clip.false or ())
    others = sorted({true for true, _ in counts} - {*SCORED, NO_LIFT})
    return {true: {told: counts[true, told] for told in TOLD} for true in (*SCORED, *others, NO_LIFT)}


def _class_figures(technique: str, covered: Sequence[Match]) -> ClassFigures:
    true = [match for match in covered if match.truth.technique == technique]
    told = sum(match.told.technique == technique for match in covered)
    return ClassFigures(sum(match.right for match in true), len(true), told)


def _recall(clips: Sequence[ScoredClip]) -> Share:
    found = sum(not match.truth.partial for clip in clips for match in clip.matches)
    missed = sum(not lift.partial for clip in clips for lift in clip.missed)
    return Share(found, found + missed)


def _precision(clips: Sequence[ScoredClip]) -> Share:
    told = [(len(clip.matches), len(clip.false)) for clip in clips if clip.false is not None]
    right = sum(matched for matched, _ in told)
    return Share(right, right + sum(false for _, false in told))


def _false_rate(clips: Sequence[ScoredClip]) -> Rate:
    return Rate(sum(len(clip.false or ()) for clip in clips), sum(clip.watched_s for clip in clips))
