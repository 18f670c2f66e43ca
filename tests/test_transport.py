"""Who may speak on a site's broker, with the certificates and the access list that `edge-agent certs` makes."""

import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import ValidationError

from edge_agent import certificates
from edge_agent.bridge import Bridge
from edge_agent.certificates import Identity
from edge_agent.core.events import to_json, topic
from edge_agent.errors import InputError
from edge_agent.mqtt import LONGEST_RETRY_S
from edge_agent.settings import BridgeSettings, MqttSettings
from edge_agent.site_certificates import SiteCertificates
from tests.lift_events import a_fresh_event
from tests.services import free_port, page, program, sample, wait_for
from tests.test_delivery import Agent, agent

PROGRAM = (sys.executable, "-c", "from edge_agent.cli import main; main()")


class SiteBroker:
    """mosquitto with the very configuration that `certs init` wrote, on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        written = (folder / "mosquitto.conf").read_text()
        here = written.replace(
            "listener 8883",
            f"listener {self.port} 127.0.0.1\npersistence_location {folder}/\nlog_dest file {folder}/log",
        )
        (folder / "here.conf").write_text(here + ("user root\n" if os.geteuid() == 0 else ""))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([program("mosquitto"), "-c", self.folder / "here.conf"])
        wait_for("mosquitto", self._listens)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def settings(self, name: str, folder: Path | None = None) -> MqttSettings:
        """As ``name`` (``agents/edge-1`` or ``bridge``) would connect, with the certificates of ``folder``."""
        where = folder or self.folder
        return MqttSettings(
            host="127.0.0.1",
            port=self.port,
            ca_file=self.folder / "ca.pem",
            cert_file=where / f"{name}.pem",
            key_file=where / f"{name}.key",
        )


def lift(site: str = "north") -> tuple[str, str]:
    event = a_fresh_event(site=site)
    return topic(site, event.zone), to_json(event)


def made(folder: Path, site: str = "north", broker: str = "127.0.0.1") -> SiteCertificates:
    found = SiteCertificates(folder)
    found.make(site, [broker, "localhost"], ["edge-1", "edge-2"])
    return found


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[SiteBroker]:
    made(tmp_path / "site")
    running = SiteBroker(tmp_path / "site")
    running.start()
    yield running
    running.stop()


@contextmanager
def connected(settings: MqttSettings) -> Iterator[tuple[Client, list[MQTTMessage], list[ReasonCode]]]:
    """A client, what it hears of everything, and the broker's answers to what it publishes."""
    heard: list[MQTTMessage] = []
    answers: list[ReasonCode] = []
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{uuid.uuid4().hex[:8]}", protocol=MQTTv5)
    client.tls_set(str(settings.ca_file), str(settings.cert_file), str(settings.key_file))
    client.on_connect = lambda client, *_: client.subscribe("ergo/#", qos=1)
    client.on_message = lambda _client, _data, message: heard.append(message)
    client.on_publish = lambda _client, _data, _mid, reason, _props: answers.append(reason)
    client.connect(settings.host, settings.port)
    client.loop_start()
    wait_for("the connection", client.is_connected)
    yield client, heard, answers
    client.disconnect()
    client.loop_stop()


def test_one_command_makes_a_sites_certificates_and_keeps_the_keys_to_their_owner(tmp_path: Path) -> None:
    words = ["certs", "init", str(tmp_path / "site"), "--site", "north", "--broker", "broker.example"]
    command = [*PROGRAM, *words, "--agent", "edge-1"]
    assert "ca.key off the network" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    keys = sorted((tmp_path / "site").rglob("*.key"))
    assert [key.name for key in keys] == ["edge-1.key", "bridge.key", "broker.key", "ca.key", "operator.key"]
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys)
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "exists already; a new authority would lock every agent out" in again.stderr


