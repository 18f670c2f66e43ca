"""What Prometheus is told: every lift once, zeros first, and no forged or dead agent believed."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr

from edge_agent.bridge import Bridge
from edge_agent.core.events import LiftEvent, to_json
from edge_agent.core.events import topic as lift_topic
from edge_agent.errors import InputError
from edge_agent.settings import BridgeSettings, MqttSettings
from edge_agent.telemetry import AgentLabels, AgentTelemetry
from tests.lift_events import a_fresh_event
from tests.prometheus import lint_metrics, prometheus
from tests.services import Listener, Mosquitto, accepts_connections, free_port, page, sample, wait_for

HINGE = 'ergo_lifts_total{risk="low",site="north",technique="hinge",zone="dock-1"}'
UP = 'ergo_agent_up{agent="edge-1",site="north"}'
STATUS, HEALTH = "ergo/v1/north/edge-1/status", "ergo/v1/north/edge-1/health"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    with Mosquitto(directory) as broker:
        yield broker


@pytest.fixture
def settings(tmp_path: Path) -> BridgeSettings:
    return BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite", stale_after_s=120)


def bridge_to(mosquitto: Mosquitto, settings: BridgeSettings) -> Bridge:
    return Bridge(settings, MqttSettings(port=mosquitto.port))


def shown(bridge: Bridge, series: str) -> float | None:
    text = page(bridge.port)
    head, _, labels = series.partition("{")
    wanted = set(labels.rstrip("}").split(","))
    for line in text.splitlines():
        name, _, rest = line.partition("{")
        if name == head and set(rest.partition("}")[0].split(",")) == wanted:
            return sample(text, line.rsplit(" ", 1)[0])
    return sample(text, series)


def wait_until(bridge: Bridge, series: str, value: float) -> None:
    wait_for(f"{series} = {value}", lambda: shown(bridge, series) == value)


def send(listener: Listener, event: LiftEvent) -> None:
    listener.publish(lift_topic(event.site, event.zone), to_json(event))


def subscribed(bridge: Bridge) -> None:
    wait_until(bridge, "ergo_bridge_connected", 1)


def test_prometheus_sees_zero_first_and_then_every_lift_once(
    mosquitto: Mosquitto, settings: BridgeSettings, tmp_path: Path
) -> None:
    with (
        bridge_to(mosquitto, settings) as bridge,
        Listener(mosquitto.port) as agent,
        prometheus(tmp_path, bridge.port) as prom,
    ):
        agent.publish(STATUS, "online", retain=True)
        agent.publish(HEALTH, json.dumps({"zones": ["dock-1"]}), retain=True)
        zone = 'ergo_lifts_total{site="north",zone="dock-1"}'
        wait_for("all twelve zeros", lambda: prom.value(f"count({zone} == 0)") == 12)

        first = a_fresh_event()
        for event in (first, a_fresh_event(), a_fresh_event(technique="rounded_back", risk="high"), first):
            send(agent, event)

        hinges = 'ergo_lifts_total{technique="hinge",risk="low"}'
        wait_for("two hinges", lambda: prom.value(hinges) == 2)
        assert prom.value(f"sum({zone})") == 3
        wait_for("the first one to count as increase", lambda: (prom.value(f"increase({hinges}[1m])") or 0) > 1)
        assert prom.value('ergo_agent_up{agent="edge-1"}') == 1
        assert prom.value('ergo_bridge_messages_total{result="duplicate"}') == 1


def test_counters_and_memory_of_ids_survive_a_restart_and_nothing_sent_meanwhile_is_lost(
    mosquitto: Mosquitto, settings: BridgeSettings
) -> None:
    event = a_fresh_event()
    with Listener(mosquitto.port) as agent:
        with bridge_to(mosquitto, settings) as bridge:
            subscribed(bridge)
            send(agent, event)
            wait_until(bridge, HINGE, 1)
        send(agent, event)
        send(agent, a_fresh_event())
        with bridge_to(mosquitto, settings) as bridge:
            wait_until(bridge, HINGE, 2)
            wait_until(bridge, 'ergo_bridge_messages_total{result="duplicate"}', 1)


def test_a_message_whose_commit_fails_is_kept_until_it_is_counted(
    mosquitto: Mosquitto, settings: BridgeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.counting.STORAGE_RETRY_S", 0.05)
    with bridge_to(mosquitto, settings) as bridge, Listener(mosquitto.port) as agent:
        subscribed(bridge)
        database: sqlite3.Connection = bridge._ledger._database
        database.execute("PRAGMA query_only = ON")
        send(agent, a_fresh_event())
        wait_for("a failure", lambda: (shown(bridge, "ergo_bridge_storage_errors_total") or 0) > 1)
        assert shown(bridge, HINGE) is None
        database.execute("PRAGMA query_only = OFF")
        wait_until(bridge, HINGE, 1)


def test_a_bridge_that_dies_before_it_commits_gets_the_event_again(
    mosquitto: Mosquitto, settings: BridgeSettings
) -> None:
    with Listener(mosquitto.port) as agent:
        with bridge_to(mosquitto, settings) as doomed:
            subscribed(doomed)
            doomed._ledger._database.execute("PRAGMA query_only = ON")
            send(agent, a_fresh_event())
            wait_for("the event to arrive", lambda: shown(doomed, "ergo_bridge_storage_errors_total"))
        with bridge_to(mosquitto, settings) as bridge:
            wait_until(bridge, HINGE, 1)


BRIDGE_PROCESS = """
import sys
from edge_agent.bridge import run
from edge_agent.settings import BridgeSettings, MqttSettings
run(BridgeSettings(state_path=sys.argv[1], port=int(sys.argv[2])), MqttSettings(port=int(sys.argv[3])))
"""


def test_a_bridge_process_killed_again_and_again_counts_every_lift_once(
    mosquitto: Mosquitto, settings: BridgeSettings
) -> None:
    port = free_port()
    command = [sys.executable, "-c", BRIDGE_PROCESS, str(settings.state_path), str(port), str(mosquitto.port)]
    with Listener(mosquitto.port) as agent:
        for end in (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM):
            process = subprocess.Popen(command)
            wait_for("its page", lambda: accepts_connections(port))
            wait_for("its connection", lambda: sample(page(port), "ergo_bridge_connected"))
            for _ in range(50):
                send(agent, a_fresh_event())
            process.send_signal(end)
            assert process.wait(10) == (0 if end == signal.SIGTERM else -signal.SIGKILL)
        with bridge_to(mosquitto, settings) as bridge:
            send(agent, a_fresh_event(zone="last"))
            wait_until(bridge, HINGE.replace("dock-1", "last"), 1)  # the queue is in order: all came before
            assert shown(bridge, HINGE) == 150


def test_a_refused_password_is_not_a_connection(settings: BridgeSettings, tmp_path: Path) -> None:
    with (
        Mosquitto(tmp_path, password="right") as mosquitto,
        Bridge(settings, MqttSettings(port=mosquitto.port, username="agent", password=SecretStr("x"))) as bridge,
    ):
        wait_until(bridge, 'ergo_bridge_connect_failures_total{cause="refused"}', 1)
        assert shown(bridge, "ergo_bridge_connected") == 0


def test_an_agent_is_up_only_while_it_says_so_and_is_heard(mosquitto: Mosquitto, settings: BridgeSettings) -> None:
    with Listener(mosquitto.port) as agent:
        long_ago = int(time.time()) - 10_000
        agent.publish(STATUS, "online", retain=True)  # retained by a broker that died with the agent
        agent.publish(HEALTH, json.dumps({"zones": ["dock-1"], "at_unix_s": long_ago}), retain=True)
        with bridge_to(mosquitto, settings) as bridge:
            wait_until(bridge, UP, 0)
            wait_until(bridge, 'ergo_agent_last_seen_timestamp_seconds{agent="edge-1",site="north"}', long_ago)
            assert shown(bridge, HINGE) == 0

            agent.publish(HEALTH, json.dumps({"zones": ["dock-1"]}), retain=True)
            wait_until(bridge, UP, 1)
            for word in ("stopped", "online", "offline"):
                agent.publish(STATUS, word, retain=True)
                wait_until(bridge, UP, word == "online")

            agent.publish(STATUS, "", retain=True)  # taken out of service
            wait_for("the agent to be forgotten", lambda: UP not in page(bridge.port))


def test_a_silent_agent_goes_stale(mosquitto: Mosquitto, settings: BridgeSettings) -> None:
    impatient = settings.model_copy(update={"stale_after_s": 0.3})
    with bridge_to(mosquitto, impatient) as bridge, Listener(mosquitto.port) as agent:
        subscribed(bridge)
        agent.publish(STATUS, "online", retain=True)
        wait_until(bridge, UP, 1)
        wait_until(bridge, UP, 0)


def test_promtool_finds_nothing_to_say_about_either_page(mosquitto: Mosquitto, settings: BridgeSettings) -> None:
    with bridge_to(mosquitto, settings) as bridge, Listener(mosquitto.port) as agent:
        subscribed(bridge)
        agent.publish(HEALTH, json.dumps({"zones": ["dock-1"]}))
        wait_until(bridge, HINGE, 0)
        assert lint_metrics(page(bridge.port)) == ""

    registry = CollectorRegistry()
    AgentTelemetry(registry, AgentLabels(("cam-1",), ("late",), ("detect",), ("full",), ("view",)))
    text = generate_latest(registry).decode()
    assert 'edge_agent_frames_total{camera="cam-1"} 0.0' in text
    assert 'edge_agent_inference_seconds_count{stage="detect"} 0.0' in text
    assert lint_metrics(text) == ""


def test_a_taken_metrics_port_is_named(mosquitto: Mosquitto, settings: BridgeSettings) -> None:
    taken = settings.model_copy(update={"port": mosquitto.port})
    with pytest.raises(InputError, match=f"127.0.0.1:{mosquitto.port}"):
        bridge_to(mosquitto, taken).start()
