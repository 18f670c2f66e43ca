"""Four weeks of a site whose every lift is known, published through a real broker."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from edge_agent.bridge import Bridge
from edge_agent.core.events import to_json, topic
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.lift_events import an_event
from tests.services import Listener, Mosquitto, page, sample, wait_for

SITE = "leeds"
RISKY_SHARES = {"dock-1": 0.11, "pallet-line": 0.34, "packing": 0.19, "returns": 0.05}
BUSY = {"dock-1": 5, "pallet-line": 6, "packing": 4, "returns": 0.4}
UNKNOWN_SHARES = {"packing": 0.38}
AGENTS = {"dock-box-1": ("dock-1", "returns"), "hall-box-2": ("pallet-line", "packing")}
LONG_AGO_S = 40 * 86_400
BATCH = 500
"""mosquitto queues a thousand messages for a subscriber and drops the rest."""


@dataclass(frozen=True, slots=True)
class KnownLift:
    """What was published, beside its random id."""

    bucket_start: int
    zone: str
    technique: str
    risk: str

    @property
    def told(self) -> bool:
        return self.technique != "unknown"

    @property
    def risky(self) -> bool:
        return self.told and self.risk == "high"


def known_lifts(now: datetime, days: int = 30, seed: int = 20261126) -> list[KnownLift]:
    """Lifts of the last days up to ``now``: two shifts on weekdays, one on Saturday, worse towards a shift's end."""
    chance = random.Random(seed)
    lifts: list[KnownLift] = []
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(days, -1, -1):
        day = midnight - timedelta(back)
        last_hour = {5: 13, 6: 0}.get(day.weekday(), 22)
        for hour in range(6, last_hour):
            lifts += _hour(day.replace(hour=hour), chance)
    return [lift for lift in lifts if lift.bucket_start <= now.timestamp()]


def _hour(start: datetime, chance: random.Random) -> Iterator[KnownLift]:
    tired = ((start.hour - 6) % 8) / 8
    for zone, busy in BUSY.items():
        for _ in range(int(chance.expovariate(1 / busy))):
            bucket = int(start.timestamp()) + 300 * chance.randrange(12)
            if chance.random() < UNKNOWN_SHARES.get(zone, 0.12):
                yield KnownLift(bucket, zone, "unknown", chance.choice(("low", "medium")))
            elif chance.random() < RISKY_SHARES[zone] * (0.6 + tired):
                yield KnownLift(bucket, zone, "rounded_back", "high")
            else:
                yield KnownLift(
                    bucket, zone, chance.choice(("hinge", "squat", "squat")), chance.choice(("low", "medium"))
                )


def publish(agent: Listener, lifts: list[KnownLift], bridge_port: int) -> None:
    """In batches, each counted before the next."""
    before = counted(bridge_port)
    for first in range(0, len(lifts), BATCH):
        for lift in lifts[first : first + BATCH]:
            event = an_event(
                site=SITE, zone=lift.zone, bucket_start=lift.bucket_start, technique=lift.technique, risk=lift.risk
            )
            agent.publish_soon(topic(SITE, lift.zone), to_json(event))
        sent = before + min(first + BATCH, len(lifts))
        wait_for(f"{sent} lifts to be counted", partial(_all_counted, bridge_port, sent), timeout_s=60)


def _all_counted(port: int, sent: float) -> bool:
    return counted(port) >= sent


def counted(port: int) -> float:
    return sample(page(port), 'ergo_bridge_messages_total{result="counted"}') or 0.0


def announce(agent: Listener, *, cameras_up: int = 2, names: tuple[str, ...] = tuple(AGENTS)) -> None:
    """Agents say that they are there, with two cameras each."""
    for name in names:
        agent.publish(f"ergo/v1/{SITE}/{name}/status", "online", retain=True)
        record = {"zones": AGENTS[name], "cameras": 2, "cameras_up": cameras_up, "outbox_held": 3}
        agent.publish(f"ergo/v1/{SITE}/{name}/health", json.dumps(record), retain=True)


def as_if_counted_for_long(bridge: Bridge, now_s: float) -> None:
    """As if hours had been counted for forty days: the ledger is new, its lifts are not."""
    with bridge._ledger._database as database:
        database.execute("UPDATE hours_since SET since_s = ?", (int(now_s) - LONG_AGO_S,))


@contextmanager
def running_site(directory: Path, **settings: object) -> Iterator[tuple[Bridge, Listener]]:
    """A real broker and bridge, agents announced; nothing counted yet."""
    (directory / "mosquitto").mkdir()
    with Mosquitto(directory / "mosquitto") as broker, Listener(broker.port) as agent:
        # they announce themselves once: on a slow machine two minutes later they would count as silent
        usual = {
            "port": 0,
            "state_path": directory / "bridge.sqlite",
            "time_zone": "Europe/London",
            "stale_after_s": 1e6,
        }
        chosen = BridgeSettings.model_validate(usual | settings)
        with Bridge(chosen, MqttSettings(port=broker.port)) as bridge:
            wait_for("the bridge's connection", lambda: sample(page(bridge.port), "ergo_bridge_connected"))
            announce(agent)
            yield bridge, agent


def by_technique(lifts: list[KnownLift]) -> Counter[str]:
    return Counter(lift.technique for lift in lifts)
