"""Outbox -> MQTT. Two threads, neither of them the frame loop's: paho's for the network, ours for the outbox.

What is in flight is the head of the outbox: at most ``IN_FLIGHT`` events are handed to paho, and the next
one follows when the broker has acknowledged one and its row is marked. After a lost connection, and after a
restart of the program, the outbox sends again what was in flight and what the broker had acknowledged not
long before. So an event may be sent twice: receivers count each ``event_id`` once.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent import mqtt
from edge_agent.core.events import (
    SCHEMA,
    LiftEvent,
    health_topic,
    status_topic,
    to_json,
    topic,
)
from edge_agent.core.health import HealthRecord, health_json
from edge_agent.outbox import Outbox
from edge_agent.settings import MqttSettings
from edge_agent.telemetry import AgentTelemetry

log = structlog.get_logger()

IN_FLIGHT: Final = 20
"""paho's and mosquitto's own limit for unacknowledged messages."""
HEALTH_PERIOD_S: Final = 30.0
REFUSED_PAUSE_S: Final = 5.0
"""After a refused event, so that a wrong access list does not become a busy loop."""
UNHEARD_PAUSE_S: Final = 1.0
"""After an event that nobody was subscribed to: the bridge subscribes within about a second of a broker's start."""
NO_SUBSCRIBER: Final = "No matching subscribers"

_TAKEN: Final = {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}
"""Without a connection paho keeps the message and sends it after the next one."""

Health = Callable[[], HealthRecord]
"""Called every ``HEALTH_PERIOD_S`` in the publisher's thread; its ``zones`` (a list of names) lets the bridge
show every counter at 0 before its first lift."""


@dataclass(frozen=True, slots=True)
class AgentName:
    """Which agent of which site speaks."""

    site: str
    agent: str


