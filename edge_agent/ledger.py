"""What the bridge has counted, on disk: a lift and the id that stops it counting twice, in one commit.

A commit waits for the disk (5 ms on a virtual one, where the rest of an event takes 0.03 ms), so the bridge has many
events share one: ``together``. None of them is acknowledged before it.

Scrapes read the file, so two replicas that share it show the same counts. SQLite's write-ahead log, which
makes that safe, works between processes of one machine only: replicas on different nodes cannot share a
ledger over a network file system. (They need not: two bridges, each with a ledger of its own, each hear and
count every lift.)

The file also remembers the agents, and the id under which the broker keeps our queue, so that file and queue
always belong together.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import product
from pathlib import Path
from typing import Any, Final

from edge_agent import hours
from edge_agent import ledger_tables as tables
from edge_agent.core.events import LiftEvent
from edge_agent.core.records import TECHNIQUES
from edge_agent.core.remembered import DAY_S, REMEMBER_DAYS, out_of_days
from edge_agent.core.risk import RISKS
from edge_agent.database import open_database

ZONE_DAYS: Final = 30
"""A zone that no event and no agent has named for this long leaves the page and makes room for another. Its
counts stay on disk: when it comes back it goes on from there, so its counters never fall."""
AGENT_DAYS: Final = 14
"""An agent silent for this long leaves the page, and makes room for another."""
MAX_ZONES_PER_SITE: Final = 200
"""So that whoever may write as one site takes no room from the others."""
MAX_AGENTS_PER_SITE: Final = 100

Series = tuple[str, str, str, str]
"""site, zone, technique, risk"""


class RefusedError(Exception):
    """The ledger does not take this in. ``reason`` is one of REFUSALS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REFUSALS: Final = ("too_old", "in_future", "too_many_zones", "too_many_agents", "state_full")


@dataclass(frozen=True, slots=True)
class Agent:
    """What is known of one agent. seen_at_s: unix time of its last word; 0 when it was never heard live."""

    online: bool = False
    seen_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """Beyond max_bytes no new event is taken in. max_zones, max_agents: of all sites.

    Each zone is 12 time series, and a forger must not flood Prometheus.
    """

    max_bytes: int
    max_zones: int = 1000
    max_agents: int = 500


