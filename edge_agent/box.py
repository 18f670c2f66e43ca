"""The box: all its cameras, one loop, and the one way out, through the durable outbox to the broker."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import structlog
from prometheus_client import CollectorRegistry

from edge_agent.agent import MODEL, Look, Watch
from edge_agent.anonymity import weaknesses
from edge_agent.camera import Camera
from edge_agent.core.events import Place, from_lift
from edge_agent.core.health import HealthRecord
from edge_agent.core.liveness import why_stuck
from edge_agent.core.records import Frame
from edge_agent.core.technique import UNKNOWN_REASONS
from edge_agent.core.turns import Waiting, next_turn
from edge_agent.frames import DROP_REASONS
from edge_agent.metrics_server import Exposition, health, serve
from edge_agent.outbox import Outbox
from edge_agent.pose.eyes import STAGES, Eyes
from edge_agent.pose.network import InferenceError, cores
from edge_agent.pose.speed import SLOWED, SLOWED_FIX, Speed
from edge_agent.pose.spine_encoder import NAME as SPINE
from edge_agent.publisher import AgentName, Publisher
from edge_agent.settings import CameraSettings, Settings
from edge_agent.telemetry import AgentLabels, AgentTelemetry, CameraMetrics
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
        self._tell_devices()
        self.outbox = Outbox(settings.outbox, settings.privacy, self.telemetry)
        name = AgentName(settings.site, settings.agent)
        self._publisher = Publisher(settings.mqtt, name, self.outbox, self.telemetry, self._health)
        self._ready = threading.Event()
        metrics = CameraMetrics(self.telemetry)
        self._cameras = [Camera(camera, metrics, self._ready) for camera in settings.cameras]
        self._watches = {camera.name: self._new_watch(camera) for camera in settings.cameras}
        self._settings_of = {camera.name: camera for camera in settings.cameras}
        self._by_name = {camera.name: camera for camera in self._cameras}
        self._begun_s = dict.fromkeys(self._by_name, 0.0)  # the last look, or its camera's turn without a frame
        self._looking: dict[str, Future[Look | None]] = {}
        self._turned_s = time.monotonic()
        self._ended: set[str] = set()
        self._watched: set[str] = set()

    def _tell_devices(self) -> None:
        for one in self._eyes.fallbacks:
            self.telemetry.device_fallbacks.labels(one.model, one.device).inc()
            log.warning("device not used", model=one.model, device=one.device, what=one.error.what, fix=one.error.fix)
        for model, device in self._eyes.devices.items():
            self.telemetry.device_info.labels(model, device).set(1)
            log.info("network ready", model=model, device=device)
        for model, digest in self._eyes.hashes.items():
            self.telemetry.model_info.labels(model, digest).set(1)

    def _tell_speeds(self) -> None:
        try:
            for speed in self._eyes.speeds():
                self._tell_speed(speed)
        except OSError as error:
            log.warning("first speed not kept", what=str(error), fix="set pose.cache_dir to a folder with space")

    def _tell_speed(self, speed: Speed) -> None:
        """The landmarker is opened twice; its slower form counts."""
        gauge = self.telemetry.slowdown.labels(speed.network.name)
        gauge.set(
            max(
                speed.slowdown,
                self._registry.get_sample_value("edge_agent_inference_slowdown", {"model": speed.network.name})
                or 0.0,
            )
        )
        if speed.slowdown >= SLOWED:
            what = f"{speed.answer_ms:.0f} ms an answer, {speed.slowdown:.1f} times as long as at first"
            log.warning("network has become slower", model=speed.network.name, what=what, fix=SLOWED_FIX)

    def _new_watch(self, camera: CameraSettings) -> Watch:
        return Watch(camera, self._eyes, self._settings.technique.thresholds)

    def run(self, stop: threading.Event, seen: Observer) -> None:
        """Until ``stop`` is set or every camera was a file that has ended. ``seen`` is told of every look.

        Raises InputError where no camera's source could be read at all.
        """
        self._publisher.start()
        for camera in self._cameras:
            camera.start()
        try:
            self._tell_speeds()  # meanwhile the cameras connect
            with ThreadPoolExecutor(cores(), "look") as pool:
                self._watch(stop, pool, seen)
            self._take_done(seen)
        finally:
            self._close(seen)
        errors = [camera.error for camera in self._cameras if camera.error]
        if errors and len(errors) == len(self._cameras):
            raise errors[0]

    def _watch(self, stop: threading.Event, pool: Executor, seen: Observer) -> None:
        """Cameras side by side, each camera's frames one after the other; what they gave is taken here alone."""
        while not stop.is_set() and len(self._ended) < len(self._cameras):
            self._turned_s = time.monotonic()
            self._ready.wait(_LOOP_WAIT_S)
            self._ready.clear()  # before looking: a frame that comes in between sets it again
            self._take_done(seen)
            self._hand_out(pool)
            self._end_finished(seen)
            if self.outbox.release(time.time()):
                self._publisher.wake()

    def _hand_out(self, pool: Executor) -> None:
        """Give each free core the newest frame of the camera whose turn it is."""
        for _ in range(cores() - len(self._looking)):
            now_s = time.monotonic()
            waiting = [
                Waiting(camera.name, now_s - self._begun_s[camera.name], self._watches[camera.name].bending)
                for camera in self._cameras
                if camera.name not in self._looking and camera.waiting
            ]
            if not waiting:
                return
            name = next_turn(waiting).camera
            self._begun_s[name] = now_s
            frame = self._by_name[name].newest(0.0)
            if frame is None:
                continue
            self._looking[name] = pool.submit(self._look, frame)
            self._looking[name].add_done_callback(lambda _: self._ready.set())

    def _look(self, frame: Frame) -> Look | None:
        """None where a network failed: then nothing is concluded from this frame.

        An error that nobody foresaw costs this camera what it knew of the people in view, and no other camera.
        """
        watch = self._watches[frame.camera]
        try:
            look = watch.look(frame)
        except InferenceError as error:
            self.telemetry.inference_errors.labels(error.model).inc()
            log.warning("inference failed", camera=frame.camera, what=error.what, fix=error.fix)
        except Exception:
            self.telemetry.look_errors.labels(frame.camera).inc()
            log.exception("a frame could not be understood, its camera is watched anew", camera=frame.camera)
            self._watches[frame.camera] = self._new_watch(self._settings_of[frame.camera])
        else:
            self._by_name[frame.camera].rest(watch.due_s)
            return look
        return None

    def _take_done(self, seen: Observer) -> None:
        for name, future in [(name, future) for name, future in self._looking.items() if future.done()]:
            del self._looking[name]
            self._take(name, future.result(), seen)

    def _take(self, camera: str, look: Look | None, seen: Observer) -> None:
        if look is None:
            return
        if camera not in self._watched:
            self._watched.add(camera)
            log.info("camera watched", camera=camera)
        self.telemetry.frames.labels(camera).inc()
        self.telemetry.tracks.labels(camera).set(self._watches[camera].followed)
        for reason in look.searches:
            self.telemetry.searches.labels(camera, reason).inc()
        self._record(camera, look, seen)

    def _record(self, camera: str, look: Look, seen: Observer) -> None:
        """Every lift becomes an anonymous event in the durable outbox before anything else hears of it."""
        for lift in look.lifts:
            if lift.unknown_reason is not None:
                self.telemetry.lift_unknown(lift.unknown_reason)
            zone = zone_of(lift, self._settings_of[camera])
            if zone is None:
                self.telemetry.lifts_outside_zones.labels(camera).inc()
                continue
            ended_s = time.time() - max(look.time_s - lift.end_s, 0.0)
            place = Place(self._settings.site, zone)
            self.outbox.hold(from_lift(lift, place, ended_s, self._settings.privacy.bucket_s, MODEL))
            if look.captured_s is not None:
                self.telemetry.lift_latency.observe(time.monotonic() - look.captured_s)
        seen(camera, look)

    def _end_finished(self, seen: Observer) -> None:
        for camera in self._cameras:
            over = camera.state == "ended" and camera.name not in self._looking
            if over and not camera.waiting and camera.name not in self._ended:
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

    def why_stuck(self) -> str | None:
        """Say why only a restart helps; None while all is well. From any thread."""
        now_s = time.monotonic()
        looking = [self._begun_s[name] for name in list(self._looking)]
        return why_stuck(now_s - self._turned_s, [now_s - begun_s for begun_s in looking])

    def _count(self, metric: str) -> int:
        """A camera counter's sum over all cameras."""
        names = [camera.name for camera in self._cameras]
        return round(sum(self._registry.get_sample_value(metric, {"camera": name}) or 0.0 for name in names))

    def _health(self) -> HealthRecord:
        held, ready = self.outbox.shown_depth()  # the true one would tell the moment of each lift
        return HealthRecord(
            model=MODEL,
            model_sha256=self._eyes.hashes,
            devices=self._eyes.devices,
            zones=tuple(sorted({zone for camera in self._settings.cameras for zone in zone_names(camera)})),
            cameras=len(self._cameras),
            cameras_up=sum(camera.state == "up" for camera in self._cameras),
            frames=self._count("edge_agent_frames_total"),
            blind_s=self._count("edge_agent_camera_blind_seconds_total"),
            outbox_held=held,
            outbox_ready=ready,
        )


def run(settings: Settings, stop: threading.Event) -> None:
    """Watch the settings' cameras until ``stop`` is set. Raises InputError or RunError as Box does."""
    registry = CollectorRegistry()
    box = Box(settings, registry)
    page = settings.metrics
    port, stop_serving = serve(
        Exposition(registry), page.host, page.port, prefix="edge_agent", pages=health(box.why_stuck)
    )
    for weakness in weaknesses(settings):
        log.warning("counts may tell about one person", what=weakness.what, fix=weakness.fix)
    log.info("agent started", site=settings.site, agent=settings.agent, metrics_port=port)
    try:
        box.run(stop, lambda _camera, _look: None)
    finally:
        stop_serving()
    log.info("agent stopped", site=settings.site, agent=settings.agent)
