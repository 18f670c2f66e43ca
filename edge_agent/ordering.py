"""The engineer's side of an order: sign it, leave it at the broker for the agent, and hear what became of it."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from prometheus_client import CollectorRegistry, Counter
from pydantic import ValidationError

from edge_agent import mqtt
from edge_agent.core.events import health_topic, settings_topic
from edge_agent.errors import InputError, RunError
from edge_agent.order_keys import private_key
from edge_agent.orders import Changes, Order, sealed
from edge_agent.settings import MqttSettings
from edge_agent.settings_file import load_values
from edge_agent.site_certificates import OPERATOR

FINAL: Final = ("applied", "refused", "rolled_back")
WHY: Final = {
    "malformed": "the agent could not read it: is it of another version?",
    "unknown_camera": "the agent has no camera of that name",
    "bad_value": "a value is out of its range: the agent's log says which",
    "tells_more": "the zones would point at fewer people than before: give each its `workers`",
    "cannot_run": "a network is not there or fails its self-test: the agent's log says which",
}


def changes_of(path: Path | None) -> Changes:
    """What a file asks for; None asks for nothing, which withdraws what was ordered. Raises InputError."""
    if path is None:
        return Changes()
    try:
        return Changes.model_validate(load_values(path))
    except ValidationError as error:
        flaw = error.errors()[0]
        place = ".".join(map(str, flaw["loc"]))
        fix = "see docs/updates.md for what can be ordered"
        raise InputError(f"{path}: {place}: {flaw['msg'][:1].lower()}{flaw['msg'][1:]}", fix) from None


class Errand:
    """``with Errand(settings.mqtt, order, key) as errand: errand.outcome(60, tell)``."""

    def __init__(self, broker: MqttSettings, order: Order, key: Path) -> None:
        """Raises InputError for a key or a certificate that cannot be used."""
        self._order, self._payload = order, sealed(order, private_key(key))
        name = f"hingewatch-orders-{order.number}"
        self._client = mqtt.new_client(broker, name, identity=OPERATOR)
        self._client.on_message = self._on_message
        failures = Counter("orders_connect_failures", "Not shown anywhere", ["cause"], registry=CollectorRegistry())
        settings = broker.model_copy(update={"session_expiry_s": 0})
        self._session = mqtt.Session(settings, self._client, failures, self._on_accepted, lambda: None)
        self._left = threading.Event()
        self._news = threading.Condition()
        self._said: dict[str, Any] = {}

    def __enter__(self) -> "Errand":
        self._session.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._session.stop()

    def outcome(self, patience_s: float, tell: Callable[[str], None]) -> str:
        """One of FINAL, or ``on_trial`` where that goes on; ``tell`` hears of each step.

        Raises RunError where the broker does not take the order, or the agent says nothing of it.
        """
        if not self._left.wait(patience_s):
            raise RunError("the broker did not take the order", "check mqtt.* in the settings, and edge-agent doctor")
        tell("left at the broker")
        by_s, state = time.monotonic() + patience_s, ""
        while state not in FINAL:
            state = self._next_state(state, by_s)
            if not state:
                break
            tell(self._words(state))
            if state == "on_trial":  # for as long as it takes people to lift so often
                return state
        if not state:
            what = f"{self._order.site}.{self._order.agent} has said nothing of it in {patience_s:.0f} s"
            raise RunError(what, "is it running, is orders.trusted_key set, and is it this key's? See its log")
        return state

    def _next_state(self, before: str, by_s: float) -> str:
        with self._news:
            self._news.wait_for(lambda: self._state() not in {"", before}, max(0.0, by_s - time.monotonic()))
            state = self._state()
            return "" if state == before else state

    def _state(self) -> str:
        ours = self._said.get("order_number") == self._order.number
        return str(self._said.get("order_state")) if ours else ""

    def _words(self, state: str) -> str:
        reason = str(self._said.get("order_reason", ""))
        return f"{state}: {WHY.get(reason, reason)}" if reason else state

    def _on_accepted(self) -> None:
        order = self._order
        self._client.subscribe(health_topic(order.site, order.agent), qos=1)
        sent = self._client.publish(settings_topic(order.site, order.agent), self._payload, qos=1, retain=True)
        self._client.on_publish = lambda _client, _data, mid, reason, _props: self._on_publish(
            mid == sent.mid, reason
        )

    def _on_publish(self, ours: bool, reason: Any) -> None:
        if ours and not reason.is_failure:
            self._left.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            record = json.loads(message.payload)
        except ValueError:
            return
        if isinstance(record, dict):
            with self._news:
                self._said = record
                self._news.notify_all()
