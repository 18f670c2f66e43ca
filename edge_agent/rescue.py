"""A damaged outbox file is put aside, and what can still be read goes into a new one.

An agent that refused to start would lose every lift until someone comes; one that starts anew loses at most
what the disk has already destroyed. (The bridge's file is different: it holds what was counted, and the bridge
does refuse.)
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import structlog

from edge_agent.core.events import EventError, from_json
from edge_agent.database import DamagedError, open_database
from edge_agent.errors import InputError
from edge_agent.outbox_tables import TABLES

log = structlog.get_logger()

LOG_PAGES: Final = 100
MOST_ASIDE: Final = 3
"""Damaged files that are kept, the newest: a disk that fails again and again must not be filled by them."""

Row = tuple[int, str, str, int, int, float | None, str]
"""The columns of the outbox's table, in its order."""
_ALL = "SELECT position, event_id, zone, bucket_start, risk, ready_at_s, payload FROM events ORDER BY position"
_TAKE_OVER = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"


def open_outbox(path: Path) -> tuple[sqlite3.Connection, int | None]:
    """Open the outbox's file; where it is damaged, put it aside and begin a new one with what is readable.

    Its log is written back often and kept short: a disk that is nearly full has no room for SQLite's usual 4 MB.

    Returns the connection and how many events were rescued, None if there was no damage. Raises InputError.
    """
    path = path.expanduser()
    try:
        database = open_database(path, TABLES)
    except DamagedError as error:
        reason = error.what
    else:
        if _is_sound(database):
            return _sparing(database), None
        database.close()
        reason = f"{path} holds rows that are no events"
    aside = _put_aside(path)
    database = _sparing(open_database(path, TABLES))
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


def _sparing(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    database.execute(f"PRAGMA journal_size_limit = {LOG_PAGES * 4096}")
    return database


def _put_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    kept = [each for each in path.parent.glob(f"{path.name}.damaged-*") if not each.name.endswith(("-wal", "-shm"))]
    for oldest in sorted(kept)[:-MOST_ASIDE]:
        log.warning(
            "damaged outbox deleted", file=str(oldest), fix=f"replace the disk: {MOST_ASIDE} newer ones are kept"
        )
        for ending in ("", "-wal", "-shm"):
            oldest.with_name(oldest.name + ending).unlink(missing_ok=True)
    return aside


def _readable(path: Path) -> Iterator[Row]:
    """From the front up to the damage, then from the back; only rows that are sound events."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        for order in ("ASC", "DESC"):
            with suppress(sqlite3.Error):
                yield from filter(_sound, _rows(database, order))


def _is_sound(database: sqlite3.Connection) -> bool:
    """SQLite's own check looks at its pages, not at what is in a row: noise there would hold up all the others."""
    try:
        return all(map(_sound, _rows(database, "ASC")))
    except sqlite3.DatabaseError:
        return False
    finally:
        database.text_factory = str


def _rows(database: sqlite3.Connection, order: str) -> Iterator[Row]:
    """The cursor is closed whatever happens: a connection with an open one keeps its lock, though it be closed."""
    database.text_factory = lambda raw: raw.decode(errors="replace")
    with closing(database.execute(f"{_ALL} {order}")) as rows:
        yield from rows


def _sound(row: Row) -> bool:
    try:
        event = from_json(row[6])
    except (EventError, TypeError):
        return False
    return event.event_id == row[1] and event.zone == row[2] and isinstance(row[0], int)
