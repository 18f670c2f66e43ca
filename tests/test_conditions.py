"""Lifts by the conditions under which they happened: each in one group, false lifts only where it is known."""

import pytest

from edge_agent.core import conditions
from edge_agent.core.figures import Share, figures
from edge_agent.core.scoring import ScoredClip, TrueLift, score
from tests.labelled import clip, done, told


def filmed(*lifts: TrueLift, **throughout: str | float) -> ScoredClip:
    """All lifts found, one false besides."""
    said = [*(told(lift.peak_s) for lift in lifts), told(50)]
    return score(clip(*lifts, conditions=throughout), said, 60.0)


def groups_of(clips: list[ScoredClip], name: str) -> dict[str, int]:
    return {group.name: figures(group.clips).lifts for group in conditions.by_condition(clips, name)}


def test_words_and_a_few_numbers_stay_as_they_are() -> None:
    clips = [filmed(done(5, conditions={"clothing": worn, "distance_m": far}), clothing=worn, distance_m=far)
             for worn, far in (("jacket", 5), ("vest", 2.5), ("jacket", 5))]  # fmt: skip
    assert groups_of(clips, "clothing") == {"jacket": 2, "vest": 1}
    assert groups_of(clips, "distance_m") == {"2.5": 1, "5": 2}
    assert conditions.names(clips) == ["clothing", "distance_m"]


def test_many_numbers_are_put_into_round_bins_that_hold_each_once() -> None:
    clips = [filmed(done(5, conditions={"elevation_deg": angle}), elevation_deg=angle) for angle in range(2, 46)]
    found = groups_of(clips, "elevation_deg")
    assert found == {"0 – 10": 8, "10 – 20": 10, "20 – 30": 10, "30 – 40": 10, "40 – 50": 6}


def test_views_have_bins_of_their_own_and_up_to_60_degrees_comes_first() -> None:
    seen = [done(10 * i, conditions={conditions.VIEW: angle}) for i, angle in enumerate((3, 40, 59, 90), 1)]
    assert groups_of([filmed(*seen)], conditions.VIEW) == {"0 – 60": 3, "0 – 30": 1, "30 – 60": 2, "60 – 90": 1}


@pytest.mark.parametrize("odd", [-20, "about 30"])
def test_views_told_in_another_way_are_all_there(odd: float | str) -> None:
    seen = [done(10, conditions={conditions.VIEW: odd}), done(20, conditions={conditions.VIEW: 40})]
    assert sum(groups_of([filmed(*seen)], conditions.VIEW).values()) == 2


@pytest.mark.parametrize(
    ("low", "high", "edges"),
    [
        (0, 80, [0, 20, 40, 60, 80, 100]),
        (0.31, 0.74, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
        (110, 600, [100, 200, 300, 400, 500, 600, 700]),
        (3, 3, [3, 4]),
    ],
)
def test_bins_have_round_ends(low: float, high: float, edges: list[float]) -> None:
    assert conditions.readable_edges(low, high) == edges


def test_a_false_lift_belongs_to_a_condition_that_holds_throughout_its_clip() -> None:
    (dark,) = conditions.by_condition([filmed(done(5, conditions={"light": "dark"}), light="dark")], "light")
    assert figures(dark.clips).precision == Share(1, 2)
    assert figures(dark.clips).false_lifts.per_hour == 60


def test_a_false_lift_belongs_to_no_condition_of_another_lift() -> None:
    (hidden,) = conditions.by_condition([filmed(done(5, conditions={"occlusion": "shelf"}))], "occlusion")
    of = figures(hidden.clips)
    assert of.recall == Share(1, 1)
    assert of.precision == Share(0, 0)
    assert of.false_lifts.per_hour is None


def test_lifts_without_the_label_are_shown_as_such() -> None:
    clips = [filmed(done(5, conditions={"light": "dark"}), done(15), light="dark")]
    assert groups_of(clips, "light") == {"dark": 1, conditions.UNLABELLED: 1}


def test_quiet_clips_count_by_their_view() -> None:
    (side,) = conditions.by_condition([score(clip(conditions={"view": "side"}), [told(9)], 1800.0)], "view")
    assert side.name == "side"
    assert figures(side.clips).false_at_rest.per_hour == 2


def test_techniques_come_in_their_usual_order_and_others_after() -> None:
    clips = [filmed(done(5, "borderline"), done(15, "squat"), done(25, "hinge"))]
    assert [group.name for group in conditions.by_technique(clips)] == ["hinge", "squat", "borderline"]
