"""The gate a quantised network must pass: the same techniques told as in FP32, and really faster."""

import math
from dataclasses import replace

import pytest

from edge_agent.core.figures import Share
from edge_agent.core.gate import same_technique, together, too_dear, too_different
from edge_agent.core.records import Lift
from tests.lift_events import a_lift


def lift(peak_s: float, technique: str = "hinge", center_x: float = 0.5) -> Lift:
    return a_lift(start_s=peak_s - 1, peak_s=peak_s, end_s=peak_s + 1, technique=technique, center_x=center_x)


FP32 = [lift(5), lift(10, "squat"), lift(15, "unknown")]


@pytest.mark.parametrize(
    ("told", "same", "of"),
    [
        (FP32, 3, 3),
        ([replace(one, peak_s=one.peak_s + 0.1, confidence=0.7) for one in FP32], 3, 3),
        ([FP32[0], lift(10, "rounded_back"), FP32[2]], 2, 3),
        ([*FP32[:2], lift(15, "hinge")], 2, 3),
        (FP32[:2], 2, 3),
        ([*FP32, lift(20)], 3, 4),
        ([FP32[0], lift(10, "squat", center_x=0.9), FP32[2]], 2, 4),
        ([], 0, 3),
    ],
    ids=[
        "same",
        "a little later",
        "another technique",
        "no longer unknown",
        "missed",
        "one more",
        "other person",
        "none",
    ],
)
def test_every_lift_that_either_tells_counts(told: list[Lift], same: int, of: int) -> None:
    assert same_technique(FP32, told) == Share(same, of)
    assert same_technique(told, FP32) == Share(same, of)


def test_clips_without_lifts_say_nothing() -> None:
    assert together([same_technique([], []), Share(3, 4), Share(2, 2)]) == Share(5, 6)
    assert together([]) == Share(0, 0)


@pytest.mark.parametrize(
    ("agreement", "objection"),
    [
        (Share(200, 200), None),
        (Share(199, 200), None),
        (Share(198, 200), "198 of 200 lifts are told the same, 99.5% are needed"),
        (Share(397, 400), "397 of 400 lifts are told the same, 99.5% are needed"),
        (Share(199, 199), "the clips show 199 lifts, 200 are needed to resolve half a per cent"),
        (Share(0, 0), "the clips show 0 lifts, 200 are needed to resolve half a per cent"),
    ],
)
def test_half_a_per_cent_may_differ_and_enough_lifts_must_show_it(agreement: Share, objection: str | None) -> None:
    assert too_different(agreement) == ([objection] if objection else [])


def test_each_form_of_the_network_must_be_really_faster() -> None:
    assert too_dear({"landmarks": 0.67, "landmarks and outline": 0.9}) == []
    assert too_dear({"landmarks": 0.67, "landmarks and outline": 0.95}) == [
        "landmarks and outline takes 0.95 times as long as in FP32, at most 0.9 is allowed"
    ]
    assert len(too_dear({"landmarks": math.nan})) == 1
