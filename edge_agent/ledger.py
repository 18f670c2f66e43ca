"""What the bridge has counted, on disk: a lift and the id that stops it counting twice, in one commit.

The counters are kept in memory too, for scrapes, and move only after the commit. The file also remembers
the agents, and the id under which the broker keeps our queue, so that file and queue always belong
together.
"""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_agent.core.events import LiftEvent
from edge_agent.core.records import TECHNIQUES
from edge_agent.core.risk import RISKS
from edge_agent.database import open_database

REMEMBER_DAYS: Final = 14
"""How long event ids and silent agents are kept. An event whose acknowledgement was lost is counted twice
if its agent then stays away for longer than this."""
MAX_ZONES: Final = 1000
"""Each zone is 12 time series; a forger must not be able to flood Prometheus."""
DAY_S: Final = 86_400

TABLES = """
CREATE TABLE IF NOT EXISTS identity (client_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lifts (
    site TEXT NOT NULL, zone TEXT NOT NULL, technique TEXT NOT NULL, risk TEXT NOT NULL, lifts INTEGER NOT
    NULL, PRIMARY KEY (site, zone, technique, risk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_by_day ON seen (day);
CREATE TABLE IF NOT EXISTS agents (
    site TEXT NOT NULL, agent TEXT NOT NULL, online INTEGER NOT NULL, seen_at_s REAL NOT NULL,
    PRIMARY KEY (site, agent)
) WITHOUT ROWID
"""

_COUNT_ONE: Final = """
UPDATE lifts SET lifts = lifts + 1 WHERE site = ? AND zone = ? AND technique = ? AND risk = ?
"""

Series = tuple[str, str, str, str]
"""site, zone, technique, risk"""


class TooManyZonesError(Exception):
    """The site would show more than MAX_ZONES zones."""


@dataclass(frozen=True, slots=True)
class Agent:
    """What is known of one agent. seen_at_s: unix time of its last word; 0 when it was never heard live."""

    online: bool = False
    seen_at_s: float = 0.0


class Ledger:
    """Every method may be called from any thread. A failing disk raises sqlite3.Error and changes nothing."""

    def __init__(self, path: Path) -> None:
        """Raises InputError when the file cannot be used."""
        self._lock = threading.Lock()
        self._database = open_database(path, TABLES)
        self._lifts: dict[Series, int] = {
            (site, zone, technique, risk): lifts
            for site, zone, technique, risk, lifts in self._database.execute("SELECT * FROM lifts")
        }
        self._agents = {
            (site, agent): Agent(bool(online), seen_at_s)
            for site, agent, online, seen_at_s in self._database.execute("SELECT * FROM agents")
        }
        self._pruned_day = -1
        self.client_id = self._read_client_id()

    def count(self, event: LiftEvent, now_s: float) -> bool:
        """Count an event once. Returns False, and counts nothing, when its id was seen before.

        Raises TooManyZonesError for a zone beyond the limit.
        """
        series = (event.site, event.zone, event.technique, event.risk)
        with self._lock:
            with self._database:
                self._prune(int(now_s // DAY_S))
                new = self._database.execute(
                    "INSERT OR IGNORE INTO seen VALUES (?, ?)", (event.event_id, int(now_s // DAY_S))
                ).rowcount
                if not new:
                    return False
                zeros = self._insert_zeros(event.site, [event.zone])
                self._database.execute(
                    _COUNT_ONE,
                    series,
                )
            self._lifts.update(zeros)
            self._lifts[series] += 1
            return True

    def declare(self, site: str, zones: Iterable[str]) -> None:
        """Start every counter of these zones at 0, unless it exists. Raises TooManyZonesError."""
        with self._lock:
            with self._database:
                zeros = self._insert_zeros(site, zones)
            self._lifts.update(zeros)

    def heard(self, site: str, agent: str, *, online: bool | None = None, at_s: float | None = None) -> None:
        """Note what an agent said (None: no news about that) and when it was alive."""
        with self._lock:
            known = self._agents.get((site, agent), Agent())
            news = replace(
                known,
                online=known.online if online is None else online,
                seen_at_s=known.seen_at_s if at_s is None else max(known.seen_at_s, at_s),
            )
            with self._database:
                self._database.execute(
                    "INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?)",
                    (site, agent, news.online, news.seen_at_s),
                )
            self._agents[site, agent] = news

    def forget(self, site: str, agent: str) -> None:
        """Drop an agent that was taken out of service."""
        with self._lock:
            with self._database:
                self._database.execute("DELETE FROM agents WHERE site = ? AND agent = ?", (site, agent))
            self._agents.pop((site, agent), None)

    def lifts(self) -> dict[Series, int]:
        """A copy of every counter."""
        with self._lock:
            return dict(self._lifts)

    def agents(self) -> dict[tuple[str, str], Agent]:
        """A copy of every (site, agent)."""
        with self._lock:
            return dict(self._agents)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _insert_zeros(self, site: str, zones: Iterable[str]) -> dict[Series, int]:
        shown = {series[:2] for series in self._lifts}
        new = {(site, zone) for zone in zones} - shown
        if new and len(shown) + len(new) > MAX_ZONES:
            raise TooManyZonesError
        zeros: dict[Series, int] = {
            (*place, technique, risk): 0 for place, technique, risk in product(new, TECHNIQUES, RISKS)
        }
        self._database.executemany("INSERT INTO lifts VALUES (?, ?, ?, ?, 0)", list(zeros))
        return zeros

    def _prune(self, today: int) -> None:
        if today == self._pruned_day:
            return
        self._database.execute("DELETE FROM seen WHERE day < ?", (today - REMEMBER_DAYS,))
        self._pruned_day = today

    def _read_client_id(self) -> str:
        row = self._database.execute("SELECT client_id FROM identity").fetchone()
        if row is not None:
            return str(row[0])
        client_id = f"hingewatch-bridge-{uuid.uuid4().hex[:12]}"
        with self._database:
            self._database.execute("INSERT INTO identity VALUES (?)", (client_id,))
        return client_id


class SiteCollector(Collector):
    """The ledger as ``/metrics`` shows it."""

    def __init__(self, ledger: Ledger, stale_after_s: float) -> None:
        self._ledger = ledger
        self._stale_after_s = stale_after_s

    def collect(self) -> Iterator[Metric]:
        """An agent is up while its last status is ``online`` and it was heard within ``stale_after_s``."""
        lifts = CounterMetricFamily(
            "ergo_lifts",
            "Lifts by technique and posture exposure (not injury risk)",
            labels=["site", "zone", "technique", "risk"],
        )
        for series, count in sorted(self._ledger.lifts().items()):
            lifts.add_metric(series, count)
        up = GaugeMetricFamily(
            "ergo_agent_up", "1 while the agent is online and heard from", labels=["site", "agent"]
        )
        seen = GaugeMetricFamily(
            "ergo_agent_last_seen_timestamp_seconds", "When the agent last spoke", labels=["site", "agent"]
        )
        now_s = time.time()
        for name, agent in sorted(self._ledger.agents().items()):
            silent_s = now_s - agent.seen_at_s
            if agent.seen_at_s and silent_s > REMEMBER_DAYS * DAY_S:
                continue
            up.add_metric(name, agent.online and silent_s <= self._stale_after_s)
            if agent.seen_at_s:
                seen.add_metric(name, agent.seen_at_s)
        yield from (lifts, up, seen)
