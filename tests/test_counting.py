"""Many messages in one commit: one that breaks us takes no other along."""

import time
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessage
from prometheus_client import CollectorRegistry

from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.core.events import LiftEvent, to_json, topic
from edge_agent.intake import Intake
from edge_agent.ledger import Ledger, Room
from tests.lift_events import a_fresh_event


def a_message(event: LiftEvent) -> MQTTMessage:
    message = MQTTMessage(topic=topic(event.site, event.zone).encode())
    message.payload = to_json(event).encode()
    return message


def test_one_message_that_breaks_us_takes_no_other_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that nobody foresaw, deep in the ledger, where all that came together is written together."""
    ledger, telemetry = (
        Ledger(tmp_path / "bridge.sqlite", Room(2**31)),
        BridgeTelemetry(registry := CollectorRegistry()),
    )
    events = [a_fresh_event() for _ in range(5)]
    remember = Ledger._remember

    def breaks_on_one(self: Ledger, event: LiftEvent, today: int, full: bool) -> str:
        if event == events[2]:
            raise RecursionError
        return remember(self, event, today, full)

    monkeypatch.setattr(Ledger, "_remember", breaks_on_one)
    intake = Intake(ledger, telemetry)
    for _ in range(2):  # and again, when the broker sends them again
        intake.take([a_message(event) for event in events])
    told = {result: registry.get_sample_value("ergo_bridge_messages_total", {"result": result})
            for result in ("counted", "duplicate", "rejected")}  # fmt: skip
    assert told == {"counted": 4, "duplicate": 4, "rejected": 2}
    assert registry.get_sample_value("ergo_bridge_rejected_messages_total", {"reason": "internal"}) == 2
    assert sum(ledger.lifts(time.time()).values()) == 4
    ledger.close()
