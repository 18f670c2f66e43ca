"""Opening video with PyAV and turning its pictures into BGR arrays: what cameras and recorded files share."""

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import av.error
import cv2
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from edge_agent.core.records import Image
from edge_agent.decoding import pictures, seconds
from edge_agent.errors import InputError
from edge_agent.settings import LIVE_SCHEMES
from edge_agent.video_failures import failure

FILE_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,h264,hevc,mjpeg,asf,flv,ogg,mxf,dv,ivf,gif"
"""Containers that hold video. Without the list FFmpeg plays a .txt as ANSI art and follows play lists."""

UNSTAMPED_FORMATS = frozenset({"mpjpeg", "mjpeg", "jpeg_pipe", "h264", "hevc", "m4v"})
"""Formats without time stamps: FFmpeg makes up 25 Hz, which on a live MJPEG camera is simply wrong."""

OPEN_TIMEOUT_S = 10.0
MAX_PIXELS = 8192 * 4320
"""Larger than any camera's picture; a file may declare anything, and a picture is allocated before it is seen."""

# Already at the opening FFmpeg decodes some, to see what it has.
_DECODER_OPTIONS = {"max_pixels": str(MAX_PIXELS)}
_FILE_OPTIONS = {"format_whitelist": FILE_FORMATS} | _DECODER_OPTIONS

_ROTATIONS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    -90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    -180: cv2.ROTATE_180,
}


def redact(source: str) -> str:
    """Return the source fit for logs: no user, password, query or fragment.

    Passwords hold unescaped ``@ / ? #`` in practice, so all up to the last ``@`` counts as credentials; some
    cameras take ``user=…_password=…`` inside the path, so a path with ``=`` goes as well.
    """
    scheme, mark, rest = source.partition("://")
    if not mark:
        return source
    secret, at, place = rest.rpartition("@")
    if re.search(r"[?#]", secret):  # nobody can tell where the credentials end
        return f"{scheme}://***"
    host, slash, path = re.split(r"[?#]", place)[0].partition("/")
    return f"{scheme}://{'***@' if at else ''}{host}{slash}{'***' if '=' in path else path}"


def is_live(source: str) -> bool:
    """Say whether the source runs by itself (network, V4L2), unlike a file, which waits for its reader."""
    return "://" in source or source.isdecimal() or source.startswith("/dev/video")


def open_video(source: str, open_timeout_s: float, read_timeout_s: float) -> InputContainer:
    """Open a source for :func:`pictures`.

    Raises InputError for an unknown scheme or an unfit file, ``av.error.FFmpegError`` or ``IndexError`` (see
    :func:`failure`) for the rest. PyAV's read timeout spans one packet: it bounds a hang, not a trickle.
    """
    timeout = (open_timeout_s, read_timeout_s)
    if not is_live(source):
        return _open_file(Path(source).expanduser())
    if "://" not in source:
        device = f"/dev/video{source}" if source.isdecimal() else source
        container = av.open(device, mode="r", format="v4l2", timeout=timeout)
    else:
        scheme = source.partition("://")[0].lower()
        if scheme not in LIVE_SCHEMES:
            raise InputError(
                f"{redact(source)}: unknown kind of address {scheme}://",
                f"use one of {', '.join(LIVE_SCHEMES)}",
            )
        # What the stream says of its frame rate is enough; FFmpeg would count pictures for most of a second first.
        rtsp = {"rtsp_transport": "tcp", "allowed_media_types": "video", "fpsprobesize": "0"}
        # An answer lost in noise never comes: wait for it as long as for a picture, not for all of the opening.
        rtsp["timeout"] = str(round(read_timeout_s * 1e6))  # in microseconds
        options = rtsp if scheme.startswith("rtsp") else {}
        container = _open_stream(source, options | _DECODER_OPTIONS, timeout)
    return _with_video(container)


def _open_stream(source: str, options: dict[str, str], timeout: tuple[float, float]) -> InputContainer:
    began_s = time.monotonic()
    try:
        return av.open(source, mode="r", options=options, timeout=timeout, metadata_errors="replace")
    except av.error.InvalidDataError:
        # FFmpeg's RTSP client calls an answer that never came "invalid data".
        if time.monotonic() - began_s >= 0.9 * min(timeout):
            raise TimeoutError from None
        raise


