"""The product's own coaching cues on held-out lifts, beside the truth of their frames.

Staggered feet and leaning back are read from keypoints, not from the spine model: `models/people/form.py`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from heldout import HeldOutLift, errors_of, measures_of, verdict_of

from edge_agent.core.bend import Bend, Moment
from edge_agent.core.cues import CueThresholds, Seen, cues
from edge_agent.core.kinematics import Back, Kinematics, TellAngles
from edge_agent.core.lifts import LiftThresholds, depth_of
from edge_agent.core.posture import Posture
from edge_agent.core.spine import BackProfile
from edge_agent.core.technique import TechniqueThresholds
from edge_agent.core.upright import Upright
from edge_agent.spine_card import Cue

LIMITS, TECHNIQUE = CueThresholds(), TechniqueThresholds()
FEWEST_GOING_DOWN = 4  # frames; with fewer nobody can say where on the way down the back began to round
UNSEEN = np.full(25, np.nan, np.float32)
NO_PROFILE = BackProfile(UNSEEN, np.stack([UNSEEN, UNSEEN], 1), np.zeros((2, 2), np.float32))


@dataclass(frozen=True)
class Question:
    """How one cue is told and what is true.

    begins: of its sentence. allowed: whether view and certainty permit it. truth: the degrees to set beside those in
    the sentence, None where the truth has none; deserved: whether by its truth the lift ought to get it. measurable:
    whether enough frames were drawn of the lift to ask.
    """

    name: str
    rule: str
    begins: str
    allowed: Callable[[HeldOutLift, Kinematics], bool]
    truth: Callable[[HeldOutLift], float | None]
    deserved: Callable[[HeldOutLift], bool]
    measurable: Callable[[HeldOutLift], bool] = lambda _: True


def going_down(lift: HeldOutLift) -> np.ndarray:
    """Rows of the frames up to the first at the bottom."""
    drop = lift.truth["shoulder_drop_m"]
    return np.arange(int(np.argmax(drop >= 0.95 * drop.max())) + 1)


def onset_deg(lift: HeldOutLift) -> float | None:
    """True trunk inclination in the first frame going down in which the back is rounded; None if in all or none."""
    down = going_down(lift)
    rounded = down[lift.truth["spine_flexion_deg"][down] >= TECHNIQUE.rounded_deg]
    if len(rounded) in (0, len(down)):
        return None
    return float(lift.truth["trunk_inclination_deg"][rounded[0]])


def is_rounded(lift: HeldOutLift) -> bool:
    """At the bottom, having begun in view."""
    return lift.at_bottom("spine_flexion_deg") >= TECHNIQUE.rounded_deg and onset_deg(lift) is not None


def _side(told: Kinematics) -> bool:
    return told.view_from_side_deg.value <= LIMITS.max_view_deg


def _sure(spread: float) -> bool:
    return spread <= LIMITS.max_spread_deg


QUESTIONS = (
    Question(
        "The back rounds",
        f"told as a rounded back; spine flexion of {TECHNIQUE.rounded_deg:g}° or more at the bottom, less when the "
        "bend begins; the angle is the trunk's inclination in the first frame with that much, of about ten",
        "the back rounds from",
        lambda _, told: verdict_of(told).technique == "rounded_back",
        onset_deg,
        is_rounded,
        lambda lift: len(going_down(lift)) >= FEWEST_GOING_DOWN,
    ),
    Question(
        "The knees travel forward",
        f"shins inclined by {LIMITS.knee_travel_deg:g}° or more at the bottom of a lift told as a hinge or stoop",
        "the hinge turns into a squat",
        lambda _, told: told.stoop_squat_index.value >= TECHNIQUE.squat_index,
        lambda lift: lift.at_bottom("shin_inclination_deg"),
        lambda lift: lift.at_bottom("shin_inclination_deg") >= LIMITS.knee_travel_deg,
    ),
    Question(
        "The head is craned back",
        f"the head pitched {-LIMITS.head_craned_deg:g}° or more back from the trunk at the bottom, seen within "
        f"{LIMITS.max_view_deg:g}° of the side",
        "the head is craned back",
        lambda _, told: _side(told) and _sure(told.head_from_trunk_deg.spread),
        lambda lift: -lift.at_bottom("head_from_trunk_deg"),
        lambda lift: lift.at_bottom("head_from_trunk_deg") <= LIMITS.head_craned_deg,
    ),
)


def said_of(lift: HeldOutLift, tell: TellAngles) -> dict[str, float]:
    """The degrees in each cue that the product gives, by the cue's name."""
    said = {}
    for sentence in cues(_seen(lift, tell), TECHNIQUE, LIMITS):
        (question,) = (question for question in QUESTIONS if sentence.startswith(question.begins))
        said[question.name] = float(re.findall(r"(\d+)°", sentence)[-1])
    return said


def _seen(lift: HeldOutLift, tell: TellAngles) -> Seen:
    upright = Upright()
    readings = []
    for i, code in enumerate(lift.codes):
        told, posture = tell(code, lift.upright), _at(float(i))
        depth = depth_of(posture, upright, LiftThresholds(), told)
        readings.append((Moment(posture, depth, Back(NO_PROFILE, code)), told))
    moments = tuple(moment for moment, _ in readings)
    bend = Bend(moments, moments[0].time_s, moments[-1].time_s)
    angles = lift.told(tell)
    return Seen(bend, measures_of(angles), readings, (), upright, verdict_of(angles).technique)


def _at(time_s: float) -> Posture:
    """A moment of which the keypoints say nothing."""
    nowhere = (0.0, 0.0)
    return Posture(time_s, nowhere, nowhere, nowhere, 1.0, None, None, None, None, None, None, None, 0.0)


def cue_of(question: Question, lifts: Sequence[HeldOutLift], tell: TellAngles) -> Cue:
    """How often it is said, deserved and both; raises ValueError where it is said though it should be withheld."""
    asked = [lift for lift in lifts if question.measurable(lift)]
    allowed = [lift for lift in asked if question.allowed(lift, lift.told(tell))]
    answers = [(lift, said_of(lift, tell).get(question.name)) for lift in asked]
    if any(angle is not None and lift not in allowed for lift, angle in answers):
        raise ValueError(f"{question.name}: said where it is not allowed; core.cues has changed")
    said = [(lift, angle) for lift, angle in answers if angle is not None]
    known = [(angle, truth) for lift, angle in said if (truth := question.truth(lift)) is not None]
    return Cue(
        name=question.name,
        rule=question.rule,
        lifts=len(allowed),
        withheld=len(lifts) - len(allowed),
        said=len(said),
        true=sum(question.deserved(lift) for lift in allowed),
        right=sum(question.deserved(lift) for lift, _ in said),
        angle_deg=errors_of(angle - truth for angle, truth in known),
    )
