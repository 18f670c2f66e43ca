"""What the agent tells about changes of its settings; part of ``telemetry.AgentTelemetry``."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

SOURCES: Final = ("file", "order")
CHANGE_RESULTS: Final = ("applied", "refused", "rolled_back")


class SettingsMetrics:
    """The ``edge_agent_settings_*`` series."""

    def _declare_settings(self, registry: CollectorRegistry) -> None:
        self.settings_changes = Counter(
            "edge_agent_settings_changes",
            "Changes of the running settings by what became of them; order: one that came over the broker",
            ["source", "result"],
            registry=registry,
        )
        self.settings_on_trial = Gauge(
            "edge_agent_settings_on_trial", "1 while one camera tries out what was ordered", registry=registry
        )
        for source in SOURCES:
            for result in CHANGE_RESULTS:
                if (source, result) != ("file", "rolled_back"):
                    self.settings_changes.labels(source, result)
