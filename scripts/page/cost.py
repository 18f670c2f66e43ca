"""What the overview costs the bridge: `.venv/bin/python -m scripts.page.cost [ZONES] [DAYS]`.

A ledger full of hours, 16 of each day with four of six combinations of technique and risk in every zone. CPU time
of drawing the page first and later, how long counting waits for the longest read, bytes of a row, CPU time of a lift.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from statistics import median
from unittest.mock import patch

from prometheus_client import CollectorRegistry

from edge_agent import hours
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.ledger import Ledger, Room
from edge_agent.overview_page import OverviewPage
from edge_agent.settings import BridgeSettings
from tests.lift_events import an_event

COMBINATIONS = [
    ("hinge", "low"), ("hinge", "medium"), ("squat", "low"), ("squat", "medium"), ("rounded_back", "high"),
    ("unknown", "medium"),
]  # fmt: skip
LIFTS = 10_000


def main() -> None:
    """Measure and print."""
    zones, days = (int(word) for word in [*sys.argv[1:], "100", "90"][:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bridge.sqlite")
        ledger = Ledger(path, Room(2**40))
        rows = fill(ledger._database, zones, days)
        ledger._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        print(f"{zones} zones, {days} days: {rows} rows of {path.stat().st_size / rows:.0f} bytes")
        with patch("edge_agent.overview_page.KEEP_DRAWN_S", -1.0):
            show_page(ledger)
        print(f"{cost_us(ledger):.0f} µs of CPU a lift, {cost_without_hours_us(ledger):.0f} without hours")
        ledger.close()


def fill(database: sqlite3.Connection, zones: int, days: int) -> int:
    """Returns the number of rows."""
    chance, now_s = Random(1), int(time.time())

    def rows() -> Iterator[tuple[object, ...]]:
        for hour in range(24 * days):
            start_s = now_s // 3600 * 3600 - 3600 * hour
            if start_s // 3600 % 24 >= 8:
                for zone in range(zones):
                    for technique, risk in chance.sample(COMBINATIONS, 4):
                        yield start_s, "leeds", f"zone-{zone}", technique, risk, chance.randrange(1, 9)

    with database:
        return database.executemany("INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?)", rows()).rowcount


def show_page(ledger: Ledger) -> None:
    """CPU milliseconds."""
    page = OverviewPage(ledger, {}, BridgeTelemetry(CollectorRegistry()), BridgeSettings(time_zone="Europe/London"))
    times = []
    for _ in range(6):
        began = time.process_time()
        document = page.document()
        times.append(1000 * (time.process_time() - began))
    day_s = int(time.mktime((date.today() - timedelta(3)).timetuple()))
    began = time.process_time()
    hours.by_zone(ledger.read, day_s, day_s + 86_400)
    waits = 1000 * (time.process_time() - began)
    later = median(times[1:])
    print(f"page of {len(document.html) / 1000:.0f} kB: first {times[0]:.0f} ms of CPU, then {later:.0f} ms")
    print(f"counting waits {waits:.0f} ms at most")


def cost_us(ledger: Ledger) -> float:
    """Of one thread, each lift in a commit of its own; the median of five hundred lifts each."""
    now_s = time.time()
    times = []
    for _ in range(LIFTS // 500):
        events = [an_event(bucket_start=int(now_s)) for _ in range(500)]
        began = time.process_time()
        for event in events:
            ledger.count([event], now_s)
        times.append(1e6 * (time.process_time() - began) / 500)
    return median(times)


def cost_without_hours_us(ledger: Ledger) -> float:
    """The same, as it was before there were hours."""
    with patch("edge_agent.hours.add"):
        return cost_us(ledger)


if __name__ == "__main__":
    main()
