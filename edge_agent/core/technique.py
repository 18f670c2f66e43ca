"""From one bend to one verdict: hinge, squat, rounded back, or an honest unknown.

Two axes are judged apart. *Legs*: the stoop-squat index, 100·(1 - hip drop / shoulder drop), 0 a full squat, 100
a full stoop (Schmid 2022, below 30 squat and above 90 stoop; a hinge with bent knees lies between). *Spine*:
flexion read from the outline of the back. They meet in one place, `_reduce`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp
from statistics import median

from edge_agent.core.lifts import Bend, Moment
from edge_agent.core.posture import Posture
from edge_agent.core.records import Technique, View
from edge_agent.core.spine import flexion_deg
from edge_agent.core.upright import Upright

UNKNOWN_REASONS = ("too_short", "legs_hidden", "view", "confidence")
"""Every ``unknown_reason`` there is: fixed words, for metrics."""


@dataclass(frozen=True, slots=True)
class TechniqueThresholds:
    """Where one technique ends and the next begins.

    squat_index: stoop-squat index that parts squat from hinge (Schmid 2022: squat < 30; real knee-bent hinges
    50 and up; the middle of that gap).
    rounded_deg: spine flexion from which a back is called rounded; about half of the lumbar range leaves
    the neutral zone (neutral up to roughly 35 % of range), and see docs on accuracy.
    max_view_deg: farther from the side than this the outline no longer shows the back.
    min_confidence: a verdict less sure than this is `unknown`.
    """

    squat_index: float = 44.0
    rounded_deg: float = 30.0
    max_view_deg: float = 65.0
    min_confidence: float = 0.6


# The bottom of a lift: moments at least this share of its depth.
_BOTTOM = 0.8
# Spread of the index within one technique, and of the flexion estimate on simulated lifts, as logistic widths.
_INDEX_WIDTH = 4.0
_FLEXION_WIDTH_DEG = 5.0
_SIDE_DEG, _END_DEG = 30.0, 65.0
# With a squat's upright trunk the spine is nearly always neutral; above this the back must be seen.
_UPRIGHT_TRUNK_DEG = 45.0
_FEWEST_MOMENTS = 3


@dataclass(frozen=True, slots=True)
class Measures:
    """What was seen of one lift at its bottom; ``None`` where it was not."""

    trunk_inclination_deg: float | None
    knee_flexion_deg: float | None
    shin_inclination_deg: float | None
    spine_flexion_deg: float | None
    stoop_squat_index: float | None
    view_from_side_deg: float
    moments: int
    backs: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The technique, how sure it is (0…1), and why, in words for people."""

    technique: Technique
    confidence: float
    reasons: tuple[str, ...]
    unknown_reason: str | None = None


def measure_bend(bend: Bend, upright: Upright) -> Measures:
    """The lift's angles: medians over its bottom, against the person's own upright posture."""
    bottom = bend.bottom(_BOTTOM)
    backs = [moment for moment in bottom if moment.back is not None]
    return Measures(
        trunk_inclination_deg=_median(upright.inclination_deg(m.posture) for m in bottom),
        knee_flexion_deg=_over(bottom, lambda p: p.knee_flexion_deg),
        shin_inclination_deg=_over(bottom, lambda p: p.shin_inclination_deg),
        spine_flexion_deg=_median(flexion_deg(m.back) for m in backs if m.back is not None),
        stoop_squat_index=_stoop_squat_index(bottom, upright),
        view_from_side_deg=median(m.posture.view_from_side_deg for m in bottom),
        moments=len(bottom),
        backs=len(backs),
    )


def judge(seen: Measures, thresholds: TechniqueThresholds) -> Verdict:
    """The verdict on what was seen. Never raises: what cannot be judged is ``unknown``, with the reason."""
    if seen.moments < _FEWEST_MOMENTS or seen.trunk_inclination_deg is None:
        return _unknown("too_short", "the bottom of the lift was in view for too few frames")
    hinge = _hinge_probability(seen, thresholds)
    if hinge is None:
        return _unknown("legs_hidden", "the legs were hidden, so hinge and squat look alike")
    rounded = _rounded_probability(seen, thresholds)
    return _reduce(seen, hinge, rounded, thresholds)


def view_of(view_from_side_deg: float) -> View:
    """The view's name."""
    if view_from_side_deg < _SIDE_DEG:
        return "side"
    return "oblique" if view_from_side_deg < _END_DEG else "end"


