"""Whatever left the box in a whole day is on a short list, and no log holds a password."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args, get_type_hints

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_agent.core.events import LiftEvent
from edge_agent.core.health import HealthRecord, OrderReason, OrderState
from tests.demo_day import CAMERA_PASSWORD, MQTT_PASSWORD, DemoDay

LIFT_FIELDS = {
    "schema": {"hingewatch.lift/1"},
    "event_id": None,
    "site": {"north"},
    "zone": {"left", "right"},
    "bucket_start": None,
    "technique": {"hinge", "squat", "rounded_back", "unknown"},
    "risk": {"low", "medium", "high"},
    "trunk_inclination_band": {"0-30", "30-60", "60-90", "90+", "unknown"},
    "spine_flexion_band": {"0-20", "20-40", "40+", "unknown"},
    "knee_flexion_band": {"0-30", "30-60", "60+", "unknown"},
    "confidence_band": {"low", "medium", "high"},
    "view": {"side", "oblique", "end", "unknown"},
    "model": None,
}
"""All that an event may hold; None: a free form, looked at on its own."""

HEALTH_FIELDS = {
    "schema", "at_unix_s", "model", "model_sha256", "devices", "zones", "cameras", "cameras_up", "frames", "blind_s",
    "outbox_held", "outbox_ready", "order_number", "order_state", "order_reason",
}  # fmt: skip

AGENT_LABELS = {
    "camera": {"dock", "gate"},
    "model": {"pose-detector", "pose-landmarker-full", "spine", "lift"},
    "device": {"CPU", "GPU", "NPU"},
    "state": {"held", "ready", "acknowledged"},
    "risk": {"low", "medium", "high"},
    "technique": {"hinge", "squat", "rounded_back", "unknown"},
    "source": {"file", "order"},
}
"""Labels of the agent's page whose values are checked; of the others, a value is one short word."""

WORD_LABELS = {"reason", "stage", "le", "cause", "result", "sha256"}
BRIDGE_LABELS = {"site", "zone", "agent", "technique", "risk"} | WORD_LABELS
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def lifts(demo_day: DemoDay) -> list[dict[str, Any]]:
    return [json.loads(m.payload) for m in demo_day.messages if m.topic.endswith("/lift")]


def test_only_lifts_status_and_health_are_published(demo_day: DemoDay) -> None:
    topics = {message.topic for message in demo_day.messages}
    assert topics == {
        "ergo/v1/north/left/lift",
        "ergo/v1/north/right/lift",
        "ergo/v1/north/box-1/status",
        "ergo/v1/north/box-1/health",
    }
    assert {m.payload for m in demo_day.messages if m.topic.endswith("/status")} <= {
        b"online",
        b"offline",
        b"stopped",
    }


def test_an_event_holds_its_listed_fields_and_nothing_else(lifts: list[dict[str, Any]]) -> None:
    assert lifts
    for event in lifts:
        assert set(event) == set(LIFT_FIELDS)
        for name, allowed in LIFT_FIELDS.items():
            assert allowed is None or event[name] in allowed, name
        assert UUID4.fullmatch(event["event_id"])
        assert re.fullmatch(r"[a-z]+-\d+\.\d+\.\d+", event["model"])
        assert datetime.fromisoformat(event["bucket_start"]).microsecond == 0


def test_neither_record_that_leaves_has_a_field_that_could_hold_more_than_words_and_counts() -> None:
    """Whoever adds a field for a picture, a keypoint, a box or free text has to change this list first."""
    patterned = {"event_id", "site", "zone", "model"}  # the names of a fixed form, see ``core.events``
    hints = get_type_hints(LiftEvent)
    assert {name for name, kind in hints.items() if kind is str} == patterned
    assert {name for name, kind in hints.items() if kind is int} == {"bucket_start"}
    closed = {name for name, kind in hints.items() if all(isinstance(word, str) for word in words_of(kind))}
    assert set(hints) - patterned - {"bucket_start"} == closed

    assert get_type_hints(HealthRecord) == {
        "model": str, "model_sha256": Mapping[str, str], "devices": Mapping[str, str], "zones": tuple[str, ...],
        "cameras": int, "cameras_up": int, "frames": int, "blind_s": int, "outbox_held": int, "outbox_ready": int,
        "order_number": int, "order_state": OrderState, "order_reason": OrderReason,
    }  # fmt: skip


