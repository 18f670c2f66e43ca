"""Events to a broker at a rate, whatever the hour: for measuring brokers and bridges, not for showing a site at work.

It keeps no outbox: what the broker has not acknowledged when it ends may be lost. ``simulate`` plays real agents.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import CollectorRegistry, Counter

from edge_agent import mqtt
from edge_agent.core.events import SCHEMA, bucket_start, health_topic, status_topic, to_json, topic
from edge_agent.core.health import HealthRecord, health_json
from edge_agent.errors import RunError
from edge_agent.fleet.layout import Fleet, Zone, chance
from edge_agent.fleet.lift_events import MODEL, events_of
from edge_agent.fleet.postures import POSTURES
from edge_agent.publisher import NO_SUBSCRIBER
from edge_agent.settings import MqttSettings

BUCKET_S: Final = 300
WINDOW: Final = 2000
"""Unanswered messages at most: beyond that it is the broker that limits the rate."""
TICK_S: Final = 0.005
PATIENCE_S: Final = 30.0
_KINDS: Final = 4
"""Different events of each zone; what is drawn once is sent again and again, under new ids."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Events that the broker took, those that it refused or threw away, and how long all that took."""

    acknowledged: int
    refused: int
    seconds: float


class Load:
    """``with Load(settings, fleet) as load: load.run(5000, 60)``: a few connections speak for all agents."""

    def __init__(self, settings: MqttSettings, fleet: Fleet, connections: int = 2) -> None:
        """Raises InputError when a certificate, its key or the authority cannot be used."""
        self._fleet = fleet
        self._room = threading.Semaphore(WINDOW)
        self._lock = threading.Lock()
        self._answers = {True: 0, False: 0}
        self._let_in = threading.Semaphore(0)
        name = f"hingewatch-load-{uuid.uuid4().hex[:8]}"
        failures = Counter("failures", "Of this load's connections", ["cause"], registry=CollectorRegistry())
        self._clients = [mqtt.new_client(settings, f"{name}-{number}") for number in range(connections)]
        self._sessions = [
            mqtt.Session(settings, client, failures, self._let_in.release, lambda: None) for client in self._clients
        ]

    def __enter__(self) -> "Load":
        """Raises RunError where the broker lets none in within PATIENCE_S."""
        for client, session in zip(self._clients, self._sessions, strict=True):
            client.max_inflight_messages_set(WINDOW)
            client.on_publish = self._on_publish
            session.start()
        for _ in self._clients:
            if not self._let_in.acquire(timeout=PATIENCE_S):
                self.__exit__()
                raise RunError("the broker does not let the load in", "see the log lines above")
        return self

    def __exit__(self, *_: object) -> None:
        for session in self._sessions:
            session.stop()

    def introduce(self, now_s: float) -> None:
        """Say for every agent that it is online and which zones it has, as agents do at each connection.

        now_s: unix time.
        """
        for site in self._fleet.sites:
            for agent in site.agents:
                zones = self._fleet.of_agent(site.name, agent)
                names = tuple(sorted(zone.place.zone for zone in zones))
                record = HealthRecord(model=MODEL, zones=names, cameras=len(names), cameras_up=len(names))
                self._publish(self._clients[0], status_topic(site.name, agent), "online", retain=True)
                health = health_json(record, int(now_s))
                self._publish(self._clients[0], health_topic(site.name, agent), health, retain=True)
        self.settle()

    def run(
        self, rate_hz: float, seconds: float, stop: threading.Event, sent: Callable[[int], None] = lambda _: None
    ) -> Sent:
        """Publish at ``rate_hz``, or at the broker's own pace where that is less; ``sent`` is told how many more.

        Returns once all is answered. Raises RunError where the broker stops answering.
        """
        before, began_s, count = dict(self._answers), time.monotonic(), 0
        events, clients = _endless(self._fleet), cycle(self._clients)
        while (passed_s := time.monotonic() - began_s) < seconds and not stop.is_set():
            due = min(int(rate_hz * passed_s) - count, WINDOW)
            for _ in range(due):
                self._publish(next(clients), *next(events))
            count += due
            sent(due)
            stop.wait(TICK_S)
        self.settle()
        answers = {taken: self._answers[taken] - before[taken] for taken in before}
        return Sent(answers[True], answers[False], time.monotonic() - began_s)

    def settle(self) -> None:
        """Wait until everything is answered. Raises RunError where it is not within PATIENCE_S."""
        by_s = time.monotonic() + PATIENCE_S
        for taken in range(WINDOW):
            if not self._room.acquire(timeout=max(0.0, by_s - time.monotonic())):
                if taken:
                    self._room.release(taken)
                raise RunError("the broker no longer answers", "look at its log")
        self._room.release(WINDOW)

    def _publish(self, client: Client, where: str, payload: str, *, retain: bool = False) -> None:
        if not self._room.acquire(timeout=PATIENCE_S):
            raise RunError("the broker no longer answers", "look at its log")
        properties = None if retain else _SCHEMA
        client.publish(where, payload, qos=1, retain=retain, properties=properties)

    def _on_publish(self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _props: Properties) -> None:
        taken = not reason.is_failure and reason.getName() != NO_SUBSCRIBER  # that one is thrown away
        with self._lock:
            self._answers[taken] += 1
        self._room.release()


def _schema() -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = ("schema", SCHEMA)
    return properties


_SCHEMA: Final = _schema()


def _endless(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """(topic, payload) of this bucket's events, zone after zone, each with a new id."""
    rng = chance(fleet.seed, "load")
    drawn_for, drawn = 0, [("", "", "")]
    labels = sorted({posture.label for posture in POSTURES})
    while True:
        now = bucket_start(time.time(), BUCKET_S)
        if now != drawn_for:
            chosen = rng.choice(labels, (_KINDS, len(fleet.zones)))
            drawn = [_split(fleet, zone, now, int(row[number])) for row in chosen
                     for number, zone in enumerate(fleet.zones)]  # fmt: skip
            drawn_for = now
        for where, before, after in drawn:
            yield where, f"{before}{uuid.uuid4()}{after}"


def _split(fleet: Fleet, zone: Zone, bucket_s: int, label: int) -> tuple[str, str, str]:
    """Its topic, and its wire form before and after the id."""
    counts: Sequence[int] = [int(one == label) for one in range(12)]
    placeholder = str(uuid.uuid4())
    (event,) = events_of(fleet, zone, bucket_s, counts, lambda: placeholder)
    before, after = to_json(event).split(placeholder)
    return topic(zone.place.site, zone.place.zone), before, after
