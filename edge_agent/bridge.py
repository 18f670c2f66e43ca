"""MQTT -> Prometheus: every lift event on the broker becomes one step of one counter, exactly once.

A message is acknowledged only after its effect is committed to the ledger, and an id is counted once, so a
crash of the bridge at any instant neither loses nor repeats a lift. While the disk fails the bridge keeps
the message and tries again; the broker queues the rest. Prometheus sees a zone's counters at 0 before the
first lift because an agent's health record, which precedes its events, names its zones.
"""

import json
import signal
import sqlite3
import threading
import time
from types import TracebackType
from typing import Any, Final

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import CollectorRegistry

from edge_agent import mqtt
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.core.events import MAX_PAYLOAD_BYTES, EventError, from_json, is_slug
from edge_agent.errors import InputError
from edge_agent.ledger import Ledger, SiteCollector, TooManyZonesError
from edge_agent.metrics_server import serve
from edge_agent.settings import BridgeSettings, MqttSettings

log = structlog.get_logger()

SUBSCRIPTIONS: Final = [("ergo/v1/+/+/lift", 1), ("ergo/v1/+/+/status", 1), ("ergo/v1/+/+/health", 1)]
MAX_ZONES_PER_AGENT: Final = 64
STORAGE_RETRY_S: Final = 1.0


class RejectedError(Exception):
    """The message is not believed. ``reason`` is one of bridge_telemetry.BRIDGE_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Bridge:
    """``with Bridge(settings.bridge, settings.mqtt) as bridge: ... bridge.port``, or start and stop."""

    def __init__(self, settings: BridgeSettings, broker: MqttSettings) -> None:
        """Raises InputError when the state file or the certificate authority file cannot be used."""
        self._settings = settings
        self._stopping = threading.Event()
        self._ledger = Ledger(settings.state_path)
        self._registry = CollectorRegistry()
        self._telemetry = BridgeTelemetry(self._registry)
        self._registry.register(SiteCollector(self._ledger, settings.stale_after_s))
        self._client = mqtt.new_client(broker, self._ledger.client_id, manual_ack=True)
        self._session = mqtt.Session(
            broker, self._client, self._telemetry.connect_failures, self._on_accepted, self._on_over
        )
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self.port = settings.port

    def start(self) -> None:
        """Serve ``/metrics`` and connect. A broker that is absent or refuses is retried for ever.

        Raises InputError when the metrics address is taken.
        """
        try:
            self.port, self._stop_serving = serve(self._registry, self._settings.host, self._settings.port)
        except InputError:
            self._ledger.close()
            raise
        self._session.start()
        log.info("bridge started", metrics=f"http://{self._settings.host}:{self.port}/metrics")

    def stop(self) -> None:
        """Disconnect and stop serving; the broker goes on queueing for us."""
        self._stopping.set()
        self._session.stop()
        self._stop_serving()
        self._ledger.close()

    def __enter__(self) -> "Bridge":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # paho's thread.

    def _on_accepted(self) -> None:
        self._client.subscribe(SUBSCRIPTIONS)

    def _on_over(self) -> None:
        self._telemetry.connected.set(0)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _props: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._telemetry.connect_failures.labels("refused").inc()
            log.error(
                "broker refused the subscription",
                fix="allow the bridge to read ergo/v1/# in the broker's access list",
            )
        else:
            self._telemetry.connected.set(1)
            log.info("bridge subscribed")

    def _on_message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        """Take it in, whatever it takes, then acknowledge. Not acknowledged: the broker sends it again."""
        while not self._stopping.is_set():
            try:
                result = self._take(message)
            except sqlite3.Error as error:
                self._telemetry.storage_errors.inc()
                log.warning(
                    "cannot write the bridge's state, retrying",
                    error=str(error),
                    fix="free space on its disk",
                )
                self._stopping.wait(STORAGE_RETRY_S)
                continue
            self._telemetry.messages.labels(result).inc()
            client.ack(message.mid, message.qos)
            return

    def _take(self, message: MQTTMessage) -> str:
        """One word of bridge_telemetry.BRIDGE_RESULTS. Raises sqlite3.Error, after which nothing has changed."""
        try:
            return self._apply(message)
        except RejectedError as error:
            reason = error.reason
        except EventError as error:
            reason = error.reason
        except TooManyZonesError:
            reason = "too_many_zones"
        except sqlite3.Error:
            raise
        except Exception as error:  # what breaks us must not be redelivered for ever
            reason = "internal"
            log.warning("a message could not be processed", error=repr(error), fix="report this line")
            log.debug("where processing failed", exc_info=True)
        self._telemetry.rejected.labels(reason).inc()
        log.warning("message rejected", reason=reason, fix="find who publishes it in the broker's log")
        return "rejected"

    def _apply(self, message: MQTTMessage) -> str:
        site, name, kind = _split_topic(message)
        now_s = time.time()
        if kind == "lift":
            event = from_json(bytes(message.payload))
            if (event.site, event.zone) != (site, name):
                raise RejectedError("topic_mismatch")
            return "counted" if self._ledger.count(event, now_s) else "duplicate"
        if kind == "status":
            self._apply_status(site, name, message, now_s)
            return "status"
        self._apply_health(site, name, message, now_s)
        return "health"

    def _apply_status(self, site: str, agent: str, message: MQTTMessage, now_s: float) -> None:
        """No sign of life: a retained status (of unknown age) and ``offline`` (the broker)."""
        words = {b"online": True, b"offline": False, b"stopped": False}
        if not message.payload:  # how an operator clears a retained message: the agent is out of service
            self._ledger.forget(site, agent)
            return
        online = words.get(bytes(message.payload))
        if online is None:
            raise RejectedError("bad_value")
        live = not message.retain and message.payload != b"offline"
        self._ledger.heard(site, agent, online=online, at_s=now_s if live else None)

    def _apply_health(self, site: str, agent: str, message: MQTTMessage, now_s: float) -> None:
        if not message.payload:
            return
        record = _health_record(bytes(message.payload))
        zones = record.get("zones", [])
        if not isinstance(zones, list) or len(zones) > MAX_ZONES_PER_AGENT or not all(map(is_slug, zones)):
            raise RejectedError("bad_value")
        at_s = now_s
        if message.retain:
            said = record.get("at_unix_s")
            at_s = min(now_s, max(0, said)) if isinstance(said, int) else 0.0  # no int that SQLite cannot hold
        self._ledger.declare(site, zones)
        self._ledger.heard(site, agent, at_s=at_s)


def run(settings: BridgeSettings, broker: MqttSettings) -> None:
    """Bridge until SIGINT or SIGTERM. Call it from the main thread. Raises InputError as Bridge does."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    with Bridge(settings, broker):
        asked_to_stop.wait()


def _split_topic(message: MQTTMessage) -> tuple[str, str, str]:
    try:
        _, _, site, name, kind = message.topic.split("/")
    except (UnicodeDecodeError, ValueError) as error:
        raise RejectedError("topic") from error
    if not (is_slug(site) and is_slug(name)):
        raise RejectedError("topic")
    return site, name, kind


def _health_record(payload: bytes) -> dict[str, Any]:
    if len(payload) > 16 * MAX_PAYLOAD_BYTES:
        raise RejectedError("too_large")
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise RejectedError("not_json") from error
    if not isinstance(record, dict):
        raise RejectedError("not_an_object")
    return record
