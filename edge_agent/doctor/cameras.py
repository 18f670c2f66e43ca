"""Each camera: can it be seen, and what does it really send?"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from rich.progress import Progress

from edge_agent.core.rhythm import Rhythm, rhythm_of
from edge_agent.decoding import seconds
from edge_agent.doctor.finding import Facts, Finding
from edge_agent.errors import InputError
from edge_agent.settings import CameraSettings
from edge_agent.side_by_side import side_by_side
from edge_agent.video import UNSTAMPED_FORMATS, frame_step_s, is_live, open_video, redact
from edge_agent.video_failures import failure

LOOK_S: Final = 10.0
"""Long enough to see that keyframes are too far apart; a camera that shows three is done sooner."""
ENOUGH_KEYFRAMES, ENOUGH_S = 3, 3.0
SLACK_S: Final = 5.0
LEAST_LINES: Final = 480
LEAST_FPS: Final = 8.0
"""A lift takes about two seconds, its bottom a third of one: at least two or three looks at that."""
_SLOW: Final = 0.75
"""Of the rate that the stream declares."""
_HIGHEST_FPS: Final = 240.0
"""What is declared beyond it is a clock's rate, not a camera's."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What a source sends: size in pixels as shown; ``said_fps`` is None where it does not say."""

    codec: str
    width: int
    height: int
    said_fps: float | None
    rhythm: Rhythm


def look_at_cameras(
    cameras: Sequence[CameraSettings], progress: Progress
) -> Iterator[tuple[CameraSettings, list[Finding]]]:
    """All at once; the first finding of each says whether it can be seen."""
    limit_s = max((camera.open_timeout_s for camera in cameras), default=0.0) + LOOK_S + SLACK_S
    bar = progress.add_task("cameras", total=len(cameras), visible=bool(cameras))
    told = side_by_side(look_at_camera, cameras, limit_s, lambda: progress.advance(bar))
    for camera, findings in zip(cameras, told, strict=True):
        yield camera, findings or [_hangs(camera, limit_s)]


def _hangs(camera: CameraSettings, limit_s: float) -> Finding:
    fix = "its server answers, but never to the end: restart the camera, and check the address"
    return Finding(f"camera {camera.name}", "fail", f"hangs: no end of its answer in {limit_s:.0f} s", fix)


def look_at_camera(camera: CameraSettings) -> list[Finding]:
    """One line for what it sends, and one more for each thing about that which should be changed."""
    try:
        stream = measure(camera)
    except InputError as error:
        return [Finding(f"camera {camera.name}", "fail", error.what, error.fix)]
    return [_seen(camera, stream), *_flaws(camera, stream)]


def measure(camera: CameraSettings) -> Stream:
    """Look at what comes, for LOOK_S at most. Raises InputError where nothing that can be decoded does."""
    shown = redact(camera.source)
    try:
        with open_video(camera.source, camera.open_timeout_s, camera.open_timeout_s) as container:
            return _measure(container, is_live(camera.source), shown)
    except (av.error.FFmpegError, IndexError, OSError) as error:
        found = failure(error)
        raise InputError(f"{shown} {found.what}", found.fix) from None


def _measure(container: InputContainer, live: bool, shown: str) -> Stream:
    video = container.streams.video[0]
    stamped = container.format.name not in UNSTAMPED_FORMATS
    begun_s, first = time.monotonic(), None
    pictures: list[tuple[float, bool]] = []
    for packet in container.demux(video):
        now_s = time.monotonic() - begun_s
        if first is None:
            first = _decoded(packet)
        time_s = _time_s(packet) if stamped else now_s
        if packet.size and time_s is not None:
            pictures.append((time_s, packet.is_keyframe))
        if (now_s if live else rhythm_of(pictures).seen_s) > LOOK_S or (first and _enough(pictures)):
            break
    if first is None:
        fix = "check that it plays elsewhere; set the camera's I-frame interval to one second"
        raise InputError(f"{shown} sends no picture that can be decoded", fix)
    fps = 1 / frame_step_s(container) if video.average_rate or video.guessed_rate else None
    width, height = (first.height, first.width) if abs(first.rotation) == 90 else (first.width, first.height)
    said_fps = fps if fps and stamped and fps <= _HIGHEST_FPS else None
    return Stream(video.codec_context.name, width, height, said_fps, rhythm_of(pictures))


