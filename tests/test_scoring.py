"""Which told lift is which labelled one, and the figures that follow, told as short stories."""

import pytest

from edge_agent.core.figures import MISSED, NO_LIFT, Errors, Rate, Share, confusion, figures
from edge_agent.core.scoring import ScoredClip, match, score
from tests.labelled import clip, done, scored, told


def test_a_lift_is_found_from_a_little_before_its_start_to_a_little_after_its_end() -> None:
    lift = done(5)  # from 4 to 6
    assert match([lift], [told(3.6)]) == match([lift], [told(6.4)]) == [(0, 0)]
    assert match([lift], [told(3.5)]) == match([lift], [told(6.5)]) == []


def test_of_two_told_lifts_the_closer_is_the_one_and_the_other_never_happened() -> None:
    result = score(clip(done(5)), [told(4.2), told(5.1)], 60.0)
    assert [each.told.peak_s for each in result.matches] == [5.1]
    assert [lift.peak_s for lift in result.false or ()] == [4.2]
    assert figures([result]).precision == Share(1, 2)


def test_the_closest_peaks_belong_together_whatever_the_order() -> None:
    early, late = done(5), done(6)
    assert match([late, early], [told(5.1), told(5.9)]) == [(0, 1), (1, 0)]


def test_among_several_people_a_lift_belongs_to_who_stands_there() -> None:
    left, right = done(5, x=0.25), done(5.2, x=0.75)
    assert match([left, right], [told(5.2, center_x=0.3), told(5, center_x=0.7)]) == [(0, 0), (1, 1)]
    assert match([left], [told(5, center_x=0.38)]) == []
    assert match([left], [told(5, center_x=None)]) == [(0, 0)]


def test_the_only_person_may_lift_anywhere() -> None:
    assert match([done(5, x=None)], [told(5, center_x=0.99)]) == [(0, 0)]


def test_a_lift_cut_off_by_the_clip_need_not_be_found_but_counts_if_it_is() -> None:
    missed = score(clip(done(1, partial=True), done(6)), [told(6)], 60.0)
    assert figures([missed]).recall == Share(1, 1)
    found = score(clip(done(1, "squat", partial=True), done(6)), [told(1), told(6)], 60.0)
    assert figures([found]).recall == Share(1, 1)
    assert figures([found]).accuracy == Share(1, 2)
    assert figures([found]).precision == Share(2, 2)


def test_unknown_costs_coverage_not_accuracy() -> None:
    of = figures([scored(("hinge", "hinge"), ("hinge", "unknown"), ("squat", "hinge"))])
    assert (of.coverage, of.accuracy) == (Share(2, 3), Share(1, 2))


def test_a_technique_that_cannot_be_right_or_wrong_is_a_lift_and_a_spine_only() -> None:
    borderline = done(5, "borderline", spine_flexion_deg=27.0)
    of = figures([score(clip(borderline), [told(5, "rounded_back", spine_flexion_deg=31.0)], 60.0)])
    assert of.recall == Share(1, 1)
    assert of.coverage == of.accuracy == of.rounded_false_alarm == Share(0, 0)
    assert of.spine == Errors(1, 4.0, 4.0)


def test_rounded_backs_have_their_own_recall_and_false_alarms() -> None:
    pairs = [("rounded_back", "rounded_back")] * 3 + [("rounded_back", "hinge")]
    pairs += [("hinge", "rounded_back")] + [("squat", "squat")] * 4 + [("rounded_back", "unknown")]
    of = figures([scored(*pairs)])
    assert of.rounded_recall == Share(3, 4)
    assert of.rounded_false_alarm == Share(1, 5)


def test_macro_f1_is_the_mean_over_the_techniques_that_occur() -> None:
    of = figures([scored(("hinge", "hinge"), ("hinge", "hinge"), ("squat", "hinge"), ("squat", "squat"))])
    assert of.by_technique["hinge"].f1 == pytest.approx(0.8)
    assert of.by_technique["squat"].f1 == pytest.approx(2 / 3)
    assert of.by_technique["rounded_back"].f1 is None
    assert of.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)


def test_times_and_angles_are_compared_where_the_label_knows_them() -> None:
    known = done(5, exact=True, spine_flexion_deg=40.0)
    result = score(clip(known, done(15)), [told(5.2, spine_flexion_deg=34.0), told(15)], 60.0)
    of = figures([result])
    assert of.spine == Errors(1, 6.0, -6.0)
    assert of.start.bias == of.end.bias == pytest.approx(0.2)
    assert of.timing_mae_s == pytest.approx(0.2)
    assert figures([scored(("hinge", "hinge"))]).timing_mae_s is None


def test_a_back_that_was_not_seen_has_no_error() -> None:
    of = figures([score(clip(done(5, spine_flexion_deg=40.0)), [told(5, "unknown")], 60.0)])
    assert of.spine == Errors(0, None, None)


def test_a_bow_told_while_nobody_lifts_counts_against_the_hours_watched() -> None:
    quiet = score(clip(name="walking"), [told(7, "squat")], 1800.0)
    busy = score(clip(done(5)), [told(5)], 1800.0)
    of = figures([quiet, busy])
    assert of.false_lifts.per_hour == 1
    assert of.false_at_rest.per_hour == 2
    assert of.precision == Share(1, 2)


def test_the_confusion_matrix_has_a_place_for_what_was_missed_and_what_never_happened() -> None:
    cut_off, whole, unclear = done(1, partial=True), done(5, "squat"), done(15, "borderline")
    rows = confusion([score(clip(cut_off, whole, unclear), [told(15, "unknown"), told(30, "hinge")], 60.0)])
    assert list(rows) == ["hinge", "squat", "rounded_back", "borderline", NO_LIFT]
    counts = {(true, said): count for true, row in rows.items() for said, count in row.items() if count}
    assert counts == {("squat", MISSED): 1, ("borderline", "unknown"): 1, (NO_LIFT, "hinge"): 1}


def test_nothing_at_all_gives_no_figures_rather_than_zeros() -> None:
    nothing: list[ScoredClip] = []
    of = figures(nothing)
    assert of.recall.value is None
    assert of.recall.interval is None
    assert of.macro_f1 is None
    assert of.false_lifts.per_hour is None
    assert of.false_lifts.interval is None


@pytest.mark.parametrize(
    ("share", "interval"),
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3
    [
        (Share(81, 263), (0.2553, 0.3662)),
        (Share(15, 148), (0.0624, 0.1605)),
        (Share(0, 20), (0.0, 0.1611)),
        (Share(1, 29), (0.0061, 0.1718)),
    ],
)
def test_intervals_of_shares_are_wilsons(share: Share, interval: tuple[float, float]) -> None:
    assert share.interval == pytest.approx(interval, abs=1e-4)


@pytest.mark.parametrize(
    # exact Poisson limits (chi-square quantiles), to which Byar's come close
    ("count", "interval"),
    [(0, (0.0, 3.69)), (3, (0.62, 8.77)), (10, (4.80, 18.39))],
)
def test_intervals_of_rates_hold_for_small_counts(count: int, interval: tuple[float, float]) -> None:
    assert Rate(count, 3600.0).interval == pytest.approx(interval, abs=0.06)
