"""Two bridges on one shared subscription and one ledger: whoever dies, every lift counts once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edge_agent.bridge import Bridge
from edge_agent.core.events import LiftEvent, to_json
from edge_agent.core.events import topic as lift_topic
from edge_agent.errors import InputError
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.lift_events import a_fresh_event
from tests.prometheus import prometheus
from tests.services import Listener, Mosquitto, accepts_connections, free_port, page, sample, wait_for

HINGE = 'ergo_lifts_total{risk="low",site="north",technique="hinge",zone="dock-1"}'

REPLICA = """
import sys
from edge_agent.bridge import run
from edge_agent.settings import BridgeSettings, MqttSettings
name, state, port, broker = sys.argv[1:]
run(BridgeSettings(replica=name, state_path=state, port=int(port)), MqttSettings(port=int(broker)))
"""


class Replica:
    """A bridge process that can be killed and started again under its name."""

    def __init__(self, name: str, state: Path, broker_port: int) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-c", REPLICA, name, str(state), str(self.port), str(broker_port)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        wait_for("its page", lambda: accepts_connections(self.port), timeout_s=60)
        subscribed(self.port)

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def shows(self, series: str) -> float:
        return sample(page(self.port), series) or 0.0

    def comes_to_show(self, series: str, value: float) -> None:
        comes_to_show(self.port, series, value)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    with Mosquitto(directory) as broker:
        yield broker


@contextmanager
def replicas(mosquitto: Mosquitto, state: Path) -> Iterator[tuple[Replica, Replica]]:
    with ExitStack() as stack:
        pair = Replica("a", state, mosquitto.port), Replica("b", state, mosquitto.port)
        for replica in pair:
            stack.callback(replica.end)
            replica.start()
        yield pair


@contextmanager
def both(mosquitto: Mosquitto, state: Path) -> Iterator[tuple[Bridge, Bridge]]:
    """Two replicas within this process."""
    broker = MqttSettings(port=mosquitto.port)
    settings = [BridgeSettings(replica=name, state_path=state, port=0) for name in ("a", "b")]
    with Bridge(settings[0], broker) as a, Bridge(settings[1], broker) as b:
        for bridge in (a, b):
            subscribed(bridge.port)
        yield a, b


def subscribed(port: int) -> None:
    wait_for("its subscription", lambda: sample(page(port), "ergo_bridge_connected") == 1, timeout_s=60)


def comes_to_show(port: int, series: str, value: float) -> None:
    wait_for(f"{series} = {value}", lambda: sample(page(port), series) == value)


def send(listener: Listener, event: LiftEvent) -> None:
    listener.publish(lift_topic(event.site, event.zone), to_json(event))


def test_two_replicas_share_the_work_and_show_the_same(mosquitto: Mosquitto, tmp_path: Path) -> None:
    twice = a_fresh_event()
    with replicas(mosquitto, tmp_path / "bridge.sqlite") as (a, b), Listener(mosquitto.port) as agent:
        for event in (twice, *(a_fresh_event() for _ in range(18)), twice, twice):  # to either of them
            send(agent, event)
        for replica in (a, b):
            replica.comes_to_show(HINGE, 19)
        took = [replica.shows('ergo_bridge_messages_total{result="counted"}') for replica in (a, b)]
        assert sum(took) == 19
        assert min(took) > 0
        duplicates = 'ergo_bridge_messages_total{result="duplicate"}'
        wait_for("the replays", lambda: a.shows(duplicates) + b.shows(duplicates) == 2)


def test_a_query_takes_the_higher_of_two_replicas_and_never_their_sum(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        both(mosquitto, tmp_path / "bridge.sqlite") as (a, b),
        Listener(mosquitto.port) as agent,
        prometheus(tmp_path, a.port, b.port) as prom,
    ):
        for _ in range(10):
            send(agent, a_fresh_event())
        wait_for("both", lambda: prom.value("sum(ergo_lifts_total)") == 20)  # what not to ask
        assert prom.value("sum(max without (instance) (ergo_lifts_total))") == 10
        b.stop()
        wait_for("one to be gone", lambda: prom.value("sum(up)") == 1)
        assert prom.value("sum(max without (instance) (ergo_lifts_total))") == 10


def test_a_full_disk_holds_up_both_replicas_and_loses_nothing(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.counting.STORAGE_RETRY_S", 0.05)
    with both(mosquitto, tmp_path / "bridge.sqlite") as pair, Listener(mosquitto.port) as agent:
        send(agent, a_fresh_event())
        wait_for("a lift", lambda: sample(page(pair[0].port), HINGE) == 1)
        for bridge in pair:  # SQLite then says "database or disk is full"
            bridge._ledger._database.execute("PRAGMA max_page_count = 1")
        sent = 0
        while not all(sample(page(bridge.port), "ergo_bridge_storage_errors_total") for bridge in pair):
            send(agent, a_fresh_event())
            sent += 1
        for bridge in pair:
            assert (sample(page(bridge.port), HINGE) or 0) <= sent
            bridge._ledger._database.execute("PRAGMA max_page_count = 1000000")
        for bridge in pair:
            comes_to_show(bridge.port, HINGE, 1 + sent)


def test_a_replica_killed_with_messages_in_flight_counts_them_when_it_is_back(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with replicas(mosquitto, tmp_path / "bridge.sqlite") as (a, b), Listener(mosquitto.port) as agent:
        a.freeze()  # it takes nothing off its socket: what the broker sends to it is in flight
        for _ in range(60):
            send(agent, a_fresh_event())
        wait_for("its half", lambda: b.shows(HINGE) == 30)
        a.end()
        for _ in range(20):
            send(agent, a_fresh_event())
        b.end()
        for _ in range(20):  # to nobody
            send(agent, a_fresh_event())
        b.start()
        a.start()
        for replica in (a, b):
            replica.comes_to_show(HINGE, 100)


def test_a_replica_that_stays_dead_has_its_queue_taken_up_until_it_is_back(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, broker = tmp_path / "bridge.sqlite", MqttSettings(port=mosquitto.port)
    with ExitStack() as stack:
        a = Replica("a", state, mosquitto.port)
        stack.callback(a.end)
        a.start()
        agent = stack.enter_context(Listener(mosquitto.port))
        a.freeze()
        for _ in range(60):
            send(agent, a_fresh_event())
        a.end()

        monkeypatch.setattr("edge_agent.replicas.SIGN_S", 0.1)
        monkeypatch.setattr("edge_agent.replicas.SILENT_S", 1.0)
        b = stack.enter_context(Bridge(BridgeSettings(replica="b", state_path=state, port=0), broker))
        wait_for("all of the dead one's", lambda: sample(page(b.port), HINGE) == 60)
        for _ in range(20):  # ten of them to the dead one's name
            send(agent, a_fresh_event())
        wait_for("its share", lambda: sample(page(b.port), HINGE) == 80)

        monkeypatch.setattr("edge_agent.replicas.SILENT_S", 3600.0)
        a.start()
        wait_for("b to leave its place", lambda: sample(page(b.port), "ergo_bridge_standing_in") == 0)
        for _ in range(20):
            send(agent, a_fresh_event())
        a.comes_to_show(HINGE, 100)
        counted = 'ergo_bridge_messages_total{result="counted"}'
        assert a.shows(counted) == 10


def test_a_bridge_alone_does_not_share_its_ledger(tmp_path: Path) -> None:
    nowhere = MqttSettings(port=free_port())
    alone = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
    replica = alone.model_copy(update={"replica": "a"})
    for first, second in ((alone, replica), (replica, alone)):
        with Bridge(first, nowhere), pytest.raises(InputError, match="in use by another process"):
            Bridge(second, nowhere)
