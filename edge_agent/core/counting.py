"""Whole counts out of what Prometheus kept of a counter, where ``increase()`` would extrapolate.

A counter is shown by one program or by several (two bridges that each count every lift). Each shows a total of its
own that may begin anywhere, fall to 0 when its file is lost, and be missing for a while. They are never added: the
count follows whichever has counted most since both were known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Reading:
    """One program's counter. edges: its value at each edge of the hours, None where it was not read then.

    closer: by hour (0 is the one between the first two edges), all its values within that hour, in order.
    """

    edges: Sequence[float | None]
    closer: Mapping[int, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """hours: how many in each. falls: how often the counter fell, so that what it counted before is gone."""

    hours: tuple[int, ...]
    falls: int = 0


def unclear_hours(edges: Sequence[float | None]) -> set[int]:
    """Hours whose two edges do not tell what happened: the counter began within them, or fell."""
    unclear: set[int] = set()
    last: float | None = None
    for hour, value in enumerate(edges[1:]):
        last = edges[hour] if edges[hour] is not None else last
        if value is not None and (last is None or value < last):
            unclear.add(hour)
    return unclear


def counts(readings: Sequence[Reading]) -> Counts:
    """All readings are of the same hours, and there is one at least.

    What was counted while nobody was read stands in the hour in which somebody is read again. Of a counter that
    begins within the hours only what came after its first value counts.
    """
    totals = [_own_totals(reading) for reading in readings]
    offsets: dict[int, float] = {}
    reached, hours = 0.0, []
    for edge in range(len(readings[0].edges)):
        before = reached
        shown = {which: own[edge] for which, (own, _) in enumerate(totals)}
        known = {which: total for which, total in shown.items() if total is not None}
        told = [offsets[which] + total for which, total in known.items() if which in offsets]
        fresh = {which: total for which, total in known.items() if which not in offsets}
        reached = max([reached, *told, *(() if told else (before + total for total in fresh.values()))])
        offsets |= {which: reached - total if told else before for which, total in fresh.items()}
        hours.append(round(reached - before))
    return Counts(tuple(hours[1:]), sum(falls for _, falls in totals))


def _own_totals(reading: Reading) -> tuple[list[float | None], int]:
    """What this one has counted since it was first read, at each edge; and how often it fell."""
    totals: list[float | None] = []
    last: float | None = None
    total, falls = 0.0, 0
    for edge, value in enumerate(reading.edges):
        if value is None:
            totals.append(None)
            continue
        path = [*([] if last is None else [last]), *(reading.closer.get(edge - 1, ())), value]
        for one, other in pairwise(path):
            falls += other < one
            total += other - one if other >= one else other
        last = value
        totals.append(total)
    return totals, falls
