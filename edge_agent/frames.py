"""Frames out of an opened video: one time line, one rate, every picture that is not used counted."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, get_args

import av.error
import structlog
from av.container import InputContainer
from av.video.frame import VideoFrame

from edge_agent.core.backlog import Picture
from edge_agent.core.doze import LONGEST_S
from edge_agent.core.media_time import RateLimit, Timeline
from edge_agent.core.records import Frame
from edge_agent.decoding import Sparing, pictures
from edge_agent.errors import InputError
from edge_agent.video import (
    UNSTAMPED_FORMATS,
    Converter,
    container_duration_s,
    frame_step_s,
    open_video,
    picture_time_s,
)

DropReason = Literal["newer_frame", "rate", "not_due", "corrupt"]
DROP_REASONS: tuple[str, ...] = get_args(DropReason)

CUT_OFF_S = 1.0
"""A file whose pictures end this long before its declared duration was cut off; sound may outlast by less."""

log = structlog.get_logger()


class CameraTelemetry(Protocol):
    """What is counted about a source. Called from reader threads and the loop; ``camera`` is its name."""

    def frame(self, camera: str) -> None:
        """One frame waits for its turn."""

    def dropped(self, camera: str, reason: DropReason) -> None:
        """One picture was not used: overtaken while it waited, above the rate, sooner than needed, or undecodable."""

    def up(self, camera: str, up: bool) -> None:
        """Fresh frames arrive, or no longer do."""

    def blind(self, camera: str, seconds: float) -> None:
        """This much more time passed unseen: disconnected, or silent beyond the stall limit."""

    def reconnect(self, camera: str) -> None:
        """Frames arrive again after an outage."""

    def failed(self, camera: str, reason: str) -> None:
        """One attempt to open or read failed; ``reason`` is one of ``edge_agent.video_failures.REASONS``."""


class SilentTelemetry:
    """Counts nothing, for offline use."""

    def frame(self, camera: str) -> None: ...  # noqa: D102
    def dropped(self, camera: str, reason: DropReason) -> None: ...  # noqa: D102
    def up(self, camera: str, up: bool) -> None: ...  # noqa: D102
    def blind(self, camera: str, seconds: float) -> None: ...  # noqa: D102
    def reconnect(self, camera: str) -> None: ...  # noqa: D102
    def failed(self, camera: str, reason: str) -> None: ...  # noqa: D102


SILENT = SilentTelemetry()


class FrameReader:
    """Turns the containers of one source, one after the other, into pictures on one time line.

    ``patience_s``: for live sources, raise TimeoutError when no picture came for so long; None for files.
    """

    def __init__(
        self,
        name: str,
        height_px: int,
        rate_hz: float | None,
        telemetry: CameraTelemetry,
        patience_s: float | None,
    ) -> None:
        self._name = name
        self._telemetry = telemetry
        self._patience_s = patience_s
        self._timeline = Timeline(live=patience_s is not None)
        self._limit = RateLimit(rate_hz)
        self._converter = Converter(height_px)
        self._picture_at_s = self._heard_s = time.monotonic()
        self.decoded = 0
        self.last_s = 0.0

    def pictures(
        self, container: InputContainer, still: Callable[[], bool] | None = None
    ) -> Iterator[Picture | None]:
        """Yield the pictures to use, and None often enough in between for the caller to look up.

        ``still``: says whether keyframes will do for now (``core.doze``).
        """
        self._timeline.reconnected()
        opened_s, step_s = time.monotonic(), frame_step_s(container)
        live = self._patience_s is not None
        stamped = not (live and container.format.name in UNSTAMPED_FORMATS)
        sparing = self._sparing(still) if stamped else None
        for picture in pictures(container, self._dropped("corrupt"), sparing):
            now_s = time.monotonic()
            if picture is None:
                self._check_stall(now_s - max(opened_s, self._picture_at_s, self._heard_s))
                yield None
                continue
            elapsed_s = now_s - self._picture_at_s if live else step_s
            self._picture_at_s = now_s
            self.decoded += 1
            self.last_s = self._timeline.at(picture_time_s(picture) if stamped else None, elapsed_s)
            if self._limit.keeps(self.last_s):
                yield Picture(self.last_s, partial(self._frame, picture, self.last_s, now_s))
            else:
                self._telemetry.dropped(self._name, "rate")

    def _frame(self, picture: VideoFrame, time_s: float, captured_s: float) -> Frame:
        return Frame(self._name, self._converter.bgr(picture), time_s, captured_s)

    def _sparing(self, still: Callable[[], bool] | None) -> Sparing | None:
        """None where a second without a picture is nearly a stall."""
        if still is None or self._patience_s is None or self._patience_s <= 2 * LONGEST_S:
            return None
        return Sparing(still, self._heard, self._dropped("not_due"))

    def _dropped(self, reason: DropReason) -> Callable[[], None]:
        return partial(self._telemetry.dropped, self._name, reason)

    def _heard(self) -> None:
        self._heard_s = time.monotonic()

    def _check_stall(self, silent_s: float) -> None:
        if self._patience_s is not None and silent_s > self._patience_s:
            raise TimeoutError


def read_video(
    path: Path,
    height_px: int,
    rate_hz: float | None,
    telemetry: CameraTelemetry = SILENT,
    name: str | None = None,
) -> Iterator[Frame]:
    """Yield the frames of a recorded file, upright, at most ``height_px`` tall and ``rate_hz`` per second.

    ``name`` is the frames' camera, the file's name by default. A file that was cut off yields what can be
    decoded, then a logged warning and ``failed("truncated")``. Raises InputError if there is nothing to see.
    """
    name = name or path.name
    reader = FrameReader(name, height_px, rate_hz, telemetry, patience_s=None)
    with open_video(str(path), 0.0, 0.0) as container:
        duration_s = container_duration_s(container)
        broken = False
        try:
            yield from (picture.develop() for picture in reader.pictures(container) if picture is not None)
        except (av.error.FFmpegError, OSError):
            broken = True
    if reader.decoded == 0:
        raise InputError(f"{path} holds no picture that can be decoded", "check that it plays elsewhere")
    if broken or reader.last_s < duration_s - CUT_OFF_S:
        telemetry.failed(name, "truncated")
        times_s = {"seen_s": round(reader.last_s, 1), "declared_s": round(duration_s, 1)}
        fix = "copy or record it again; what can be seen is judged"
        log.warning("video was cut off", video=name, **times_s, fix=fix)
