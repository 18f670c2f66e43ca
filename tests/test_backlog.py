"""Which pictures of one camera are looked at, which later, and which never: told picture by picture, 15 a second."""

import numpy as np

from edge_agent.core.backlog import WAITING, Backlog, Picture
from edge_agent.core.cadence import LOOK_BACK, MOVING_GAP_S
from edge_agent.core.records import Frame

RATE_HZ = 15
QUARTER_S = 0.26
IMAGE = np.zeros((1, 1, 3), np.uint8)


def at(number: int) -> Picture:
    return Picture.of(Frame("dock", IMAGE, number / RATE_HZ))


def number_of(frame: Frame) -> int:
    return round(frame.time_s * RATE_HZ)


def taken(backlog: Backlog) -> tuple[int, list[int]] | None:
    """The number of the next frame to look at, and of those passed over before it."""
    picture = backlog.take()
    if picture is None:
        return None
    frame = picture.develop()
    return number_of(frame), [number_of(develop()) for develop in frame.passed_over]


def standing() -> Backlog:
    """Somebody who stands was looked at in frame 0."""
    backlog = Backlog()
    backlog.offer(at(0))
    backlog.take()
    assert backlog.rest(QUARTER_S) == []
    return backlog


def test_who_stands_is_looked_at_four_times_a_second_and_the_rest_may_be_looked_back_at() -> None:
    backlog = standing()
    assert [backlog.offer(at(number)) for number in range(1, 5)] == ["not_due"] * 3 + [None]
    assert taken(backlog) == (4, [1, 2, 3])
    assert taken(backlog) is None


def test_a_box_that_is_a_little_late_loses_nothing_of_who_stands() -> None:
    """What comes while the picture waits was not due, and is there for the next look back."""
    backlog = standing()
    assert [backlog.offer(at(number)) for number in range(1, 8)] == ["not_due"] * 3 + [None] + ["not_due"] * 3
    assert taken(backlog) == (4, [1, 2, 3])
    assert backlog.rest(4 / RATE_HZ + QUARTER_S) == []
    assert backlog.offer(at(8)) is None
    assert taken(backlog) == (8, [5, 6, 7])


def test_a_box_that_is_later_looks_at_the_newer_picture_and_not_back() -> None:
    backlog = standing()
    whys = [backlog.offer(at(number)) for number in range(1, 9)]
    assert whys[3] is None
    assert whys[7] == "newer_frame"
    assert taken(backlog) == (8, [])
    backlog.rest(8 / RATE_HZ + QUARTER_S)
    for number in range(9, 13):
        backlog.offer(at(number))
    assert taken(backlog) == (12, [9, 10, 11])  # in time again


def test_the_pictures_of_a_bend_wait_in_order_and_the_oldest_gives_way() -> None:
    backlog = Backlog()
    assert [backlog.offer(at(number)) for number in range(WAITING)] == [None] * WAITING
    assert backlog.offer(at(WAITING)) == "newer_frame"
    order = []
    while (next_one := taken(backlog)) is not None:
        order.append(next_one)
        backlog.rest(next_one[0] / RATE_HZ - 0.01)
    assert order == [(number, []) for number in range(1, WAITING + 1)]


def test_every_other_picture_of_a_bend_waits_too_while_the_box_is_late() -> None:
    """A look takes as long as six pictures: those that were due meanwhile wait in order."""
    backlog = Backlog()
    backlog.offer(at(0))
    backlog.take()
    assert backlog.rest(MOVING_GAP_S - 0.01) == []
    assert [backlog.offer(at(number)) for number in range(1, 7)] == ["not_due", None] * 3
    assert taken(backlog) == (2, [1])
    assert backlog.rest(2 / RATE_HZ + MOVING_GAP_S - 0.01) == []
    assert taken(backlog) == (4, []), "a box that is late does not look back"


def test_pictures_that_waited_are_passed_over_where_the_bend_has_ended_meanwhile() -> None:
    backlog = Backlog()
    for number in range(4):
        backlog.offer(at(number))
    assert taken(backlog) == (0, [])
    assert backlog.rest(QUARTER_S) == ["not_due"] * 3
    assert backlog.offer(at(4)) is None
    assert taken(backlog) == (4, [1, 2, 3])


def test_what_is_kept_is_bounded_however_many_pictures_a_second_come() -> None:
    backlog = standing()
    for number in range(1, 100):
        backlog.offer(Picture.of(Frame("dock", IMAGE, number * QUARTER_S / 100)))
    backlog.offer(at(4))
    picture = backlog.take()
    assert picture is not None
    assert len(picture.develop().passed_over) == LOOK_BACK


def test_a_recording_is_never_late() -> None:
    backlog, looked_at = Backlog(), list[tuple[int, int]]()
    due_s = 0.0
    for number in range(17):
        frame = backlog.sift(at(number).develop(), due_s)
        if frame is not None:
            looked_at.append((number_of(frame), len(frame.passed_over)))
            due_s = frame.time_s + QUARTER_S
    assert looked_at == [(0, 0), (4, 3), (8, 3), (12, 3), (16, 3)]
