"""Looks through all cameras of a settings file, and keeps of each newest look lines and numbers, no picture.

One thread looks, camera after camera: for placing cameras it need not be as fast as the agent.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import hypot
from typing import Final

import numpy as np
import structlog

from edge_agent.agent import Look, Person
from edge_agent.camera import Camera
from edge_agent.coarse import Shutter, small_jpeg, without_faces
from edge_agent.core.placement import Placement
from edge_agent.core.posture import in_picture
from edge_agent.core.records import Frame
from edge_agent.core.skeleton import HEAD, SHOULDERS
from edge_agent.draw import BONES, VISIBLE
from edge_agent.overlay import Drawing
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import InferenceError
from edge_agent.post import Sight
from edge_agent.settings import CameraSettings, Settings
from edge_agent.zones import zone_at

_WAIT_S = 0.2
_LAST_LOOKS: Final = 50

log = structlog.get_logger()

Line = tuple[float, float, float, float]
"""From x, y to x, y, as fractions of the picture's width and height."""


@dataclass(frozen=True, slots=True)
class Body:
    """One person as the page draws them: lines, a round head, and the zone in which the feet stand."""

    lines: tuple[Line, ...]
    head: tuple[float, float, float]
    feet: tuple[float, float]
    zone: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What all cameras share."""

    sight: Sight
    ready: threading.Event
    clock: Callable[[], float]


class Aim:
    """One camera while it is aimed."""

    def __init__(self, camera: CameraSettings, shared: Shared) -> None:
        self.settings = camera
        self.camera = Camera(camera, ready=shared.ready)
        self.placement = Placement()
        self.shutter = Shutter(camera.name, shared.clock)
        self.size_px = (0, 0)
        self.trouble: InferenceError | None = None
        self._sight = shared.sight
        self._watch = self._sight.watch(camera)
        self._drawing = Drawing()
        self._bodies: tuple[Body, ...] = ()
        self._looks: deque[tuple[float, float]] = deque(maxlen=_LAST_LOOKS)

    @property
    def name(self) -> str:
        """The camera's."""
        return self.settings.name

    @property
    def bodies(self) -> tuple[Body, ...]:
        """Everyone in the newest look; nobody while the camera is down."""
        return self._bodies if self.camera.state == "up" else ()

    @property
    def rate_hz(self) -> float:
        """Looks in a second, of the last ones."""
        begun_s = [begin_s for begin_s, _ in tuple(self._looks)]
        return (len(begun_s) - 1) / (begun_s[-1] - begun_s[0]) if len(begun_s) > 1 else 0.0

    @property
    def look_ms(self) -> float:
        """How long a look takes, mean of the last ones; 0 before the first."""
        took_s = [took for _, took in tuple(self._looks)]
        return 1000 * sum(took_s) / len(took_s) if took_s else 0.0

    def use(self, camera: CameraSettings) -> None:
        """Its zones and masks from now on; anything else of it needs a new start."""
        self.settings = self.settings.model_copy(update={"zones": camera.zones, "masks": camera.masks})

    def step(self) -> None:
        """Look at the newest frame, if there is one."""
        frame = self.camera.newest(0.0)
        if frame is not None:
            self.look(frame)

    def look(self, frame: Frame) -> None:
        """Keep what this frame shows. Never raises: a frame that cannot be looked at is told, and passed over."""
        begin_s = time.monotonic()
        if self._watch.camera is not self.settings:  # saved by the page's thread, maybe in the midst of the last look
            self._watch.use(self.settings, self._sight.eyes, self._sight.thresholds)
        try:
            look = self._watch.look(frame)
        except InferenceError as error:
            self.trouble = error
            log.warning("inference failed", camera=self.name, what=error.what, fix=error.fix)
            return
        except Exception:
            log.exception("a frame could not be understood, its camera is watched anew", camera=self.name)
            self._watch = self._sight.watch(self.settings)
            return
        self.trouble = None
        self._looks.append((begin_s, time.monotonic() - begin_s))
        self.camera.rest(self._watch.due_s)
        self._keep(frame, look)

    def _keep(self, frame: Frame, look: Look) -> None:
        height, width = frame.image.shape[:2]
        self.size_px = (width, height)
        self.placement.light = self._watch.light
        self.placement.see([person.moment for person in look.people], look.lifts, height)
        self._bodies = tuple(_body(person, self.size_px, self.settings) for person in look.people)
        if self.shutter.left_s:
            self.shutter.put(small_jpeg(without_faces(frame.image, self.settings, look, self._drawing)))


def _body(person: Person, size_px: tuple[int, int], camera: CameraSettings) -> Body:
    pose, (width, height) = person.pose, size_px
    xy = np.round(pose.xy / np.array(size_px, np.float32), 4)
    shown = pose.visibility >= VISIBLE
    lines = tuple(
        (float(xy[a, 0]), float(xy[a, 1]), float(xy[b, 0]), float(xy[b, 1]))
        for a, b in BONES
        if shown[a] and shown[b]
    )
    head_px, shoulder_px = pose.xy[list(HEAD)].mean(0), pose.xy[list(SHOULDERS)].mean(0)
    radius = 0.5 * hypot(*(head_px - shoulder_px)) / width
    feet = in_picture(person.moment.posture.feet_xy, size_px)
    head = (float(head_px[0] / width), float(head_px[1] / height), float(radius))
    return Body(lines, head, feet, zone_at(feet, camera))


class Aims:
    """All cameras. ``with Aims(settings, eyes) as aims``: they are watched until the block ends."""

    def __init__(self, settings: Settings, eyes: Eyes, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: by which shown pictures end."""
        self.device = ", ".join(sorted(set(eyes.devices.values())))
        self._ready, self._stop = threading.Event(), threading.Event()
        shared = Shared(Sight(eyes, settings.technique.thresholds), self._ready, clock)
        self.cameras = {camera.name: Aim(camera, shared) for camera in settings.cameras}
        self._thread = threading.Thread(target=self._watch, name="setup", daemon=True)

    def use(self, settings: Settings) -> None:
        """Zones and masks of the cameras that are watched, as the file has them now."""
        for camera in settings.cameras:
            if camera.name in self.cameras:
                self.cameras[camera.name].use(camera)

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._ready.wait(_WAIT_S)
            self._ready.clear()  # before looking: a frame that comes in between sets it again
            for aim in self.cameras.values():
                aim.step()
                _ = aim.shutter.left_s  # an end is told when it comes, not when somebody asks

    def __enter__(self) -> "Aims":
        for aim in self.cameras.values():
            aim.camera.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for aim in self.cameras.values():
            aim.camera.close()
            aim.shutter.close()