def test_an_agent_is_added_and_all_are_renewed_without_touching_the_authority(tmp_path: Path) -> None:
    site = made(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    site.add("edge-3")
    assert "user north.edge-3" in (tmp_path / "acl").read_text()
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(InputError, match="edge-3 has a certificate already"):
        site.add("edge-3")
    site.renew()
    assert (tmp_path / "ca.pem").read_bytes() == before[tmp_path / "ca.pem"]
    assert (tmp_path / "broker.pem").read_bytes() != before[tmp_path / "broker.pem"]
    assert certificates.addresses_of(Identity.read(tmp_path, "broker").certificate) == ["127.0.0.1", "localhost"]


def test_events_go_from_agent_to_bridge_and_one_sent_twice_counts_once(broker: SiteBroker, tmp_path: Path) -> None:
    bridge = Bridge(BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite"), broker.settings("bridge"))
    where, payload = lift()
    with bridge, connected(broker.settings("agents/edge-1")) as (client, _, answers):
        wait_for("the bridge", lambda: sample(page(bridge.port), "ergo_bridge_connected"))
        for _ in range(2):
            client.publish(where, payload, qos=1).wait_for_publish(10)
        counted = 'ergo_bridge_messages_total{result="counted"}'
        wait_for("both", lambda: sample(page(bridge.port), 'ergo_bridge_messages_total{result="duplicate"}'))
        assert sample(page(bridge.port), counted) == 1
        assert (sample(page(bridge.port), "ergo_bridge_certificate_expiry_timestamp_seconds") or 0) > 0
        assert not any(answer.is_failure for answer in answers)


def test_replicas_share_what_the_access_list_lets_the_bridge_read(broker: SiteBroker, tmp_path: Path) -> None:
    settings = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite", replica="a")
    with (
        Bridge(settings, broker.settings("bridge")) as bridge,
        connected(broker.settings("agents/edge-1")) as (client, _, _),
    ):
        wait_for("the bridge", lambda: sample(page(bridge.port), "ergo_bridge_connected"))
        client.publish(*lift(), qos=1).wait_for_publish(10)
        wait_for("the lift", lambda: sample(page(bridge.port), 'ergo_bridge_messages_total{result="counted"}'))


@pytest.mark.parametrize(
    ("where", "payload"),
    [lift("south"), ("ergo/v1/north/edge-1/status", "offline"), ("ergo/v1/north/edge-1/health", "{}")],
    ids=["another site's lift", "another agent's status", "another agent's health"],
)
def test_what_is_not_an_agents_own_is_refused(broker: SiteBroker, where: str, payload: str) -> None:
    """mosquitto 2.0.11 says "Not authorized", and hangs up."""
    with (
        connected(broker.settings("bridge")) as (_, bridge_heard, _),
        connected(broker.settings("agents/edge-2")) as (client, heard, answers),
    ):
        client.publish(where, payload, qos=1)
        wait_for("an answer", lambda: answers)
        assert answers[0].getName() == "Not authorized"
        with connected(broker.settings("agents/edge-2")) as (again, _, _):
            again.publish(*lift(), qos=1).wait_for_publish(10)
        wait_for("what is allowed", lambda: bridge_heard)
        assert [message.topic for message in bridge_heard] == ["ergo/v1/north/dock-1/lift"]
        assert heard == [], "an agent reads nothing, not even its own site's lifts"


def test_the_operator_orders_settings_and_only_the_agent_they_are_for_hears_it(broker: SiteBroker) -> None:
    with (
        connected(broker.settings("agents/edge-1")) as (agent_1, heard_1, _),
        connected(broker.settings("agents/edge-2")) as (_, heard_2, _),
        connected(broker.settings("operator")) as (operator, heard, answers),
    ):
        operator.publish("ergo/v1/north/edge-1/settings", "an order", qos=1, retain=True).wait_for_publish(10)
        wait_for("the order", lambda: [message.payload for message in heard_1] == [b"an order"])
        agent_1.publish("ergo/v1/north/edge-1/health", "{}", qos=1).wait_for_publish(10)
        wait_for("its health", lambda: [message.topic for message in heard] == ["ergo/v1/north/edge-1/health"])
        assert heard_2 == []
        assert not any(answer.is_failure for answer in answers)
    for where in ("ergo/v1/south/edge-1/settings", "ergo/v1/north/edge-1/health", "ergo/v1/north/dock-1/lift"):
        with connected(broker.settings("operator")) as (operator, _, answers):
            operator.publish(where, "{}", qos=1)
            wait_for("an answer", lambda: answers)
            assert answers[0].getName() == "Not authorized"


def test_no_agent_orders_anything(broker: SiteBroker) -> None:
    with connected(broker.settings("agents/edge-2")) as (client, _, answers):
        client.publish("ergo/v1/north/edge-1/settings", "an order", qos=1)
        wait_for("an answer", lambda: answers)
        assert answers[0].getName() == "Not authorized"


def test_the_bridge_writes_nothing(broker: SiteBroker) -> None:
    with connected(broker.settings("bridge")) as (client, heard, answers):
        client.publish(*lift(), qos=1)
        wait_for("an answer", lambda: answers)
        assert answers[0].getName() == "Not authorized"
        assert heard == []


def causes(running: Agent) -> set[str]:
    words = ("unreachable", "no_answer", "refused", "lost", "untrusted", "expired", "wrong_host", "tls")
    return {word for word in words if running.metric("connect_failures_total", cause=word)}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"cert_file": None, "key_file": None}, "no_answer"),
        ({"ca_file": None}, "untrusted"),
        ({"ca_file": None, "cert_file": None, "key_file": None, "plaintext": True}, "no_answer"),
    ],
    ids=["anonymous", "an authority nobody knows", "without TLS"],
)
def test_who_does_not_show_or_trust_the_right_certificate_gets_nowhere(
    broker: SiteBroker, tmp_path: Path, change: dict[str, object], cause: str
) -> None:
    settings = broker.settings("agents/edge-1").model_copy(update=change)
    with agent(tmp_path / "outbox.sqlite", settings, stop_s=0.2) as running:
        running.lift()
        wait_for("a failure", lambda: causes(running))
        assert causes(running) == {cause}
        assert running.outbox.depth() == (0, 1), "and the event waits"


