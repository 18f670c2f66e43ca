"""What an installer is told about a camera, from what it has seen."""

from collections.abc import Sequence
from dataclasses import replace

from edge_agent.core.bend import Moment
from edge_agent.core.light import DIM, Light
from edge_agent.core.placement import FEWEST_BENDS, Advice, Placement
from edge_agent.core.posture import measure
from edge_agent.core.records import Lift, View
from edge_agent.core.skeleton import ANKLES, HEELS, TOES
from tests.lift_events import a_lift
from tests.people import HINGE, STANDING, Person

SHOULDER_TO_ANKLE = 0.779


def moment(person: Person, depth: float = 0.0) -> Moment:
    return Moment(measure(person.pose(), 0.0), depth, None)


def standing(height_px: float) -> Moment:
    """Somebody upright who is as tall on the picture."""
    shoulder_m = moment(STANDING).posture.shoulder_height_m
    assert shoulder_m is not None
    return moment(replace(STANDING, px_per_m=STANDING.px_per_m * height_px / (250 * shoulder_m / SHOULDER_TO_ANKLE)))


def bends(view: View, count: int, untold: str | None = None) -> list[Lift]:
    return [a_lift(view=view, technique="unknown" if untold else "hinge", unknown_reason=untold)] * count


def advice(people: Sequence[Moment], lifts: Sequence[Lift] = ()) -> list[Advice]:
    placement = Placement()
    placement.see(people, lifts, 720)
    return placement.advice()


def test_a_well_placed_camera_is_called_good_in_everything() -> None:
    said = advice([standing(360)], bends("side", FEWEST_BENDS))
    assert {level for level, _ in said} == {"good"}
    assert [text for _, text in said] == [
        "people are 360 pixels tall, 50% of the picture",
        "feet are in view",
        "10 of 10 bends were seen from the side",
    ]


def test_before_anybody_came_it_says_so_and_nothing_else() -> None:
    ((level, text),) = advice([])
    assert (level, text[:10]) == ("caution", "nobody was")


def test_where_it_is_too_dark_that_is_said_first() -> None:
    placement = Placement(light=Light(DIM / 2))
    for people in ([], [standing(360)]):
        placement.see(people, [], 720)
        level, text = placement.advice()[0]
        assert (level, text[:15]) == ("poor", "bring more ligh")


def test_people_below_a_sixth_of_the_picture_are_too_small() -> None:
    small, large = advice([standing(110)])[0], advice([standing(125)])[0]
    assert small[0] == "poor"
    assert small[1].startswith("move the camera closer or zoom in: people are 110 pixels tall")
    assert "below 120 pixels" in small[1]
    assert large[0] == "good"


def test_size_is_that_of_people_standing() -> None:
    placement = Placement()
    placement.see([standing(300), moment(HINGE, depth=1.0)], [], 720)
    assert placement.height_px is not None
    assert round(placement.height_px) == 300


def test_hidden_feet_are_told_by_how_often() -> None:
    footless = moment(replace(STANDING, hidden=frozenset({*ANKLES, *HEELS, *TOES})))
    feet = {hidden: advice([footless] * hidden + [standing(300)] * (10 - hidden))[1] for hidden in (2, 4, 7)}
    assert [level for level, _ in feet.values()] == ["good", "caution", "poor"]
    assert "hidden or cut off in 70%" in feet[7][1]


def test_a_view_from_the_front_is_told_with_its_count_and_what_to_do() -> None:
    level, text = advice([standing(300)], [*bends("end", 7), *bends("side", 3)])[2]
    assert level == "poor"
    assert text == (
        "turn or move the camera so that people are seen from the side: 7 of 10 bends were seen from front or back"
    )
    assert advice([standing(300)], [*bends("end", 3), *bends("side", 7)])[2][0] == "caution"
    assert "obliquely" in advice([standing(300)], [*bends("oblique", 6), *bends("side", 4)])[2][1]


def test_a_few_bends_are_no_judgement() -> None:
    level, text = advice([standing(300)], bends("end", FEWEST_BENDS - 1, "view"))[2]
    assert level == "caution"
    assert text.startswith("9 of the 10 bends that a judgement needs were seen")
    assert len(advice([standing(300)], bends("end", FEWEST_BENDS - 1, "view"))) == 3


def test_what_could_not_be_told_is_told_with_its_reasons() -> None:
    untold = [*bends("side", 4, "legs_hidden"), *bends("side", 2, "confidence"), *bends("side", 4)]
    level, text = advice([standing(300)], untold)[3]
    assert level == "poor"
    assert text == (
        "6 of 10 bends could not be told, because the legs were hidden (4); they lay between two techniques (2)"
    )
