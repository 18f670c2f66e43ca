"""Counts -> events, as an agent would make them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from edge_agent.core.events import LiftEvent
from edge_agent.core.records import View
from edge_agent.core.risk import ConfidenceBand
from edge_agent.fleet.layout import Fleet, Zone, chance
from edge_agent.fleet.postures import LABELS, draw_posture

MODEL: Final = "simulated-1"
"""Where a classifier's name and version would stand, so that no made-up lift is taken for a seen one."""
_VIEWS: Final[tuple[View, ...]] = ("side", "oblique")
_SURE: Final[tuple[ConfidenceBand, ...]] = ("high", "medium")


def events_of(
    fleet: Fleet, zone: Zone, bucket_start: int, counts: Sequence[int], new_id: Callable[[], str]
) -> Iterator[LiftEvent]:
    """The events of one zone's bucket (unix time at which it begins).

    counts: twelve, by postures.LABELS. new_id: a fresh random UUID4 for each; the bridge counts an id once, so ids
    must not come from the seed where the same fleet may be played twice.
    """
    rng = chance(fleet.seed, zone.place.site, zone.place.zone, "events", bucket_start)
    for label, count in enumerate(counts):
        for _ in range(count):
            yield _event(rng, zone, bucket_start, label, new_id())


def _event(rng: np.random.Generator, zone: Zone, bucket_start: int, label: int, event_id: str) -> LiftEvent:
    posture = draw_posture(rng, label)
    told = posture.technique != "unknown"
    technique, risk = LABELS[label]
    return LiftEvent(
        event_id=event_id,
        site=zone.place.site,
        zone=zone.place.zone,
        bucket_start=bucket_start,
        technique=technique,
        risk=risk,
        trunk_inclination_band=posture.trunk,
        spine_flexion_band=posture.spine,
        knee_flexion_band=posture.knee,
        confidence_band=_SURE[int(rng.random() < 0.3)] if told else "low",
        view=_VIEWS[int(rng.random() < 0.4)] if told else "end",
        model=MODEL,
    )
