"""A damaged outbox file is put aside, never deleted, and what can still be read goes into a new one.

An agent that refused to start would lose every lift until someone comes; one that starts anew loses at most
what the disk has already destroyed. (The bridge's file is different: it holds what was counted, and the bridge
does refuse.)
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import structlog

from edge_agent.core.events import EventError, from_json
from edge_agent.database import DamagedError, open_database
from edge_agent.errors import InputError

log = structlog.get_logger()

Row = tuple[int, str, str, int, int, float | None, str]
"""The columns of the outbox's table, in its order."""
_ALL = "SELECT position, event_id, zone, bucket_start, risk, ready_at_s, payload FROM events ORDER BY position"
_TAKE_OVER = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"


def open_outbox(path: Path, tables: str) -> tuple[sqlite3.Connection, int | None]:
    """Open the outbox's file; where it is damaged, put it aside and begin a new one with what is readable.

    Returns the connection and how many events were rescued, None if there was no damage. Raises InputError.
    """
    path = path.expanduser()
    try:
        return open_database(path, tables), None
    except DamagedError as error:
        reason = error.what
    aside = _put_aside(path)
    database = open_database(path, tables)
    rows = {row[1]: row for row in _readable(aside)}
    try:
        with database:
            database.executemany(_TAKE_OVER, list(rows.values()))
    except sqlite3.Error as error:
        database.close()
        fix = f"free space on that disk, then move {aside} back to {path} and start again"
        raise InputError(f"cannot write what was rescued from {aside}: {error}", fix) from error
    fix = "check the disk; what is only in the damaged file and was not yet sent is lost"
    log.error("outbox damaged, begun anew", reason=reason, rescued=len(rows), kept_as=str(aside), fix=fix)
    return database, len(rows)


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}x")
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    return aside


def _readable(path: Path) -> Iterator[Row]:
    """From the front up to the damage, then from the back; only rows that are sound events."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        for order in ("ASC", "DESC"):
            with suppress(sqlite3.Error):
                for row in database.execute(f"{_ALL} {order}"):
                    if _sound(row):
                        yield row


def _sound(row: Row) -> bool:
    try:
        event = from_json(row[6])
    except (EventError, TypeError):
        return False
    return event.event_id == row[1] and event.zone == row[2] and isinstance(row[0], int)
