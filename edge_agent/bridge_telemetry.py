"""Every Prometheus metric of the bridge about itself, declared once; see ``telemetry`` for the agent's."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from edge_agent.core.events import REASONS
from edge_agent.ledger import REFUSALS
from edge_agent.telemetry import CONNECT_FAILURES, each, without_created_series

BRIDGE_RESULTS: Final = ("counted", "duplicate", "rejected", "status", "health")
BRIDGE_REASONS: Final = (*REASONS, *REFUSALS, "topic", "topic_mismatch", "internal")


class BridgeTelemetry:
    """``ergo_bridge_*``: the bridge about itself. What it counts is in ``site_page.SitePage``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        without_created_series()
        self.connected = Gauge(
            "ergo_bridge_connected",
            "1 while the broker has accepted connection and subscription",
            registry=registry,
        )
        self.connect_failures = Counter(
            "ergo_bridge_connect_failures",
            "Connections to the broker that failed or were lost",
            ["cause"],
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "ergo_bridge_certificate_expiry_timestamp_seconds",
            "When our certificate for the broker, or the authority's, ends; 0 where there is none",
            registry=registry,
        )
        self.messages = Counter(
            "ergo_bridge_messages", "Messages received, by what became of them", ["result"], registry=registry
        )
        self.rejected = Counter(
            "ergo_bridge_rejected_messages", "Messages that were not believed", ["reason"], registry=registry
        )
        self.storage_errors = Counter(
            "ergo_bridge_storage_errors",
            "Failed reads and writes of the state file; each is retried",
            registry=registry,
        )
        self.standing_in = Gauge(
            "ergo_bridge_standing_in", "Silent replicas whose queue this one has taken up", registry=registry
        )
        each(self.connect_failures.labels, CONNECT_FAILURES)
        each(self.messages.labels, BRIDGE_RESULTS)
        each(self.rejected.labels, BRIDGE_REASONS)
