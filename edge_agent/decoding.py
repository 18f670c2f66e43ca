"""Packets into pictures: all of a stream in which something moves, of a still one the keyframes (`core.doze`)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, cast

import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame

from edge_agent.core.doze import Doze

if TYPE_CHECKING:  # at run time PyAV's packets know no type of stream
    from av.packet import Packet
    from av.video.stream import VideoStream

    VideoPacket = Packet[VideoStream]


def seconds(ticks: int | None, time_base: Fraction | None) -> float | None:
    """A time stamp of a picture or packet on its stream's own clock; None where it has none."""
    return None if ticks is None or time_base is None else float(ticks * time_base)


@dataclass(frozen=True, slots=True)
class Sparing:
    """``still``: whether keyframes will do now. Told of each packet: ``kept`` to wait, ``passed`` over after all."""

    still: Callable[[], bool]
    kept: Callable[[], None]
    passed: Callable[[], None]


def pictures(
    container: InputContainer, on_corrupt: Callable[[], None], sparing: Sparing | None = None
) -> Iterator[VideoFrame | None]:
    """Decode the first video stream; undecodable data is told to ``on_corrupt`` and passed over.

    Yields None after each packet, so that the caller can watch its clock: sound may flow on while the picture
    has stopped. Raises ``av.error.FFmpegError`` when the source fails.
    """
    video = container.streams.video[0]
    decoded = partial(_decoded, on_corrupt=on_corrupt)
    spared = None if sparing is None else _Spared(sparing, decoded)
    try:
        for packet in container.demux():
            if packet.stream.index == video.index:
                ours = cast("VideoPacket", packet)
                yield from decoded(ours) if spared is None else spared.pictures(ours)
            yield None
    finally:
        if spared is not None:
            spared.end()


class _Spared:
    """Decodes one stream as `core.doze` says."""

    def __init__(self, sparing: Sparing, decoded: Callable[["VideoPacket"], list[VideoFrame]]) -> None:
        self._sparing, self._decoded = sparing, decoded
        self._doze: Doze[VideoPacket] = Doze()

    def pictures(self, packet: "VideoPacket") -> Iterator[VideoFrame]:
        """What there is to see once this packet has come."""
        stamp_s = seconds(packet.pts if packet.pts is not None else packet.dts, packet.time_base)
        still = stamp_s is not None and self._sparing.still()  # the first one of a live stream has none
        time_s = stamp_s or 0.0
        due, passed = self._doze.take(packet, time_s, keyframe=packet.is_keyframe, still=still)
        self._pass_over(passed)
        if not due:
            self._sparing.kept()
        for one in due:
            frames = self._decoded(one)
            if self._doze.asleep and all(frame.pts != one.pts for frame in frames):
                self._doze.stay_awake(time_s)  # the decoder holds it back, for pictures out of order: seconds late
            yield from frames

    def end(self) -> None:
        """The stream is closed."""
        self._pass_over(self._doze.forget())

    def _pass_over(self, count: int) -> None:
        for _ in range(count):
            self._sparing.passed()


def _decoded(packet: "VideoPacket", on_corrupt: Callable[[], None]) -> list[VideoFrame]:
    try:
        frames = packet.decode()
    except av.error.FFmpegError:  # nothing is read here, so it is the data, whatever the decoder calls it
        on_corrupt()
        return []
    for _ in range(sum(frame.is_corrupt for frame in frames)):
        on_corrupt()
    return [frame for frame in frames if not frame.is_corrupt]
