"""What a coach would point at in one lift, from the same measurements as the verdict.

Each cue is given only where the view allows it, and never changes the verdict: it says where to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from edge_agent.core.bend import Bend, Moment
from edge_agent.core.records import Technique
from edge_agent.core.technique import Measures, Reading, TechniqueThresholds
from edge_agent.core.upright import Upright


@dataclass(frozen=True, slots=True)
class CueThresholds:
    """From where on something is worth a word.

    knee_travel_deg: shins inclined by more than this beyond doubt, that is by this and the spread, in a lift told as
    a hinge or stoop; a hinge keeps the shins nearly vertical, of simulated ones 95 % within 18°. Of 106 held-out
    simulated lifts told so, 83 had them inclined by 15° and 95 by 10°.
    head_craned_deg: the head's pitch against the trunk's; a head in line with the back keeps its place (trainers'
    dowel: head, upper back and tailbone touch), half of the neck's range of about 60°. The model draws heads to the
    middle: of 111 simulated lifts told craned by 30°, 88 were and 105 were by 20°. A head that drops is not told: no
    landmark or outline shows it well enough (models/spine/README.md).
    stagger_m: one foot ahead of the other; about a foot's length. The pose network draws ankles together (correlation
    with the truth 0.41): of 33 simulated lifts with feet so far apart it is said of 4, and of none of 48 others.
    lean_back_deg: trunk behind the person's own upright after the lift. Of 29 simulated lifts that end so it is said
    of 17, of none of 52 others, and told 4° off. (`models/people/form.py`; lifts found within max_view_deg.)
    max_view_deg: farther from the side than this, what happens in the sagittal plane is not told apart.
    max_spread_deg: an angle less certain than this gives no cue.
    """

    knee_travel_deg: float = 15.0
    head_craned_deg: float = -30.0
    stagger_m: float = 0.25
    lean_back_deg: float = 10.0
    max_view_deg: float = 45.0
    max_spread_deg: float = 12.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One lift as the cues look at it.

    ``readings`` are the moments of the bend of which the outline was seen, with their angles. ``after`` are the
    moments right after it, standing. ``told`` is the verdict.
    """

    bend: Bend
    measures: Measures
    readings: Sequence[Reading]
    after: Sequence[Moment]
    upright: Upright
    told: Technique


def cues(seen: Seen, technique: TechniqueThresholds, limits: CueThresholds) -> tuple[str, ...]:
    """Every cue that this lift gives reason for, as sentences."""
    found = [
        _rounding(seen, technique),
        _knees(seen, technique, limits),
        _leaning_back(seen, limits),
        _head(seen, limits),
        _stagger(seen, limits),
    ]
    return tuple(cue for cue in found if cue)


def _rounding(seen: Seen, technique: TechniqueThresholds) -> str | None:
    """At what depth of the bend the back leaves its natural curve, going down; of a back that was told to be rounded.

    The verdict weighs how well the back was seen: what it calls unknown is not said by a cue instead.
    """
    if seen.told != "rounded_back":
        return None
    down = [(m, k) for m, k in seen.readings if m.time_s <= seen.bend.peak.time_s]
    flexed = [k for _, k in down if k.spine_flexion_deg.value >= technique.rounded_deg]
    if len(flexed) in (0, len(down)):
        return None  # it was round from where it was first seen: where it began is not known
    return f"the back rounds from a trunk inclination of {flexed[0].trunk_inclination_deg.value:.0f}° on"


def _knees(seen: Seen, technique: TechniqueThresholds, limits: CueThresholds) -> str | None:
    bent = seen.measures.bent
    if bent is None or bent.stoop_squat_index.value < technique.squat_index:
        return None
    shins = bent.shin_inclination_deg
    if shins.value - shins.spread < limits.knee_travel_deg:
        return None
    return f"the hinge turns into a squat: the knees travel forward (shins inclined {shins.value:.0f}°)"


def _leaning_back(seen: Seen, limits: CueThresholds) -> str | None:
    if seen.measures.view_from_side_deg > limits.max_view_deg:
        return None
    leans = [m.posture.trunk_lean_deg for m in seen.after if m.posture.trunk_lean_deg is not None]
    if len(leans) < 3 or not seen.upright.seen:
        return None
    back = seen.upright.lean_deg - median(sorted(leans)[:3])
    return f"leans back {back:.0f}° past upright at the top" if back >= limits.lean_back_deg else None


def _head(seen: Seen, limits: CueThresholds) -> str | None:
    bent = seen.measures.bent
    if bent is None or seen.measures.view_from_side_deg > limits.max_view_deg:
        return None
    head = bent.head_from_trunk_deg
    if head.spread > limits.max_spread_deg:
        return None
    if head.value > limits.head_craned_deg:
        return None
    return f"the head is craned back {-head.value:.0f}° from the line of the back"


def _stagger(seen: Seen, limits: CueThresholds) -> str | None:
    if seen.measures.view_from_side_deg > limits.max_view_deg:
        return None
    gaps = [m.posture.stagger_m for m in seen.bend.moments if m.posture.stagger_m is not None]
    if len(gaps) < 3 or median(gaps) < limits.stagger_m:
        return None
    return f"the feet are staggered by {100 * median(gaps):.0f} cm"
