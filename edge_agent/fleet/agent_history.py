"""What the agents' own pages would have shown: cameras, frames, unknown lifts, outbox, latencies. See ``history``."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Histogram, Metric

from edge_agent.core.records import TECHNIQUES
from edge_agent.core.technique import UNKNOWN_REASONS
from edge_agent.fleet.history import DAYS_OF_A_CERTIFICATE_LEFT, Family, Key, Page, Scrapes, Values, family, key
from edge_agent.fleet.layout import Fleet, Zone
from edge_agent.fleet.postures import LABELS
from edge_agent.fleet.shifts import DAY_S
from edge_agent.fleet.work import away, blind, camera_down, lifts_seen
from edge_agent.frames import DROP_REASONS
from edge_agent.telemetry import AgentLabels, AgentTelemetry

Mask = npt.NDArray[np.bool_]

MODELS: Final = ("detector", "landmarker", "spine")
STAGES: Final = ("detect", "landmarks", "landmarks and outline", "spine")
_ANALYSED_HZ: Final = 9.0
_NOT_DUE_HZ: Final = 6.0
_UNKNOWN_SPLIT: Final = dict(zip(UNKNOWN_REASONS, (0.1, 0.3, 0.4, 0.2), strict=True))
_TYPICAL_S: Final = {
    "edge_agent_inference_seconds": (0.006, 0.012, 0.014, 0.022),
    "edge_agent_lift_latency_seconds": (0.03, 0.045, 0.06, 0.18),
    "edge_agent_delivery_seconds": (0.006, 0.009, 0.015, 0.028),
}
"""Four equally frequent times of each histogram, after docs/benchmarks.md."""


def agent_pages(fleet: Fleet, scrapes: Scrapes) -> list[Page]:
    """One for each agent."""
    return [_page(fleet, site.name, agent, scrapes) for site in fleet.sites for agent in site.agents]


def agents_history(fleet: Fleet, pages: list[Page]) -> Iterator[Family]:
    """The pages of all agents, metric by metric."""
    for metric in _metrics(fleet.zones[:1]):
        yield family(metric, pages)


def _page(fleet: Fleet, site: str, agent: str, scrapes: Scrapes) -> Page:
    zones = fleet.of_agent(site, agent)
    dark = scrapes.states(blind(fleet, site, agent, scrapes.span))
    added = {"job": "hingewatch-agents", "instance": f"{agent}.{site}.example:9108", "site": site, "agent": agent}
    metrics = _metrics(zones)
    moved = _connection(fleet, site, agent, scrapes)
    for zone in zones:
        moved |= _camera(fleet, zone, scrapes, dark)
    moved |= _lifts(fleet, zones, scrapes, dark)
    moved |= _histograms(metrics, moved)
    return Page(added, {metric.name: metric.samples for metric in metrics}, moved, ~dark)


def _metrics(zones: tuple[Zone, ...]) -> list[Metric]:
    """An agent's page at its start; each zone is what one camera sees. Histograms hold their typical times."""
    registry = CollectorRegistry()
    cameras = [zone.place.zone for zone in zones]
    telemetry = AgentTelemetry(registry, AgentLabels(cameras, DROP_REASONS, STAGES, MODELS, UNKNOWN_REASONS))
    for model in MODELS:
        telemetry.device_info.labels(model, "CPU").set(1)
        telemetry.model_info.labels(model, sha256(model.encode()).hexdigest()).set(1)
        telemetry.slowdown.labels(model).set(1)
    _observe(telemetry.lift_latency, "edge_agent_lift_latency_seconds")
    _observe(telemetry.delivery, "edge_agent_delivery_seconds")
    for stage in STAGES:
        _observe(telemetry.inference.labels(stage), "edge_agent_inference_seconds")
    telemetry.end_bucket(0.0, 0)
    return list(registry.collect())


def _observe(histogram: Histogram, name: str) -> None:
    for time_s in _TYPICAL_S[name]:
        histogram.observe(time_s)


