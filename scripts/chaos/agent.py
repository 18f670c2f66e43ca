"""The delivering half of an agent as a process that may be killed at any instant, with an account of what it did.

Two journals: ``intended`` names an event before the outbox gets it, ``recorded`` once it is in the outbox's
file. What a kill left in between is settled at the next start, by looking into that file.
"""

import os
import signal
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from ctypes import Array, c_double
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from edge_agent.core.events import LiftEvent
from edge_agent.core.health import HealthRecord
from edge_agent.outbox import Outbox
from edge_agent.publisher import AgentName, Publisher
from edge_agent.settings import MqttSettings, OutboxSettings, PrivacySettings
from edge_agent.telemetry import AgentTelemetry

SITE: Final = "north"
AGENT: Final = "edge-1"
ZONES: Final = ("dock-1", "dock-2")
KEEP_ACKNOWLEDGED_S: Final = 5.0
"""The chaos broker's autosave_interval is 2."""
PAUSE_S: Final = 0.005


@dataclass(frozen=True)
class Orders:
    """What a driver needs. ``dials`` is shared: seconds the clock is off by, and lifts per second.

    Shared without a lock: a driver that is killed while it holds one keeps it for ever, and the next waits for it.
    """

    directory: Path
    outbox: Path
    broker: MqttSettings
    dials: Array[c_double]


def drive(orders: Orders) -> None:
    """Make lifts until SIGTERM, then deliver what is ready."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    settle_journals(orders)
    telemetry = AgentTelemetry(CollectorRegistry())
    outbox = Outbox(
        OutboxSettings(path=orders.outbox, keep_acknowledged_s=KEEP_ACKNOWLEDGED_S),
        PrivacySettings(bucket_s=1, min_lifts=1),
        telemetry,
    )
    name = AgentName(SITE, AGENT)
    publisher = Publisher(orders.broker, name, outbox, telemetry, lambda: HealthRecord(zones=ZONES))
    publisher.start()
    with Journal(orders.directory / "intended") as intended, Journal(orders.directory / "recorded") as recorded:
        make_lifts(outbox, orders.dials, (intended, recorded, publisher.wake), stop)
    time.sleep(1.1)
    outbox.release(time.time() + orders.dials[0] + 2)
    publisher.stop(5.0)
    outbox.close()


class Journal:
    """One id a line, each begun anew after what a full disk may have left half written."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, event_id: str) -> bool:
        """False where the disk does not take it."""
        try:
            os.write(self._file, f"\n{event_id}\n".encode())
            os.fdatasync(self._file)
        except OSError:
            return False
        return True

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def make_lifts(
    outbox: Outbox,
    dials: Array[c_double],
    accounts: tuple[Journal, Journal, Callable[[], None]],
    stop: threading.Event,
) -> None:
    """Lifts at the dialled rate; each is told to ``recorded`` only once no event waits for the disk."""
    intended, recorded, wake = accounts
    waiting: list[str] = []
    due_s = time.monotonic()
    while not stop.is_set():
        offset_s, rate_hz = dials[0], dials[1]
        now_s = time.time() + offset_s
        if rate_hz > 0 and time.monotonic() >= due_s:
            due_s = max(due_s + 1 / rate_hz, time.monotonic() - 1)
            event = a_lift(now_s, len(waiting))
            if intended.write(event.event_id):
                outbox.hold(event)
                waiting.append(event.event_id)
        if outbox.release(now_s):
            wake()
        if not outbox.unsaved:
            while waiting and recorded.write(waiting[0]):
                waiting.pop(0)
        stop.wait(PAUSE_S)


def a_lift(now_s: float, number: int) -> LiftEvent:
    """An event of this second."""
    return LiftEvent(
        event_id=str(uuid.uuid4()),
        site=SITE,
        zone=ZONES[number % len(ZONES)],
        bucket_start=int(now_s),
        technique="hinge",
        risk="low",
        trunk_inclination_band="30-60",
        spine_flexion_band="0-20",
        knee_flexion_band="30-60",
        confidence_band="high",
        view="side",
        model="outline-1.0",
    )


def lines(path: Path) -> set[str]:
    """The whole ids of a journal; a kill or a full disk may have left half a line."""
    text = path.read_text() if path.exists() else ""
    return {line for line in text.splitlines() if len(line) == len(str(uuid.UUID(int=0)))}


def settle_journals(orders: Orders) -> None:
    """Add to ``recorded`` what a killed driver had brought into the outbox's file but not yet into the journal."""
    unsure = lines(orders.directory / "intended") - lines(orders.directory / "recorded")
    if not unsure or not orders.outbox.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(orders.outbox)) as database:
        with closing(database.execute("SELECT event_id FROM events")) as rows:  # an open one keeps the file locked
            held = {event_id for (event_id,) in rows}
        with Journal(orders.directory / "recorded") as recorded:
            for event_id in sorted(unsure & held):
                recorded.write(event_id)
