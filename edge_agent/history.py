"""What Prometheus remembers of a period: whole counts by the hour, and for how long something was down."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from edge_agent.core.counting import Counts, Reading, counts, unclear_hours
from edge_agent.core.period import Down, Window
from edge_agent.prometheus_api import Labels, PrometheusApi, Series

HOUR_S: Final = 3600
CLOSER_S: Final = 15
"""Prometheus scrapes every 15 seconds in our examples: nothing it knows lies between."""
MOST_POINTS: Final = 10_000
"""Prometheus gives 11,000 of a series at most."""


def counted(api: PrometheusApi, selector: str, by: Sequence[str], window: Window) -> dict[tuple[str, ...], Counts]:
    """A counter's counts in each hour of the window, by these labels. Series that differ in other labels alone are
    several programs' views of the same, and are not added.

    Two requests, and one more for each hour in which a counter began or fell.
    """
    edges = [edge.timestamp() for edge in window.edges]
    values = _at_edges(api, f"last_over_time({selector}[1h])", edges)
    for series in api.at(f"last_over_time({selector}[1d])", edges[0]):
        values[series.labels].setdefault(0, series.points[0][1])
    unclear: defaultdict[int, set[Labels]] = defaultdict(set)
    for labels, found in values.items():
        for hour in unclear_hours([found.get(edge) for edge in range(len(edges))]):
            unclear[hour].add(labels)
    for labels, fallen in _at_edges(api, f"resets({selector}[1h]) > 0", edges).items():
        for edge in fallen:
            unclear[max(edge - 1, 0)].add(labels)
    closer = _closer(api, selector, edges, unclear)
    readings: defaultdict[tuple[str, ...], list[Reading]] = defaultdict(list)
    for labels, found in values.items():
        reading = Reading([found.get(edge) for edge in range(len(edges))], closer[labels])
        readings[tuple(dict(labels).get(name, "") for name in by)].append(reading)
    return {name: counts(each) for name, each in readings.items()}


def down(api: PrometheusApi, query: str, by: Sequence[str], window: Window) -> list[Down]:
    """How long a series of 0 and 1 was 0, and how long it was not there at all, to within the step between points."""
    from_s, to_s = window.start.timestamp(), window.end.timestamp()
    step_s = max(60.0, (to_s - from_s) / MOST_POINTS)
    asked = int((to_s - from_s) // step_s) + 1
    return [
        Down(
            tuple(series.label(name) for name in by),
            sum(value == 0 for _, value in series.points) * step_s,
            (asked - len(series.points)) * step_s,
        )
        for series in sorted(api.over(query, from_s, to_s, step_s), key=lambda each: each.labels)
    ]


def _at_edges(api: PrometheusApi, query: str, edges: Sequence[float]) -> defaultdict[Labels, dict[int, float]]:
    """By series, its value at each edge (by number). The last hour may be a short one."""
    whole = [edge for edge in edges if (edge - edges[0]) % HOUR_S == 0]
    found: defaultdict[Labels, dict[int, float]] = defaultdict(dict)
    for series in api.over(query, whole[0], whole[-1], HOUR_S):
        for at_s, value in series.points:
            found[series.labels][round((at_s - whole[0]) / HOUR_S)] = value
    if len(whole) < len(edges):
        for series in api.at(query, edges[-1]):
            found[series.labels][len(edges) - 1] = series.points[0][1]
    return found


def _closer(
    api: PrometheusApi, selector: str, edges: Sequence[float], unclear: Mapping[int, set[Labels]]
) -> defaultdict[Labels, dict[int, list[float]]]:
    closer: defaultdict[Labels, dict[int, list[float]]] = defaultdict(dict)
    for hour, wanted in sorted(unclear.items()):
        within: list[Series] = api.over(selector, edges[hour], edges[hour + 1], CLOSER_S)
        for series in within:
            if series.labels in wanted:
                closer[series.labels][hour] = [value for _, value in series.points]
    return closer
