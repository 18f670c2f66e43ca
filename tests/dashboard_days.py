"""A simulated company's counters, as lines that promtool reads: shifts, weekends, busy Mondays, outages, one change.

Nobody's figures: what is drawn only has to be as uneven as the real thing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.floating]
STEP_S: Final = 300
"""Prometheus looks back for five minutes, so a sample in each five is never missed."""
SLOTS_A_DAY: Final = 86_400 // STEP_S
CAMERAS_AN_AGENT: Final = 4
LIFTS_AN_HOUR: Final = 14.0
"""Of an average zone in the day shifts."""
COMBINATIONS: Final = (
    ("hinge", "low", 0.7), ("hinge", "medium", 0.3), ("hinge", "high", 0.0),
    ("squat", "low", 0.8), ("squat", "medium", 0.2), ("squat", "high", 0.0),
    ("rounded_back", "low", 0.0), ("rounded_back", "medium", 0.25), ("rounded_back", "high", 0.75),
    ("unknown", "low", 0.6), ("unknown", "medium", 0.4), ("unknown", "high", 0.0),
)  # fmt: skip
"""Technique, risk, and how often a lift of that technique is of that risk."""


@dataclass(frozen=True, slots=True)
class Days:
    """Times of the samples: ``slots`` of them, the last one at ``end_s`` (unix time)."""

    end_s: int
    slots: int

    @property
    def start_s(self) -> int:
        return self.end_s - (self.slots - 1) * STEP_S

    def times_s(self) -> NDArray[np.int64]:
        return self.start_s + np.arange(self.slots, dtype=np.int64) * STEP_S

    def activity(self) -> Counts:
        """How much is lifted, per slot: 1 on average in a day shift; little at night, hardly any on Sunday."""
        times = self.times_s()
        hour, weekday = times // 3600 % 24, (times // 86_400 + 3) % 7  # 0: Monday
        shift = np.select([hour < 5, hour < 13, hour < 21], [0.15, 1.15, 0.85], 0.15)
        delivery = np.where((weekday == 0) & (hour == 6), 2.5, 1.0)
        day = np.select([weekday == 6, weekday == 5], [0.03, 0.35], 1.0)
        return np.asarray(shift * delivery * day, np.float64)


def company(days: Days, sites: Sequence[str], zones: Sequence[str], change_s: int) -> Iterator[Iterator[str]]:
    """The lines of each site, then the bridge's. change_s: from then on fewer round their backs in half the zones."""
    for number, site in enumerate(sites):
        drawn = np.random.default_rng(100 + number)
        yield _site(days, site, zones, change_s, drawn)
    yield _bridge(days, np.random.default_rng(7))