def words_of(kind: object) -> list[object]:
    """All values that a (union of) Literal may hold."""
    inner = list(get_args(kind))
    return [word for each in inner for word in (words_of(each) if get_args(each) else [each])] or [kind]


@pytest.mark.parametrize(
    "fields",
    [
        {"zones": ("Anna's desk",)},
        {"devices": {"spine": "CPU, somebody bends at 10:03:12"}},
        {"model_sha256": {"spine": "deadbeef"}},
        {"model": "one two"},
        {"order_reason": "dock-1"},
    ],
)
def test_a_health_record_takes_no_free_text(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a health record"):
        HealthRecord(**fields)


def test_no_two_events_share_an_id(lifts: list[dict[str, Any]]) -> None:
    ids = {event["event_id"] for event in lifts}
    assert len(ids) == len(lifts)


def test_a_message_carries_no_more_than_its_schema_beside_its_payload(demo_day: DemoDay) -> None:
    for message in demo_day.messages:
        carried = getattr(message.properties, "UserProperty", [])
        assert carried == ([("schema", "hingewatch.lift/1")] if message.topic.endswith("/lift") else [])
        assert not (message.retain and message.topic.endswith("/lift"))


def test_health_speaks_of_the_machine_only(demo_day: DemoDay) -> None:
    records = [json.loads(m.payload) for m in demo_day.messages if m.topic.endswith("/health")]
    assert records
    for record in records:
        assert set(record) == HEALTH_FIELDS
        assert record["zones"] == ["left", "right"]
        assert set(record["devices"].values()) <= AGENT_LABELS["device"]


def test_the_agents_page_has_only_listed_labels(demo_day: DemoDay) -> None:
    for family in text_string_to_metric_families(demo_day.agent_page):
        assert family.name.startswith("edge_agent_")
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert label in AGENT_LABELS.keys() | WORD_LABELS, f"{sample.name}: {label}"
                assert label in WORD_LABELS or value in AGENT_LABELS[label], f"{sample.name}: {label}={value}"
                assert re.fullmatch(r"[0-9a-f]{64}" if label == "sha256" else r"[A-Za-z0-9_.+-]{1,40}", value)


def test_the_bridges_page_has_only_listed_labels(demo_day: DemoDay) -> None:
    for family in text_string_to_metric_families(demo_day.bridge_page):
        assert family.name.startswith("ergo_")
        for sample in family.samples:
            assert set(sample.labels) <= BRIDGE_LABELS, sample.name
            if sample.name == "ergo_lifts_total":
                assert set(sample.labels) == {"site", "zone", "technique", "risk"}


def test_no_password_is_written_anywhere(demo_day: DemoDay) -> None:
    log = json.dumps(demo_day.agent_log)
    assert "127.0.0.1" in log  # the address is told, without its password
    payloads = b"".join(message.payload for message in demo_day.messages).decode()
    for place in (log, demo_day.bridge_log, demo_day.agent_page, demo_day.bridge_page, payloads):
        assert CAMERA_PASSWORD not in place
        assert "viewer" not in place
        assert MQTT_PASSWORD not in place


def test_the_log_tells_nobodys_posture(demo_day: DemoDay) -> None:
    allowed = {
        "event", "level", "timestamp", "camera", "source", "what", "fix", "model", "device", "site", "agent",
        "metrics_port", "cause", "host", "port", "reason", "error", "broker", "retry_s",
    }  # fmt: skip
    for line in demo_day.agent_log:
        assert set(line) <= allowed, line
