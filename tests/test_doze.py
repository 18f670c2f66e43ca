"""A still stream is decoded by keyframes; once something moves, all since the last one is there again."""

from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from edge_agent.core.doze import Doze
from edge_agent.core.records import Image
from edge_agent.decoding import Sparing, pictures
from edge_agent.video import open_video
from tests.videos import number_of, write_numbered

RATE_HZ = 15


@dataclass
class Stream:
    """Packets numbered from 0 on, of which every so many is a keyframe."""

    every: int
    doze: Doze[int] = field(default_factory=Doze)
    decoded: list[int] = field(default_factory=list)
    passed: int = 0

    def runs(self, start: int, end: int, *, still: bool) -> list[int]:
        """What of these packets, and of those kept before them, is decoded."""
        before = len(self.decoded)
        for number in range(start, end):
            keyframe = number % self.every == 0
            due, passed = self.doze.take(number, number / RATE_HZ, keyframe=keyframe, still=still)
            self.decoded += due
            self.passed += passed
        return self.decoded[before:]


def test_while_something_moves_everything_is_decoded() -> None:
    assert Stream(every=15).runs(0, 60, still=False) == list(range(60))


def test_of_a_still_stream_the_keyframes_are_decoded_and_the_rest_is_counted() -> None:
    stream = Stream(every=15)
    stream.runs(0, 20, still=False)
    assert stream.runs(20, 95, still=True) == [*range(20, 30), 30, 45, 60, 75, 90]
    assert stream.passed == 4 * 14


def test_what_was_kept_since_the_last_keyframe_is_decoded_when_something_moves() -> None:
    stream = Stream(every=15)
    stream.runs(0, 50, still=True)
    assert stream.runs(50, 60, still=False) == list(range(46, 60))
    assert len(stream.decoded) + stream.passed == 60


def test_a_stream_with_few_keyframes_is_decoded_whole_and_loses_none() -> None:
    """A smart codec sends one in four seconds: to be blind for so long is too much."""
    stream = Stream(every=60)
    stream.runs(0, 240, still=True)
    assert stream.decoded == list(range(240))
    assert not stream.doze.asleep


def test_one_keyframe_that_was_lost_is_forgiven_in_time() -> None:
    stream = Stream(every=15)
    stream.runs(0, 35, still=True)
    stream.decoded.clear()
    stream.runs(46, 46 + 60, still=True)  # number 45 never came
    assert stream.decoded[-40:] == list(range(66, 106))
    later = 45 + 15 * 1000
    assert stream.runs(later, later + 30, still=True) == [later, later + 15]


def test_of_a_stream_of_keyframes_alone_one_in_half_a_second_will_do() -> None:
    assert Stream(every=1).runs(0, 31, still=True) == [0, 8, 16, 24]


def test_a_clock_that_jumps_back_loses_no_packet() -> None:
    doze = Doze[int]()
    taken = [doze.take(n, time_s, keyframe=n == 0, still=True)[0] for n, time_s in enumerate((9.0, 9.1, 2.0, 2.1))]
    assert taken == [[0], [], [1, 2], [3]]


@pytest.mark.parametrize("reordered", [0, 2, 3])
def test_pictures_that_come_out_of_order_are_decoded_as_they_come(tmp_path: Path, reordered: int) -> None:
    """A keyframe alone would show what was there seconds ago: the decoder holds it back for others before it."""
    video = str(write_numbered(tmp_path / "clip.mp4", 90, rate_hz=15, reordered=reordered))
    shown = list[int]()
    with open_video(video, 0.0, 0.0) as container:
        for one in pictures(container, pytest.fail, Sparing(lambda: True, lambda: None, lambda: None)):
            shown += [] if one is None else [number_of(np.asarray(one.to_ndarray(format="bgr24"), np.uint8))]
    assert shown == ([*range(0, 80, 10), *range(80, 90)] if reordered == 0 else list(range(90)))


@pytest.mark.parametrize("wakes_at", [21, 22, 30, 39])
def test_the_pictures_after_waking_are_those_of_a_stream_that_never_slept(tmp_path: Path, wakes_at: int) -> None:
    video = str(write_numbered(tmp_path / "clip.mp4", 60))  # a keyframe every third of a second
    with open_video(video, 0.0, 0.0) as container:
        whole = {one.pts: one.to_ndarray() for one in pictures(container, pytest.fail) if one is not None}
    seen, passed, packets = dict[int | None, Image](), list[int](), count()
    sparing = Sparing(lambda: next(packets) < wakes_at, lambda: None, lambda: passed.append(1))
    with open_video(video, 0.0, 0.0) as container:
        for one in pictures(container, pytest.fail, sparing):
            if one is not None:
                seen[one.pts] = np.asarray(one.to_ndarray(), np.uint8)
    times = list(whole)
    assert list(seen) == [times[0], *times[20:]]
    assert len(passed) == 19
    assert all(np.array_equal(picture, whole[pts]) for pts, picture in seen.items())
