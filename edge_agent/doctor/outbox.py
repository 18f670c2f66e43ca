"""What waits in the outbox, read without touching it; of a running agent, from its own page."""

import sqlite3
import time
import urllib.request
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import quote

from prometheus_client.parser import text_string_to_metric_families

from edge_agent.database import LAYOUT
from edge_agent.doctor.finding import Facts, Finding
from edge_agent.errors import InputError
from edge_agent.settings import Settings

PAGE_TIMEOUT_S: Final = 3.0
MOST_PAGE_BYTES: Final = 16 * 1024 * 1024
WAITS_LONG_S: Final = 3600.0
"""An event leaves within seconds of its release; after an hour somebody should know."""
_FULL: Final = 0.8
_DAMAGED_FIX: Final = (
    "check the disk (dmesg, smartctl -a); at its next start the agent puts the file aside and rescues what it can"
)
_WAITS_FIX: Final = (
    "see the broker's line below: events wait until it takes them, and the oldest are given up when full"
)


def look_at_outbox(settings: Settings) -> Finding:
    """The facts say where the agent runs."""
    path = settings.outbox.path
    if not path.is_file() or not path.stat().st_size:
        return Finding("outbox", "ok", "no file yet: the agent makes it at its first start")
    try:
        ready, oldest_s = _read(path)
    except sqlite3.OperationalError as error:
        return _running(settings) if "locked" in str(error) else _unreadable(path, error)
    except sqlite3.DatabaseError as error:
        return Finding("outbox", "fail", f"{path} is damaged or no outbox: {error}", _DAMAGED_FIX)
    except InputError as error:
        return Finding("outbox", "fail", error.what, error.fix)
    return _told(settings, {"ready": ready, "oldest_s": round(oldest_s, 1)}, "no agent runs")


def _read(path: Path) -> tuple[int, float]:
    """Ready events, and how long the oldest has waited.

    Raises InputError for another version's file, else sqlite3.Error: "locked" where the agent runs. Without a journal
    beside it the file is whole and nobody's, and is read as one that cannot change. With one, of an agent that was
    killed, SQLite makes an index of it, which is taken away again; the agent keeps its own in memory.
    """
    journal, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    still, indexed = "" if journal.exists() else "&immutable=1", index.exists()
    address = f"file:{quote(str(path.absolute()))}?mode=ro{still}"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0.5)) as database:
            return _ask(database, path)
    finally:
        if not indexed:
            index.unlink(missing_ok=True)


def _ask(database: sqlite3.Connection, path: Path) -> tuple[int, float]:
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    (layout,) = database.execute("PRAGMA user_version").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    if layout != LAYOUT:
        what = f"{path} was written by another version (layout {layout}, known: {LAYOUT})"
        raise InputError(what, "run that version to empty it, or move the file away")
    ready, oldest = database.execute(
        "SELECT count(ready_at_s), min(ready_at_s) FROM events WHERE position > 0"
    ).fetchone()
    return ready, 0.0 if oldest is None else max(0.0, time.time() - oldest)


def _running(settings: Settings) -> Finding:
    address = f"http://{settings.metrics.host}:{settings.metrics.port}/metrics"
    try:
        with urllib.request.urlopen(address, timeout=PAGE_TIMEOUT_S) as reply:
            page = reply.read(MOST_PAGE_BYTES).decode()
        samples = {
            (sample.name, sample.labels.get("state", "")): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }
        ready = int(samples["edge_agent_outbox_events", "ready"])
        oldest_s = samples["edge_agent_outbox_oldest_age_seconds", ""]
    except (OSError, HTTPException, ValueError, KeyError):
        fix = "see its log; if no agent runs, another program has the file open (fuser): stop it"
        return Finding("outbox", "warn", f"in use, but no agent's page answers at {address}", fix)
    return _told(settings, {"agent": "runs", "ready": ready, "oldest_s": round(oldest_s, 1)}, "the agent runs")


def _told(settings: Settings, facts: Facts, who: str) -> Finding:
    ready, oldest_s = int(facts["ready"] or 0), float(facts["oldest_s"] or 0)
    waits = f", the oldest for {_spoken(oldest_s)}" if ready else ""
    detail = f"{who}; {ready or 'no'} {'event waits' if ready == 1 else 'events wait'} for the broker{waits}"
    if ready > _FULL * settings.outbox.max_events:
        return Finding("outbox", "warn", f"{detail}: nearly full ({settings.outbox.max_events})", _WAITS_FIX, facts)
    if oldest_s > WAITS_LONG_S:
        return Finding("outbox", "warn", detail, _WAITS_FIX, facts)
    return Finding("outbox", "ok", detail, "", facts)


def _spoken(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def _unreadable(path: Path, error: sqlite3.OperationalError) -> Finding:
    return Finding("outbox", "fail", f"{path} cannot be read: {error}", "let this user read it, and enter its folder")
