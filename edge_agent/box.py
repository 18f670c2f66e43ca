"""The box: all its cameras, one loop, and the one way out, through the durable outbox to the broker."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass

import structlog
from prometheus_client import CollectorRegistry

from edge_agent.agent import MODEL, Look
from edge_agent.camera_metrics import CameraMetrics
from edge_agent.core.backlog import Picture
from edge_agent.core.events import Place, from_lift
from edge_agent.core.health import HealthRecord, Ordered
from edge_agent.core.liveness import why_stuck
from edge_agent.core.technique import UNKNOWN_REASONS
from edge_agent.core.turns import next_turn
from edge_agent.frames import DROP_REASONS
from edge_agent.networks_told import tell_networks, tell_speeds
from edge_agent.outbox import Outbox
from edge_agent.pose.eyes import STAGES, Eyes
from edge_agent.pose.network import InferenceError, cores
from edge_agent.pose.spine_encoder import NAME as SPINE
from edge_agent.post import Post, Sight
from edge_agent.process import give_back_memory
from edge_agent.publisher import AgentName, Publisher
from edge_agent.settings import CameraSettings, PoseSettings, Settings
from edge_agent.telemetry import AgentLabels, AgentTelemetry
from edge_agent.zones import zone_names, zone_of

log = structlog.get_logger()

_LOOP_WAIT_S = 0.2
_ASIDE = 1
"""Looks at once beyond the cores: while one thinks, or waits to be woken, the networks have another to answer. On two
cores eight simulated cameras were late by 0.5 instead of 3.1 %, ten by 1 instead of 34 %; two more gain nothing."""
_FAREWELL_S = 5.0

Observer = Callable[[str, Look], None]
"""Told of every look, with its camera's name; stays on this box."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All cameras that are to be watched, each with what to; ``sight``: that of the box, a camera may try another."""

    posts: Sequence[tuple[CameraSettings, Sight]]
    sight: Sight


