"""The ledger's tables, and what is asked of them."""

import sqlite3
from typing import Final

LAYOUT: Final = 2
"""1: ids as text. A bridge that knows that form only must not open a file of this one: it would know no id."""

TABLES = """
CREATE TABLE IF NOT EXISTS identity (client_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lifts (
    site TEXT NOT NULL, zone TEXT NOT NULL, technique TEXT NOT NULL, risk TEXT NOT NULL, lifts INTEGER NOT
    NULL, PRIMARY KEY (site, zone, technique, risk)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS zones (
    site TEXT NOT NULL, zone TEXT NOT NULL, named_on_day INTEGER NOT NULL, PRIMARY KEY (site, zone)
) WITHOUT ROWID;
INSERT OR IGNORE INTO zones SELECT DISTINCT site, zone, strftime('%s') / 86400 FROM lifts;
CREATE TABLE IF NOT EXISTS ids (day INTEGER NOT NULL, id BLOB NOT NULL, PRIMARY KEY (day, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agents (
    site TEXT NOT NULL, agent TEXT NOT NULL, online INTEGER NOT NULL, seen_at_s REAL NOT NULL,
    PRIMARY KEY (site, agent)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replicas (name TEXT PRIMARY KEY, signed_at_s REAL NOT NULL) WITHOUT ROWID
"""
"""``zones`` of a file from before there was that table are those that have counters.

``ids``: of the events that were counted, by the day of their bucket; an event's bucket never changes once sent.
As text and with an index by day they took four times the room, and three times the time to commit.
"""

REMEMBER: Final = "INSERT OR IGNORE INTO ids VALUES (?, ?)"
FORGET: Final = "DELETE FROM ids WHERE day = ? AND id = ?"
_HAS_OLD_IDS: Final = "SELECT count(*) FROM sqlite_schema WHERE name = 'seen'"
_TAKE_OVER_OLD_IDS: Final = "INSERT OR IGNORE INTO ids SELECT day, id_bytes(event_id) FROM seen"
_DROP_OLD_IDS: Final = "DROP TABLE seen"
COUNT_MORE: Final = """
UPDATE lifts SET lifts = lifts + ? WHERE site = ? AND zone = ? AND technique = ? AND risk = ?
"""
SHOWN_LIFTS: Final = """
SELECT site, zone, technique, risk, lifts FROM lifts JOIN zones USING (site, zone) WHERE named_on_day >= ?
"""
AGENT: Final = "SELECT online, seen_at_s FROM agents WHERE site = ? AND agent = ?"
# An agent last seen in the future is one heard before this machine's clock was put back.
HEARD: Final = """
INSERT INTO agents VALUES (:site, :agent, coalesce(:online, 0), :at_s)
ON CONFLICT DO UPDATE SET online = coalesce(:online, online), seen_at_s = max(min(seen_at_s, :now_s), :at_s)
"""
TAKE_SILENT: Final = """
UPDATE replicas SET signed_at_s = :now_s
WHERE name = (SELECT name FROM replicas WHERE signed_at_s < :now_s - :silent_s LIMIT 1) RETURNING name
"""
# At most two days go at a time, so that a clock that is wrong for a moment does not empty the memory.
PRUNE: Final = "DELETE FROM ids WHERE day < ? AND day <= (SELECT min(day) + 1 FROM ids)"


def take_over_old_ids(database: sqlite3.Connection) -> None:
    """Of a file from before ids were kept as bytes. The caller holds the transaction."""
    if database.execute(_HAS_OLD_IDS).fetchone()[0]:
        database.create_function("id_bytes", 1, id_bytes, deterministic=True)
        database.execute(_TAKE_OVER_OLD_IDS)
        database.execute(_DROP_OLD_IDS)


def id_bytes(event_id: str) -> bytes:
    """A UUID as 16 bytes."""
    return bytes.fromhex(event_id.replace("-", ""))
