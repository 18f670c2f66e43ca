"""When held-back events may leave the building.

Events of one zone are pooled until they number ``min_lifts``. A pool leaves only at the end of a time bucket,
so the moment of publishing tells an observer the bucket, no more; a pool that is too small is carried
into the next bucket and leaves under that bucket's name. With ``min_lifts: 1`` and a short bucket (the demo
uses one second) there is no pooling and hardly any rounding: that is for trying it out, not for a workplace.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from edge_agent.core.events import bucket_start


@dataclass(frozen=True, slots=True)
class Held:
    """An event that waits. ``bucket_start`` is in unix seconds."""

    event_id: str
    zone: str
    bucket_start: int


@dataclass(frozen=True, slots=True)
class Release:
    """An event that may leave now, under ``bucket_start`` (unix seconds), the bucket that filled its pool."""

    event_id: str
    bucket_start: int


def releasable(held: Iterable[Held], now_s: float, bucket_s: int, min_lifts: int) -> tuple[Release, ...]:
    """Decide what may leave at unix time ``now_s``. What is not returned stays held.

    The order is that of the random event ids within a bucket, so that it does not tell which lift came first.
    """
    current = bucket_start(now_s, bucket_s)
    zones: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in held:
        bucket = bucket_start(row.bucket_start, bucket_s)
        if bucket > current:  # the clock was set back since: waiting for that time to come again could take years
            bucket = current - bucket_s
        if bucket < current:
            zones[row.zone].append((bucket, row.event_id))
    releases = [release for rows in zones.values() for release in _pools(sorted(rows), min_lifts)]
    return tuple(sorted(releases, key=lambda release: (release.bucket_start, release.event_id)))


def _pools(rows: list[tuple[int, str]], min_lifts: int) -> Iterable[Release]:
    """One zone's (bucket, event id) rows of finished buckets, oldest first -> those whose pool is full."""
    pool: list[str] = []
    for bucket, cell in groupby(rows, key=lambda row: row[0]):
        pool.extend(event_id for _, event_id in cell)
        if len(pool) >= min_lifts:
            yield from (Release(event_id, bucket) for event_id in pool)
            pool = []