class Box:
    """The whole agent on one machine: its cameras, its networks, and the way out."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        """Raises InputError or RunError when a part cannot be opened; nothing has been started then."""
        self.settings, self._registry = settings, registry
        models = ("pose-detector", f"pose-landmarker-{settings.pose.landmarker}", SPINE)
        names = [camera.name for camera in settings.cameras]
        self.telemetry = AgentTelemetry(registry, AgentLabels(names, DROP_REASONS, STAGES, models, UNKNOWN_REASONS))
        self.sight = Sight(self.open_eyes(settings.pose), settings.technique.thresholds)
        tell_networks(self.sight.eyes, self.telemetry)
        self.outbox = Outbox(settings.outbox, settings.privacy, self.telemetry)
        name = AgentName(settings.site, settings.agent)
        self.publisher = Publisher(settings.mqtt, name, self.outbox, self.telemetry, self._health)
        self.ordered = Ordered()
        self._ready = threading.Event()
        self._posts = {camera.name: self._new_post(camera, self.sight) for camera in settings.cameras}
        self._at_once = cores() + _ASIDE
        self._turned_s = time.monotonic()
        self._arrangements: queue.SimpleQueue[Arrangement] = queue.SimpleQueue()

    def adopt(self, arrangement: Arrangement) -> None:
        """Watch so from the next turn on; from any thread. What does not change is not disturbed."""
        self._arrangements.put(arrangement)
        self._ready.set()

    def _new_post(self, camera: CameraSettings, sight: Sight) -> Post:
        self.telemetry.start_camera(camera.name)
        return Post(camera, sight, CameraMetrics(self.telemetry), self._ready)

    def open_eyes(self, pose: PoseSettings) -> Eyes:
        """Networks whose time is measured here. Raises InputError or RunError as Eyes does. From any thread."""
        return Eyes(pose, lambda stage: self.telemetry.inference.labels(stage).time())

    def run(self, stop: threading.Event, seen: Observer) -> None:
        """Until ``stop`` is set or every camera was a file that has ended. ``seen`` is told of every look.

        Raises InputError where no camera's source could be read at all.
        """
        self.publisher.start()
        for post in self._posts.values():
            post.camera.start()
        try:
            tell_speeds(self.sight.eyes, self.telemetry)  # meanwhile the cameras connect
            with ThreadPoolExecutor(self._at_once, "look") as pool:
                self._watch(stop, pool, seen)
            self._take_done(seen)
        finally:
            self._close(seen)
        errors = [post.camera.error for post in self._posts.values() if post.camera.error]
        if errors and len(errors) == len(self._posts):
            raise errors[0]

    def _watch(self, stop: threading.Event, pool: Executor, seen: Observer) -> None:
        """Cameras side by side, each camera's frames one after the other; what they gave is taken here alone."""
        while not stop.is_set() and not all(post.ended for post in self._posts.values()):
            self._turned_s = time.monotonic()
            self._ready.wait(_LOOP_WAIT_S)
            self._ready.clear()  # before looking: a frame that comes in between sets it again
            self._take_done(seen)
            self._rearrange(seen)
            self._hand_out(pool)
            self._end_finished(seen)
            if self.outbox.release(time.time()):
                self.publisher.wake()
                give_back_memory()  # else ever more is kept, as ever more happens at once

    def _rearrange(self, seen: Observer) -> None:
        """A camera that is opened anew, or no longer watched, ends the lifts in progress there, and no other."""
        while not self._arrangements.empty():
            arrangement = self._arrangements.get()
            if arrangement.sight.eyes is not self.sight.eyes:
                tell_networks(arrangement.sight.eyes, self.telemetry)
            self.sight = arrangement.sight
            for name in self._posts.keys() - {camera.name for camera, _ in arrangement.posts}:
                self._leave(name, seen)
                self.telemetry.forget_camera(name)
            for camera, sight in arrangement.posts:
                post = self._posts.get(camera.name)
                if post is not None and post.serves(camera):
                    post.change(camera, sight)
                    continue
                self._leave(camera.name, seen)
                self._posts[camera.name] = self._new_post(camera, sight)
                self._posts[camera.name].camera.start()
        for post in self._posts.values():
            post.settle()

    def _leave(self, name: str, seen: Observer) -> None:
        """Give up a post; one frame's look, that may not have ended, is waited for."""
        post = self._posts.pop(name, None)
        if post is None:
            return
        post.camera.close()
        if post.looking is not None and (look := post.looking.result()) is not None:
            self._take(name, post, look, seen)
        if not post.ended:
            self._end(post, seen)

    def _hand_out(self, pool: Executor) -> None:
        """Give each free thread the next frame of the camera whose turn it is."""
        looking = sum(post.looking is not None for post in self._posts.values())
        for _ in range(self._at_once - looking):
            now_s = time.monotonic()
            waiting = [found for post in self._posts.values() if (found := post.waiting(now_s))]
            if not waiting:
                return
            post = self._posts[next_turn(waiting).camera]
            post.began_s = now_s
            picture = post.camera.take()
            if picture is None:
                continue
            post.looking = pool.submit(self._look, post, picture)
            post.looking.add_done_callback(lambda _: self._ready.set())

    def _look(self, post: Post, picture: Picture) -> Look | None:
        """None where a network failed: then nothing is concluded from this frame.

        An error that nobody foresaw costs this camera what it knew of the people in view, and no other camera.
        """
        try:
            look = post.watch.look(picture.develop())
        except InferenceError as error:
            post.camera.wake()
            self.telemetry.inference_errors.labels(error.model).inc()
            log.warning("inference failed", camera=post.settings.name, what=error.what, fix=error.fix)
        except Exception:
            self.telemetry.look_errors.labels(post.settings.name).inc()
            log.exception("a frame could not be understood, its camera is watched anew", camera=post.settings.name)
            post.camera.wake()
            post.watch_anew()
        else:
            post.camera.rest(post.watch.due_s, still=post.watch.still)
            return look
        return None

    def _take_done(self, seen: Observer) -> None:
        for name, post in self._posts.items():
            if post.looking is not None and post.looking.done():
                look, post.looking = post.looking.result(), None
                if look is not None:
                    self._take(name, post, look, seen)

    def _take(self, name: str, post: Post, look: Look, seen: Observer) -> None:
        if not post.watched:
            post.watched = True
            log.info("camera watched", camera=name)
        self.telemetry.frames.labels(name).inc()
        self.telemetry.frames_looked_back.labels(name).inc(len(look.earlier))
        self.telemetry.tracks.labels(name).set(post.watch.followed)
        for one in (*look.earlier, look):
            self.telemetry.looks_repeated.labels(name).inc(one.repeats)
            self.telemetry.looks_spared.labels(name).inc(one.carried)
            for reason in one.searches:
                self.telemetry.searches.labels(name, reason).inc()
        self._record(post, look, seen)

    def _record(self, post: Post, look: Look, seen: Observer) -> None:
        """Every lift becomes an anonymous event in the durable outbox before anything else hears of it."""
        for lift in look.lifts:
            if lift.unknown_reason is not None:
                self.telemetry.lift_unknown(lift.unknown_reason)
            zone = zone_of(lift, post.settings)
            if zone is None:
                self.telemetry.lifts_outside_zones.labels(post.settings.name).inc()
                continue
            ended_s = time.time() - max(look.time_s - lift.end_s, 0.0)
            place = Place(self.settings.site, zone)
            self.outbox.hold(from_lift(lift, place, ended_s, self.settings.privacy.bucket_s, MODEL))
            if look.captured_s is not None:
                self.telemetry.lift_latency.observe(time.monotonic() - look.captured_s)
        seen(post.settings.name, look)

    def _end_finished(self, seen: Observer) -> None:
        for post in self._posts.values():
            if not post.ended and post.over:
                self._end(post, seen)

    def _end(self, post: Post, seen: Observer) -> None:
        post.ended = True
        lifts = post.watch.finish()
        self._record(post, Look(max((lift.end_s for lift in lifts), default=0.0), (), tuple(lifts)), seen)

    def _close(self, seen: Observer) -> None:
        for post in self._posts.values():
            post.camera.close()
            if not post.ended:
                self._end(post, seen)
        self._last_release()
        self.publisher.stop(_FAREWELL_S)
        self.outbox.close()

    def _last_release(self) -> None:
        """Wait for the bucket's end if that is near; what is held back longer stays in the outbox's file."""
        bucket_s = self.settings.privacy.bucket_s
        remaining_s = bucket_s - time.time() % bucket_s
        if remaining_s <= _FAREWELL_S and self.outbox.depth()[0]:
            time.sleep(remaining_s)
        self.outbox.release(time.time())

    def why_stuck(self) -> str | None:
        """Say why only a restart helps; None while all is well. From any thread."""
        now_s = time.monotonic()
        looking = [post.began_s for post in list(self._posts.values()) if post.looking is not None]
        return why_stuck(now_s - self._turned_s, [now_s - began_s for began_s in looking])

    def _count(self, metric: str) -> int:
        """A camera counter's sum over all cameras."""
        samples = (self._registry.get_sample_value(metric, {"camera": name}) or 0.0 for name in list(self._posts))
        return round(sum(samples))

    def _health(self) -> HealthRecord:
        held, ready = self.outbox.shown_depth()  # the true one would tell the moment of each lift
        posts = list(self._posts.values())
        return HealthRecord(
            model=MODEL,
            model_sha256=self.sight.eyes.hashes,
            devices=self.sight.eyes.devices,
            zones=tuple(sorted({zone for post in posts for zone in zone_names(post.settings)})),
            cameras=len(posts),
            cameras_up=sum(post.camera.state == "up" for post in posts),
            frames=self._count("edge_agent_frames_total"),
            blind_s=self._count("edge_agent_camera_blind_seconds_total"),
            outbox_held=held,
            outbox_ready=ready,
            **asdict(self.ordered),
        )
