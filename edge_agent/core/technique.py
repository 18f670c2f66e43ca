"""From one bend to one verdict: hinge, squat, rounded back, or an honest unknown.

Two axes are judged apart. *Legs*: the stoop-squat index, 100·(1 - hip drop / shoulder drop), 0 a full squat, 100
a full stoop (Schmid 2022, below 30 squat and above 90 stoop; a hinge with bent knees lies between). *Spine*:
flexion read from the outline of the back. They meet in one place, `_reduce`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, hypot
from statistics import median

from edge_agent.core.bend import Bend, Moment
from edge_agent.core.kinematics import Estimate, Kinematics, TellAngles, middle
from edge_agent.core.posture import Posture
from edge_agent.core.records import Technique, View
from edge_agent.core.upright import Upright

UNKNOWN_REASONS = ("too_short", "legs_hidden", "view", "confidence")
"""Every ``unknown_reason`` there is: fixed words, for metrics."""


@dataclass(frozen=True, slots=True)
class TechniqueThresholds:
    """Where one technique ends and the next begins.

    squat_index: stoop-squat index that parts squat from hinge (Schmid 2022: below 30 squat; of simulated lifts at
    their bottom 95 % of squats lie below 44 and 95 % of hinges, deadlifts from the floor included, above 38).
    rounded_deg: spine flexion from which a back is called rounded: two fifths of a thoracolumbar range of about 80°.
    A loaded hinge that trainers call neutral was measured at 42 % of the lifter's greatest flexion (J. Musculoskelet.
    Surg. Res. 8:309, one lifter).
    min_confidence: a verdict less sure than this is `unknown`.
    """

    squat_index: float = 40.0
    rounded_deg: float = 33.0
    min_confidence: float = 0.6


# The bottom of a lift: moments at least this share of its depth; and its way: the moments down to this share.
_BOTTOM, _WAY = 0.8, 0.5
# The legs are judged by the way too, which counts half as much: who sits low at the load and then drives the hips
# back and up hinges more than the bottom shows. Where way and bottom disagree, the index is less certain.
_WAY_WEIGHT = 1 / 3
# How far the index read from keypoints alone strays within one technique: for lifts whose outline was hidden.
_KEYPOINT_INDEX_SPREAD = 14.0
# With a squat's upright trunk the spine is nearly always neutral; above this inclination the back must be seen.
_UPRIGHT_TRUNK_DEG, _ROUNDED_UPRIGHT = 45.0, 0.1
# Logistic widths, in spreads, that turn the distance to a limit into a probability; fitted on held-out simulated
# lifts by models/spine/calibrate.py.
_FLEXION_WIDTH, _INDEX_WIDTH = 0.8, 0.9
# Estimates that may be off by more than this say little: of the legs half the way from squat to stoop.
_VAGUE_FLEXION_DEG, _VAGUE_INDEX = 15.0, 25.0
_SIDE_DEG, _END_DEG = 30.0, 65.0
_FEWEST_MOMENTS, _FEWEST_OUTLINES = 3, 2


Reading = tuple[Moment, Kinematics]
"""One moment of a bend, and the angles that the spine model told from it."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What was seen of one lift at its bottom; ``None`` where it was not.

    ``bent``: medians over the bottom of all that the spine model saw, None where the outline of the back was hidden.
    """

    bent: Kinematics | None
    trunk_inclination_deg: float | None
    knee_flexion_deg: float | None
    stoop_squat_index: Estimate | None
    view_from_side_deg: float
    moments: int

    @property
    def spine_flexion_deg(self) -> float | None:
        """Never below zero: a hollow back is not a flexed one."""
        return None if self.bent is None else max(self.bent.spine_flexion_deg.value, 0.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The technique, how sure it is (0…1), and why, in words for people."""

    technique: Technique
    confidence: float
    reasons: tuple[str, ...]
    unknown_reason: str | None = None


def read_bend(bend: Bend, upright: Upright, tell: TellAngles) -> list[Reading]:
    """What the spine model saw, in the moments of the bend in which the outline of the back was to be had."""
    seen = [(moment, kinematics_of(moment, upright, tell)) for moment in bend.moments]
    return [(moment, told) for moment, told in seen if told is not None]


def measure_bend(bend: Bend, upright: Upright, readings: Sequence[Reading]) -> Measures:
    """The lift's angles: medians over its bottom, against the person's own upright posture."""
    bottom, deep = bend.bottom(_BOTTOM), bend.bottom(_WAY)
    told = [angles for moment, angles in readings if moment in bottom]
    bent = middle(told) if len(told) >= _FEWEST_OUTLINES else None
    way = [angles for moment, angles in readings if moment in deep and moment not in bottom]
    return Measures(
        bent=bent,
        trunk_inclination_deg=bent.trunk_inclination_deg.value
        if bent
        else _median(upright.inclination_deg(m.posture) for m in bottom),
        knee_flexion_deg=bent.knee_flexion_deg.value if bent else _over(bottom, lambda p: p.knee_flexion_deg),
        stoop_squat_index=_with_way(bent.stoop_squat_index, way) if bent else _stoop_squat_index(bottom, upright),
        view_from_side_deg=bent.view_from_side_deg.value
        if bent
        else median(m.posture.view_from_side_deg for m in bottom),
        moments=len(bottom),
    )


def kinematics_of(moment: Moment, upright: Upright, tell: TellAngles) -> Kinematics | None:
    """What the spine model saw at one moment; None where the outline of the back was not to be had."""
    return None if moment.back is None else tell(moment.back.code, upright.code)


