"""One camera's post: where its pictures come from, who watches them, and what of it may change meanwhile."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from edge_agent.agent import Look, Watch
from edge_agent.camera import Camera
from edge_agent.core.technique import TechniqueThresholds
from edge_agent.core.turns import Waiting
from edge_agent.frames import CameraTelemetry
from edge_agent.pose.eyes import Eyes
from edge_agent.settings import CameraSettings

_OF_THE_WATCH: Final = frozenset({"zones", "masks"})
"""What of a camera's settings can change while its pictures, and whoever bends in them, go on."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What posts look with, and judge by."""

    eyes: Eyes
    thresholds: TechniqueThresholds

    def watch(self, camera: CameraSettings) -> Watch:
        """One that knows nobody yet."""
        return Watch(camera, self.eyes, self.thresholds)


class Post:
    """Used by the box's loop alone, but for ``watch_anew``, which the thread that looks calls."""

    def __init__(
        self, settings: CameraSettings, sight: Sight, metrics: CameraTelemetry, ready: threading.Event
    ) -> None:
        self.settings = settings
        self.camera = Camera(settings, metrics, ready)
        self.watch = sight.watch(settings)
        self.looking: Future[Look | None] | None = None
        self.began_s = 0.0  # the last look, or its turn without a frame
        self.watched = self.ended = False
        self._sight = sight
        self._change: tuple[CameraSettings, Sight] | None = None

    def waiting(self, now_s: float) -> Waiting | None:
        """That a frame waits for its turn; None where none does, or the one before is still being looked at."""
        if self.looking is not None or not self.camera.waiting:
            return None
        # Of a still camera a frame comes once a second: it has not waited since the one before.
        since_s = self.camera.offered_s if self.watch.still else self.began_s
        return Waiting(self.settings.name, now_s - since_s, self.watch.bending)

    @property
    def over(self) -> bool:
        """Whether there is nothing more to look at."""
        return self.camera.state == "ended" and self.looking is None and not self.camera.waiting

    def serves(self, settings: CameraSettings) -> bool:
        """Whether ``change`` can bring about these settings; else the camera must be opened anew."""
        return settings.model_dump(exclude=set(_OF_THE_WATCH)) == self.settings.model_dump(exclude=set(_OF_THE_WATCH))

    def change(self, settings: CameraSettings, sight: Sight) -> None:
        """From the next look on. Whoever is followed stays followed, and a lift in progress goes on."""
        self._change = (settings, sight)

    def settle(self) -> None:
        """Make what was changed hold, between two looks."""
        if self._change is None or self.looking is not None:
            return
        self.settings, self._sight = self._change
        self._change = None
        self.watch.use(self.settings, self._sight.eyes, self._sight.thresholds)

    def watch_anew(self) -> None:
        """Forget all who are in view."""
        self.watch = self._sight.watch(self.settings)
