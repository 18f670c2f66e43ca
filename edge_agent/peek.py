"""The engineer's look through one camera while it is aimed: asked for by hand, logged, and over by itself.

The picture is small, masked areas are blank, the faces of all who are followed are coarse. It goes from memory to a
page on this machine only, under an address that cannot be guessed, and never to disk. ``run`` has no such page.
"""

import secrets
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Final

import cv2
import numpy as np
import structlog

from edge_agent.agent import Watch
from edge_agent.camera import Camera
from edge_agent.coarse import small_jpeg, told_hidden, told_shown, without_faces
from edge_agent.core.records import Frame, Image
from edge_agent.errors import InputError
from edge_agent.overlay import Drawing
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import InferenceError
from edge_agent.settings import CameraSettings, Settings

log = structlog.get_logger()

_ZONE_COLOUR: Final = (178, 114, 0)  # Okabe and Ito's blue
_WAIT_S: Final = 0.5


def camera_named(settings: Settings, name: str) -> CameraSettings:
    """Raises InputError naming the cameras there are."""
    for camera in settings.cameras:
        if camera.name == name:
            return camera
    known = ", ".join(camera.name for camera in settings.cameras) or "none"
    raise InputError(f"no camera is called {name}", f"name one of these: {known}")


class Peek:
    """``with Peek() as page: page.show(...)``; ``page.url`` is where to look, on this machine only."""

    def __init__(self) -> None:
        self._picture = b""
        self._token = secrets.token_urlsafe(16)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, name="peek", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/{self._token}/"

    def show(self, image: Image) -> None:
        """Replace the picture."""
        self._picture = small_jpeg(image)

    def __enter__(self) -> "Peek":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, path: str) -> tuple[str, bytes] | None:
        """Type and body of what stands at this path."""
        page = files("edge_agent").joinpath("web", "peek.html").read_bytes()
        answers = {
            f"/{self._token}/": ("text/html", page),
            f"/{self._token}/picture.jpg": ("image/jpeg", self._picture),
        }
        return answers.get(path.partition("?")[0])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(self) -> None:
                found = answer(self.path)
                if found is None:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", found[0])
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(found[1])

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the address holds the token."""

        return Handler


def peek(settings: Settings, name: str, minutes: float, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Show one camera until the time is over or ``stop`` is set; ``tell`` gets the page's address.

    Raises InputError for an unknown camera or an unreadable file, RunError when no device can run the networks.
    """
    camera_settings = camera_named(settings, name)
    until_s = time.monotonic() + 60 * minutes
    watch = Watch(camera_settings, Eyes(settings.pose), settings.technique.thresholds)
    camera, drawing = Camera(camera_settings), Drawing()
    told_shown(name, minutes)
    camera.start()
    try:
        with Peek() as page:
            tell(page.url)
            while time.monotonic() < until_s and not stop.is_set() and camera.state != "ended":
                frame = camera.newest(_WAIT_S)
                if frame is not None:
                    _look(frame, watch, drawing, page)
    finally:
        camera.close()
        told_hidden(name)
    if camera.error:
        raise camera.error


def _look(frame: Frame, watch: Watch, drawing: Drawing, page: Peek) -> None:
    try:
        look = watch.look(frame)
    except InferenceError as error:
        log.warning("inference failed, picture not shown", what=error.what, fix=error.fix)
        return
    page.show(without_faces(_with_zones(frame.image, watch.camera), watch.camera, look, drawing))


def _with_zones(image: Image, camera: CameraSettings) -> Image:
    """Zones as lines."""
    drawn, size = image.copy(), np.array([image.shape[1], image.shape[0]])
    for zone in camera.zones:
        corners = np.rint(np.array(zone.polygon) * size).astype(np.int32)
        cv2.polylines(drawn, [corners], True, _ZONE_COLOUR, thickness=max(2, image.shape[0] // 240))
    return drawn
