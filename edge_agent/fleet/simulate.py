"""A fleet at work: for each agent the real outbox and the real publisher, and lifts as the patterns say.

Only what lies before them is made up, so births, wills, health records, the release by pools, delivery after an
outage and TLS are those of an agent. An agent without power vanishes and its will fires; without a network it goes on
holding events and sends them when it is back.
"""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import CollectorRegistry

from edge_agent.core.events import bucket_start
from edge_agent.core.health import HealthRecord
from edge_agent.errors import InputError
from edge_agent.fleet.layout import Fleet, Zone
from edge_agent.fleet.lift_events import MODEL, events_of
from edge_agent.fleet.shifts import WEEK_S, week_of, week_start
from edge_agent.fleet.work import Counts, Span, away, lifts_seen
from edge_agent.outbox import Outbox
from edge_agent.publisher import AgentName, Publisher
from edge_agent.settings import MqttSettings, OutboxSettings, PrivacySettings
from edge_agent.telemetry import AgentTelemetry

STOP_S: Final = 5.0
VANISH_S: Final = 2.0
LOOK_S: Final = 0.2
_STOP_AT_ONCE: Final = 32

Credentials = Callable[[str, str], MqttSettings]
"""The broker's settings for (site, agent): each may have a certificate of its own."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Simulated time: ``speed_up`` times as fast as this machine's, and never ahead of it.

    first_s: unix time at which the simulation begins, when the machine's clock reads ``began_s``.
    """

    first_s: float
    began_s: float
    speed_up: float = 1.0

    def at(self, now_s: float) -> float:
        """The simulated unix time when the machine's clock reads ``now_s``. The bridge refuses the future."""
        return min(now_s, self.first_s + (now_s - self.began_s) * self.speed_up)


class SimulatedAgent:
    """One agent, whose outbox lies in ``folder``."""

    def __init__(self, fleet: Fleet, name: AgentName, broker: MqttSettings, folder: Path, privacy: PrivacySettings):
        """Raises InputError when a certificate, or the outbox in ``folder``, cannot be used."""
        self._fleet = fleet
        self._name = name
        self._broker = broker
        self._privacy = privacy
        self._zones = fleet.of_agent(name.site, name.agent)
        self._telemetry = AgentTelemetry(CollectorRegistry())
        path = folder / f"{name.site}.{name.agent}.sqlite"
        self._outbox = Outbox(OutboxSettings(path=path), privacy, self._telemetry)
        self._weeks: dict[str, tuple[int, Counts]] = {}
        self._publisher: _Publisher | None = None

    def live_through(self, bucket_s: int) -> int:
        """A bucket that begins at this unix time and has ended since; returns how many lifts its cameras saw."""
        span = Span(bucket_s, bucket_s + self._privacy.bucket_s, self._privacy.bucket_s)
        lifts = 0
        for zone in self._zones:
            lifts += self._see(zone, span)
        self._outbox.release(span.end_s)
        if away(self._fleet, self._name.site, self._name.agent, span)[0]:
            self.vanish()
        else:
            self.connect()
        return lifts

    def connect(self) -> None:
        """Say online, and send what waits."""
        if self._publisher is None:
            self._publisher = _Publisher(self._broker, self._name, self._outbox, self._telemetry, self._health)
            self._publisher.start()
        self._publisher.wake()

    def vanish(self) -> None:
        """Without goodbye."""
        if self._publisher is not None:
            self._publisher.vanish()
            self._publisher = None

    def stop(self) -> None:
        """Say stopped; what the broker has not acknowledged stays in the outbox's file."""
        if self._publisher is not None:
            self._publisher.stop(STOP_S)
        self._outbox.close()

    def _see(self, zone: Zone, span: Span) -> int:
        counts = self._week_of(zone, span)
        for event in events_of(self._fleet, zone, span.first_s, counts, lambda: str(uuid.uuid4())):
            self._outbox.hold(event)
        return sum(counts)

    def _week_of(self, zone: Zone, span: Span) -> list[int]:
        """The span's only bucket; a week is drawn at a time, and kept until the next one."""
        week = week_of(span.first_s)
        kept = self._weeks.get(zone.place.zone)
        if kept is None or kept[0] != week:
            whole = Span(week_start(week), week_start(week + 1), span.bucket_s)
            kept = week, lifts_seen(self._fleet, zone, whole)
            self._weeks[zone.place.zone] = kept
        counts: list[int] = kept[1][(span.first_s - week_start(week)) // span.bucket_s].tolist()
        return counts

    def _health(self) -> HealthRecord:
        held, ready = self._outbox.shown_depth()
        zones = tuple(sorted(zone.place.zone for zone in self._zones))
        up = len(zones)
        return HealthRecord(model=MODEL, zones=zones, cameras=up, cameras_up=up, outbox_held=held, outbox_ready=ready)


class _Publisher(Publisher):
    """One that can lose its power."""

    def vanish(self) -> None:
        """The connection breaks, the broker publishes the will, and nothing is said."""
        self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
        by_s = time.monotonic() + VANISH_S
        while self._connected.is_set() and time.monotonic() < by_s:
            time.sleep(0.01)
        self.stop(0.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate. broker: for each agent. folder: where the outboxes lie. privacy: of all sites."""

    fleet: Fleet
    broker: Credentials
    folder: Path
    privacy: PrivacySettings
    clock: Clock


def simulate(plan: Plan, stop: threading.Event, lived_through: Callable[[int, int], None]) -> None:
    """Until ``stop`` is set. ``lived_through`` is told of each bucket when it ended and how many lifts were seen.

    Where this machine is too slow for the speed-up, simulated time lags behind. Raises InputError as SimulatedAgent
    does, and where a week does not hold whole buckets.
    """
    bucket_s = plan.privacy.bucket_s
    if WEEK_S % bucket_s:
        raise InputError(f"a week does not hold whole buckets of {bucket_s} s", "set privacy.bucket_s to 300")
    agents: list[SimulatedAgent] = []
    next_s = bucket_start(plan.clock.first_s, bucket_s)
    try:
        for site in plan.fleet.sites:
            for agent in site.agents:
                name = AgentName(site.name, agent)
                broker = plan.broker(site.name, agent)
                agents.append(SimulatedAgent(plan.fleet, name, broker, plan.folder, plan.privacy))
                agents[-1].connect()
        while not stop.wait(LOOK_S):
            while next_s + bucket_s <= plan.clock.at(time.time()) and not stop.is_set():
                lifts = sum(agent.live_through(next_s) for agent in agents)
                next_s += bucket_s
                lived_through(next_s, lifts)
    finally:
        with ThreadPoolExecutor(_STOP_AT_ONCE) as pool:
            list(pool.map(SimulatedAgent.stop, agents))
