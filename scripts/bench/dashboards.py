"""How long every question of every dashboard takes: a hundred zones, ninety days of history, a real Prometheus.

Usage: python -m scripts.bench.dashboards OUT.json [--zones 10] [--sites 10] [--days 90] [--rounds 7]
Making the history takes half an hour: promtool reads some seventy million samples and evaluates the rules over them.
Each question is asked ``rounds`` times, one after the other; the first, cold one is told apart.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from edge_agent.bench import machine
from scripts.dashboards.ask import DAY_S, Question, View, ask, dashboards, panels, questions
from tests.dashboard_history import History, history

AIM_MS: Final = 200.0
MINUTELY_DAYS: Final = 16
"""What is recorded by the minute is read for two weeks at most."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One question. cold_ms: the first time; median_ms, worst_ms: of the others."""

    dashboard: str
    panel: str
    query: str
    cold_ms: float
    median_ms: float
    worst_ms: float


def main() -> None:
    """Make the history, ask, tell."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("output", type=Path, metavar="OUT.json")
    for name, default in (("sites", 10), ("zones", 10), ("days", 90), ("rounds", 7)):
        words.add_argument(f"--{name}", type=int, default=default)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        scale = {"sites": given.sites, "zones": given.zones, "days": given.days}
        with history(Path(directory), **scale, minutely_days=MINUTELY_DAYS) as running:
            timings = list(timed(running, given.rounds))
    figures = {"machine": machine(), **scale, "rounds": given.rounds, "timings": [asdict(one) for one in timings]}
    given.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    show(timings)


def timed(running: History, rounds: int) -> Iterator[Timing]:
    """Every question of every panel, over the whole history, all sites where a dashboard allows that."""
    for name, dashboard in dashboards().items():
        site = running.sites[0] if name == "zone-detail" else ".*"
        view = View(
            running.end_s, running.days * DAY_S, {"site": site, "zone": running.zones[0], "utc_offset": "3600"}
        )
        for panel in panels(dashboard):
            for question in questions(panel, view):
                cold, *others = [_milliseconds(running.url, question) for _ in range(rounds)]
                yield Timing(name, panel["title"], question.ref, cold, statistics.median(others), max(others))


def _milliseconds(url: str, question: Question) -> float:
    began = time.perf_counter()
    ask(url, question)
    return 1000 * (time.perf_counter() - began)


def show(timings: list[Timing]) -> None:
    """The slowest first, and how many keep the aim."""
    table = Table("dashboard", "panel", "query", "cold ms", "median ms", "worst ms")
    for one in sorted(timings, key=lambda timing: -timing.median_ms):
        numbers = (f"{value:.0f}" for value in (one.cold_ms, one.median_ms, one.worst_ms))
        table.add_row(one.dashboard, one.panel, one.query, *numbers)
    console = Console()
    console.print(table)
    for what in ("cold_ms", "median_ms", "worst_ms"):
        kept = sum(getattr(one, what) <= AIM_MS for one in timings)
        console.print(f"{what}: {kept} of {len(timings)} questions within {AIM_MS:.0f} ms")


if __name__ == "__main__":
    main()
