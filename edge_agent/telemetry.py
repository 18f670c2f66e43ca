"""Every Prometheus metric of the agent, declared once; the bridge's are in ``bridge_telemetry``.

A metrics object is built on the registry it is given; nothing here is global. Label sets that are known at
start exist at 0 from the start, because ``increase()`` cannot see the first event of a series that was
absent before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from edge_agent.core.records import TECHNIQUES
from edge_agent.core.search import SEARCHES
from edge_agent.outbox_telemetry import OutboxMetrics
from edge_agent.settings_telemetry import SettingsMetrics
from edge_agent.veil import Veil

PUBLISH_RESULTS: Final = ("acknowledged", "no_subscriber", "refused")
CONNECT_FAILURES: Final = (
    "unreachable", "no_answer", "refused", "lost", "untrusted", "expired", "wrong_host", "tls"
)  # fmt: skip

_LATENCY_SECONDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0, 2.5, 10.0)
_STAGE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


@dataclass(frozen=True, slots=True)
class AgentLabels:
    """The label values known when the agent starts; each gets its series at 0."""

    cameras: Sequence[str] = ()
    drop_reasons: Sequence[str] = ()
    stages: Sequence[str] = ()
    models: Sequence[str] = ()
    unknown_reasons: Sequence[str] = ()
    failure_reasons: Sequence[str] = ()


class AgentTelemetry(OutboxMetrics, SettingsMetrics):
    """``edge_agent_*``.

    Whatever moves with the people in view (frames looked at, networks asked, lifts, events held back) stands still on
    the page until a time bucket ends: reading it every second would otherwise undo the rounding of event times. What
    an engineer needs at once (cameras up, errors, broker) is live.
    """

    def __init__(self, registry: CollectorRegistry, labels: AgentLabels | None = None) -> None:
        without_created_series()
        self._veil = Veil(registry)
        self._reasons_veil = Veil(registry)
        self._reasons_waiting = 0
        self._declare_cameras(registry)
        self._declare_looks(self._veil.behind)
        self._declare_inference(registry)
        self._declare_lifts(self._veil.behind)
        self._declare_judgements(registry)
        self._declare_outbox(registry, self._veil.behind)
        self._declare_mqtt(registry)
        self._declare_settings(registry)
        self._labels = labels or AgentLabels()
        self._start_at_zero(self._labels)
        self._veil.lift()
        self._reasons_veil.lift()

    def _declare_cameras(self, registry: CollectorRegistry) -> None:
        self.camera_up = Gauge(
            "edge_agent_camera_up", "1 while the camera delivers frames", ["camera"], registry=registry
        )
        self.camera_blind = Counter(
            "edge_agent_camera_blind_seconds", "Time without any frame", ["camera"], registry=registry
        )
        self.camera_reconnects = Counter(
            "edge_agent_camera_reconnects", "Times the camera was opened again", ["camera"], registry=registry
        )
        self.camera_failures = Counter(
            "edge_agent_camera_failures",
            "Failed attempts to open or read a camera",
            ["camera", "reason"],
            registry=registry,
        )

    def _declare_looks(self, registry: CollectorRegistry) -> None:
        self.frames = Counter("edge_agent_frames", "Frames analysed", ["camera"], registry=registry)
        self.frames_dropped = Counter(
            "edge_agent_frames_dropped",
            "Frames decoded or received but not analysed",
            ["camera", "reason"],
            registry=registry,
        )
        self.inference = Histogram(
            "edge_agent_inference_seconds",
            "Time one stage took for one request",
            ["stage"],
            registry=registry,
            buckets=_STAGE_SECONDS,
        )
        self.searches = Counter(
            "edge_agent_searches",
            "Windows in which people were searched for, by what called for it; rested are those spared",
            ["camera", "reason"],
            registry=registry,
        )
        self.looks_repeated = Counter(
            "edge_agent_looks_repeated",
            "Looks at a person once more in the same frame: the first had looked where they were before they moved",
            ["camera"],
            registry=registry,
        )
        self.looks_spared = Counter(
            "edge_agent_looks_spared",
            "Looks at a person that were not needed: standing or walking, moved along by what moves in the picture",
            ["camera"],
            registry=registry,
        )
        self.frames_looked_back = Counter(
            "edge_agent_frames_looked_back",
            "Frames looked at after all that had been passed over as not due: somebody had begun to move in them",
            ["camera"],
            registry=registry,
        )
        self.tracks = Gauge(
            "edge_agent_tracks", "People followed when the last time bucket ended", ["camera"], registry=registry
        )

    def _declare_inference(self, registry: CollectorRegistry) -> None:
        self.inference_errors = Counter(
            "edge_agent_inference_errors", "Inference requests that failed", ["model"], registry=registry
        )
        self.look_errors = Counter(
            "edge_agent_look_errors",
            "Frames given up by an unforeseen error; the camera is then watched anew",
            ["camera"],
            registry=registry,
        )
        self.device_info = Gauge(
            "edge_agent_device_info",
            "1 for the device a model really runs on",
            ["model", "device"],
            registry=registry,
        )
        self.model_info = Gauge(
            "edge_agent_model_info",
            "1 for the file a model was loaded from, by its SHA-256",
            ["model", "sha256"],
            registry=registry,
        )
        self.slowdown = Gauge(
            "edge_agent_inference_slowdown",
            "Time of one answer at the start, as a multiple of the first start's on this box",
            ["model"],
            registry=registry,
        )
        self.device_fallbacks = Counter(
            "edge_agent_device_fallbacks",
            "Devices that were asked for and are here, but could not run a model rightly",
            ["model", "device"],
            registry=registry,
        )

    def _declare_judgements(self, registry: CollectorRegistry) -> None:
        self.lifts = Counter(
            "edge_agent_lifts",
            "Lifts that have left as events; those held back for privacy are not yet counted",
            ["technique"],
            registry=registry,
        )
        self.lifts_unknown = Counter(
            "edge_agent_lifts_unknown",
            "Lifts whose technique could not be told, shown once min_lifts of them are new",
            ["reason"],
            registry=self._reasons_veil.behind,
        )

    def _declare_lifts(self, registry: CollectorRegistry) -> None:
        self.lift_latency = Histogram(
            "edge_agent_lift_latency_seconds",
            "From the frame that let a lift be judged to its event in the outbox",
            registry=registry,
            buckets=_LATENCY_SECONDS,
        )
        self.shown_until = Gauge(
            "edge_agent_people_shown_until_timestamp_seconds",
            "Until when frames, searches, inference, people and lifts on this page are counted: the last bucket end",
            registry=registry,
        )
        self.lifts_outside_zones = Counter(
            "edge_agent_lifts_outside_zones",
            "Lifts not reported because the feet stood in none of the camera's zones",
            ["camera"],
            registry=registry,
        )

    def _declare_mqtt(self, registry: CollectorRegistry) -> None:
        self.mqtt_connected = Gauge(
            "edge_agent_mqtt_connected", "1 while the broker has accepted the connection", registry=registry
        )
        self.mqtt_connect_failures = Counter(
            "edge_agent_mqtt_connect_failures",
            "Connections to the broker that failed or were lost",
            ["cause"],
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "edge_agent_certificate_expiry_timestamp_seconds",
            "When our certificate for the broker, or the authority's, ends; 0 where there is none",
            registry=registry,
        )
        self.mqtt_publishes = Counter(
            "edge_agent_mqtt_publishes",
            "The broker's answers to published events",
            ["result"],
            registry=registry,
        )
        self.publisher_errors = Counter(
            "edge_agent_publisher_errors", "Unexpected errors in the publishing thread", registry=registry
        )

    def _start_at_zero(self, labels: AgentLabels) -> None:
        each(self.start_camera, labels.cameras)
        each(self.inference.labels, labels.stages)
        each(self.inference_errors.labels, labels.models)
        each(self.lifts.labels, TECHNIQUES)
        each(self.lifts_unknown.labels, labels.unknown_reasons)
        self._start_outbox_at_zero()
        each(self.mqtt_connect_failures.labels, CONNECT_FAILURES)
        each(self.mqtt_publishes.labels, PUBLISH_RESULTS)

    def start_camera(self, camera: str) -> None:
        """Its series, at 0 unless they are there."""
        for per_camera in self._only_by_camera():
            per_camera.labels(camera)
        for by_reason, reasons in self._by_camera_and_reason():
            for reason in reasons:
                by_reason.labels(camera, reason)

    def forget_camera(self, camera: str) -> None:
        """It is no longer watched: its last values must not stand there for ever."""
        for per_camera in (*self._only_by_camera(), *(metric for metric, _ in self._by_camera_and_reason())):
            per_camera.remove_by_labels({"camera": camera})

    def _only_by_camera(self) -> tuple[Counter | Gauge, ...]:
        return (
            self.frames,
            self.frames_looked_back,
            self.looks_repeated,
            self.looks_spared,
            self.camera_up,
            self.camera_blind,
            self.camera_reconnects,
            self.look_errors,
            self.tracks,
            self.lifts_outside_zones,
        )

    def _by_camera_and_reason(self) -> tuple[tuple[Counter, Sequence[str]], ...]:
        return (
            (self.frames_dropped, self._labels.drop_reasons),
            (self.camera_failures, self._labels.failure_reasons),
            (self.searches, SEARCHES),
        )

    def lift_unknown(self, reason: str) -> None:
        """Note why a lift's technique could not be told."""
        self.lifts_unknown.labels(reason).inc()
        self._reasons_waiting += 1

    def end_bucket(self, now_s: float, min_lifts: int) -> None:
        """Show what moves with people as it is now (unix time). The outbox calls this when a bucket has ended.

        What tells how a lift looked waits for ``min_lifts`` of its kind, as the events do.
        """
        self.shown_until.set(now_s)
        self._veil.lift()
        if self._reasons_waiting >= min_lifts:
            self._reasons_waiting = 0
            self._reasons_veil.lift()


def without_created_series() -> None:
    """Their ``*_created`` gauges double the page and Prometheus 2.42 has no use for them."""
    disable_created_metrics()  # type: ignore[no-untyped-call]


def each(create: Callable[[str], object], values: Sequence[str]) -> None:
    """Make a series at 0 for each value."""
    for value in values:
        create(value)