def test_a_certificate_of_another_authority_is_refused_by_the_broker(broker: SiteBroker, tmp_path: Path) -> None:
    made(tmp_path / "forger")
    forged = broker.settings("agents/edge-1", tmp_path / "forger")
    with agent(tmp_path / "outbox.sqlite", forged, stop_s=0.2) as running:
        wait_for("a refusal", lambda: causes(running))
        assert running.metric("connected") == 0


def test_an_expired_certificate_is_told_on_either_side(broker: SiteBroker, tmp_path: Path) -> None:
    authority, long_ago = Identity.read(broker.folder, "ca"), datetime.now(UTC) - timedelta(days=400)
    certificates.new_client(authority, "north.edge-1", long_ago).write(tmp_path, "old")
    with agent(tmp_path / "one.sqlite", broker.settings("old", tmp_path), stop_s=0.2) as running:
        wait_for("a refusal", lambda: causes(running))
        assert running.metric("connected") == 0
    broker.stop()
    certificates.new_server(authority, ["127.0.0.1"], long_ago).write(broker.folder, "broker")
    broker.start()
    with agent(tmp_path / "two.sqlite", broker.settings("agents/edge-1"), stop_s=0.2) as running:
        wait_for("a failure", lambda: causes(running))
        assert causes(running) == {"expired"}


def test_a_broker_under_another_name_is_not_believed(tmp_path: Path) -> None:
    SiteCertificates(tmp_path / "site").make("north", ["broker.example"], ["edge-1"])
    elsewhere = SiteBroker(tmp_path / "site")
    elsewhere.start()
    try:
        with agent(tmp_path / "outbox.sqlite", elsewhere.settings("agents/edge-1"), stop_s=0.2) as running:
            wait_for("a failure", lambda: causes(running))
            assert causes(running) == {"wrong_host"}
    finally:
        elsewhere.stop()


