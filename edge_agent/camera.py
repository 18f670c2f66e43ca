"""The frames of one source: a thread that reads, the few that wait for their turn, an account of what was not seen.

ready = threading.Event()
cameras = [Camera(settings, telemetry, ready) for settings in site.cameras]
for camera in cameras:
    camera.start()
while ready.wait():
    ready.clear()  # before looking: a frame that comes in between sets it again
    for camera in cameras:
        if picture := camera.take():
            frame = picture.develop()
            ...
            camera.rest(until_s)
"""

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import structlog
from tenacity import RetryCallState, RetryError

from edge_agent.core.backlog import Backlog, Picture, Unused
from edge_agent.core.records import Frame
from edge_agent.errors import InputError
from edge_agent.frames import (
    SILENT,
    CameraTelemetry,
    DropReason,
    FrameReader,
    read_video,
)
from edge_agent.reconnecting import STEADY_S, attempts, error_of
from edge_agent.settings import CameraSettings
from edge_agent.video import VideoInfo, is_live, open_video, probe, redact, video_info
from edge_agent.video_failures import Failure, failure

__all__ = [
    "SILENT",
    "Camera",
    "CameraState",
    "CameraTelemetry",
    "DropReason",
    "VideoInfo",
    "probe",
    "read_video",
    "redact",
    "video_info",
]

CameraState = Literal["starting", "up", "down", "ended"]

SEGMENT_S = 10.0
"""HLS comes in segments, of 6 s as Apple's authoring specification has it, up to 10 s in practice: nothing comes
in between."""
CLOSE_WAIT_S = 0.5
"""A read that hangs inside FFmpeg cannot be interrupted: after this long it is left to its own time-out."""

log = structlog.get_logger()


