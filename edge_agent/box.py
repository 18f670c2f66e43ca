"""The box: all its cameras, one loop, and the one way out, through the durable outbox to the broker."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor

import structlog
from prometheus_client import CollectorRegistry

from edge_agent.agent import MODEL, Look, Watch
from edge_agent.camera import Camera, newest_of
from edge_agent.core.events import Place, from_lift
from edge_agent.core.records import Frame
from edge_agent.core.technique import UNKNOWN_REASONS
from edge_agent.frames import DROP_REASONS
from edge_agent.outbox import Outbox
from edge_agent.pose.eyes import STAGES, Eyes
from edge_agent.pose.network import InferenceError, cores
from edge_agent.pose.spine_encoder import NAME as SPINE
from edge_agent.publisher import AgentName, Publisher
from edge_agent.settings import Settings
from edge_agent.telemetry import AgentLabels, AgentTelemetry, CameraMetrics, serve
from edge_agent.zones import zone_names, zone_of

log = structlog.get_logger()

_LOOP_WAIT_S = 0.2
_FAREWELL_S = 5.0

Observer = Callable[[str, Look], None]
"""Told of every look, with its camera's name; stays on this box."""


class Box:
    """The whole agent on one machine: its cameras, its networks, and the way out."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        """Raises InputError or RunError when a part cannot be opened; nothing has been started then."""
        self._settings, self._registry = settings, registry
        models = ("pose-detector", f"pose-landmarker-{settings.pose.landmarker}", SPINE)
        names = [camera.name for camera in settings.cameras]
        self.telemetry = AgentTelemetry(registry, AgentLabels(names, DROP_REASONS, STAGES, models, UNKNOWN_REASONS))
        self._eyes = Eyes(settings.pose, lambda stage: self.telemetry.inference.labels(stage).time())
        for model, device in self._eyes.devices.items():
            self.telemetry.device_info.labels(model, device).set(1)
            log.info("network ready", model=model, device=device)
        self.outbox = Outbox(settings.outbox, settings.privacy, self.telemetry)
        name = AgentName(settings.site, settings.agent)
        self._publisher = Publisher(settings.mqtt, name, self.outbox, self.telemetry, self._health)
        self._ready = threading.Event()
        metrics = CameraMetrics(self.telemetry)
        self._cameras = [Camera(camera, metrics, self._ready) for camera in settings.cameras]
        self._watches = {
            camera.name: Watch(camera, self._eyes, settings.technique.thresholds) for camera in settings.cameras
        }
        self._by_name = {camera.name: camera for camera in settings.cameras}
        self._ended: set[str] = set()

    def run(self, stop: threading.Event, seen: Observer) -> None:
        """Until ``stop`` is set or every camera was a file that has ended. ``seen`` is told of every look.

        Raises InputError where no camera's source could be read at all.
        """
        self._publisher.start()
        for camera in self._cameras:
            camera.start()
        try:
            with ThreadPoolExecutor(cores(), "look") as pool:
                self._watch(stop, pool, seen)
        finally:
            self._close(seen)
        errors = [camera.error for camera in self._cameras if camera.error]
        if errors and len(errors) == len(self._cameras):
            raise errors[0]

    def _watch(self, stop: threading.Event, pool: Executor, seen: Observer) -> None:
        """The newest frame of every camera that has one, side by side; what they gave, one after the other."""
        while not stop.is_set() and len(self._ended) < len(self._cameras):
            frames = newest_of(self._cameras, self._ready, _LOOP_WAIT_S)
            for frame, look in zip(frames, pool.map(self._look, frames), strict=True):
                self._take(frame, look, seen)
            self._end_finished(seen)
            if self.outbox.release(time.time()):
                self._publisher.wake()

    def _look(self, frame: Frame) -> Look | None:
        """None where a network failed: then nothing is concluded from this frame."""
        try:
            return self._watches[frame.camera].look(frame)
        except InferenceError as error:
            self.telemetry.inference_errors.labels(error.model).inc()
            log.warning("inference failed", camera=frame.camera, what=error.what, fix=error.fix)
            return None

    def _take(self, frame: Frame, look: Look | None, seen: Observer) -> None:
        if look is None:
            return
        self.telemetry.frames.labels(frame.camera).inc()
        self.telemetry.tracks.labels(frame.camera).set(self._watches[frame.camera].followed)
        for reason in look.searches:
            self.telemetry.searches.labels(frame.camera, reason).inc()
        self._record(frame.camera, look, seen)

    def _record(self, camera: str, look: Look, seen: Observer) -> None:
        """Every lift becomes an anonymous event in the durable outbox before anything else hears of it."""
        for lift in look.lifts:
            self.telemetry.lift(lift.technique, lift.unknown_reason)
            zone = zone_of(lift, self._by_name[camera])
            if zone is None:
                self.telemetry.lifts_outside_zones.labels(camera).inc()
                continue
            ended_s = time.time() - max(look.time_s - lift.end_s, 0.0)
            place = Place(self._settings.site, zone)
            self.outbox.hold(from_lift(lift, place, ended_s, self._settings.privacy.bucket_s, MODEL))
        seen(camera, look)

    def _end_finished(self, seen: Observer) -> None:
        for camera in self._cameras:
            if camera.state == "ended" and camera.name not in self._ended:
                self._end(camera.name, seen)

    def _end(self, name: str, seen: Observer) -> None:
        self._ended.add(name)
        lifts = self._watches[name].finish()
        self._record(name, Look(max((lift.end_s for lift in lifts), default=0.0), (), tuple(lifts)), seen)

    def _close(self, seen: Observer) -> None:
        for camera in self._cameras:
            camera.close()
            if camera.name not in self._ended:
                self._end(camera.name, seen)
        self._last_release()
        self._publisher.stop(_FAREWELL_S)
        self.outbox.close()

    def _last_release(self) -> None:
        """Wait for the bucket's end if that is near; what is held back longer stays in the outbox's file."""
        bucket_s = self._settings.privacy.bucket_s
        remaining_s = bucket_s - time.time() % bucket_s
        if remaining_s <= _FAREWELL_S and self.outbox.depth()[0]:
            time.sleep(remaining_s)
        self.outbox.release(time.time())

    def _count(self, metric: str) -> int:
        """A camera counter's sum over all cameras."""
        names = [camera.name for camera in self._cameras]
        return round(sum(self._registry.get_sample_value(metric, {"camera": name}) or 0.0 for name in names))

    def _health(self) -> dict[str, object]:
        held, ready = self.outbox.shown_depth()  # the true one would tell the moment of each lift
        return {
            "model": MODEL,
            "model_sha256": self._eyes.hashes,
            "devices": self._eyes.devices,
            "zones": sorted({zone for camera in self._settings.cameras for zone in zone_names(camera)}),
            "cameras": len(self._cameras),
            "cameras_up": sum(camera.state == "up" for camera in self._cameras),
            "frames": self._count("edge_agent_frames_total"),
            "blind_s": self._count("edge_agent_camera_blind_seconds_total"),
            "outbox_held": held,
            "outbox_ready": ready,
        }


def run(settings: Settings, stop: threading.Event) -> None:
    """Watch the settings' cameras until ``stop`` is set. Raises InputError or RunError as Box does."""
    registry = CollectorRegistry()
    box = Box(settings, registry)
    port, stop_serving = serve(registry, settings.metrics.host, settings.metrics.port)
    log.info("agent started", site=settings.site, agent=settings.agent, metrics_port=port)
    try:
        box.run(stop, lambda _camera, _look: None)
    finally:
        stop_serving()
    log.info("agent stopped", site=settings.site, agent=settings.agent)