def test_certificates_are_renewed_under_a_running_agent(broker: SiteBroker, tmp_path: Path) -> None:
    """A new certificate on disk is used at the next connection; the broker no longer takes the old one."""
    with agent(tmp_path / "outbox.sqlite", broker.settings("agents/edge-1")) as running:
        with connected(broker.settings("bridge")) as (_, heard, _):
            running.lift()
            wait_for("a lift", lambda: heard)
        broker.stop()
        made(tmp_path / "new")  # a new authority, so that only new certificates fit
        shutil.copytree(tmp_path / "new", broker.folder, dirs_exist_ok=True)
        broker.start()
        running.lift()
        with connected(broker.settings("bridge")) as (_, heard, _):
            wait_for("a lift under the new certificate", lambda: heard, 60)


def test_tls_is_the_rule_where_the_broker_is_on_another_machine() -> None:
    assert MqttSettings(host="broker.example").tls
    assert MqttSettings(host="broker.example").port == 8883
    assert not MqttSettings().tls
    assert MqttSettings().port == 1883
    assert not MqttSettings(host="broker.example", plaintext=True).tls
    with pytest.raises(ValidationError, match="plaintext needs no certificates"):
        MqttSettings(host="broker.example", plaintext=True, ca_file=Path("ca.pem"))
    with pytest.raises(ValidationError, match="belong together"):
        MqttSettings(cert_file=Path("edge-1.pem"))


def test_nothing_older_than_tls_1_2_is_spoken(broker: SiteBroker) -> None:
    settings = broker.settings("agents/edge-1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(settings.ca_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with socket.create_connection(("127.0.0.1", broker.port)) as raw, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(raw, server_hostname="127.0.0.1").do_handshake()


def test_who_was_given_the_certificate_of_another_does_not_start(broker: SiteBroker, tmp_path: Path) -> None:
    """mosquitto would grant a bridge its subscription and withhold every message; an agent it would hang up on."""
    with pytest.raises(InputError, match=r"certificate of north\.edge-2, but this is bridge"):
        Bridge(BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite"), broker.settings("agents/edge-2"))
    with pytest.raises(InputError, match=r"certificate of north\.edge-2, but this is north\.edge-1"):
        Agent(tmp_path / "outbox.sqlite", broker.settings("agents/edge-2"))


def test_an_agent_that_is_not_on_the_access_list_says_so_and_does_not_knock_every_second(
    broker: SiteBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access_list = broker.folder / "acl"
    access_list.write_text(access_list.read_text().replace("user north.edge-1", "user north.edge-9"))
    broker.stop()
    broker.start()
    shortest_s: list[int] = []
    real = Client.reconnect_delay_set

    def noted(client: Client, min_delay: int, max_delay: int) -> None:
        shortest_s.append(min_delay)
        real(client, min_delay, max_delay)

    monkeypatch.setattr(Client, "reconnect_delay_set", noted)
    with agent(tmp_path / "outbox.sqlite", broker.settings("agents/edge-1"), stop_s=0.2) as running:
        running.lift()
        wait_for("a refusal", lambda: running.metric("publishes_total", result="refused"))
        wait_for("patience", lambda: shortest_s[-1] == LONGEST_RETRY_S)
        assert running.outbox.depth() == (0, 1), "and the event waits"


def test_whose_certificate_was_taken_away_is_off_the_access_list_when_the_others_are_renewed(tmp_path: Path) -> None:
    site = made(tmp_path / "site")
    (tmp_path / "site" / "agents" / "edge-2.pem").unlink()
    site.renew()
    assert "edge-2" not in (tmp_path / "site" / "acl").read_text()