def _site(days: Days, site: str, zones: Sequence[str], change_s: int, drawn: np.random.Generator) -> Iterator[str]:
    for number, zone in enumerate(zones):
        yield from _zone(days, {"site": site, "zone": zone}, change_s if number % 2 else days.end_s, drawn)
    for agent in range(-(-len(zones) // CAMERAS_AN_AGENT)):
        first = agent * CAMERAS_AN_AGENT
        cameras = [f"cam-{zone}" for zone in zones[first : first + CAMERAS_AN_AGENT]]
        yield from _agent(days, site, f"box-{agent + 1}", cameras, drawn)


def _zone(days: Days, labels: Mapping[str, str], change_s: int, drawn: np.random.Generator) -> Iterator[str]:
    per_slot = LIFTS_AN_HOUR * STEP_S / 3600 * drawn.uniform(0.4, 1.6)
    rounded, unknown = drawn.uniform(0.1, 0.4), min(drawn.gamma(2.0, 0.08), 0.7)
    improved = np.where(days.times_s() > change_s, 0.6, 1.0) * rounded
    told = 1 - unknown
    shares = {
        "rounded_back": told * improved,
        "hinge": told * (1 - improved) * 0.55,
        "squat": told * (1 - improved) * 0.45,
        "unknown": np.full(days.slots, unknown),
    }
    rate = days.activity() * per_slot
    for technique, risk, share in COMBINATIONS:
        lifts = drawn.poisson(rate * shares[technique] * share).astype(np.float64)
        told_labels = {**labels, "technique": technique, "risk": risk, **_BRIDGE}
        yield _series(days, "ergo_lifts_total", told_labels, np.cumsum(lifts))


_BRIDGE: Final = {"job": "hingewatch-bridge", "instance": "bridge:9109"}


def _bridge(days: Days, drawn: np.random.Generator) -> Iterator[str]:
    yield _level(days, "up", _BRIDGE, 1)
    yield _level(days, "ergo_bridge_connected", _BRIDGE, 1)
    yield _level(days, "ergo_bridge_storage_errors_total", _BRIDGE, 0)
    for result, per_slot in (("counted", 9.0), ("duplicate", 0.05), ("rejected", 0.01)):
        messages = np.cumsum(drawn.poisson(days.activity() * per_slot).astype(np.float64))
        yield _series(days, "ergo_bridge_messages_total", {"result": result, **_BRIDGE}, messages)
    late = np.cumsum(drawn.poisson(days.activity() * 0.01).astype(np.float64))
    yield _series(days, "ergo_bridge_rejected_messages_total", {"reason": "too_old", **_BRIDGE}, late)
    alert = {"alertname": "CameraDown", "alertstate": "firing", "severity": "critical", "audience": "engineer"}
    yield _level(days, "ALERTS", alert, 1)


def _agent(days: Days, site: str, agent: str, cameras: Sequence[str], drawn: np.random.Generator) -> Iterator[str]:
    page = {"site": site, "agent": agent, "job": "hingewatch-agents", "instance": f"{site}-{agent}:9108"}
    named = {"site": site, "agent": agent, **_BRIDGE}
    up = _outages(days, drawn, how_many=2, slots=SLOTS_A_DAY // 4)
    yield _level(days, "up", page, 1)
    yield _series(days, "ergo_agent_up", named, up)
    yield _series(days, "ergo_agent_last_seen_timestamp_seconds", named, days.times_s() - 20.0)
    for camera in cameras:
        ends_down = camera == cameras[-1] and site.endswith("-2")
        yield from _camera(days, {**page, "camera": camera}, drawn, down_slots=36 if ends_down else 0)
    yield from _lifts_on_the_way(days, page, drawn)
    yield from _networks(days, page, drawn)


def _camera(days: Days, labels: Mapping[str, str], drawn: np.random.Generator, down_slots: int) -> Iterator[str]:
    """down_slots: for how long it has been down at the end."""
    up = _outages(days, drawn, how_many=3, slots=SLOTS_A_DAY // 12)
    up[days.slots - down_slots :] = 0
    frames = np.cumsum(up * 15.0 * STEP_S * 0.6)
    yield _series(days, "edge_agent_camera_up", labels, up)
    yield _series(days, "edge_agent_camera_blind_seconds_total", labels, np.cumsum((1 - up) * STEP_S))
    yield _series(days, "edge_agent_frames_total", labels, frames)
    overtaken = np.floor(frames * drawn.uniform(0, 0.1))
    yield _series(days, "edge_agent_frames_dropped_total", {**labels, "reason": "newer_frame"}, overtaken)


def _lifts_on_the_way(days: Days, page: Mapping[str, str], drawn: np.random.Generator) -> Iterator[str]:
    lifts = np.cumsum(drawn.poisson(days.activity() * 4).astype(np.float64))
    for reason, share in (("view", 0.12), ("hidden", 0.05), ("unsure", 0.08)):
        yield _series(days, "edge_agent_lifts_unknown_total", {**page, "reason": reason}, np.floor(lifts * share))
    for metric in ("edge_agent_lift_latency_seconds", "edge_agent_delivery_seconds"):
        for le, share in (("0.02", 0.2), ("0.05", 0.7), ("0.1", 0.93), ("0.25", 0.99), ("+Inf", 1.0)):
            yield _series(days, f"{metric}_bucket", {**page, "le": le}, np.floor(lifts * share))
    yield _level(days, "edge_agent_outbox_oldest_age_seconds", page, 0)
    yield _level(days, "edge_agent_outbox_events", {**page, "state": "ready"}, 0)
    yield _level(days, "edge_agent_outbox_dropped_events_total", {**page, "risk": "high"}, 0)
    yield _level(days, "edge_agent_certificate_expiry_timestamp_seconds", page, days.end_s + 100 * 86_400)


def _networks(days: Days, page: Mapping[str, str], drawn: np.random.Generator) -> Iterator[str]:
    for model, sha256 in (("pose_landmark_full", "a1b2c3d4"), ("spine", "0f1e2d3c")):
        labels = {**page, "model": model}
        yield _level(days, "edge_agent_device_info", {**labels, "device": "CPU"}, 1)
        yield _level(days, "edge_agent_model_info", {**labels, "sha256": sha256}, 1)
        yield _level(days, "edge_agent_inference_slowdown", labels, round(drawn.uniform(0.95, 1.3), 2))
    asked = np.cumsum(days.activity() * 200)
    for stage, seconds in (("detect", 0.012), ("landmarks", 0.014), ("spine", 0.003)):
        yield _series(days, "edge_agent_inference_seconds_count", {**page, "stage": stage}, np.floor(asked))
        yield _series(days, "edge_agent_inference_seconds_sum", {**page, "stage": stage}, asked * seconds)


def _outages(days: Days, drawn: np.random.Generator, how_many: int, slots: int) -> Counts:
    """1 while up; 0 in some stretches of up to ``slots``."""
    up = np.ones(days.slots)
    for start in drawn.integers(0, days.slots - slots, how_many):
        up[start : start + drawn.integers(1, slots)] = 0
    return up


def _level(days: Days, name: str, labels: Mapping[str, str], value: float) -> str:
    return _series(days, name, labels, np.full(days.slots, float(value)))


def _series(days: Days, name: str, labels: Mapping[str, str], values: Counts) -> str:
    """One series as OpenMetrics text."""
    named = ",".join(f'{label}="{value}"' for label, value in labels.items())
    start = f"{name}{{{named}}} "
    times = days.times_s().tolist()
    return "".join(f"{start}{value:.10g} {time}\n" for time, value in zip(times, values.tolist(), strict=True))