class Camera:
    """Reads one source in a daemon thread and keeps the frames that wait for a look: `core.backlog` says which.

    Live sources: newer frames overtake older ones, and the source is reopened for ever. Files: the reader waits until
    each frame was taken or is known not to be needed, and the state at the end is ``ended``.
    ``error`` says why a file could not be read, ``why_down`` why a live source gave nothing when it was last tried.
    ``ready`` is set whenever any camera that shares it has a frame or has ended; the newest came at ``offered_s``.
    """

    def __init__(
        self,
        settings: CameraSettings,
        telemetry: CameraTelemetry = SILENT,
        ready: threading.Event | None = None,
    ) -> None:
        self.name = settings.name
        self.error: InputError | None = None
        self.why_down: Failure | None = None
        self._settings = settings
        self._telemetry = telemetry
        self._ready = ready or threading.Event()
        self._live = is_live(settings.source)
        # HLS arrives in segments and an .mp4 as fast as the line allows: show them at their own pace.
        self._paced = settings.source.startswith("http")
        # A camera asked for a frame a minute is not stalled after three seconds.
        self._patience_s = max(settings.stall_timeout_s, 2.0 / settings.rate_hz, SEGMENT_S if self._paced else 0.0)
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._backlog = Backlog()
        self._state: CameraState = "starting"
        self._was_up = self._outage_logged = self._still = False
        self._blind_from_s = float("inf")
        self.offered_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"camera-{self.name}", daemon=True)

    @property
    def state(self) -> CameraState:
        """``starting`` until the first frame or failure, then ``up`` or ``down``; ``ended`` after a file."""
        with self._changed:
            self._account_blindness()
            return self._state

    @property
    def waiting(self) -> bool:
        """Whether ``take`` has a frame to give."""
        with self._changed:
            return bool(self._backlog)

    def start(self) -> None:
        """Begin to read."""
        self._telemetry.up(self.name, False)
        if self._live:
            self._blind_from_s = time.monotonic() + self._patience_s
        self._thread.start()

    def close(self) -> None:
        """Stop reading; returns within about a second even if the source hangs."""
        with self._changed:
            self._account_blindness()
            self._stop.set()
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(CLOSE_WAIT_S)
        self._telemetry.up(self.name, False)

    def take(self) -> Picture | None:
        """The next frame to look at; its conversion is left to who looks. Also keeps the account of blind seconds."""
        with self._changed:
            picture = self._backlog.take()
            self._account_blindness()
            self._changed.notify_all()
            return picture

    def newest(self, timeout_s: float) -> Frame | None:
        """Take the newest frame and give up older ones; None if there was none, and none came in this time."""
        with self._changed:
            self._changed.wait_for(lambda: self._backlog or self._state == "ended" or self._stop.is_set(), timeout_s)
        picture = self.take()
        while (newer := self.take()) is not None:
            self._telemetry.dropped(self.name, "newer_frame")
            picture = newer
        return None if picture is None else picture.develop()

    def rest(self, until_s: float, *, still: bool = False) -> None:
        """Frames before this media time are not needed: pass over them from now on, but keep the last few.

        still: nor are those between keyframes, of a live source, until something moves.
        """
        with self._changed:
            self._still = still
            self._count(self._backlog.rest(until_s))
            self._changed.notify_all()

    def wake(self) -> None:
        """Nobody knows what the last frame showed: take none for still."""
        self._still = False

    def _count(self, unused: Iterable[Unused | None]) -> None:
        for why in unused:
            if why is not None:
                self._telemetry.dropped(self.name, why)

    def _run(self) -> None:
        try:
            if self._live:
                self._watch_forever()
            else:
                self._play_once()
        except InputError as error:
            self._give_up(error, "input")
        except Exception as error:  # a reader that died unseen would leave the loop waiting for ever
            log.exception("camera reader failed", camera=self.name)
            found = failure(error)
            self._give_up(InputError(f"{self.name} {found.what}", found.fix), found.reason)
        with self._changed:
            self._state = "ended"
            self._telemetry.up(self.name, False)
            self._changed.notify_all()
        self._ready.set()

    def _give_up(self, error: InputError, reason: str) -> None:
        self.error = error
        self._telemetry.failed(self.name, reason)
        log.warning("camera cannot be read", camera=self.name, what=error.what, fix=error.fix)

    def _play_once(self) -> None:
        settings = self._settings
        path = Path(settings.source).expanduser()
        for frame in read_video(path, settings.height_px, settings.rate_hz, self._telemetry, self.name):
            self._offer(Picture.of(frame))
            if self._stop.is_set():
                return
        with self._changed:  # the end comes after the last frame was taken
            self._changed.wait_for(lambda: not self._backlog or self._stop.is_set())

    def _watch_forever(self) -> None:
        settings = self._settings
        reader = FrameReader(
            self.name, settings.height_px, settings.rate_hz, self._telemetry, patience_s=self._patience_s
        )
        try:
            for attempt in attempts(self._stop, self._lost):
                with attempt:
                    self._watch(reader, attempt.retry_state)
        except RetryError:
            return  # closed

    def _watch(self, reader: FrameReader, retry_state: RetryCallState) -> None:
        settings = self._settings
        with open_video(settings.source, settings.open_timeout_s, self._patience_s) as container:
            opened_s, media_start_s = time.monotonic(), None
            self._still = False
            for picture in reader.pictures(container, None if self._paced else lambda: self._still):
                if self._stop.is_set():
                    return
                if picture is None:
                    continue
                now_s = time.monotonic()
                if self._paced:
                    media_start_s = media_start_s or now_s - picture.time_s
                    self._stop.wait(max(0.0, media_start_s + picture.time_s - now_s))
                self._offer(picture)
                if now_s - opened_s > STEADY_S:
                    retry_state.attempt_number = 1
        if not self._stop.is_set():
            raise EOFError

    def _lost(self, retry_state: RetryCallState) -> None:
        error = error_of(retry_state)
        self.why_down = found = failure(error)
        self._telemetry.failed(self.name, found.reason)
        with self._changed:
            self._blind_from_s = min(self._blind_from_s, time.monotonic())
            self._account_blindness()
        if not self._outage_logged:  # once per outage, not once per attempt
            self._outage_logged = True
            source = redact(self._settings.source)
            trace = error if found.reason == "internal" else None
            log.warning(
                "camera down", camera=self.name, source=source, what=found.what, fix=found.fix, exc_info=trace
            )

    def _offer(self, picture: Picture) -> None:
        with self._changed:
            if not self._live:
                self._changed.wait_for(lambda: not self._backlog or self._stop.is_set())
            if self._stop.is_set():
                return
            self._sees()
            unused = self._backlog.offer(picture)
            self._count([unused])
            if unused == "not_due":
                return
            self._telemetry.frame(self.name)
            self.offered_s = time.monotonic()
            self._changed.notify_all()
        self._ready.set()

    def _sees(self) -> None:
        self._account_blindness()
        if self._live:
            self._blind_from_s = time.monotonic() + self._patience_s
        if self._state == "up":
            return
        self._state, self.why_down = "up", None
        self._telemetry.up(self.name, True)
        log.info("camera up", camera=self.name)
        if self._was_up:
            self._telemetry.reconnect(self.name)
        self._was_up, self._outage_logged = True, False

    def _account_blindness(self) -> None:
        now_s = time.monotonic()
        if now_s < self._blind_from_s or self._stop.is_set():
            return
        self._telemetry.blind(self.name, now_s - self._blind_from_s)
        self._blind_from_s = now_s
        if self._state != "down":
            self._state = "down"
            self._telemetry.up(self.name, False)
