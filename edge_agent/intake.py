"""What one message does to the ledger. Anyone on the site's network may have sent it.

It is believed only where topic, size and every field are as an agent writes them, and where the ledger has
room for it; otherwise it is counted by reason and changes nothing.
"""

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog
from paho.mqtt.client import MQTTMessage

from edge_agent.bridge_telemetry import BRIDGE_RESULTS, BridgeTelemetry
from edge_agent.core.events import MAX_PAYLOAD_BYTES, EventError, LiftEvent, from_json, is_slug
from edge_agent.core.fleet import AgentHealth, health_of
from edge_agent.ledger import Ledger, RefusedError
from edge_agent.seldom import Seldom

log = structlog.get_logger()

MAX_ZONES_PER_AGENT = 64
MAX_HEALTH_BYTES = 16 * MAX_PAYLOAD_BYTES

_FIXES = {
    "too_old": "check that agent's clock; an event is refused once its id may have been forgotten",
    "in_future": "check that agent's clock and time zone, and the bridge's",
    "state_full": "raise bridge.max_state_mib, and find who floods the broker in its log",
}
_WHO = "find who publishes it in the broker's log"


class RejectedError(Exception):
    """The message is not believed. ``reason`` is one of bridge_telemetry.BRIDGE_REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Intake:
    """``take`` may be called from any thread."""

    def __init__(self, ledger: Ledger, telemetry: BridgeTelemetry) -> None:
        self._ledger = ledger
        self._telemetry = telemetry
        self._seldom = Seldom()
        self.health: dict[tuple[str, str], AgentHealth] = {}
        """By (site, agent), of agents that the ledger has room for. Not kept on disk: the broker retains it."""

    def take(self, messages: Sequence[MQTTMessage]) -> None:
        """Let the messages have their effect, in one commit, or count why not.

        Raises sqlite3.Error, after which nothing has changed and nothing was counted.
        """
        try:
            self._take(messages)
        except sqlite3.Error:
            raise
        except Exception as error:  # what breaks us must not be redelivered for ever, nor take others along
            log.debug("where processing failed", exc_info=error)
            if len(messages) == 1:
                self._reject("internal", 1)
                return
            for message in messages:
                self.take([message])

    def _take(self, messages: Sequence[MQTTMessage]) -> None:
        now_s = time.time()
        with self._ledger.together():
            read = [self._read(message, now_s) for message in messages]
            events = [event for event in read if isinstance(event, LiftEvent)]
            became = [word for word in read if isinstance(word, str)] + self._ledger.count(events, now_s)
        for word, count in Counter(became).items():
            if word in BRIDGE_RESULTS:
                self._telemetry.messages.labels(word).inc(count)
            else:
                self._reject(word, count)

    def _reject(self, reason: str, count: int) -> None:
        self._telemetry.messages.labels("rejected").inc(count)
        self._telemetry.rejected.labels(reason).inc(count)
        times = self._seldom.times(reason, count)
        if times:
            log.warning("messages rejected", reason=reason, times=times, fix=_FIXES.get(reason, _WHO))

    def _read(self, message: MQTTMessage, now_s: float) -> LiftEvent | str:
        """An event that is still to be counted; of anything else what became of it: a result or a reason."""
        try:
            return self._apply(message, now_s)
        except (RejectedError, EventError, RefusedError) as error:
            return error.reason

    def _apply(self, message: MQTTMessage, now_s: float) -> LiftEvent | str:
        site, name, kind = _split_topic(message)
        if kind == "lift":
            event = from_json(bytes(message.payload))
            if (event.site, event.zone) != (site, name):
                raise RejectedError("topic_mismatch")
            return event
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
            self.health.pop((site, agent), None)
            return
        online = words.get(bytes(message.payload))
        if online is None:
            raise RejectedError("bad_value")
        live = not message.retain and message.payload != b"offline"
        self._ledger.heard(site, agent, now_s, online=online, at_s=now_s if live else 0.0)

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
            at_s = float(max(0, min(int(now_s), said))) if isinstance(said, int) else 0.0
        self._ledger.heard(site, agent, now_s, at_s=at_s)
        self._ledger.declare(site, zones, now_s)
        self.health[site, agent] = health_of(record, zones)


def _split_topic(message: MQTTMessage) -> tuple[str, str, str]:
    try:
        _, _, site, name, kind = message.topic.split("/")
    except (UnicodeDecodeError, ValueError) as error:
        raise RejectedError("topic") from error
    if not (is_slug(site) and is_slug(name)):
        raise RejectedError("topic")
    return site, name, kind


def _health_record(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_HEALTH_BYTES:
        raise RejectedError("too_large")
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise RejectedError("not_json") from error
    if not isinstance(record, dict):
        raise RejectedError("not_an_object")
    return record