def _histograms(metrics: list[Metric], moved: Mapping[Key, Values]) -> dict[Key, Values]:
    """As many times as frames were looked at, or as there were lifts, in the typical proportions."""
    found = {}
    for metric in metrics:
        if metric.name in _TYPICAL_S:
            counted = "edge_agent_frames_total" if "inference" in metric.name else "edge_agent_lifts_total"
            count = np.sum([values for (name, _), values in moved.items() if name == counted], axis=0)
            for sample in metric.samples:
                found[key(sample.name, sample.labels)] = sample.value / len(_TYPICAL_S[metric.name]) * count
    return found


def _connection(fleet: Fleet, site: str, agent: str, scrapes: Scrapes) -> dict[Key, Values]:
    gone = scrapes.states(away(fleet, site, agent, scrapes.span))
    dark = scrapes.states(blind(fleet, site, agent, scrapes.span))
    lost = _since_start(np.cumsum(np.diff(gone.astype(float), prepend=0.0) > 0), dark)
    end_s = scrapes.span.end_s + DAYS_OF_A_CERTIFICATE_LEFT * DAY_S
    shown_s = scrapes.times_s - scrapes.times_s % scrapes.span.bucket_s
    return {
        key("edge_agent_mqtt_connected", {}): (~gone).astype(float),
        key("edge_agent_mqtt_connect_failures_total", {"cause": "lost"}): lost,
        key("edge_agent_certificate_expiry_timestamp_seconds", {}): np.full(len(gone), float(end_s)),
        key("edge_agent_people_shown_until_timestamp_seconds", {}): shown_s.astype(float),
    }


def _camera(fleet: Fleet, zone: Zone, scrapes: Scrapes, dark: Mask) -> dict[Key, Values]:
    """Time goes on by scrapes here, lest a camera be told blind in whole buckets only."""
    camera = zone.place.zone
    down = scrapes.states(camera_down(fleet, zone, scrapes.span))
    watched_s = _since_start(np.cumsum(~down * float(scrapes.step_s)), dark)
    blind_s = _since_start(np.cumsum(down * float(scrapes.step_s)), dark)
    returns = _since_start(np.cumsum(np.diff(down.astype(float), prepend=0.0) < 0), dark)
    return {
        key("edge_agent_camera_up", {"camera": camera}): (~down).astype(float),
        key("edge_agent_camera_blind_seconds_total", {"camera": camera}): blind_s,
        key("edge_agent_camera_reconnects_total", {"camera": camera}): returns,
        key("edge_agent_frames_total", {"camera": camera}): watched_s * _ANALYSED_HZ,
        key("edge_agent_frames_dropped_total", {"camera": camera, "reason": "not_due"}): watched_s * _NOT_DUE_HZ,
    }


def _lifts(fleet: Fleet, zones: tuple[Zone, ...], scrapes: Scrapes, dark: Mask) -> dict[Key, Values]:
    seen = np.zeros((len(scrapes.span.starts_s), len(LABELS)), np.int64)
    for zone in zones:
        seen += lifts_seen(fleet, zone, scrapes.span)
    totals = scrapes.totals(seen)
    moved: dict[Key, Values] = {}
    for name in TECHNIQUES:
        columns = [technique == name for technique, _ in LABELS]
        told = _since_start(totals[:, columns].sum(axis=1), dark)
        moved[key("edge_agent_lifts_total", {"technique": name})] = told
    unknown = moved[key("edge_agent_lifts_total", {"technique": "unknown"})]
    for reason, share in _UNKNOWN_SPLIT.items():
        moved[key("edge_agent_lifts_unknown_total", {"reason": reason})] = np.floor(unknown * share)
    return moved


def _since_start(running: Values, dark: Mask) -> Values:
    """A counter begins anew when the box has power again: (scrapes,) -> (scrapes,)."""
    since: Values = running - np.maximum.accumulate(np.where(dark, running, 0.0))
    return since