def _reduce(seen: Measures, hinge: float, rounded: float | None, thresholds: TechniqueThresholds) -> Verdict:
    """Both axes to one label: a rounded back whatever the legs do; else squat; else hinge."""
    reasons = _legs_reason(seen), _spine_reason(seen, thresholds)
    if rounded is None:
        upright_squat = hinge < 0.5 and (seen.trunk_inclination_deg or 0.0) < _UPRIGHT_TRUNK_DEG
        if not upright_squat:
            return _unknown("view", *reasons)
        return _sure_enough("squat", 0.9 * (1 - hinge), reasons, thresholds)
    if rounded >= 0.5:
        return _sure_enough("rounded_back", rounded, reasons, thresholds)
    if hinge >= 0.5:
        return _sure_enough("hinge", hinge * (1 - rounded), reasons, thresholds)
    return _sure_enough("squat", (1 - hinge) * (1 - rounded), reasons, thresholds)


def _sure_enough(technique: Technique, sure: float, reasons: tuple[str, ...], limits: TechniqueThresholds) -> Verdict:
    if sure < limits.min_confidence:
        return _unknown("confidence", *reasons, f"too close to call: {technique} at {sure:.0%}")
    return Verdict(technique, round(sure, 3), reasons)


def _unknown(word: str, *reasons: str) -> Verdict:
    return Verdict("unknown", 0.0, tuple(reasons), word)


def _hinge_probability(seen: Measures, thresholds: TechniqueThresholds) -> float | None:
    """Of the legs axis alone: 0 a squat, 1 a hinge or stoop."""
    if seen.stoop_squat_index is None:
        return None
    return _logistic((seen.stoop_squat_index - thresholds.squat_index) / _INDEX_WIDTH)


def _rounded_probability(seen: Measures, thresholds: TechniqueThresholds) -> float | None:
    """Of the spine axis alone; None where the back was not to be seen."""
    if seen.spine_flexion_deg is None or seen.backs < _FEWEST_MOMENTS:
        return None
    if seen.view_from_side_deg > thresholds.max_view_deg:
        return None
    return _logistic((seen.spine_flexion_deg - thresholds.rounded_deg) / _FLEXION_WIDTH_DEG)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-max(min(x, 30.0), -30.0)))


def _stoop_squat_index(bottom: Sequence[Moment], upright: Upright) -> float | None:
    drops = [drop for moment in bottom if (drop := _drops_m(moment.posture, upright)) is not None]
    if len(drops) < _FEWEST_MOMENTS:
        return None
    hip, shoulder = median(d[0] for d in drops), median(d[1] for d in drops)
    return max(min(100 * (1 - hip / max(shoulder, 0.05)), 100.0), 0.0)


def _drops_m(posture: Posture, upright: Upright) -> tuple[float, float] | None:
    """Drop of hips and shoulders below standing; over the planted feet where they are hidden now."""
    if posture.hip_height_m is not None and posture.shoulder_height_m is not None:
        return upright.hip_height_m - posture.hip_height_m, upright.shoulder_height_m - posture.shoulder_height_m
    return upright.drops_in_picture_m(posture)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _over(moments: Sequence[Moment], angle: Callable[[Posture], float | None]) -> float | None:
    return _median(angle(moment.posture) for moment in moments)


def _legs_reason(seen: Measures) -> str:
    index, knee, trunk = seen.stoop_squat_index, seen.knee_flexion_deg, seen.trunk_inclination_deg
    bent = "knees hidden" if knee is None else f"knees bent {knee:.0f}°"
    return f"stoop-squat index {index or 0:.0f} of 100 (0 squat, 100 stoop): trunk inclined {trunk or 0:.0f}°, {bent}"


def _spine_reason(seen: Measures, thresholds: TechniqueThresholds) -> str:
    if seen.view_from_side_deg > thresholds.max_view_deg:
        return f"seen {seen.view_from_side_deg:.0f}° off the side: the outline of the back does not show its curve"
    if seen.spine_flexion_deg is None or seen.backs < _FEWEST_MOMENTS:
        return "the outline of the back was hidden"
    word = "beyond" if seen.spine_flexion_deg >= thresholds.rounded_deg else "within"
    return f"spine flexed {seen.spine_flexion_deg:.0f}°, {word} the limit of {thresholds.rounded_deg:.0f}°"
