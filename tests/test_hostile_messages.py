"""Whatever is thrown at the bridge: counted by reason, nothing believed, memory and log flat."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage
from prometheus_client import CollectorRegistry

from edge_agent.bridge import Bridge
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.core.events import LiftEvent, to_json
from edge_agent.core.events import topic as lift_topic
from edge_agent.intake import Intake
from edge_agent.ledger import Ledger, Room
from edge_agent.mqtt import MAX_PACKET_BYTES
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.lift_events import a_fresh_event, this_bucket
from tests.services import Listener, Mosquitto, accepts_connections, free_port, page, sample, wait_for

DOCK = lift_topic("north", "dock-1")
HINGE = 'ergo_lifts_total{risk="low",site="north",technique="hinge",zone="dock-1"}'
STATUS, HEALTH = "ergo/v1/north/edge-1/status", "ergo/v1/north/edge-1/health"
DAY_S = 86_400


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    with Mosquitto(directory) as broker:
        yield broker


@pytest.fixture
def bridge(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Bridge]:
    settings = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
    with Bridge(settings, MqttSettings(port=mosquitto.port)) as bridge:
        wait_for("the subscription", lambda: shows(bridge.port, "ergo_bridge_connected") == 1)
        yield bridge


def shows(port: int, series: str) -> float:
    return sample(page(port), series) or 0.0


def rejected(port: int, reason: str) -> float:
    return shows(port, f'ergo_bridge_rejected_messages_total{{reason="{reason}"}}')


def results(port: int) -> float:
    pattern = r'^ergo_bridge_messages_total\{result="\w+"\} (\S+)$'
    return sum(float(value) for value in re.findall(pattern, page(port), re.M))


def changed(**fields: Any) -> str:
    """An event as an agent writes it, but for some fields."""
    return json.dumps(json.loads(to_json(a_fresh_event())) | fields)


def at(seconds_from_now: int) -> str:
    return to_json(a_fresh_event(bucket_start=this_bucket() + seconds_from_now))


def send(listener: Listener, event: LiftEvent) -> None:
    listener.publish(lift_topic(event.site, event.zone), to_json(event))


FORGERIES: dict[str, list[tuple[str, str | bytes]]] = {
    "not_json": [
        (DOCK, "lift!"),
        (DOCK, b"\xff\xfe\x00"),
        (DOCK, "[" * 2000),
        (DOCK, '{"a":' * 800),
        (DOCK, ""),
        (HEALTH, "[" * 60_000),
        (HEALTH, '{"zones": ["dock-1"'),
    ],
    "not_an_object": [(DOCK, "NaN"), (DOCK, "9" * 4096), (DOCK, "[" * 50 + "]" * 50), (DOCK, "null"), (HEALTH, "[]")],
    "wrong_type": [
        (DOCK, changed(view=1)),
        (DOCK, changed(site=None)),
        (DOCK, changed(bucket_start=-1)),
        (DOCK, changed(bucket_start=float("nan"))),
        (DOCK, changed(technique=["hinge"])),
        (DOCK, changed(event_id={"a": {"b": {}}})),
    ],
    "bad_value": [
        (DOCK, changed(technique="juggling")),
        (DOCK, changed(event_id="1")),
        (DOCK, changed(bucket_start="-2026-11-24T12:00:00Z")),
        (STATUS, "perhaps"),
        (HEALTH, json.dumps({"zones": ["Dock 1"]})),
        (HEALTH, json.dumps({"zones": [f"z{n}" for n in range(65)]})),
        (HEALTH, json.dumps({"zones": "dock-1"})),
    ],
    "schema": [(DOCK, changed(schema="hingewatch.lift/2")), (DOCK, changed(schema=1)), (DOCK, changed(schema="x"))],
    "missing_field": [(DOCK, "{}"), (DOCK, json.dumps({"schema": "hingewatch.lift/1"}))],
    "extra_field": [(DOCK, changed(track="7"))],
    "too_large": [(DOCK, "9" * 5000), (HEALTH, " " * 70_000)],
    "topic": [
        (lift_topic("North Hall", "dock-1"), changed()),
        (lift_topic("north", "ü" * 40), changed()),
        (lift_topic("", "dock-1"), changed()),
        (lift_topic("north", "d" * 200), changed()),
        ("ergo/v1/no rth/edge-1/status", "online"),
    ],
    "topic_mismatch": [(lift_topic("south", "dock-1"), changed()), (DOCK, changed(zone="dock-2"))],
    "too_old": [(DOCK, at(-92 * DAY_S)), (DOCK, changed(bucket_start="1970-01-01T00:00:00Z"))],
    "in_future": [(DOCK, at(8 * DAY_S)), (DOCK, changed(bucket_start="9999-12-31T23:55:00Z"))],
}


def test_what_is_forged_is_counted_by_reason_and_changes_nothing(mosquitto: Mosquitto, bridge: Bridge) -> None:
    with Listener(mosquitto.port, "nothing/#") as forger:
        for messages in FORGERIES.values():
            for topic, payload in messages:
                forger.publish(topic, payload)
        wait_for("all of them", lambda: results(bridge.port) == sum(map(len, FORGERIES.values())))
        assert {reason: rejected(bridge.port, reason) for reason in FORGERIES} == {
            reason: len(messages) for reason, messages in FORGERIES.items()
        }
        assert rejected(bridge.port, "internal") == 0
        assert "ergo_lifts_total{" not in page(bridge.port)
        assert "ergo_agent_up{" not in page(bridge.port)

        send(forger, a_fresh_event())  # and the real one still counts
        wait_for("a lift", lambda: shows(bridge.port, HINGE) == 1)


@pytest.mark.parametrize(
    "topic",
    ["ergo/v1/north/dock\x01/lift", "ergo/v1/north/\n/lift", "ergo/v1/+/dock-1/lift", "ergo/v1/#", "/", "ergo"],
)
def test_topics_that_mosquitto_already_refuses_would_be_rejected_too(tmp_path: Path, topic: str) -> None:
    registry = CollectorRegistry()
    ledger = Ledger(tmp_path / "bridge.sqlite", Room(2**30))
    message = MQTTMessage(topic=topic.encode())
    message.payload = changed().encode()
    Intake(ledger, BridgeTelemetry(registry)).take([message])
    ledger.close()
    assert registry.get_sample_value("ergo_bridge_rejected_messages_total", {"reason": "topic"}) == 1


def test_odd_numbers_in_a_health_record_do_no_harm(mosquitto: Mosquitto, tmp_path: Path) -> None:
    odd = [10**300, -(10**300), -1, True, 1.5, None, "now"]
    with Listener(mosquitto.port, "nothing/#") as forger:
        for number, at_unix_s in enumerate(odd):
            record = json.dumps({"zones": ["dock-1"], "at_unix_s": at_unix_s})
            forger.publish(f"ergo/v1/north/edge-{number}/health", record, retain=True)
        settings = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
        with Bridge(settings, MqttSettings(port=mosquitto.port)) as bridge:
            wait_for("all", lambda: shows(bridge.port, 'ergo_bridge_messages_total{result="health"}') == len(odd))
            assert rejected(bridge.port, "internal") == 0


def test_a_newer_minor_version_is_counted_and_its_fields_ignored(mosquitto: Mosquitto, bridge: Bridge) -> None:
    with Listener(mosquitto.port, "nothing/#") as agent:
        agent.publish(DOCK, changed(schema="hingewatch.lift/1.7", load_band="heavy", nested={"a": [1]}))
        wait_for("a lift", lambda: shows(bridge.port, HINGE) == 1)


def test_a_huge_payload_never_leaves_the_broker(mosquitto: Mosquitto, bridge: Bridge) -> None:
    with Listener(mosquitto.port, "nothing/#") as forger:
        for size in (MAX_PACKET_BYTES, 5_000_000, 50_000_000):
            forger.publish(DOCK, b"9" * size)
            forger.publish(HEALTH, b"9" * size, retain=True)
        send(forger, a_fresh_event())
        wait_for("a lift", lambda: shows(bridge.port, HINGE) == 1)
        assert results(bridge.port) == 1
        assert shows(bridge.port, 'ergo_bridge_connect_failures_total{cause="lost"}') == 0


def test_a_thousand_zones_and_agents_of_a_forger_leave_the_honest_ones_alone(
    mosquitto: Mosquitto, bridge: Bridge
) -> None:
    with Listener(mosquitto.port, "nothing/#") as client:
        client.publish(HEALTH, json.dumps({"zones": ["dock-1"]}))
        for number in range(1000):
            event = a_fresh_event(zone=f"forged-{number}")
            client.publish_soon(lift_topic(event.site, event.zone), to_json(event))
            client.publish_soon(f"ergo/v1/north/forged-{number}/status", "online")
        client.publish(STATUS, "online")
        for event in (a_fresh_event(), a_fresh_event(site="south")):
            send(client, event)
        wait_for("the honest", lambda: shows(bridge.port, HINGE.replace("north", "south")) == 1, timeout_s=60)
        text = page(bridge.port)
        assert sample(text, HINGE) == 1
        assert sample(text, 'ergo_agent_up{agent="edge-1",site="north"}') == 1
        assert text.count("ergo_lifts_total{") == (200 + 1) * 12
        assert text.count("ergo_agent_up{") == 100
        assert rejected(bridge.port, "too_many_zones") == 801
        assert rejected(bridge.port, "too_many_agents") == 901


BRIDGE_PROCESS = """
import sys
from edge_agent.bridge import run
from edge_agent.settings import BridgeSettings, MqttSettings
run(BridgeSettings(state_path=sys.argv[1], port=int(sys.argv[2])), MqttSettings(port=int(sys.argv[3])))
"""


def test_memory_and_log_stay_flat_under_a_flood(mosquitto: Mosquitto, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-c", BRIDGE_PROCESS, str(tmp_path / "b.sqlite"), str(port), str(mosquitto.port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_for("its page", lambda: accepts_connections(port), timeout_s=60)
            wait_for("its subscription", lambda: shows(port, "ergo_bridge_connected") == 1)
            with Listener(mosquitto.port, "nothing/#") as forger:
                flood(forger, 40)
                wait_for("the first", lambda: results(port) == 40 * len(FLOOD), timeout_s=60)
                before = resident_mib(process.pid)
                flood(forger, 200)
                wait_for("the rest", lambda: results(port) == 240 * len(FLOOD), timeout_s=120)
            assert resident_mib(process.pid) - before < 16
            assert log.read_text().count("\n") < 3 * len(FORGERIES)
        finally:
            process.terminate()


FLOOD = [message for messages in FORGERIES.values() for message in messages if len(message[1]) < 10_000]


def flood(forger: Listener, times: int) -> None:
    """Faster than the bridge would like, but never more than mosquitto queues for it (1,000)."""
    for _ in range(times):
        for topic, payload in FLOOD[:-1]:
            forger.publish_soon(topic, payload)
        forger.publish(*FLOOD[-1])


def resident_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
