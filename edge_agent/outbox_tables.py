"""The outbox's table, and what is asked of it."""

from typing import Final

TABLES: Final = """
CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    zone TEXT NOT NULL,
    bucket_start INTEGER NOT NULL,
    risk INTEGER NOT NULL,
    ready_at_s REAL,
    payload TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_worth ON events (risk, position)
"""
# A row's position is negated when the broker has acknowledged it; its amount stays unique and keeps the order.
_END: Final = """(SELECT 1 + max(coalesce((SELECT max(position) FROM events), 0),
                          -coalesce((SELECT min(position) FROM events), 0)))"""
INSERT: Final = f"""
INSERT OR IGNORE INTO events (position, event_id, zone, bucket_start, risk, payload) VALUES ({_END}, ?, ?, ?, ?, ?)
"""  # noqa: S608 - our own text
ACKNOWLEDGE: Final = "UPDATE events SET position = -position WHERE event_id = ? AND position > 0 RETURNING ready_at_s"
HEAD: Final = "SELECT payload FROM events WHERE position > 0 AND ready_at_s IS NOT NULL ORDER BY position LIMIT ?"
DEPTH: Final = "SELECT count(*), count(ready_at_s) FROM events WHERE position > 0"
FORGET_LONG_ACKNOWLEDGED: Final = "DELETE FROM events WHERE position < 0 AND ready_at_s < ?"
FORGET_OLDEST_ACKNOWLEDGED: Final = """
DELETE FROM events WHERE position IN (SELECT position FROM events WHERE position < 0 ORDER BY position DESC LIMIT ?)
"""
SEND_AGAIN: Final = """
UPDATE events SET position = -position
WHERE position IN (SELECT position FROM events WHERE position < 0 ORDER BY position DESC LIMIT 200)
"""
"""Some at a time: what one commit changes needs as much room again on the disk until it is written back."""
MOVE_TO_END: Final = f"UPDATE events SET position = {_END} WHERE event_id = ?"  # noqa: S608
MAKE_READY: Final = f"""
UPDATE events SET position = {_END}, ready_at_s = ?, bucket_start = ?, payload = ? WHERE event_id = ?
"""  # noqa: S608
