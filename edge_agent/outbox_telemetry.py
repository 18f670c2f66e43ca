"""What the outbox tells about itself; part of ``telemetry.AgentTelemetry``."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OUTBOX_STATES: Final = ("held", "ready", "acknowledged")
_DELIVERY_SECONDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0, 2.5, 10.0)


class OutboxMetrics:
    """The ``edge_agent_outbox_*`` series and the time a delivery takes."""

    def _declare_outbox(self, registry: CollectorRegistry, veiled: CollectorRegistry) -> None:
        """``veiled``: for what moves with a lift."""
        self.outbox_events = Gauge(
            "edge_agent_outbox_events",
            "Events held back for privacy (as of the last bucket end), ready to be sent, or acknowledged but kept",
            ["state"],
            registry=registry,
        )
        self.outbox_oldest_age = Gauge(
            "edge_agent_outbox_oldest_age_seconds",
            "How long the oldest ready event has waited for the broker; 0 when none does",
            registry=registry,
        )
        self.delivery = Histogram(
            "edge_agent_delivery_seconds",
            "From an event's release, when its time bucket has ended, to the broker's acknowledgement",
            registry=registry,
            buckets=_DELIVERY_SECONDS,
        )
        self.outbox_dropped = Counter(
            "edge_agent_outbox_dropped_events",
            "Events given up because the outbox was full",
            ["risk"],
            registry=veiled,
        )
        self.outbox_write_errors = Counter(
            "edge_agent_outbox_write_errors",
            "Failed writes to the outbox file; each is retried",
            registry=registry,
        )
        self.outbox_sent_again = Counter(
            "edge_agent_outbox_sent_again_events",
            "Acknowledged events queued again after a lost connection: the broker may have forgotten them",
            registry=registry,
        )
        self.outbox_damaged = Counter(
            "edge_agent_outbox_damaged_files",
            "Damaged outbox files put aside at the start, a new one begun",
            registry=registry,
        )
        self.outbox_rescued = Counter(
            "edge_agent_outbox_rescued_events",
            "Events read from a damaged outbox file and taken over into the new one",
            registry=registry,
        )

    def _start_outbox_at_zero(self) -> None:
        for state in OUTBOX_STATES:
            self.outbox_events.labels(state)
        for risk in ("low", "medium", "high"):
            self.outbox_dropped.labels(risk)
