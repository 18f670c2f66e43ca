"""When a held-back event may leave: never alone, never early, never lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.release import Held, Release, releasable

BUCKET_S = 300

rows = st.builds(
    lambda number, zone, bucket: Held(f"id-{number}", zone, bucket * BUCKET_S),
    st.integers(0, 10**6),
    st.sampled_from(["dock", "belt"]),
    st.integers(0, 6),
)
held_rows = st.lists(rows, max_size=40, unique_by=lambda row: row.event_id)
moments = st.floats(0, 9 * BUCKET_S)
pools = st.integers(1, 6)


def held(zone: str, bucket: int, *numbers: int) -> list[Held]:
    return [Held(f"{zone}-{number}", zone, bucket * BUCKET_S) for number in numbers]


def test_four_lifts_wait_and_the_fifth_in_the_next_bucket_takes_them_along() -> None:
    waiting = held("dock", 0, 1, 2, 3, 4)
    assert releasable(waiting, 1 * BUCKET_S, BUCKET_S, 5) == ()

    waiting += held("dock", 1, 5)
    assert releasable(waiting, 2 * BUCKET_S - 0.01, BUCKET_S, 5) == ()  # the bucket is not over
    assert releasable(waiting, 2 * BUCKET_S, BUCKET_S, 5) == tuple(
        Release(f"dock-{number}", 1 * BUCKET_S) for number in (1, 2, 3, 4, 5)
    )


def test_a_quiet_zone_does_not_hide_behind_a_busy_one() -> None:
    waiting = held("dock", 0, 1, 2, 3, 4, 5, 6) + held("belt", 0, 1)

    leaving = releasable(waiting, BUCKET_S, BUCKET_S, 5)

    assert [release.event_id for release in leaving] == [f"dock-{n}" for n in (1, 2, 3, 4, 5, 6)]


def test_an_event_from_a_clock_since_set_back_does_not_wait_for_years() -> None:
    waiting = held("dock", 100_000, 1)

    assert releasable(waiting, 7 * BUCKET_S + 1, BUCKET_S, 1) == (Release("dock-1", 6 * BUCKET_S),)


@given(held_rows, moments, pools)
def test_every_pool_that_leaves_is_large_enough_and_its_bucket_is_over(
    waiting: list[Held], now_s: float, min_lifts: int
) -> None:
    zone_of = {row.event_id: row.zone for row in waiting}
    leaving = releasable(waiting, now_s, BUCKET_S, min_lifts)

    cells = Counter((zone_of[release.event_id], release.bucket_start) for release in leaving)
    assert all(count >= min_lifts for count in cells.values())
    assert all(bucket + BUCKET_S <= now_s for _, bucket in cells)
    assert len({release.event_id for release in leaving}) == len(leaving)


@given(held_rows, moments, pools)
def test_the_moment_of_release_tells_the_bucket_and_nothing_finer(
    waiting: list[Held], now_s: float, min_lifts: int
) -> None:
    bucket_began_s = now_s // BUCKET_S * BUCKET_S

    assert releasable(waiting, now_s, BUCKET_S, min_lifts) == releasable(
        waiting[::-1], bucket_began_s, BUCKET_S, min_lifts
    )


@given(held_rows, pools)
def test_whatever_happens_bucket_by_bucket_fewer_than_a_pool_per_zone_are_left(
    events: list[Held], min_lifts: int
) -> None:
    waiting: list[Held] = []
    left: Counter[str] = Counter()
    for bucket in range(8):
        waiting += [row for row in events if row.bucket_start == bucket * BUCKET_S]
        leaving = releasable(waiting, (bucket + 1) * BUCKET_S, BUCKET_S, min_lifts)
        gone = {release.event_id for release in leaving}
        left.update(row.zone for row in waiting if row.event_id in gone)
        waiting = [row for row in waiting if row.event_id not in gone]

    assert left + Counter(row.zone for row in waiting) == Counter(row.zone for row in events)
    assert all(count < min_lifts for count in Counter(row.zone for row in waiting).values())
