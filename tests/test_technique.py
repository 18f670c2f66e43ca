"""From a whole bend to a verdict: what a trainer would say of it, or an honest unknown with its reason."""

from dataclasses import replace

import pytest

from edge_agent.core.bend import Bend
from edge_agent.core.posture import measure
from edge_agent.core.records import VIEWS
from edge_agent.core.skeleton import ANKLES, HEELS, KNEES, TOES, Landmark
from edge_agent.core.technique import (
    UNKNOWN_REASONS,
    TechniqueThresholds,
    Verdict,
    judge,
    measure_bend,
    read_bend,
    view_of,
)
from tests.people import (
    FACINGS,
    HINGE,
    RATE_HZ,
    ROUNDED_SQUAT,
    ROUNDED_STOOP,
    SQUAT,
    Facing,
    Person,
    motion,
)
from tests.told import Keys, back, lift, lift_detector, told

LEGS = frozenset[Landmark]({*KNEES, *ANKLES, *HEELS, *TOES})


DEEP_SQUAT = Person(trunk_deg=54, knee_deg=130, shin_deg=35)


def verdict(keys: Keys, rate_hz: float = RATE_HZ) -> Verdict:
    """Of a clip with one lift."""
    detector = lift_detector()
    bends: list[Bend | None] = []
    for time_s, body in motion(*keys, rate_hz=rate_hz):
        bends.append(detector.update(measure(body.pose(), time_s), back(body)))
    bends.append(detector.flush(ended=True))
    (bend,) = (bend for bend in bends if bend)
    return judge(measure_bend(bend, detector.upright, read_bend(bend, detector.upright, told)), TechniqueThresholds())


@pytest.mark.parametrize("facing", FACINGS)
@pytest.mark.parametrize("view_deg", [0, 25])
@pytest.mark.parametrize(
    ("bottom", "technique"),
    [(HINGE, "hinge"), (SQUAT, "squat"), (ROUNDED_STOOP, "rounded_back"), (ROUNDED_SQUAT, "rounded_back")],
    ids=["hinge", "squat", "rounded stoop", "rounded squat"],
)
def test_what_a_trainer_would_say(bottom: Person, technique: str, facing: Facing, view_deg: float) -> None:
    said = verdict(lift(replace(bottom, facing=facing, view_deg=view_deg)))
    assert said.technique == technique
    assert 0.5 < said.confidence <= 1
    assert said.unknown_reason is None
    assert said.reasons
    assert all(said.reasons)


def test_a_deadlift_bends_the_knees_and_is_still_a_hinge() -> None:
    assert verdict(lift(Person(trunk_deg=65, knee_deg=55, shin_deg=8))).technique == "hinge"


def test_who_sits_low_at_the_load_and_then_drives_the_hips_up_does_not_simply_squat() -> None:
    """A deadlift begun with the hips low: a squat at the bottom, a hinge all the way up."""
    low, way = Person(trunk_deg=45, knee_deg=98, shin_deg=28), Person(trunk_deg=46, knee_deg=22, shin_deg=4)
    straight_up = verdict(lift(low))
    assert straight_up.technique == "squat"
    hips_first = verdict(((0, low), (0.6, low), (1.4, way), (2.4, Person()), (4, Person())))
    assert hips_first.technique != "squat"


def unknowns() -> dict[str, Verdict]:
    """One lift for each reason there is."""
    no_legs = replace(HINGE, hidden=LEGS)
    in_doubt = [verdict(lift(replace(HINGE, rounding_deg=degrees)), rate_hz=8) for degrees in range(10, 70, 3)]
    return {
        "too_short": verdict(lift(HINGE), rate_hz=2),
        "legs_hidden": verdict(((0.0, no_legs), (0.7, no_legs), (1.2, replace(no_legs, trunk_deg=30)))),
        "view": verdict(lift(replace(HINGE, view_deg=82))),
        "confidence": min(in_doubt, key=_sure),
    }


def _sure(said: Verdict) -> float:
    return said.confidence


def test_unknown_always_says_why() -> None:
    found = unknowns()
    assert {wanted: said.unknown_reason for wanted, said in found.items()} == {word: word for word in UNKNOWN_REASONS}
    for said in found.values():
        assert said.technique == "unknown"
        assert said.confidence == 0
        assert said.reasons
        assert all(said.reasons)


def test_between_flat_and_round_lies_a_narrow_doubt() -> None:
    """From flat to round the verdict goes hinge, unknown, rounded back, and never back again."""
    said = [verdict(lift(replace(HINGE, rounding_deg=d)), rate_hz=8).technique for d in range(0, 90, 3)]
    assert list(dict.fromkeys(said)) == ["hinge", "unknown", "rounded_back"]
    assert said.count("unknown") <= 4


def test_between_squat_and_hinge_lies_a_narrow_doubt() -> None:
    ways = [way / 12 for way in range(13)]
    bottoms = [Person(trunk_deg=35 + 40 * way, knee_deg=110 - 85 * way, shin_deg=35 - 32 * way) for way in ways]
    said = [verdict(lift(bottom), rate_hz=8).technique for bottom in bottoms]
    assert list(dict.fromkeys(said)) in (["squat", "unknown", "hinge"], ["squat", "hinge"])


def test_an_upright_squat_may_be_told_where_the_back_cannot_be_seen() -> None:
    assert verdict(lift(replace(SQUAT, trunk_deg=20, view_deg=80))).technique in {"squat", "unknown"}


@pytest.mark.parametrize(("bottom", "technique"), [(DEEP_SQUAT, "squat"), (HINGE, "hinge")])
def test_feet_hidden_at_the_bottom_are_remembered_from_standing(bottom: Person, technique: str) -> None:
    """Somebody bends behind the box that they lift: where hips and shoulders were before tells the legs."""
    boxed = frozenset[Landmark]({*ANKLES, *HEELS, *TOES})
    standing, *rest = lift(bottom)
    hidden = [(time_s, replace(body, hidden=boxed)) for time_s, body in rest]
    assert verdict((standing, *hidden)).technique == technique


def test_every_view_has_its_name() -> None:
    names = [view_of(float(degrees)) for degrees in range(91)]
    assert list(dict.fromkeys(names)) == ["side", "oblique", "end"]
    assert view_of(0) == "side"
    assert view_of(45) == "oblique"
    assert view_of(90) == "end"
    assert set(names) <= set(VIEWS)
