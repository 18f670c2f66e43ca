"""Lifts by the hour in which they happened: what the overview page reads.

Prometheus dates a lift by when it read of it; here it stands in the hour of its bucket, however late it came. Rows
are written in the ledger's own transaction, so an event counts here exactly when it counts in the total.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from edge_agent.core.events import LiftEvent
from edge_agent.core.tally import HourCount, ZoneCount

KEEP_DAYS: Final = 90
"""An hour is final once no event of it is taken in any more, after core.remembered.REMEMBER_DAYS. The page looks
back four weeks; whoever wants more asks Prometheus. A row is some 50 bytes: a zone at work 16 hours a day, with five
combinations of technique and risk an hour, is 0.4 MB."""

TABLES: Final = """
CREATE TABLE IF NOT EXISTS hours (
    start_s INTEGER NOT NULL, site TEXT NOT NULL, zone TEXT NOT NULL, technique TEXT NOT NULL, risk TEXT NOT NULL,
    lifts INTEGER NOT NULL, PRIMARY KEY (start_s, site, zone, technique, risk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hours_since (since_s INTEGER NOT NULL);
INSERT INTO hours_since SELECT strftime('%s') WHERE NOT EXISTS (SELECT * FROM hours_since)
"""
"""A ledger from before there were hours begins them now: what it has counted so far has no hour, and
``hours_since`` is there so that nobody takes the gap for a quiet time."""

_ADD: Final = "INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET lifts = lifts + excluded.lifts"
# As with ids, at most two days go at a time: a clock that is wrong for a moment must not empty the table.
_PRUNE: Final = "DELETE FROM hours WHERE start_s < ? AND start_s < (SELECT min(start_s) + 172800 FROM hours)"
_BY_HOUR: Final = """
SELECT start_s, technique, risk, sum(lifts) FROM hours WHERE start_s >= ? AND start_s < ? GROUP BY 1, 2, 3
"""
_BY_ZONE: Final = """
SELECT site, zone, technique, risk, sum(lifts) FROM hours WHERE start_s >= ? AND start_s < ? GROUP BY 1, 2, 3, 4
"""

Read = Callable[[str, tuple[int, ...]], list[Any]]
"""Runs one query: ``Ledger.read``."""


def add(database: sqlite3.Connection, events: Iterable[LiftEvent], zone: tzinfo) -> None:
    """One lift more for each. The caller holds the transaction."""
    lifts = Counter(
        (hour_start(each.bucket_start, zone), each.site, each.zone, each.technique, each.risk) for each in events
    )
    database.executemany(_ADD, ((*row, count) for row, count in lifts.items()))


def prune(database: sqlite3.Connection, today: int) -> None:
    """Forget hours that are older than KEEP_DAYS. ``today`` in days since the epoch."""
    database.execute(_PRUNE, ((today - KEEP_DAYS) * 86_400,))


def hour_start(unix_s: int, zone: tzinfo) -> int:
    """When this moment's hour began on the wall, in unix seconds: at :30 UTC where clocks differ by half hours."""
    if zone is UTC:
        return unix_s - unix_s % 3600
    offset = datetime.fromtimestamp(unix_s, zone).utcoffset()
    offset_s = int(offset.total_seconds()) if offset else 0
    return unix_s - (unix_s + offset_s) % 3600


def by_hour(read: Read, from_s: int, to_s: int) -> list[HourCount]:
    """Of all zones together."""
    return [HourCount(*row) for row in read(_BY_HOUR, (from_s, to_s))]


def by_zone(read: Read, from_s: int, to_s: int) -> list[ZoneCount]:
    """Of all hours together."""
    return [ZoneCount(*row) for row in read(_BY_ZONE, (from_s, to_s))]


def since_s(read: Read) -> int:
    """When hours began to be counted, unix seconds."""
    return int(read("SELECT since_s FROM hours_since", ())[0][0])
