"""A confidence of 0.9 should be right nine times in ten, and sure answers should be the better ones."""

import pytest

from edge_agent.core.calibration import expected_calibration_error, reliability, risk_coverage
from edge_agent.core.figures import Share
from edge_agent.core.scoring import Match
from tests.labelled import answer, done, told


def test_who_is_right_as_often_as_said_has_no_calibration_error() -> None:
    answers = [answer(0.8, number >= 20) for number in range(100)] + [
        answer(0.95, number >= 5) for number in range(100)
    ]
    bins = reliability(answers)
    assert [(round(each.confidence, 2), each.right) for each in bins] == [
        (0.8, Share(80, 100)),
        (0.95, Share(95, 100)),
    ]
    assert expected_calibration_error(bins) == pytest.approx(0)


def test_who_is_always_sure_and_half_wrong_is_off_by_half() -> None:
    bins = reliability([answer(1.0, number % 2 == 0) for number in range(50)])
    assert [each.right for each in bins] == [Share(25, 50)], "equal confidences share one bin"
    assert expected_calibration_error(bins) == pytest.approx(0.5)


def test_bins_hold_about_equal_counts_and_every_answer_once() -> None:
    bins = reliability([answer(0.6 + number / 1000, number % 3 > 0) for number in range(200)])
    assert [each.right.whole for each in bins] == pytest.approx([20] * 10, abs=1)
    assert sum(each.right.whole for each in bins) == 200
    assert [each.confidence for each in bins] == sorted(each.confidence for each in bins)


def test_the_surer_the_fewer_and_unknown_is_never_covered() -> None:
    answers = [answer(0.95, True), answer(0.9, True), answer(0.9, False), answer(0.7, False)]
    answers.append(Match(done(5), told(5, "unknown")))
    points = risk_coverage(answers)
    assert [point.min_confidence for point in points] == [0.95, 0.9, 0.7]
    assert [point.coverage for point in points] == [Share(1, 5), Share(3, 5), Share(4, 5)]
    assert [point.accuracy for point in points] == [Share(1, 1), Share(2, 3), Share(2, 4)]


def test_without_an_answer_there_is_no_curve() -> None:
    unclear = [Match(done(5, "borderline"), told(5, "hinge")), Match(done(5), told(5, "unknown"))]
    assert reliability(unclear) == []
    assert expected_calibration_error([]) is None
    assert risk_coverage(unclear) == []