class Publisher:
    """Start it once; ``wake`` it when the outbox has released something."""

    def __init__(
        self,
        settings: MqttSettings,
        name: AgentName,
        outbox: Outbox,
        telemetry: AgentTelemetry,
        health: Health,
    ) -> None:
        """Raises InputError when a certificate, its key or the authority cannot be used."""
        self._name = name
        self._outbox = outbox
        self._telemetry = telemetry
        self._health = health
        self._status_topic = status_topic(name.site, name.agent)
        self._client = self._new_client(settings)
        telemetry.certificate_expiry.set_function(lambda: mqtt.expiry_s(self._client))
        self._session = mqtt.Session(
            settings, self._client, telemetry.mqtt_connect_failures, self._on_accepted, self._on_over
        )
        self._in_flight: dict[int, str] = {}
        self._answers: queue.SimpleQueue[tuple[int, ReasonCode]] = queue.SimpleQueue()
        self._acknowledged: list[str] = []
        self._connected = threading.Event()
        self._was_lost = threading.Event()
        self._wake = threading.Event()
        self._stop_by: float | None = None
        self._health_due = 0.0
        self._send_after = 0.0
        self._drained = False
        self._listens_to: str | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def listen(self, topic: str, heard: Callable[[bytes], None]) -> None:
        """Have ``heard`` called, in paho's thread, with what stands at this topic and what will. Before ``start``."""
        self._listens_to = topic
        mqtt.hear(self._client, heard)

    def start(self) -> None:
        """Return at once; a broker that is absent or refuses is retried for ever."""
        self._session.start()
        self._thread.start()

    def tell_health(self) -> None:
        """Send the health record soon, not when it is due."""
        self._health_due = 0.0
        self._wake.set()

    def wake(self) -> None:
        """Look into the outbox now. Never blocks."""
        self._wake.set()

    def stop(self, timeout_s: float) -> None:
        """Send what is ready, say ``stopped`` and disconnect, within ``timeout_s`` and about a second.

        It waits for an absent broker only while something is ready. What was not acknowledged by then stays
        in the outbox.
        """
        self._drained = False
        self._stop_by = time.monotonic() + timeout_s
        self._wake.set()
        self._thread.join(timeout_s + 1.0)

    def _new_client(self, settings: MqttSettings) -> Client:
        site, agent = self._name.site, self._name.agent
        client = mqtt.new_client(settings, f"hingewatch-{site}-{agent}", identity=f"{site}.{agent}")
        client.max_inflight_messages_set(IN_FLIGHT)
        client.will_set(self._status_topic, "offline", qos=1, retain=True)
        client.on_publish = self._on_publish
        return client

    # paho's thread: nothing here touches the outbox.

    def _on_accepted(self) -> None:
        self._client.publish(self._status_topic, "online", qos=1, retain=True)
        if self._listens_to:
            self._client.subscribe(self._listens_to, qos=1)
        self._telemetry.mqtt_connected.set(1)
        self._health_due = 0.0
        self._connected.set()
        self._wake.set()

    def _on_over(self) -> None:
        self._connected.clear()
        self._client.drop_out_messages()  # the outbox sends them again, in their order
        self._was_lost.set()
        self._telemetry.mqtt_connected.set(0)
        self._wake.set()

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: ReasonCode, _props: Properties) -> None:
        self._answers.put((mid, reason))
        self._wake.set()

    # Our thread.

    def _run(self) -> None:
        while not self._finished():
            try:
                if self._was_lost.is_set():  # before any answer of the next connection makes its rows safe
                    self._outbox.doubt()
                self._settle()
                self._doubt()
                self._beat()
                self._send()
            except Exception as error:  # a full disk or a faulty health must not end the thread
                self._telemetry.publisher_errors.inc()
                log.warning("publishing failed, retrying", error=repr(error), fix="cure it; nothing is lost")
                log.debug("where publishing failed", exc_info=True)
                self._send_after = time.monotonic() + REFUSED_PAUSE_S
            self._wake.wait(self._idle_s())
            self._wake.clear()
        self._farewell()

    def _settle(self) -> None:
        """Mark what the broker has acknowledged, postpone what it refused, keep what nobody was there to hear."""
        answered = not self._answers.empty()
        while not self._answers.empty():
            mid, reason = self._answers.get()
            event_id = self._in_flight.pop(mid, None)
            if event_id is None:  # a birth or a health record
                self._let_in(reason)
                continue
            if reason.is_failure:
                self._refused(event_id, reason)
            else:
                self._acknowledge(event_id, reason)
        if answered or self._acknowledged:
            self._outbox.delivered(self._acknowledged)
            self._acknowledged = []

    def _doubt(self) -> None:
        """After a lost connection: what the broker had acknowledged it may have forgotten.

        Every answer of the lost connection was queued before its end was noted, and so is settled before or
        here: only answers of the next connection can come later, and those are resent without need at worst.
        """
        if not self._was_lost.is_set():
            return
        self._was_lost.clear()
        try:
            self._settle()
            self._in_flight.clear()
            self._outbox.send_again()
        except Exception:
            self._was_lost.set()
            raise

    def _acknowledge(self, event_id: str, reason: ReasonCode) -> None:
        """A broker that has thrown the event away, for want of a subscriber, has not taken it: it stays."""
        if reason.getName() != NO_SUBSCRIBER:
            self._acknowledged.append(event_id)
            self._telemetry.mqtt_publishes.labels("acknowledged").inc()
            return
        self._telemetry.mqtt_publishes.labels("no_subscriber").inc()
        if time.monotonic() >= self._send_after:  # once for all that is in flight
            fix = "start the bridge; where it runs, the broker has forgotten it and will hear from it soon"
            log.warning("nobody is subscribed, events are kept", fix=fix)
        self._send_after = time.monotonic() + UNHEARD_PAUSE_S

    def _let_in(self, reason: ReasonCode) -> None:
        """Who may not even say that it is online is hung up on each time: it must not knock every second."""
        if not reason.is_failure:
            self._client.reconnect_delay_set(1, mqtt.LONGEST_RETRY_S)
            return
        self._client.reconnect_delay_set(mqtt.LONGEST_RETRY_S, mqtt.LONGEST_RETRY_S)
        self._telemetry.mqtt_publishes.labels("refused").inc()
        log.error(
            "broker refuses this agent's own status",
            reason=reason.getName(),
            fix=f"let {self._name.site}.{self._name.agent} in: edge-agent certs agent, or mend site and agent here",
        )

    def _refused(self, event_id: str, reason: ReasonCode) -> None:
        self._telemetry.mqtt_publishes.labels("refused").inc()
        self._send_after = time.monotonic() + REFUSED_PAUSE_S
        self._outbox.postpone(event_id)
        log.error(
            "broker refused an event, keeping it",
            reason=reason.getName(),
            fix=f"allow this agent to write ergo/v1/{self._name.site}/# in the broker's access list",
        )

    def _beat(self) -> None:
        """Before any event: the first record after a connection tells the bridge the zones."""
        if not self._connected.is_set() or time.monotonic() < self._health_due:
            return
        self._health_due = time.monotonic() + HEALTH_PERIOD_S
        record = health_json(self._health(), int(time.time()))
        self._client.publish(health_topic(self._name.site, self._name.agent), record, qos=1, retain=True)

    def _send(self) -> None:
        head = self._outbox.head(IN_FLIGHT)
        self._drained = not head
        if not self._connected.is_set() or time.monotonic() < self._send_after:
            return
        sent = set(self._in_flight.values())
        for event in head:
            if event.event_id not in sent:
                self._publish(event)

    def _publish(self, event: LiftEvent) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.UserProperty = ("schema", SCHEMA)
        info = self._client.publish(topic(event.site, event.zone), to_json(event), qos=1, properties=properties)
        if info.rc in _TAKEN:
            self._in_flight[info.mid] = event.event_id

    def _idle_s(self) -> float:
        if self._stop_by is not None:
            return 0.05
        due = max(self._health_due, time.monotonic()) if self._connected.is_set() else float("inf")
        if self._send_after > time.monotonic():
            due = min(due, self._send_after)
        return min(HEALTH_PERIOD_S, max(0.0, due - time.monotonic()))

    def _finished(self) -> bool:
        if self._stop_by is None:
            return False
        return time.monotonic() >= self._stop_by or self._drained

    def _farewell(self) -> None:
        if self._connected.is_set() and self._stop_by is not None:
            stopped = self._client.publish(self._status_topic, "stopped", qos=1, retain=True)
            try:
                stopped.wait_for_publish(max(0.2, self._stop_by - time.monotonic()))
            except (RuntimeError, ValueError):
                log.warning("could not say stopped: the connection was lost", fix="nothing: the will says offline")
        self._session.stop()
        self._telemetry.mqtt_connected.set(0)
