"""When a lift began and ended, read of the height of the shoulders. Told frame by frame at 15 Hz."""

from dataclasses import replace

import pytest

from edge_agent.core.bend import Bend, Moment, end_s, start_s
from edge_agent.core.posture import measure
from tests.people import HINGE, RATE_HZ, STANDING, motion
from tests.told import ONE_LIFT, bends


def test_a_lift_begins_where_the_shoulders_leave_their_height_not_where_the_bend_is_seen() -> None:
    (lift,) = bends(motion(*ONE_LIFT))
    assert 1.0 < lift.start_s < lift.moments[0].time_s


def test_who_seems_bent_while_still_stepping_up_to_the_load_begins_when_the_shoulders_sink() -> None:
    """From above the legs of one who stands may look bent."""
    standing = measure(STANDING.pose(), 0.0)
    x_px, y_px = standing.shoulder_xy

    def seen(time_s: float, depth: float) -> Moment:
        xy = x_px + 20 * min(time_s, 2.0), y_px + 60 * min(max(time_s - 2.0, 0.0), 1.0)
        return Moment(replace(standing, time_s=time_s, shoulder_xy=xy), depth, None)

    before = [seen(0.25 * quarter, 0.1) for quarter in range(5)]
    moments = [seen(1.0 + i / RATE_HZ, 0.9 if i < 20 else 1.5) for i in range(35)]
    assert start_s(before, moments) == pytest.approx(2.0, abs=0.1)


def test_a_lift_ends_where_the_shoulders_are_back_however_late_depth_tells() -> None:
    """The spine model takes who stands for a little bent, for a second more."""
    moments = [Moment(measure(body.pose(outlined=False), time_s), 0.4, None) for time_s, body in motion(*ONE_LIFT)]
    down = [replace(moment, depth=1.0) if 2 <= moment.time_s <= 2.6 else moment for moment in moments]
    late = Bend(tuple(moment for moment in down if moment.time_s <= 4.4), 1.2, 4.4)
    after = [moment for moment in down if moment.time_s >= 4.4]
    assert end_s(late, after) == pytest.approx(3.4, abs=0.3)
    aside = [replace(one.posture, shoulder_xy=(900.0, one.posture.shoulder_xy[1])) for one in after]
    walked_off = [replace(one, posture=posture) for one, posture in zip(after, aside, strict=True)]
    assert end_s(late, walked_off) == end_s(late, after)


def test_a_lift_followed_by_another_at_once_ends_where_the_shoulders_were_up_in_between() -> None:
    """Nobody saw how they stood afterwards: the end of the bend itself must do."""
    again = (3.3, STANDING), (4.3, HINGE), (5.3, STANDING)
    first, _ = bends(motion((0, STANDING), (1, STANDING), (2, HINGE), (3, STANDING), *again))
    assert 2.6 < end_s(first, []) <= first.end_s


def test_who_is_still_bent_has_not_ended_though_half_way_up_for_a_while() -> None:
    half = replace(HINGE, trunk_deg=30)
    (cut,) = bends(motion((0, STANDING), (1, STANDING), (2, HINGE), (2.5, half), (3.5, half)))
    assert end_s(cut, []) == cut.end_s == cut.moments[-1].time_s


def test_of_who_hardly_rises_on_the_picture_depth_alone_tells_the_end() -> None:
    standing = [Moment(measure(STANDING.pose(outlined=False), number / 15), 1.0, None) for number in range(30)]
    assert end_s(Bend(tuple(standing[:20]), 0.0, 1.3), standing[20:]) == 1.3
