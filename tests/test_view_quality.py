"""What a minute of looks tells of a camera's place; and of a stream, how often its pictures and keyframes come."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.light import DIM, Light
from edge_agent.core.posture import measure
from edge_agent.core.rhythm import Rhythm, rhythm_of
from edge_agent.core.skeleton import ANKLES, HEELS, TOES
from edge_agent.core.view_quality import Body, Sight, advice, body_of, quality_of
from tests.people import HINGE, STANDING, Person

WELL_SEEN = Body("side", 300.0, feet=True)
CLEAR = Light(levels=200.0, noise=0.1)


def body(person: Person, lines: int = 720) -> Body:
    pose = person.pose()
    return body_of(pose, measure(pose, 0.0), lines)


def minute(*bodies: Body, seconds: int = 60, rate_hz: int = 5) -> list[Sight]:
    return [Sight(number / rate_hz, bodies) for number in range(seconds * rate_hz + 1)]


def complaints(sights: list[Sight], late: int = 0, light: Light = CLEAR, *, alone: bool = True) -> list[str]:
    return [what for what, _ in advice(quality_of(sights, late, light), alone=alone)]


def test_a_standing_body_is_as_tall_as_it_is_drawn_whatever_the_pictures_size() -> None:
    """1.40 m from ankle to nose at 250 px a metre, and feet and crown besides."""
    height = body(STANDING).height
    assert height is not None
    assert height == pytest.approx(1.47 * 250 / 0.93, rel=0.05)
    assert body(STANDING, lines=360).height == pytest.approx(2 * height)


def test_the_height_of_who_bends_or_is_cut_off_is_not_told() -> None:
    assert body(HINGE).height is None
    cut_off = body(replace(STANDING, hidden=frozenset((*ANKLES, *HEELS, *TOES))))
    assert (cut_off.height, cut_off.feet) == (None, False)


@pytest.mark.parametrize(("view_deg", "view"), [(0, "side"), (45, "oblique"), (80, "end")])
def test_from_where_a_body_is_seen(view_deg: float, view: str) -> None:
    assert body(replace(STANDING, view_deg=view_deg)).view == view


def test_a_good_view_needs_no_advice() -> None:
    quality = quality_of(minute(WELL_SEEN), 0, CLEAR)
    assert quality.looks_per_s == pytest.approx(5)
    assert (quality.seen_share, quality.height) == (1.0, 300.0)
    assert list(advice(quality, alone=True)) == []


def test_a_few_looks_are_no_ground_for_a_judgement() -> None:
    assert complaints(minute(WELL_SEEN)[:4]) == ["looked too seldom to judge"]
    assert complaints([Sight(2.0 * number, (WELL_SEEN,)) for number in range(30)]) == ["looked too seldom to judge"]


def test_where_nobody_came_by_nothing_else_is_said() -> None:
    assert complaints(minute()) == ["nobody was seen"]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (replace(WELL_SEEN, height=80.0), "too small (80 of 720 lines"),
        (replace(WELL_SEEN, view="end"), "from the front or back"),
        (replace(WELL_SEEN, view="unknown"), "half hidden"),
        (replace(WELL_SEEN, feet=False), "feet are mostly out of view"),
    ],
)
def test_what_is_wrong_with_a_view_is_told(seen: Body, told: str) -> None:
    (complaint,) = complaints(minute(seen))
    assert told in complaint


def test_too_little_light_is_told_whether_anybody_was_found_in_it_or_not() -> None:
    dim = Light(DIM / 2, noise=3.0)
    assert "dim (42 of 256 grey levels" in complaints(minute(WELL_SEEN), light=dim)[0]
    assert [what[:14] for what in complaints(minute(), light=dim)] == ["the picture is", "nobody was see"]


def test_a_covered_lens_is_told_as_one() -> None:
    quality = quality_of(minute(), 0, Light(levels=3.0))
    assert [fix[:16] for _, fix in advice(quality, alone=True)] == ["uncover the lens", "have somebody li"]


def test_noise_alone_is_no_flaw_for_it_is_taken_out() -> None:
    assert complaints(minute(WELL_SEEN), light=Light(200.0, noise=6.0)) == []


def test_a_box_that_is_too_slow_is_told_of_unless_the_agent_ran_beside() -> None:
    assert "30% of the pictures" in complaints(minute(WELL_SEEN), late=129)[0]
    assert complaints(minute(WELL_SEEN), late=129, alone=False) == []


def test_time_in_view_counts_by_time_not_by_looks() -> None:
    """Where nobody is, looks are rarer."""
    present = [Sight(number / 10, (WELL_SEEN,)) for number in range(100)]
    absent = [Sight(10.0 + number, ()) for number in range(11)]
    assert quality_of(present + absent, 0, CLEAR).seen_share == pytest.approx(0.5)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.booleans())))
def test_no_looks_break_the_account(looks: list[tuple[float, bool]]) -> None:
    sights = [Sight(time_s, (WELL_SEEN,) if seen else ()) for time_s, seen in sorted(looks)]
    quality = quality_of(sights, 3, CLEAR)
    assert 0 <= quality.seen_share <= 1
    assert 0 <= quality.late_share <= 1


def test_a_keyframe_a_second_in_fifteen_pictures() -> None:
    pictures = [(number / 15, number % 15 == 0) for number in range(46)]
    found = rhythm_of(pictures[::-1])
    assert [found.fps, found.keyframe_s, found.seen_s] == pytest.approx([15, 1, 3])


def test_the_longest_time_between_two_keyframes_counts() -> None:
    """Smart codecs stretch it where nothing moves."""
    assert rhythm_of([(0.0, True), (1.0, True), (9.0, True), (10.0, False)]).keyframe_s == 8.0


@pytest.mark.parametrize("pictures", [[], [(1.0, True)], [(1.0, True), (1.0, False)]])
def test_too_little_tells_no_rate(pictures: list[tuple[float, bool]]) -> None:
    assert rhythm_of(pictures) == Rhythm(None, None, 0.0)
