"""Time only moves forward, whatever a camera's clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.media_time import RateLimit, Timeline

times = st.none() | st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(times, st.floats(0, 60), st.booleans())), st.booleans())
def test_time_never_decreases(stamps: list[tuple[float | None, float, bool]], live: bool) -> None:
    timeline, last_s = Timeline(live=live), 0.0
    for pts_s, elapsed_s, new_connection in stamps:
        if new_connection:
            timeline.reconnected()
        time_s = timeline.at(pts_s, elapsed_s)
        assert time_s >= last_s
        last_s = time_s


def test_the_stream_s_own_times_are_used_while_they_make_sense() -> None:
    timeline = Timeline(live=True)
    # A missing stamp, a clock set back by an hour, one set ahead: each time the stream is followed on.
    stamps = [(3600.0, 0.5), (3600.1, 0.5), (None, 0.1), (3600.3, 0.5), (0.0, 0.2), (0.1, 0.0), (9000.0, 0.1)]
    assert [timeline.at(*stamp) for stamp in stamps] == pytest.approx([0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7])


def test_a_new_connection_continues_by_the_time_that_really_passed() -> None:
    timeline = Timeline(live=True)
    timeline.at(10.0, 0.0)
    timeline.at(11.0, 1.0)
    timeline.reconnected()
    assert timeline.at(500.0, 42.0) == pytest.approx(43.0)


@pytest.mark.parametrize(
    ("stream_hz", "wanted_hz", "kept"),
    [(30, 15, 150), (25, 15, 150), (30, None, 300), (15, 15, 150), (29.97, 30, 300), (10, 25, 100)],
)
def test_the_rate_is_kept_on_average(stream_hz: float, wanted_hz: float | None, kept: int) -> None:
    limit = RateLimit(wanted_hz)
    # Rounded to milliseconds, as cameras do.
    count = sum(limit.keeps(round(number / stream_hz, 3)) for number in range(int(10 * stream_hz)))
    assert count == pytest.approx(kept, abs=2)
