"""What the spine model is shown: the same bend from the left and from the right, near and far, looks the same."""

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.bodyview import COLUMNS, ROWS, VALUES, BodyView, body_view
from edge_agent.core.posture import measure
from tests.people import HINGE, ROUNDED_STOOP, SQUAT, STANDING, Person


def view(body: Person) -> BodyView:
    pose = body.pose()
    shown = body_view(pose, measure(pose, 0.0))
    assert shown is not None
    return shown


@pytest.mark.parametrize("body", [STANDING, HINGE, SQUAT, ROUNDED_STOOP], ids=["standing", "hinge", "squat", "stoop"])
def test_left_and_right_look_the_same(body: Person) -> None:
    right, left = view(replace(body, facing="right")), view(replace(body, facing="left"))
    assert right.mask.shape == (ROWS, COLUMNS)
    assert right.values.shape == (VALUES,)
    assert np.abs(right.mask - left.mask).mean() < 0.04
    assert right.values == pytest.approx(left.values, abs=0.05)


def test_near_and_far_look_the_same() -> None:
    near, far = view(HINGE), view(replace(HINGE, px_per_m=90.0))
    assert np.abs(near.mask - far.mask).mean() < 0.04
    assert near.values == pytest.approx(far.values, abs=0.05)


def test_the_back_is_to_the_right_of_the_dowel_and_rounds_outwards() -> None:
    flat, rounded = (view(body).mask for body in (HINGE, ROUNDED_STOOP))
    middle = slice(ROWS // 3, ROWS // 2)
    reach = [(mask[middle, COLUMNS // 2 :] > 0.5).sum(1).mean() for mask in (flat, rounded)]
    assert reach[1] > reach[0] + 1


def test_unknown_measures_are_said_to_be_unknown() -> None:
    known, unknown = view(HINGE), view(replace(HINGE, hidden=frozenset(range(25, 33))))  # type: ignore[arg-type]
    assert known.values[-6:].tolist() == [1, 1, 1, 1, 1, 1]
    assert unknown.values[-6:].tolist() == [1, 0, 0, 1, 0, 0]


def test_without_an_outline_or_with_the_trunk_seen_end_on_there_is_nothing_to_show() -> None:
    pose = HINGE.pose(outlined=False)
    assert body_view(pose, measure(pose, 0.0)) is None
    pose = replace(HINGE, trunk_deg=88, view_deg=88).pose()
    assert body_view(pose, measure(pose, 0.0)) is None
