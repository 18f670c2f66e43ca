"""What a coach would point at: each cue in the lift that asks for it, and in no other."""

from dataclasses import replace

import pytest

from edge_agent.core.cues import CueThresholds, Seen, cues
from edge_agent.core.kinematics import Estimate, Kinematics, TellAngles
from edge_agent.core.posture import measure
from edge_agent.core.records import Floats
from edge_agent.core.technique import TechniqueThresholds, judge, measure_bend, read_bend
from tests.people import FACINGS, HINGE, ROUNDED_STOOP, SQUAT, STANDING, Facing, Person, motion
from tests.told import Keys, back, lift, lift_detector, told


def said(keys: Keys, tell: TellAngles = told) -> tuple[str, ...]:
    """All cues on the one lift of a clip."""
    detector, bend, after = lift_detector(), None, []
    for time_s, body in motion(*keys):
        bend = detector.update(measure(body.pose(), time_s), back(body)) or bend
        after = [m for m in detector.standing if bend and m.time_s >= bend.end_s]
    assert bend is not None
    readings = read_bend(bend, detector.upright, tell)
    measures, limits = measure_bend(bend, detector.upright, readings), TechniqueThresholds()
    seen = Seen(bend, measures, readings, after, detector.upright, judge(measures, limits).technique)
    return cues(seen, limits, CueThresholds())


@pytest.mark.parametrize("bottom", [HINGE, SQUAT], ids=["hinge", "squat"])
@pytest.mark.parametrize("facing", FACINGS)
@pytest.mark.parametrize("view_deg", [0, 30, 80])
def test_a_good_lift_gets_no_cue(bottom: Person, facing: Facing, view_deg: float) -> None:
    assert said(lift(replace(bottom, facing=facing, view_deg=view_deg))) == ()


def test_where_in_the_bend_the_back_begins_to_round() -> None:
    (cue,) = said(lift(ROUNDED_STOOP))
    assert cue.startswith("the back rounds from a trunk inclination of ")
    assert 20 < float(cue.split()[-2].rstrip("°")) < 45


def test_a_back_that_is_hardly_seen_is_not_said_to_round() -> None:
    """From behind, flexed by 40° give or take 45°: the verdict is unknown, and no cue knows better."""

    def hardly(code: Floats, upright: Floats | None) -> Kinematics:
        sure = told(code, upright)
        return replace(sure, spine_flexion_deg=Estimate(min(sure.spine_flexion_deg.value, 40.0), 45.0))

    assert said(lift(ROUNDED_STOOP), hardly) == ()


def test_knees_that_travel_forward_in_a_hinge() -> None:
    (cue,) = said(lift(replace(HINGE, shin_deg=30, knee_deg=55)))
    assert cue.startswith("the hinge turns into a squat: the knees travel forward (shins inclined ")
    assert said(lift(replace(HINGE, shin_deg=12, knee_deg=35))) == ()


def test_leaning_back_at_the_top() -> None:
    leant = replace(STANDING, trunk_deg=-18)
    keys = (*lift(HINGE)[:4], (3.6, STANDING), (4.0, leant), (4.6, leant))
    (cue,) = said(keys)
    assert cue.startswith("leans back 1")
    assert said(tuple((time_s, replace(body, view_deg=70)) for time_s, body in keys)) == ()


def test_the_head_leaves_the_line_of_the_back() -> None:
    (cue,) = said(lift(replace(HINGE, neck_deg=-45)))
    assert "craned back 45°" in cue
    assert said(lift(replace(HINGE, neck_deg=-45, view_deg=60))) == ()


def test_of_a_head_that_drops_nothing_is_said_for_the_model_cannot_see_it() -> None:
    assert said(lift(replace(HINGE, neck_deg=40))) == ()


@pytest.mark.parametrize("facing", FACINGS)
def test_staggered_feet(facing: Facing) -> None:
    body = replace(HINGE, stagger_m=0.4, facing=facing)
    assert said(lift(body)) == ("the feet are staggered by 40 cm",)
    assert said(lift(replace(body, view_deg=70))) == ()
