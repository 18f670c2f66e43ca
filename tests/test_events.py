"""What may leave the building, and what is believed when it arrives."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core import events
from edge_agent.core.events import EventError, Place, from_json, from_lift, to_json
from edge_agent.core.records import TECHNIQUES, Technique
from edge_agent.core.risk import RISKS, risk_of
from tests.lift_events import NOON, a_lift, an_event

PLACE = Place("north", "dock-1")


def test_a_lift_is_reduced_to_words_and_its_bucket() -> None:
    event = from_lift(a_lift(), PLACE, NOON + 299.9, 300, "outline-1.0")

    wire = json.loads(to_json(event))

    assert wire.pop("event_id") != json.loads(to_json(from_lift(a_lift(), PLACE, NOON, 300, "m")))["event_id"]
    assert wire == {
        "schema": "hingewatch.lift/1",
        "site": "north",
        "zone": "dock-1",
        "bucket_start": "2026-11-24T12:00:00Z",
        "technique": "rounded_back",
        "risk": "high",
        "trunk_inclination_band": "60-90",
        "spine_flexion_band": "40+",
        "knee_flexion_band": "0-30",
        "confidence_band": "high",
        "view": "oblique",
        "model": "outline-1.0",
    }


@pytest.mark.parametrize(
    ("degrees", "trunk", "spine", "knee"),
    [
        (None, "unknown", "unknown", "unknown"),
        (float("nan"), "unknown", "unknown", "unknown"),
        (-12.0, "0-30", "0-20", "0-30"),
        (29.9, "0-30", "20-40", "0-30"),
        (30.0, "30-60", "20-40", "30-60"),
        (60.0, "60-90", "40+", "60+"),
        (130.0, "90+", "40+", "60+"),
    ],
)
def test_angles_become_bands(degrees: float | None, trunk: str, spine: str, knee: str) -> None:
    lift = a_lift(trunk_inclination_deg=degrees, spine_flexion_deg=degrees, knee_flexion_deg=degrees)

    event = from_lift(lift, PLACE, NOON, 300, "m")

    assert (event.trunk_inclination_band, event.spine_flexion_band, event.knee_flexion_band) == (
        trunk,
        spine,
        knee,
    )


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_exposure_never_falls_as_the_trunk_leans_further(technique: Technique) -> None:
    ranks = [RISKS.index(risk_of(technique, trunk, "0-20")) for trunk in ("0-30", "30-60", "60-90", "90+")]

    assert ranks == sorted(ranks)
    assert risk_of(technique, "unknown", "unknown") != "low"  # not seen is not safe


def test_an_unknown_technique_is_ranked_by_the_trunk_alone() -> None:
    assert risk_of("unknown", "0-30", "40+") == "low"
    assert risk_of("unknown", "60-90", "0-20") == "medium"


FORGERIES: dict[str, tuple[dict[str, Any], str]] = {
    "a name with a topic in it": ({"zone": "dock/../1"}, "bad_value"),
    "a wildcard": ({"site": "+"}, "bad_value"),
    "a name that goes on after a newline": ({"zone": "dock-1\n"}, "bad_value"),
    "a number for a name": ({"zone": 7}, "wrong_type"),
    "null": ({"technique": None}, "wrong_type"),
    "a list": ({"view": ["side"]}, "wrong_type"),
    "an invented technique": ({"technique": "lying"}, "bad_value"),
    "an invented risk": ({"risk": "fatal"}, "bad_value"),
    "an exact angle": ({"trunk_inclination_band": "68.4"}, "bad_value"),
    "an exact time": ({"bucket_start": "2026-11-24T12:00:00.123Z"}, "bad_value"),
    "a time without zone": ({"bucket_start": "2026-11-24T12:00:00"}, "bad_value"),
    "a day that is not": ({"bucket_start": "2026-02-30T12:00:00Z"}, "bad_value"),
    "a time before 1970": ({"bucket_start": "0001-01-01T00:00:00Z"}, "bad_value"),
    "a time as number": ({"bucket_start": NOON}, "wrong_type"),
    "an id that is no random UUID": ({"event_id": "00000000-0000-1000-8000-000000000000"}, "bad_value"),
    "free text as model": ({"model": "worker 7 at the dock"}, "bad_value"),
    "a keypoint": ({"keypoints": "0.1,0.2"}, "extra_field"),
    "another major version": ({"schema": "hingewatch.lift/2"}, "schema"),
    "another schema": ({"schema": "hingewatch.lift/10"}, "schema"),
    "a schema of another type": ({"schema": 1}, "schema"),
}


@pytest.mark.parametrize(("changes", "reason"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_event_is_refused_with_one_word(changes: dict[str, Any], reason: str) -> None:
    forged = json.loads(to_json(an_event())) | changes

    with pytest.raises(EventError) as refused:
        from_json(json.dumps(forged))

    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        (b"[" * 4000, "not_json"),
        (b"9" * 5000, "too_large"),
        (b"[1]", "not_an_object"),
        (b"{}", "missing_field"),
        (b'{"schema": "hingewatch.lift/1"}', "missing_field"),
    ],
)
def test_what_is_no_event_at_all_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(EventError) as refused:
        from_json(payload)
    assert refused.value.reason == reason


def test_a_newer_minor_version_is_read_without_what_it_added() -> None:
    event = an_event()
    newer = json.loads(to_json(event)) | {"schema": "hingewatch.lift/1.4", "shift": "late"}

    assert from_json(json.dumps(newer)) == event


def test_nothing_but_words_and_a_bucket_can_be_constructed() -> None:
    with pytest.raises(EventError):
        an_event(bucket_start=NOON + 0.25)
    with pytest.raises(EventError):
        an_event(zone="Dock 1")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_can_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(EventError):
        from_json(payload)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(events.FIELDS, st.none() | st.integers() | st.text())))
def test_no_object_can_do_more_than_be_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        from_json(json.dumps(fields))