def _decoded(packet: "Packet[VideoStream]") -> VideoFrame | None:
    """Its first picture; None where it has none, or is spoilt."""
    try:
        return next(
            (frame for frame in packet.decode() if isinstance(frame, VideoFrame) and not frame.is_corrupt), None
        )
    except av.error.FFmpegError:
        return None


def _time_s(packet: "Packet[VideoStream]") -> float | None:
    """Of decoding, which is even: pictures that are shown in another order would leave gaps at the end. A stream's
    first packet or two may have none."""
    return seconds(packet.dts, packet.time_base)


def _enough(pictures: Sequence[tuple[float, bool]]) -> bool:
    return sum(key for _, key in pictures) >= ENOUGH_KEYFRAMES and rhythm_of(pictures).seen_s >= ENOUGH_S


def _seen(camera: CameraSettings, stream: Stream) -> Finding:
    rhythm = stream.rhythm
    facts: Facts = {
        "codec": stream.codec, "width_px": stream.width, "height_px": stream.height, "fps": _rounded(rhythm.fps),
        "said_fps": _rounded(stream.said_fps), "keyframe_s": _rounded(rhythm.keyframe_s),
    }  # fmt: skip
    parts = [f"{stream.codec} {stream.width}x{stream.height}"]
    if rhythm.fps is not None:
        parts.append(f"{rhythm.fps:.1f} frames/s")
    if rhythm.keyframe_s is not None:
        parts.append(f"a keyframe every {rhythm.keyframe_s:.1f} s")
    return Finding(f"camera {camera.name}", "ok", ", ".join(parts), "", facts)


def _flaws(camera: CameraSettings, stream: Stream) -> Iterator[Finding]:
    name, rhythm, fps = f"camera {camera.name}", stream.rhythm, stream.rhythm.fps
    if stream.height < LEAST_LINES:
        what = f"{stream.width}x{stream.height} is little: people look small in it"
        yield Finding(f"{name} size", "warn", what, "use the camera's stream of 1280x720, often its main stream")
    if fps is not None and fps < min(LEAST_FPS, camera.rate_hz):
        fix = "set the camera to 15 frames/s; at night a long exposure may slow it: more light, or a fixed shutter"
        yield Finding(f"{name} rate", "warn", f"{fps:.1f} frames/s are too few to see a lift by", fix)
    elif fps is not None and stream.said_fps is not None and fps < _SLOW * stream.said_fps:
        what = f"{fps:.1f} frames/s come of the {stream.said_fps:.1f} that it declares"
        fix = "check cable, switch and Wi-Fi, lower its bit rate; a long exposure at night slows it too: more light"
        yield Finding(f"{name} rate", "warn", what, fix)
    if is_live(camera.source):
        yield from _rare_keyframes(camera, rhythm)


def _rare_keyframes(camera: CameraSettings, rhythm: Rhythm) -> Iterator[Finding]:
    """After a lost connection nothing can be decoded before the next one."""
    apart_s = rhythm.keyframe_s if rhythm.keyframe_s is not None else rhythm.seen_s
    if apart_s <= camera.stall_timeout_s:
        return
    said = "more than " if rhythm.keyframe_s is None else ""
    what = f"{said}{apart_s:.1f} s from one keyframe to the next: blind for as long after each lost connection"
    fix = "set the camera's I-frame interval (GOP) to its frames of one second, and smart codecs (H.264+) off"
    yield Finding(f"camera {camera.name} keyframes", "warn", what, fix)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
