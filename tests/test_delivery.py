"""Events reach a real broker: late, twice if need be, but always."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from edge_agent.bridge import Bridge
from edge_agent.broker import EmbeddedBroker
from edge_agent.core.events import from_json
from edge_agent.core.health import HealthRecord
from edge_agent.errors import InputError
from edge_agent.outbox import Outbox
from edge_agent.publisher import AgentName, Publisher
from edge_agent.settings import BridgeSettings, MqttSettings, OutboxSettings, PrivacySettings
from edge_agent.telemetry import AgentTelemetry
from tests.lift_events import an_event, this_bucket
from tests.services import Listener, Mosquitto, make_authority, page, sample, wait_for

STATUS, HEALTH = "/edge-1/status", "/edge-1/health"


class Agent:
    """The delivering half of an agent, on the outbox at ``path``."""

    def __init__(self, path: Path, broker: MqttSettings) -> None:
        self.registry = CollectorRegistry()
        telemetry = AgentTelemetry(self.registry)
        self.outbox = Outbox(OutboxSettings(path=path), PrivacySettings(bucket_s=1, min_lifts=1), telemetry)
        self.publisher = Publisher(
            broker, AgentName("north", "edge-1"), self.outbox, telemetry, lambda: HealthRecord(zones=("dock-1",))
        )
        self._now_s = this_bucket()

    def lift(self, count: int = 1, zone: str = "dock-1") -> set[str]:
        """Lifts whose bucket is over; returns their event ids."""
        for _ in range(count):
            self.outbox.hold(an_event(zone=zone, bucket_start=self._now_s))
        self._now_s += 1
        released = self.outbox.release(self._now_s)
        self.publisher.wake()
        return {event.event_id for event in released}

    def metric(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"edge_agent_mqtt_{name}", labels) or 0.0

    def delivered(self) -> bool:
        return self.outbox.depth() == (0, 0)


@contextmanager
def agent(path: Path, broker: MqttSettings, *, stop_s: float = 5.0) -> Iterator[Agent]:
    running = Agent(path, broker)
    running.publisher.start()
    try:
        yield running
    finally:
        running.publisher.stop(stop_s)
        running.outbox.close()


def at(port: int, password: str | None = None) -> MqttSettings:
    return MqttSettings(
        host="127.0.0.1",
        port=port,
        username="agent" if password else None,
        password=SecretStr(password) if password else None,
    )


def bridge_counted(bridge: Bridge) -> float:
    return sample(page(bridge.port), 'ergo_bridge_messages_total{result="counted"}') or 0.0


def event_ids(listener: Listener) -> list[str]:
    return [from_json(payload).event_id for payload in listener.heard("/lift")]


@pytest.fixture
def outbox_path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Mosquitto:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    return Mosquitto(directory)


def test_an_agent_says_hello_delivers_in_order_and_says_goodbye(mosquitto: Mosquitto, outbox_path: Path) -> None:
    with mosquitto, Listener(mosquitto.port) as listener:
        with agent(outbox_path, at(mosquitto.port)) as running:
            batches = [running.lift(30) for _ in range(3)]
            wait_for("the outbox to empty", running.delivered)
        wait_for("goodbye", lambda: listener.heard(STATUS) == ["online", "stopped"])

        kinds = [message.topic.rsplit("/", 1)[1] for message in listener.messages]
        assert kinds[:2] == ["status", "health"]  # zones are known before the first lift
        heard = event_ids(listener)
        assert [set(heard[:30]), set(heard[30:60]), set(heard[60:])] == batches
        lift = next(message for message in listener.messages if message.topic.endswith("/lift"))
        assert lift.topic == "ergo/v1/north/dock-1/lift"
        assert lift.qos == 1
        assert not lift.retain
        assert getattr(lift.properties, "UserProperty", None) == [("schema", "hingewatch.lift/1")]


def test_stopping_first_sends_what_was_just_released(mosquitto: Mosquitto, outbox_path: Path) -> None:
    with mosquitto, Listener(mosquitto.port) as listener:
        with agent(outbox_path, at(mosquitto.port)) as hasty:
            sent = hasty.lift(25)
        with agent(outbox_path, at(mosquitto.port)) as idle:
            wait_for("hello", lambda: idle.metric("connected"))
            sent |= idle.lift(25)
        wait_for("all events", lambda: set(event_ids(listener)) == sent)


def test_a_broker_that_comes_up_late_gets_everything(mosquitto: Mosquitto, outbox_path: Path) -> None:
    with agent(outbox_path, at(mosquitto.port)) as running:
        sent = running.lift(5)
        wait_for("a failed attempt", lambda: running.metric("connect_failures_total", cause="unreachable"))
        assert running.metric("connected") == 0
        with mosquitto, Listener(mosquitto.port) as listener:
            sent |= running.lift(5)
            wait_for("the outbox to empty", running.delivered)
            assert running.metric("connected") == 1
            wait_for("all events", lambda: set(event_ids(listener)) == sent)


def test_a_broker_killed_in_mid_stream_gets_the_rest_when_it_is_back(mosquitto: Mosquitto, outbox_path: Path) -> None:
    with (
        mosquitto,
        Listener(mosquitto.port) as listener,
        agent(outbox_path, at(mosquitto.port)) as running,
    ):
        running.lift(100)
        wait_for("some events", lambda: len(event_ids(listener)) > 20)
        mosquitto.kill()
        unsent = {event.event_id for event in running.outbox.head(1000)} | running.lift(100)
        mosquitto.start()
        wait_for("the outbox to empty", running.delivered)
        wait_for("the rest", lambda: set(event_ids(listener)) >= unsent)
        wait_for("hello again", lambda: listener.heard(STATUS)[-1] == "online")


def test_every_lift_is_counted_once_though_broker_and_agent_restart_and_send_twice(
    mosquitto: Mosquitto, outbox_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(*_: object) -> None:
        raise sqlite3.OperationalError("the disk is full")

    bridge = Bridge(BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite"), at(mosquitto.port))
    with mosquitto, bridge:
        wait_for("the bridge", lambda: sample(page(bridge.port), "ergo_bridge_connected"))
        with agent(outbox_path, at(mosquitto.port), stop_s=0.2) as first:
            monkeypatch.setattr(first.outbox, "delivered", forgetful)  # sent and acknowledged, but not struck out
            first.lift(15)
            wait_for("the broker to have them", lambda: bridge_counted(bridge) == 15)
        with agent(outbox_path, at(mosquitto.port)) as second:
            second.lift(50)
            mosquitto.stop()
            second.lift(50)
            mosquitto.start()
            wait_for("the outbox to empty", second.delivered)
            wait_for("every lift", lambda: bridge_counted(bridge) == 115)
        text = page(bridge.port)
        assert (sample(text, 'ergo_bridge_messages_total{result="duplicate"}') or 0) >= 15
        assert sample(text, 'ergo_bridge_messages_total{result="rejected"}') == 0


def test_an_agent_without_a_broker_keeps_its_events_for_its_next_life(
    mosquitto: Mosquitto, outbox_path: Path
) -> None:
    with agent(outbox_path, at(mosquitto.port), stop_s=0.2) as first:
        sent = first.lift(3)
    with mosquitto, Listener(mosquitto.port) as listener, agent(outbox_path, at(mosquitto.port)) as second:
        wait_for("the outbox to empty", second.delivered)
        wait_for("all events", lambda: set(event_ids(listener)) == sent)


def test_a_broker_killed_just_after_its_acknowledgements_gets_again_what_it_has_forgotten(
    mosquitto: Mosquitto, outbox_path: Path, tmp_path: Path
) -> None:
    with mosquitto, agent(outbox_path, at(mosquitto.port)) as running:
        with Listener(mosquitto.port):
            sent = running.lift(20)
            wait_for("the outbox to empty", running.delivered)
        mosquitto.kill()
        for file in (tmp_path / "mosquitto").glob("mosquitto.db*"):
            file.unlink()  # as if it had not been written in time
        wait_for("the loss to be noticed", lambda: running.metric("connected") == 0)
        mosquitto.start()
        with Listener(mosquitto.port) as listener:
            wait_for("all of them, again", lambda: set(event_ids(listener)) == sent, 30)
            wait_for("the outbox to empty", running.delivered)


def test_an_event_that_nobody_is_subscribed_to_is_kept_until_somebody_is(
    mosquitto: Mosquitto, outbox_path: Path
) -> None:
    with mosquitto, agent(outbox_path, at(mosquitto.port)) as running:
        sent = running.lift(3)
        wait_for("the answers", lambda: running.metric("publishes_total", result="no_subscriber") >= 3)
        assert running.outbox.depth() == (0, 3)
        with Listener(mosquitto.port) as listener:
            wait_for("the outbox to empty", running.delivered)
            wait_for("all events", lambda: set(event_ids(listener)) == sent)


def test_a_refused_password_is_not_a_connection(tmp_path: Path, outbox_path: Path) -> None:
    with (
        Mosquitto(tmp_path, password="right") as mosquitto,
        agent(outbox_path, at(mosquitto.port, "wrong"), stop_s=0.2) as running,
    ):
        running.lift()
        wait_for("a refusal", lambda: running.metric("connect_failures_total", cause="refused"))
        assert running.metric("connected") == 0
        assert running.outbox.depth() == (0, 1)


def test_tls_trusts_the_given_authority_and_no_other(tmp_path: Path, outbox_path: Path) -> None:
    with Mosquitto(tmp_path, tls=True) as mosquitto:
        stranger = make_authority(tmp_path, "stranger")
        to_broker = at(mosquitto.port)
        with agent(outbox_path, to_broker.model_copy(update={"ca_file": stranger}), stop_s=0.2) as wary:
            wary.lift()
            wait_for("a failure", lambda: wary.metric("connect_failures_total", cause="untrusted"))
            assert wary.metric("connected") == 0
        with agent(outbox_path, to_broker, stop_s=0.2) as plain:
            wait_for("a failure", lambda: plain.metric("connect_failures_total", cause="no_answer"))
        trusted = tmp_path / "ca.pem"
        with (
            Listener(mosquitto.port, ca=trusted),
            agent(outbox_path, to_broker.model_copy(update={"ca_file": trusted})) as trusting,
        ):
            wait_for("the outbox to empty", trusting.delivered)


def test_a_missing_authority_file_is_named_before_anything_starts(tmp_path: Path, outbox_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.pem"):
        Agent(outbox_path, MqttSettings(ca_file=tmp_path / "nowhere.pem"))


def test_a_refused_zone_is_kept_counted_and_does_not_hold_up_the_others(
    tmp_path: Path, outbox_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.publisher.REFUSED_PAUSE_S", 0.05)
    access_list = (
        "user agent\ntopic write ergo/v1/north/edge-1/status\ntopic write ergo/v1/north/edge-1/health\n"
        "topic write ergo/v1/north/dock-1/lift\ntopic read ergo/#\n"
    )
    with (
        Mosquitto(tmp_path, password="right", access_list=access_list) as mosquitto,
        Listener(mosquitto.port, password="right"),
        agent(outbox_path, at(mosquitto.port, "right"), stop_s=0.2) as running,
    ):
        forbidden = running.lift(25, zone="vault")  # more than fit in flight
        running.lift(3)
        wait_for("the others", lambda: running.outbox.depth() == (0, 25))
        assert {event.event_id for event in running.outbox.head(100)} == forbidden
        assert running.metric("publishes_total", result="refused") >= 25


def test_an_agent_cut_off_is_reported_offline_by_the_broker_and_comes_back(
    mosquitto: Mosquitto, outbox_path: Path
) -> None:
    with (
        mosquitto,
        Listener(mosquitto.port) as listener,
        agent(outbox_path, at(mosquitto.port)) as running,
    ):
        wait_for("hello", lambda: listener.heard(STATUS) == ["online"])
        link = running.publisher._client.socket()
        assert isinstance(link, socket.socket)
        link.shutdown(socket.SHUT_RDWR)  # no DISCONNECT: as when the machine loses its network
        wait_for("the will, then hello again", lambda: listener.heard(STATUS)[1:] == ["offline", "online"])
        assert running.metric("connect_failures_total", cause="lost") == 1


def test_the_embedded_broker_of_the_demo_delivers_too(outbox_path: Path) -> None:
    with EmbeddedBroker() as broker, Listener(broker.port) as listener:
        with agent(outbox_path, at(broker.port)) as running:
            sent = running.lift(40)
            wait_for("the outbox to empty", running.delivered)
            wait_for("all events", lambda: set(event_ids(listener)) == sent)
        wait_for("goodbye", lambda: listener.heard(STATUS) == ["online", "stopped"])