class Ledger:
    """Every method may be called from any thread. A failing disk raises sqlite3.Error and changes nothing."""

    def __init__(self, path: Path, room: Room, *, shared: bool = False, time_zone: tzinfo = UTC) -> None:
        """shared: with another replica on this machine. time_zone: where hours begin.

        Raises InputError when the file cannot be used.
        """
        self._lock = threading.RLock()
        self._is_together = False
        self._named_on_day: dict[tuple[str, str], int] = {}
        self._time_zone = time_zone
        self._room = room
        self._database = open_database(path, f"{tables.TABLES};{hours.TABLES}", shared=shared, layout=tables.LAYOUT)
        self._pruned_day = -1
        with self.together():
            tables.take_over_old_ids(self._database)
        self.identity = self._read_identity()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread writes within is committed at its end, all of it or, where that raises, nothing."""
        with self._lock:
            if self._is_together:
                yield
                return
            self._is_together = True
            try:
                with self._database:
                    self._database.execute("BEGIN IMMEDIATE")
                    yield
            except BaseException:
                self._named_on_day.clear()  # what was noted here may have been undone there
                self._pruned_day = -1
                raise
            finally:
                self._is_together = False

    def count(self, events: Sequence[LiftEvent], now_s: float) -> list[str]:
        """Count each event once, all in one commit; returns what became of each.

        ``counted``, ``duplicate`` where its id was seen before, or one of REFUSALS: outside the days that can be
        remembered, or beyond a limit.
        """
        today = int(now_s // DAY_S)
        with self.together():
            self._prune(today)
            full = self._is_full()
            became = [
                out_of_days(event.bucket_start, now_s) or self._remember(event, today, full) for event in events
            ]
            counted = [event for event, result in zip(events, became, strict=True) if result == "counted"]
            lifts = Counter((event.site, event.zone, event.technique, event.risk) for event in counted)
            self._database.executemany(tables.COUNT_MORE, ((count, *series) for series, count in lifts.items()))
            hours.add(self._database, counted, self._time_zone)
        return became

    def declare(self, site: str, zones: Iterable[str], now_s: float) -> None:
        """Start every counter of these zones at 0, unless it exists.

        Raises RefusedError beyond the limit, and then has started none of them.
        """
        with self.together():
            self._database.execute("SAVEPOINT zones")
            try:
                for zone in zones:
                    self._name(site, zone, int(now_s // DAY_S))
            except RefusedError:
                self._database.execute("ROLLBACK TO zones")
                self._named_on_day.clear()
                raise
            finally:
                self._database.execute("RELEASE zones")

    def heard(self, site: str, agent: str, now_s: float, *, online: bool | None = None, at_s: float = 0.0) -> None:
        """Note what an agent said (None: no news about that) and when it was alive (0: that is not known).

        To within a second, so that a flood of such messages costs no disk writes.
        Raises RefusedError for an agent beyond the limit.
        """
        news = {"site": site, "agent": agent, "online": online, "at_s": min(at_s, now_s), "now_s": now_s}
        with self.together():
            known = self._database.execute(tables.AGENT, (site, agent)).fetchone()
            if known is None:
                self._make_room_for_an_agent(site, now_s)
            elif online in {None, bool(known[0])} and (at_s == 0.0 or 0.0 <= at_s - known[1] < 1.0):
                return
            self._database.execute(tables.HEARD, news)

    def forget(self, site: str, agent: str) -> None:
        """Drop an agent that was taken out of service."""
        with self.together():
            self._database.execute("DELETE FROM agents WHERE site = ? AND agent = ?", (site, agent))

    def sign(self, replica: str, now_s: float) -> None:
        """Note that a replica is alive."""
        with self.together():
            self._database.execute("INSERT OR REPLACE INTO replicas VALUES (?, ?)", (replica, now_s))

    def take_silent(self, now_s: float, silent_s: float) -> str | None:
        """The name of a replica that has not signed for ``silent_s``, signed for it so that one caller gets it."""
        with self.together():
            row = self._database.execute(tables.TAKE_SILENT, {"now_s": now_s, "silent_s": silent_s}).fetchone()
        return None if row is None else str(row[0])

    def lifts(self, now_s: float) -> dict[Series, int]:
        """The counters of every zone that was named in the last ZONE_DAYS."""
        with self._lock:
            rows = self._database.execute(tables.SHOWN_LIFTS, (_oldest_named(now_s),)).fetchall()
        return {(site, zone, technique, risk): lifts for site, zone, technique, risk, lifts in rows}

    def agents(self, now_s: float) -> dict[tuple[str, str], Agent]:
        """Every (site, agent) that was heard in the last AGENT_DAYS, or has not been heard live."""
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM agents WHERE seen_at_s = 0 OR seen_at_s >= ?", (now_s - AGENT_DAYS * DAY_S,)
            ).fetchall()
        return {(site, agent): Agent(bool(online), seen_at_s) for site, agent, online, seen_at_s in rows}

    def zones(self, now_s: float) -> list[tuple[str, str]]:
        """(site, zone) of every zone that was named in the last ZONE_DAYS."""
        return self.read("SELECT site, zone FROM zones WHERE named_on_day >= ?", (_oldest_named(now_s),))

    def read(self, query: str, parameters: tuple[int, ...]) -> list[Any]:
        """The rows of one query. Counting waits for it: ask for little at a time."""
        with self._lock:
            return self._database.execute(query, parameters).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def _name(self, site: str, zone: str, today: int) -> None:
        """Read from the file but once a day: there its day only ever grows, whoever else writes it."""
        if self._named_on_day.get((site, zone), -1) >= today:
            return
        row = self._database.execute(
            "SELECT named_on_day FROM zones WHERE site = ? AND zone = ?", (site, zone)
        ).fetchone()
        if row is not None and row[0] >= today:
            self._named_on_day[site, zone] = row[0]
            return
        if row is None or row[0] < today - ZONE_DAYS:
            self._refuse_too_many_zones(site, today)
        self._database.execute("INSERT OR REPLACE INTO zones VALUES (?, ?, ?)", (site, zone, today))
        zeros = [(site, zone, technique, risk) for technique, risk in product(TECHNIQUES, RISKS)]
        self._database.executemany("INSERT OR IGNORE INTO lifts VALUES (?, ?, ?, ?, 0)", zeros)
        self._named_on_day[site, zone] = today

    def _refuse_too_many_zones(self, site: str, today: int) -> None:
        shown, of_site = self._database.execute(
            "SELECT count(*), count(*) FILTER (WHERE site = ?) FROM zones WHERE named_on_day >= ?",
            (site, today - ZONE_DAYS),
        ).fetchone()
        if shown >= self._room.max_zones or of_site >= MAX_ZONES_PER_SITE:
            raise RefusedError("too_many_zones")

    def _make_room_for_an_agent(self, site: str, now_s: float) -> None:
        if self._has_room_for_an_agent(site):
            return
        self._database.execute("DELETE FROM agents WHERE seen_at_s < ?", (now_s - AGENT_DAYS * DAY_S,))
        if not self._has_room_for_an_agent(site):
            raise RefusedError("too_many_agents")

    def _has_room_for_an_agent(self, site: str) -> bool:
        known, of_site = self._database.execute(
            "SELECT count(*), count(*) FILTER (WHERE site = ?) FROM agents", (site,)
        ).fetchone()
        return bool(known < self._room.max_agents and of_site < MAX_AGENTS_PER_SITE)

    def _remember(self, event: LiftEvent, today: int, full: bool) -> str:
        row = event.bucket_start // DAY_S, tables.id_bytes(event.event_id)
        if not self._database.execute(tables.REMEMBER, row).rowcount:
            return "duplicate"
        refusal = "state_full" if full else self._no_place(event, today)
        if refusal:
            self._database.execute(tables.FORGET, row)
        return refusal or "counted"

    def _no_place(self, event: LiftEvent, today: int) -> str:
        try:
            self._name(event.site, event.zone, today)
        except RefusedError as error:
            return error.reason
        return ""

    def _is_full(self) -> bool:
        """Before a commit, which adds some 27 bytes for each event."""
        pages, free, page_bytes = (self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in _SIZES)
        return bool((pages - free) * page_bytes > self._room.max_bytes)

    def _prune(self, today: int) -> None:
        if today == self._pruned_day:
            return
        self._database.execute(tables.PRUNE, (today - REMEMBER_DAYS,))
        hours.prune(self._database, today)
        self._pruned_day = today

    def _read_identity(self) -> str:
        """Drawn once for each file; of two replicas that start together, one draws it."""
        drawn = f"hingewatch-bridge-{uuid.uuid4().hex[:12]}"
        with self.together():
            self._database.execute(
                "INSERT INTO identity SELECT ? WHERE NOT EXISTS (SELECT * FROM identity)", (drawn,)
            )
        return str(self._database.execute("SELECT client_id FROM identity").fetchone()[0])


_SIZES: Final = ("page_count", "freelist_count", "page_size")


def _oldest_named(now_s: float) -> int:
    return int(now_s // DAY_S) - ZONE_DAYS
