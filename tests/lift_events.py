"""Lifts and events for tests, with one changed field at a time."""

import time
import uuid
from dataclasses import replace
from typing import Any

from edge_agent.core.events import LiftEvent
from edge_agent.core.records import Lift

NOON = 1_795_521_600
"""2026-11-24T12:00:00Z, the start of a five-minute bucket."""


def a_lift(**changes: Any) -> Lift:
    lift = Lift(
        person=3,
        start_s=1.0,
        peak_s=2.0,
        end_s=3.0,
        center_x=0.5,
        feet_xy=(0.5, 0.9),
        technique="rounded_back",
        confidence=0.93,
        view="oblique",
        view_from_side_deg=38.0,
        trunk_inclination_deg=68.0,
        spine_flexion_deg=46.0,
        knee_flexion_deg=27.0,
        reasons=("the outline of the back is round",),
    )
    return replace(lift, **changes)


def an_event(**changes: Any) -> LiftEvent:
    """A valid event with an id of its own."""
    fields: dict[str, Any] = {
        "event_id": str(uuid.uuid4()),
        "site": "north",
        "zone": "dock-1",
        "bucket_start": NOON,
        "technique": "hinge",
        "risk": "low",
        "trunk_inclination_band": "30-60",
        "spine_flexion_band": "0-20",
        "knee_flexion_band": "30-60",
        "confidence_band": "high",
        "view": "side",
        "model": "outline-1.0",
    }
    return LiftEvent(**fields | changes)


def this_bucket() -> int:
    """Start of the five-minute bucket we are in: the bridge refuses events that are too old or not yet due."""
    return int(time.time()) // 300 * 300


def a_fresh_event(**changes: Any) -> LiftEvent:
    """A valid event of this bucket."""
    return an_event(**{"bucket_start": this_bucket()} | changes)
