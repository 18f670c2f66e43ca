"""The overview page as the bridge serves it: reads the ledger and what agents said, and has it drawn."""

import sqlite3
import threading
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from edge_agent import hours
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.core.fleet import AgentHealth, AgentState
from edge_agent.core.overview import HEAT_DAYS, TREND_DAYS, BridgeState, Counted, Plan, day_start, overview
from edge_agent.core.tally import HourCount, ZoneCount
from edge_agent.ledger import Ledger
from edge_agent.metrics_server import Document
from edge_agent.overview_html import overview_document
from edge_agent.settings import BridgeSettings

KEEP_DRAWN_S: Final = 5.0
"""However many look at it, it is drawn no more often: of a thousand zones it takes 0.45 s of a core."""
REREAD_S: Final = 300.0
"""A day that is over hardly changes, but a box that was offline may still bring lifts of it."""
FRESH_DAYS: Final = 2
"""Today and yesterday are read each time: what a night shift's last minutes held back comes after midnight."""

DayCounts = tuple[list[HourCount], list[ZoneCount]]


class OverviewPage:
    """``document`` may be called from any thread."""

    def __init__(
        self,
        ledger: Ledger,
        health: Mapping[tuple[str, str], AgentHealth],
        telemetry: BridgeTelemetry,
        settings: BridgeSettings,
    ) -> None:
        """health: by (site, agent); it may go on changing."""
        self._ledger, self._health, self._telemetry = ledger, health, telemetry
        self._stale_after_s = settings.stale_after_s
        self._zone = ZoneInfo(settings.time_zone)
        self._plan = Plan(self._zone, settings.shift_starts, settings.target_risky_share)
        self._lock = threading.Lock()
        self._days: dict[date, tuple[float, DayCounts]] = {}
        self._counted = Counted((), (), (), (), 0)
        self._agents: list[AgentState] = []
        self._drawn: tuple[float, Document] | None = None

    def document(self) -> Document:
        """The page as of now. While the ledger's disk fails it shows, and says that it shows, what was last read."""
        with self._lock:
            if self._drawn is None or time.monotonic() - self._drawn[0] > KEEP_DRAWN_S:
                self._drawn = time.monotonic(), self._draw(time.time())
            return self._drawn[1]

    def _draw(self, now_s: float) -> Document:
        now = datetime.fromtimestamp(now_s, self._zone)
        readable = True
        try:
            self._counted, self._agents = self._read(now), self._states(now_s)
        except sqlite3.Error:
            self._telemetry.storage_errors.inc()
            readable = False
        state = BridgeState(self._agents, self._connected(), readable, self._refused())
        return overview_document(overview(self._counted, state, self._plan, now))

    def _read(self, now: datetime) -> Counted:
        """Day by day, so that counting never waits long for us."""
        today = now.date()
        days = [today - timedelta(back) for back in range(HEAT_DAYS + 1)]
        read = {day: self._day(day, fresh=age < FRESH_DAYS) for age, day in enumerate(days)}
        self._days = {day: kept for day, kept in self._days.items() if day in read}
        return Counted(
            hours=[row for day in days for row in read[day][0]],
            zones=[row for day in days[:TREND_DAYS] for row in read[day][1]],
            zones_today=read[today][1],
            named=self._ledger.zones(now.timestamp()),
            since_s=hours.since_s(self._ledger.read),
        )

    def _day(self, day: date, *, fresh: bool) -> DayCounts:
        kept = self._days.get(day)
        if kept is None or fresh or time.monotonic() - kept[0] > REREAD_S:
            kept = self._days[day] = time.monotonic(), self._between(day, day + timedelta(1))
        return kept[1]

    def _between(self, first: date, last: date) -> DayCounts:
        from_s, to_s = (int(day_start(day, self._zone).timestamp()) for day in (first, last))
        return hours.by_hour(self._ledger.read, from_s, to_s), hours.by_zone(self._ledger.read, from_s, to_s)

    def _states(self, now_s: float) -> list[AgentState]:
        return [
            AgentState(
                site,
                name,
                agent.online and now_s - agent.seen_at_s <= self._stale_after_s,
                agent.seen_at_s,
                self._health.get((site, name), AgentHealth()),
            )
            for (site, name), agent in sorted(self._ledger.agents(now_s).items())
        ]

    def _connected(self) -> bool:
        return any(sample.value for family in self._telemetry.connected.collect() for sample in family.samples)

    def _refused(self) -> int:
        samples = (sample for family in self._telemetry.rejected.collect() for sample in family.samples)
        return int(sum(sample.value for sample in samples))