def judge(seen: Measures, thresholds: TechniqueThresholds) -> Verdict:
    """The verdict on what was seen. Never raises: what cannot be judged is ``unknown``, with the reason."""
    if seen.moments < _FEWEST_MOMENTS or seen.trunk_inclination_deg is None:
        return _unknown("too_short", "the bottom of the lift was in view for too few frames")
    hinge, rounded = _hinge_probability(seen, thresholds), _rounded_probability(seen, thresholds)
    return _reduce(seen, hinge, rounded, thresholds)


def view_of(view_from_side_deg: float) -> View:
    """The view's name."""
    if view_from_side_deg < _SIDE_DEG:
        return "side"
    return "oblique" if view_from_side_deg < _END_DEG else "end"


def _reduce(seen: Measures, hinge: float | None, rounded: float | None, thresholds: TechniqueThresholds) -> Verdict:
    """Both axes to one label: a rounded back whatever the legs do; else squat; else hinge."""
    reasons = _legs_reason(seen), _spine_reason(seen, thresholds)
    if rounded is None:
        upright = (seen.trunk_inclination_deg or 0.0) < _UPRIGHT_TRUNK_DEG
        if not upright or hinge is None or hinge > 0.5:
            return _unknown("view", *reasons)
        rounded = _ROUNDED_UPRIGHT
    if hinge is None:
        if rounded < thresholds.min_confidence:
            return _unknown("legs_hidden", *reasons, "hinge and squat look alike without the legs")
        return Verdict("rounded_back", round(rounded, 3), reasons)
    flat = 1 - rounded
    shares: dict[Technique, float] = {"hinge": flat * hinge, "squat": flat * (1 - hinge), "rounded_back": rounded}
    technique = max(shares, key=shares.__getitem__)
    sure = shares[technique]
    if sure < thresholds.min_confidence:
        return _unknown(_what_is_vague(seen), *reasons, f"too close to call: {technique} at {sure:.0%}")
    return Verdict(technique, round(sure, 3), reasons)


def _what_is_vague(seen: Measures) -> str:
    """Why it was too close to call: the back or the legs hardly seen, or simply a body between two techniques."""
    if seen.bent and seen.bent.spine_flexion_deg.spread > _VAGUE_FLEXION_DEG:
        return "view"
    if seen.stoop_squat_index and seen.stoop_squat_index.spread > _VAGUE_INDEX:
        return "legs_hidden"
    return "confidence"


def _unknown(word: str, *reasons: str) -> Verdict:
    return Verdict("unknown", 0.0, tuple(reasons), word)


def _hinge_probability(seen: Measures, thresholds: TechniqueThresholds) -> float | None:
    """Of the legs axis alone: 0 a squat, 1 a hinge or stoop; None where the legs were hidden."""
    if seen.stoop_squat_index is None:
        return None
    beyond = seen.stoop_squat_index.value - thresholds.squat_index
    return _logistic(beyond / (_INDEX_WIDTH * seen.stoop_squat_index.spread))


def _rounded_probability(seen: Measures, thresholds: TechniqueThresholds) -> float | None:
    """Of the spine axis alone; None where the back was not to be seen."""
    if seen.bent is None:
        return None
    flexion = seen.bent.spine_flexion_deg
    return _logistic((flexion.value - thresholds.rounded_deg) / (_FLEXION_WIDTH * flexion.spread))


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-max(min(x, 30.0), -30.0)))


def _with_way(bottom: Estimate, way: Sequence[Kinematics]) -> Estimate:
    """The index at the bottom, drawn towards the one on the way there and back."""
    if len(way) < _FEWEST_OUTLINES:
        return bottom
    passed = middle(way).stoop_squat_index
    apart = passed.value - bottom.value
    return Estimate(bottom.value + _WAY_WEIGHT * apart, hypot(bottom.spread, _WAY_WEIGHT * apart))


def _stoop_squat_index(bottom: Sequence[Moment], upright: Upright) -> Estimate | None:
    """From keypoints alone; None where the legs were hidden."""
    drops = [drop for moment in bottom if (drop := _drops_m(moment.posture, upright)) is not None]
    if len(drops) < _FEWEST_MOMENTS:
        return None
    hip, shoulder = median(d[0] for d in drops), median(d[1] for d in drops)
    index = 100 * (1 - hip / max(shoulder, 0.05))
    return Estimate(max(min(index, 100.0), 0.0), _KEYPOINT_INDEX_SPREAD)


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
    index, knee, trunk = seen.stoop_squat_index, seen.knee_flexion_deg, seen.trunk_inclination_deg or 0.0
    bent = "knees hidden" if knee is None else f"knees bent {knee:.0f}°"
    if index is None:
        return f"the legs were hidden: trunk inclined {trunk:.0f}°, {bent}"
    return f"stoop-squat index {index.value:.0f} of 100 (0 squat, 100 stoop): trunk inclined {trunk:.0f}°, {bent}"


def _spine_reason(seen: Measures, thresholds: TechniqueThresholds) -> str:
    if seen.bent is None:
        return f"seen {seen.view_from_side_deg:.0f}° off the side: the outline of the back was hidden"
    flexion = seen.bent.spine_flexion_deg
    word = "beyond" if flexion.value >= thresholds.rounded_deg else "within"
    angle = f"spine flexed {max(flexion.value, 0):.0f}° (± {flexion.spread:.0f}°)"
    return f"{angle}, {word} the limit of {thresholds.rounded_deg:.0f}°"
