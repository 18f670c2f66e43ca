"""The ledger as ``/metrics`` shows it.

The lifts are written here, not by prometheus_client: 60,000 series, which is 5,000 zones, took it a second of a core
at each scrape, an eighth of that as below. No label needs escaping: ``core.events`` and ``core.health`` let no name
in that holds a quote, a backslash or a line's end, and the others are our own words.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping

from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_agent.ledger import Agent, Ledger, Series


class SitePage(Collector):
    """Reads the ledger at each scrape. While its disk fails, the page shows what was last read.

    To be served with its ``lines``; by itself it names the lifts and shows none.
    """

    def __init__(self, ledger: Ledger, stale_after_s: float, storage_errors: Counter) -> None:
        """storage_errors: counts scrapes that could not read the ledger."""
        self._ledger = ledger
        self._stale_after_s = stale_after_s
        self._storage_errors = storage_errors
        self._lifts: dict[Series, int] = {}
        self._agents: dict[tuple[str, str], Agent] = {}

    def collect(self) -> Iterator[Metric]:
        """An agent is up while its last status is ``online`` and it was heard within ``stale_after_s``."""
        now_s = time.time()
        try:
            self._lifts, self._agents = self._ledger.lifts(now_s), self._ledger.agents(now_s)
        except sqlite3.Error:
            self._storage_errors.inc()
        yield lifts_metric({})
        yield from agents_metrics(self._agents, now_s, self._stale_after_s)

    def lines(self) -> dict[str, bytes]:
        """The samples of ``ergo_lifts`` as ``collect`` last read them, for ``metrics_server.serve``."""
        lines = (
            f'ergo_lifts_total{{risk="{risk}",site="{site}",technique="{technique}",zone="{zone}"}} {lifts}.0\n'
            for (site, zone, technique, risk), lifts in self._lifts.items()
        )
        return {"ergo_lifts": "".join(lines).encode()}


def lifts_metric(lifts: Mapping[Series, int]) -> Metric:
    """The main number, as every page shows it."""
    metric = CounterMetricFamily(
        "ergo_lifts",
        "Lifts by technique and posture exposure (not injury risk)",
        labels=["site", "zone", "technique", "risk"],
    )
    for series, count in sorted(lifts.items()):
        metric.add_metric(series, count)
    return metric


def agents_metrics(agents: Mapping[tuple[str, str], Agent], now_s: float, stale_after_s: float) -> Iterator[Metric]:
    """Whether each (site, agent) is up, and when it was last heard live; without that where it never was."""
    up = GaugeMetricFamily("ergo_agent_up", "1 while the agent is online and heard from", labels=["site", "agent"])
    seen = GaugeMetricFamily(
        "ergo_agent_last_seen_timestamp_seconds", "When the agent last spoke", labels=["site", "agent"]
    )
    for name, agent in sorted(agents.items()):
        up.add_metric(name, agent.online and now_s - agent.seen_at_s <= stale_after_s)
        if agent.seen_at_s:
            seen.add_metric(name, agent.seen_at_s)
    yield from (up, seen)
