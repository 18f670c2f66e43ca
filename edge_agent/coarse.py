"""What ``peek`` and ``setup`` show a person of a camera's picture: small, masked areas blank, faces coarse."""

import getpass
import threading
import time
from collections.abc import Callable
from typing import Final

import cv2
import structlog

from edge_agent.agent import Look
from edge_agent.core.records import Image
from edge_agent.overlay import Drawing
from edge_agent.pose.pixels import blank
from edge_agent.settings import CameraSettings

WIDTH_PX: Final = 480
"""Enough to see what the camera shows. Somebody 120 pixels tall in a 1280-pixel picture, who may not be found and
blurred, has a face 6 pixels wide here; to recognise a well-known one takes 16 (see ``draw.FACE_CELLS``)."""

log = structlog.get_logger()


def without_faces(image: Image, camera: CameraSettings, look: Look, drawing: Drawing) -> Image:
    """A new picture of what one look saw, skeletons drawn in; still as large as it was."""
    return drawing.draw(blank(image, camera.masks), look)


def small_jpeg(image: Image) -> bytes:
    """What may be shown of it."""
    height = round(image.shape[0] * WIDTH_PX / image.shape[1])
    small = cv2.resize(image, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small)[1].tobytes()


def told_shown(camera: str, minutes: float) -> None:
    """Whoever looks at people is named in the log."""
    log.warning("a camera's picture is shown", camera=camera, user=getpass.getuser(), minutes=minutes)


def told_hidden(camera: str) -> None:
    """The end of it."""
    log.warning("a camera's picture is no longer shown", camera=camera)


class Shutter:
    """One camera's picture: there while somebody has it open, which ends by itself. From any thread."""

    MINUTES: Final = 2.0

    def __init__(self, camera: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._camera, self._clock = camera, clock
        self._until_s: float | None = None
        self._jpeg = b""
        self._lock = threading.Lock()

    def open(self) -> None:
        """From now on for ``MINUTES``."""
        with self._lock:
            self._until_s = self._clock() + 60 * self.MINUTES
            told_shown(self._camera, self.MINUTES)

    def close(self) -> None:
        """Now."""
        with self._lock:
            self._shut()

    @property
    def left_s(self) -> float:
        """Seconds for which it stays open; 0 when it is shut."""
        with self._lock:
            return self._left_s()

    def put(self, jpeg: bytes) -> None:
        """The newest picture; forgotten at once where it is shut."""
        with self._lock:
            if self._left_s():
                self._jpeg = jpeg

    @property
    def jpeg(self) -> bytes:
        """The newest picture; empty where it is shut, or there is none yet."""
        with self._lock:
            self._left_s()
            return self._jpeg

    def _left_s(self) -> float:
        left_s = 0.0 if self._until_s is None else self._until_s - self._clock()
        if left_s <= 0:
            self._shut()
        return max(left_s, 0.0)

    def _shut(self) -> None:
        if self._until_s is not None:
            told_hidden(self._camera)
        self._until_s, self._jpeg = None, b""
