"""New settings on one camera: they stay where no more lifts are unknown than before, beyond chance."""

from math import comb

import pytest

from edge_agent.core.change import Change
from edge_agent.core.figures import Share
from edge_agent.core.trial import Trial


def saw(trial: Trial, unknown: int, of: int, *, with_new: bool) -> None:
    for number in range(of):
        trial.saw(unknown=number < unknown, with_new=with_new)


def test_lifts_are_counted_as_it_is_then_with_what_is_new() -> None:
    trial, phases = Trial(), []
    for unknown, of, with_new in ((6, 29, False), (0, 1, False), (7, 29, True), (0, 1, True)):
        saw(trial, unknown=unknown, of=of, with_new=with_new)
        phases.append(trial.phase)
    assert phases == ["before", "trying", "trying", "passed"]


def test_far_more_unknown_lifts_than_before_fail() -> None:
    trial = Trial()
    saw(trial, unknown=6, of=30, with_new=False)
    saw(trial, unknown=18, of=30, with_new=True)
    assert trial.phase == "failed"


def test_a_network_that_fails_ends_the_trial_at_once() -> None:
    trial = Trial()
    saw(trial, unknown=0, of=30, with_new=False)
    trial.failure = True
    assert trial.phase == "failed"


def test_lifts_beyond_those_that_were_asked_for_change_nothing() -> None:
    trial = Trial()
    saw(trial, unknown=0, of=30, with_new=False)
    saw(trial, unknown=30, of=30, with_new=False)  # judged before the camera had what is new
    assert trial.change.before == Share(0, 30)


@pytest.mark.parametrize(
    ("lifts", "before", "after", "share_failed"),
    [(30, 0.2, 0.2, 1 / 40), (30, 0.4, 0.4, 1 / 40), (30, 0.2, 0.6, 0.9), (30, 0.2, 0.4, 0.4), (100, 0.2, 0.4, 0.9)],
)
def test_what_a_trial_sees_of_harm_is_as_its_docstring_says(
    lifts: int, before: float, after: float, share_failed: float
) -> None:
    def chance(unknown: int, share: float) -> float:
        return comb(lifts, unknown) * share**unknown * (1 - share) ** (lifts - unknown)

    def fails(first: int, then: int) -> bool:
        interval = Change(Share(first, lifts), Share(then, lifts)).interval
        return interval is not None and interval[0] > 0

    counts = range(lifts + 1)
    found = sum(chance(i, before) * chance(j, after) for i in counts for j in counts if fails(i, j))
    assert found == pytest.approx(share_failed, abs=0.03)
