"""What the bridge bears: events a second on one core, large pages, two replicas. `make bench-fleet` runs it.

Usage: python -m scripts.bench.fleet OUT.json [--events EVENTS]
The bridge has the first core; load and broker have the others. Exit code 0: done, and every count adds up. 1: failed.
"""

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edge_agent.bench import machine
from edge_agent.errors import RunError
from edge_agent.fleet.layout import FleetSize, draw_fleet
from edge_agent.fleet.load import Load
from edge_agent.output import check_writable, write_json
from scripts.bench.bridges import BRIDGE_CORE, PATIENCE_S, PinnedBridge, Reading, between, broker, published, queued
from scripts.bench.command import ended
from tests.services import wait_for

SCHEMA: Final = "hingewatch.bench-fleet/1"
SEED: Final = 7
LOOK_S: Final = 0.5
SITES_OF: Final = {"1,000 agents, 5,000 zones": 25, "2,000 agents, 10,000 zones": 50}
"""With 200 zones and 40 agents each, the most zones that a site may have."""
_SMALL: Final = FleetSize(sites=5, zones_per_site=100, agents_per_site=10)


def main() -> None:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(prog="bench-fleet", description="Measure what the bridge bears.")
    parser.add_argument("output", type=Path, metavar="OUT.json")
    parser.add_argument("--events", type=int, default=60_000, help="in each queue")
    asked = parser.parse_args()
    check_writable((asked.output,))
    os.sched_setaffinity(0, set(range(os.cpu_count() or 1)) - {BRIDGE_CORE} or {BRIDGE_CORE})
    figures = measured(asked.events)
    write_json(figures, asked.output)
    Console().print(figures)


def measured(events: int) -> dict[str, Any]:
    """All parts, one after the other."""
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=3 + len(SITES_OF))

        def part(name: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
            bar.update(task, description=name)
            found = run()
            bar.advance(task)
            return found

        parts = {name: part(name, lambda tls=tls: throughput(events, tls=tls)) for name, tls in
                 (("plain", False), ("tls", True))}  # fmt: skip
        parts["two_replicas"] = part("two replicas", lambda: replicas(events))
        for name, sites in SITES_OF.items():
            parts[name] = part(name, lambda sites=sites: large(sites, events))
    return {
        "schema": SCHEMA,
        "began_at": began_at,
        "machine": machine(),
        "versions": {name: version(name) for name in ("paho-mqtt", "prometheus-client", "hingewatch-edge-agent")}
        | {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version},
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "events_per_queue": events,
        **parts,
    }


def throughput(events: int, *, tls: bool) -> dict[str, Any]:
    """A queue that the bridge works off; the page is read every second meanwhile."""
    with tempfile.TemporaryDirectory() as name, broker(Path(name), tls=tls) as settings:
        bridge = PinnedBridge(Path(name) / "bridge.sqlite", settings)
        acknowledged = queued(bridge, settings, draw_fleet(SEED, _SMALL), events)
        bridge.start()
        try:
            readings = worked_off(bridge, acknowledged)
        finally:
            bridge.stop()
    return between(readings[0], readings[-1]) | {"peak_mib": readings[-1].peak_mib}


def worked_off(bridge: PinnedBridge, acknowledged: int, looked: Callable[[], None] = lambda: None) -> list[Reading]:
    """Readings while events were counted, not all yet. Raises RunError where they do not add up."""
    readings: list[Reading] = []
    by_s = time.monotonic() + 10 * PATIENCE_S
    while time.monotonic() < by_s:
        time.sleep(LOOK_S)
        reading = bridge.reading()
        looked()
        if reading.shown >= acknowledged:
            break
        if reading.counted:
            readings.append(reading)
    time.sleep(LOOK_S)
    end = bridge.reading()
    if end.shown != acknowledged:
        raise RunError(f"{acknowledged:.0f} acknowledged, {end.shown:.0f} counted", "this is our mistake: report it")
    if len(readings) < 2:
        raise RunError(f"{acknowledged} events were counted too soon to tell how fast", "give more --events")
    return readings


def large(sites: int, events: int) -> dict[str, Any]:
    """Memory, and how long a scrape takes, at rest and while a queue is worked off."""
    fleet = draw_fleet(SEED, FleetSize(sites=sites, zones_per_site=200, agents_per_site=40))
    busy: list[float] = []
    with tempfile.TemporaryDirectory() as name, broker(Path(name), tls=True) as settings:
        bridge = PinnedBridge(Path(name) / "bridge.sqlite", settings, zones=len(fleet.zones))
        acknowledged = queued(bridge, settings, fleet, events)
        bridge.start()
        try:
            readings = worked_off(bridge, acknowledged, lambda: busy.append(bridge.scrape_s()))
            rest = [bridge.scrape_s() for _ in range(10)]
            end, page_mib = bridge.reading(), len(bridge.page()) / 2**20
        finally:
            bridge.stop()
    return between(readings[0], readings[-1]) | {
        "agents": sum(len(site.agents) for site in fleet.sites),
        "zones": len(fleet.zones),
        "page_mib": round(page_mib, 1),
        "scrape_s_at_rest": _spread(rest),
        "scrape_s_while_counting": _spread(busy),
        "rss_mib": end.rss_mib,
        "peak_mib": end.peak_mib,
    }


def replicas(events: int) -> dict[str, Any]:
    """Both on one core, one file, one shared subscription with TLS, while a load comes in."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = stack.enter_context(broker(folder, tls=True))
        pair = [PinnedBridge(folder / "bridge.sqlite", settings, name) for name in ("a", "b")]
        for bridge in pair:
            stack.callback(bridge.stop)
            bridge.start()
            bridge.subscribed()
        fleet = draw_fleet(SEED, _SMALL)
        with Load(settings, fleet) as load:
            load.introduce(time.time())
            before = [bridge.reading() for bridge in pair]
            acknowledged = published(load, events)
        wait_for("all", lambda: pair[0].reading().shown >= acknowledged, 10 * PATIENCE_S)
        after = [bridge.reading() for bridge in pair]
    counted = [reading.counted for reading in after]
    if sum(counted) != acknowledged or {reading.shown for reading in after} != {float(acknowledged)}:
        raise RunError(f"{acknowledged} acknowledged, counted {counted}", "this is our mistake: report it")
    parts = {name: between(*pair) for name, pair in zip(("a", "b"), zip(before, after, strict=True), strict=True)}
    return {"acknowledged": acknowledged, "counted": sum(counted)} | parts


def _spread(seconds: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 3), "most": round(max(seconds), 3)} if seconds else {}


if __name__ == "__main__":
    sys.exit(ended(main))