def _open_file(path: Path) -> InputContainer:
    if path.is_file() and os.access(path, os.R_OK) and path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes)", "copy or record the file again")
    try:
        return _with_video(av.open(str(path), mode="r", options=_FILE_OPTIONS, metadata_errors="replace"))
    except (av.error.FFmpegError, IndexError) as error:
        found = failure(error)
        what, fix = found.what, found.fix
        if found.reason == "not_video" and path.is_file():
            what, fix = (
                "is not a video, or was cut off while written",
                "check that it plays, or record it again",
            )
        raise InputError(f"{path} {what}", fix) from None


def _with_video(container: InputContainer) -> InputContainer:
    try:
        context = container.streams.video[0].codec_context
    except IndexError:
        container.close()
        raise
    if context is None:  # a codec that FFmpeg does not know
        container.close()
        raise IndexError
    context.options = _DECODER_OPTIONS
    # One thread: frame threads add a frame of delay each and measured no gain per core.
    context.thread_count = 1
    return container


def picture_time_s(picture: VideoFrame) -> float | None:
    """Return the presentation time in seconds of the stream's own clock, if it has one."""
    return seconds(picture.pts, picture.time_base)


def frame_step_s(container: InputContainer) -> float:
    """Return the nominal time between two frames; 1/25 s where the stream does not say."""
    stream = container.streams.video[0]
    rate = stream.average_rate or stream.guessed_rate
    return float(1 / rate) if rate else 0.04


def container_duration_s(container: InputContainer) -> float:
    """Return the declared length of the video; 0 where there is none (live)."""
    stream = container.streams.video[0]
    declared_s = seconds(stream.duration, stream.time_base)
    return max(0.0, (container.duration or 0) / av.time_base) if declared_s is None else declared_s


class Converter:
    """Turns decoded pictures into upright BGR images no taller than ``height_px``; never enlarges. For any thread."""

    def __init__(self, height_px: int) -> None:
        self._height_px = height_px
        # Kept between frames: a new one would rebuild its scaling tables for every picture.
        self._reformatter = VideoReformatter()
        self._one_at_a_time = threading.Lock()

    def bgr(self, picture: VideoFrame) -> Image:
        """Scale, convert and turn upright: (height, width, 3) uint8, both sides even when scaled."""
        on_its_side = abs(picture.rotation) == 90
        shown_height_px = picture.width if on_its_side else picture.height
        width, height = picture.width, picture.height
        if shown_height_px > self._height_px:
            scale = self._height_px / shown_height_px
            width, height = (max(2, 2 * round(side * scale / 2)) for side in (width, height))
        with self._one_at_a_time:
            small = self._reformatter.reformat(
                picture, width, height, "bgr24", interpolation="FAST_BILINEAR", threads=1
            )
        image = cast(Image, small.to_ndarray())
        turn = _ROTATIONS.get(picture.rotation)
        return image if turn is None else cast(Image, cv2.rotate(image, turn))


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a source says about itself; sizes in pixels as shown upright, 0 where it does not say (live)."""

    duration_s: float
    fps: float
    frames: int
    width: int
    height: int


def probe(source: str, timeout_s: float = OPEN_TIMEOUT_S) -> VideoInfo:
    """Open a source, decode one picture and describe it. Raises InputError when that cannot be done."""
    shown = redact(source)
    try:
        with open_video(source, timeout_s, timeout_s) as container:
            first = next((picture for picture in pictures(container, lambda: None) if picture), None)
            if first is None:
                raise InputError(f"{shown} holds no picture that can be decoded", "check that it plays elsewhere")
            return _describe(container, first)
    except (av.error.FFmpegError, IndexError, OSError) as error:
        found = failure(error)
        raise InputError(f"{shown} {found.what}", found.fix) from None


def video_info(path: Path) -> VideoInfo:
    """Describe a recorded file. Raises InputError: missing, empty, not a video, nothing decodable."""
    return probe(str(path))


def _describe(container: InputContainer, first: VideoFrame) -> VideoInfo:
    stream = container.streams.video[0]
    step_s, duration_s = frame_step_s(container), container_duration_s(container)
    width, height = first.width, first.height
    if abs(first.rotation) == 90:
        width, height = height, width
    frames = stream.frames or round(duration_s / step_s)
    return VideoInfo(duration_s, 1 / step_s, frames, width, height)
