"""Every metric in words, from the registries that the programs declare them in."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.metrics_server import Exposition, serve
from edge_agent.site_page import agents_metrics, lifts_metric
from edge_agent.telemetry import AgentTelemetry
from edge_agent.veil import Veil

INTRODUCTION: Final = """\
# Metrics

What Prometheus reads of a bridge (port 9109) and of an agent (port 9108). Start with `ergo_lifts_total`; questions to
ask are in the [README](../README.md#reading-the-metrics), rules and dashboards in [grafana/](../grafana/README.md).

Every series whose labels are known exists at 0 from the start. A histogram has `_bucket`, `_sum` and `_count`. This
page is written from the programs by `python -m scripts.docs.reference`.
"""
VEILED: Final = """\
⏳ moves with people, so it stands still on the page until a time bucket ends (`privacy.bucket_s`): read every second
it would tell when somebody bends.
"""
HEAD: Final = "| metric | type | labels | meaning |\n|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Told:
    """One metric."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    veiled: bool = False

    @property
    def row(self) -> str:
        """Of the table."""
        name = f"{self.name}_total" if self.kind == "counter" else self.name
        labels = ", ".join(f"`{label}`" for label in self.labels) or "–"
        return f"| `{name}` | {self.kind} | {labels} | {'⏳ ' if self.veiled else ''}{self.meaning} |\n"


def metrics() -> str:
    """The page."""
    lifts = [_family(each) for each in (lifts_metric({}), *agents_metrics({}, 0.0, 0.0))]
    bridge = _page(BridgeTelemetry, "ergo_bridge")
    agent = _page(AgentTelemetry, "edge_agent")
    parts = [INTRODUCTION, _table("The bridge: what it counts", lifts), _table("The bridge: about itself", bridge)]
    return "\n".join([*parts, _table("The agent", agent, VEILED)])


def _table(title: str, told: Iterable[Told], words: str = "") -> str:
    return f"## {title}\n\n{words}{chr(10) if words else ''}{HEAD}{''.join(each.row for each in told)}"


def _page(declare: Callable[[CollectorRegistry], object], prefix: str) -> list[Told]:
    """All of a program's page, the metric that the server adds included."""
    registry = CollectorRegistry()
    declare(registry)
    _, stop = serve(Exposition(registry), "127.0.0.1", 0, prefix=prefix)
    stop()
    return sorted(_declared(registry, veiled=False), key=lambda each: each.name)


def _declared(registry: CollectorRegistry, *, veiled: bool) -> Iterator[Told]:
    for collector in registry._collector_to_names:
        if isinstance(collector, Veil):
            yield from _declared(collector.behind, veiled=True)
        else:
            yield _family(collector, veiled=veiled)


def _family(metric: Any | Metric, *, veiled: bool = False) -> Told:
    """Of a metric that counts, or of one that is made anew for each page: both name their labels alike."""
    name = getattr(metric, "_name", None) or metric.name
    kind = getattr(metric, "_type", None) or metric.type
    meaning = getattr(metric, "_documentation", None) or metric.documentation
    return Told(name, kind, tuple(metric._labelnames), meaning, veiled)
