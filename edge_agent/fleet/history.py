"""What the bridge's and the agents' pages would have shown over months, as families of curves.

Names, labels and texts come from the product's own metrics objects, so they cannot differ from its pages. What the
model does not move stands still at the value it has at a start.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.samples import Sample

from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.fleet.layout import Fleet, Zone
from edge_agent.fleet.postures import LABELS
from edge_agent.fleet.work import Span, away, lifts_shown
from edge_agent.ledger import Agent
from edge_agent.site_page import agents_metrics, lifts_metric

Values = npt.NDArray[np.float64]
"""(scrapes,); NaN where there is no sample."""
Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its labels, sorted."""

BRIDGE: Final = {"job": "hingewatch-bridge", "instance": "127.0.0.1:9109"}
"""What Prometheus adds to every series of the bridge's page, as in grafana/README.md."""
HEALTH_PERIOD_S: Final = 30
DAYS_OF_A_CERTIFICATE_LEFT: Final = 200
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Curve:
    """One series; ``labels`` include those that Prometheus adds."""

    name: str
    labels: Mapping[str, str]
    values: Values


@dataclass(frozen=True, slots=True)
class Family:
    """All series of one metric. kind: counter, gauge or histogram."""

    name: str
    kind: str
    text: str
    curves: Iterator[Curve]


@dataclass(frozen=True, slots=True)
class Page:
    """One target. added: the labels that Prometheus adds. samples: by metric. moved: those that do not stand still.

    readable: (scrapes,) whether it could be read.
    """

    added: Mapping[str, str]
    samples: Mapping[str, Sequence[Sample]]
    moved: Mapping[Key, Values]
    readable: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scrapes:
    """When Prometheus looks: every ``step_s`` from the span's begin on. min_lifts: as in the sites' settings."""

    span: Span
    step_s: int = 60
    min_lifts: int = 5

    @property
    def times_s(self) -> npt.NDArray[np.int64]:
        """(scrapes,) unix times."""
        return np.arange(self.span.first_s, self.span.end_s + 1, self.step_s, dtype=np.int64)

    @property
    def ended(self) -> npt.NDArray[np.int64]:
        """(scrapes,) how many of the span's buckets have ended by then."""
        ended: npt.NDArray[np.int64] = (self.times_s - self.span.first_s) // self.span.bucket_s
        return ended

    def totals(self, per_bucket: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> Values:
        """(buckets,) or (buckets, k) increments at each bucket's end -> their running total at each scrape."""
        zero = np.zeros((1, *per_bucket.shape[1:]))
        found: Values = np.concatenate([zero, np.cumsum(per_bucket, axis=0)])[self.ended]
        return found

    def states(self, per_bucket: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """(buckets,) a state at each bucket's end -> the state at each scrape; at the first that of the first."""
        found: npt.NDArray[np.bool_] = per_bucket[np.maximum(self.ended - 1, 0)]
        return found


def bridge_history(fleet: Fleet, scrapes: Scrapes) -> Iterator[Family]:
    """The page of one bridge that all sites share, and its ``up``."""
    counted = np.zeros(len(scrapes.times_s))

    def lifts() -> Iterator[Curve]:
        for zone in fleet.zones:
            totals = scrapes.totals(lifts_shown(fleet, zone, scrapes.span, scrapes.min_lifts))
            counted[:] += totals.sum(axis=1)
            yield from _lift_curves(zone, totals)

    shown = lifts_metric({})
    yield Family(shown.name, shown.type, shown.documentation, lifts())
    yield from _agents(fleet, scrapes)
    registry = CollectorRegistry()
    BridgeTelemetry(registry)
    moved = _bridge_itself(fleet, scrapes, counted)
    yield from _families(registry.collect(), moved, scrapes)


def up_history(pages: Sequence[Page]) -> Family:
    """Prometheus' own word on each page: 1 where it could be read."""
    curves = (Curve("up", page.added, page.readable.astype(float)) for page in pages)
    return Family("up", "gauge", "1 where the page could be read", curves)


def family(metric: Metric, pages: Sequence[Page]) -> Family:
    """One metric, of which every page has some samples."""

    def curves() -> Iterator[Curve]:
        for page in pages:
            for sample in page.samples[metric.name]:
                values = page.moved.get(key(sample.name, sample.labels))
                still = np.full(len(page.readable), sample.value) if values is None else values
                labels = {**sample.labels, **page.added}
                yield Curve(sample.name, labels, np.where(page.readable, still, np.nan))

    return Family(metric.name, metric.type, metric.documentation, curves())


def key(name: str, labels: Mapping[str, str]) -> Key:
    """To find a sample by."""
    return name, tuple(sorted(labels.items()))


def _lift_curves(zone: Zone, totals: Values) -> Iterator[Curve]:
    place = zone.place
    names = [(place.site, place.zone, technique, risk) for technique, risk in LABELS]
    samples = {key(sample.name, sample.labels): sample for sample in lifts_metric(dict.fromkeys(names, 0)).samples}
    for sample in samples.values():
        column = LABELS.index((sample.labels["technique"], sample.labels["risk"]))
        yield Curve(sample.name, {**sample.labels, **BRIDGE}, totals[:, column])


def _agents(fleet: Fleet, scrapes: Scrapes) -> Iterator[Family]:
    names = [(site.name, agent) for site in fleet.sites for agent in site.agents]
    moved: dict[Key, Values] = {}
    for site, agent in names:
        here = ~scrapes.states(away(fleet, site, agent, scrapes.span))
        labels = {"site": site, "agent": agent}
        moved[key("ergo_agent_up", labels)] = here.astype(float)
        heard = np.maximum.accumulate(np.where(here, scrapes.times_s, scrapes.span.first_s))
        moved[key("ergo_agent_last_seen_timestamp_seconds", labels)] = heard.astype(float)
    yield from _families(agents_metrics(dict.fromkeys(names, Agent(True, 1.0)), 1.0, 1.0), moved, scrapes)


def _families(metrics: Iterable[Metric], moved: Mapping[Key, Values], scrapes: Scrapes) -> Iterator[Family]:
    """Of the bridge, which is always there."""
    for metric in metrics:
        yield family(metric, [bridge_page(scrapes, {metric.name: metric.samples}, moved)])


def bridge_page(scrapes: Scrapes, samples: Mapping[str, Sequence[Sample]], moved: Mapping[Key, Values]) -> Page:
    """The bridge as a target."""
    return Page(BRIDGE, samples, moved, np.ones(len(scrapes.times_s), bool))


def _bridge_itself(fleet: Fleet, scrapes: Scrapes, counted: Values) -> dict[Key, Values]:
    """``counted`` is filled in by the time that these are asked for."""
    agents = sum(len(site.agents) for site in fleet.sites)
    beats = (scrapes.times_s - scrapes.span.first_s) // HEALTH_PERIOD_S * agents
    ends_s = scrapes.span.end_s + DAYS_OF_A_CERTIFICATE_LEFT * _DAY_S
    ones = np.ones(len(scrapes.times_s))
    return {
        key("ergo_bridge_connected", {}): ones,
        key("ergo_bridge_certificate_expiry_timestamp_seconds", {}): ones * ends_s,
        key("ergo_bridge_messages_total", {"result": "counted"}): counted,
        key("ergo_bridge_messages_total", {"result": "health"}): beats.astype(float),
    }
