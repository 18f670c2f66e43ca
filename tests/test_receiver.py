"""Taking thousands of messages: decoded as paho decodes them, acknowledged on the connection over which they came."""

import sqlite3
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.bridge import Bridge
from edge_agent.core.events import LiftEvent, to_json, topic
from edge_agent.fleet.layout import FleetSize, draw_fleet
from edge_agent.fleet.load import Load
from edge_agent.receiver import MOST_PAYLOAD_BYTES, decoded
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.lift_events import a_fresh_event
from tests.services import Listener, Mosquitto, page, sample, wait_for
from tests.test_transport import SiteBroker, made

COUNTED, DUPLICATE = (f'ergo_bridge_messages_total{{result="{name}"}}' for name in ("counted", "duplicate"))


def a_publish(topic: bytes, mid: int, properties: list[tuple[str, str]], payload: bytes) -> bytes:
    """What follows the length of a PUBLISH of QoS 1."""
    of_it = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if properties:
        of_it.UserProperty = properties
    packed: bytes = of_it.pack()  # type: ignore[no-untyped-call]
    return struct.pack(f"!H{len(topic)}sH", len(topic), topic, mid) + packed + payload


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
PACKETS = st.builds(
    a_publish,
    TEXT.map(str.encode),
    st.integers(1, 65535),
    st.lists(st.tuples(TEXT, TEXT), max_size=4),
    st.binary(max_size=300),
)


@given(PACKETS, st.booleans(), st.booleans())
def test_a_message_is_what_paho_itself_decodes(packet: bytes, dup: bool, retain: bool) -> None:
    header = 0x32 | dup << 3 | retain
    paho = _packet.decode_publish(header, packet, MQTTProtocolVersion.MQTTv5)
    ours = decoded(header, packet)
    assert (ours._topic, ours.payload, ours.mid, ours.qos) == (paho.topic, paho.payload, paho.mid, 1)
    assert (ours.dup, ours.retain) == (dup, retain)


@given(st.integers(0x30, 0x3F), st.binary(max_size=40))
def test_whatever_else_comes_is_decoded_or_refused_in_two_ways(header: int, packet: bytes) -> None:
    try:
        decoded(header, packet)
    except (struct.error, IndexError):
        return


def test_of_a_message_that_is_too_long_only_so_much_is_kept_as_tells_that() -> None:
    packet = a_publish(b"t", 1, [], b"x" * 100_000)
    assert len(decoded(0x32, packet).payload) == MOST_PAYLOAD_BYTES


def shows(bridge: Bridge, series: str) -> float:
    return sample(page(bridge.port), series) or 0.0


def ready(bridge: Bridge) -> None:
    wait_for("the subscription", lambda: shows(bridge, "ergo_bridge_connected") == 1)


def send(listener: Listener, event: LiftEvent) -> None:
    listener.publish(topic(event.site, event.zone), to_json(event))


def test_a_burst_over_tls_is_taken_whole(tmp_path: Path) -> None:
    made(tmp_path / "site")
    broker = SiteBroker(tmp_path / "site")
    broker.start()
    state = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
    size = FleetSize(1, 3, 1, ("north",), ("edge-1",))
    with Bridge(state, broker.settings("bridge")) as bridge:
        ready(bridge)
        with Load(broker.settings("agents/edge-1"), draw_fleet(7, size), connections=1) as load:
            sent = load.run(1e6, 1, threading.Event())
        wait_for("all", lambda: shows(bridge, COUNTED) == sent.acknowledged, 60)
        assert sent.acknowledged > 1000
    broker.stop()


def test_messages_of_a_lost_connection_are_taken_once_and_left_with_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.counting.STORAGE_RETRY_S", 0.05)
    state = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
    with Mosquitto(tmp_path) as broker:
        at = MqttSettings(port=broker.port)
        with Bridge(state, at) as bridge:
            ready(bridge)
            database: sqlite3.Connection = bridge._ledger._database
            database.execute("PRAGMA query_only = ON")
            with Listener(broker.port) as agent:
                for _ in range(50):
                    send(agent, a_fresh_event())
                wait_for("a failure", lambda: shows(bridge, "ergo_bridge_storage_errors_total"))
            broker.stop()
            wait_for("the loss", lambda: shows(bridge, "ergo_bridge_connected") == 0)
            broker.start()
            ready(bridge)
            database.execute("PRAGMA query_only = OFF")
            wait_for("each once", lambda: shows(bridge, COUNTED) == 50)
            wait_for("each again", lambda: shows(bridge, DUPLICATE) == 50)
        with Bridge(state, at) as again:
            ready(again)
            with Listener(broker.port) as agent:
                send(agent, a_fresh_event(zone="last"))
                wait_for("the next one", lambda: shows(again, COUNTED) == 1)
            assert shows(again, DUPLICATE) == 0
