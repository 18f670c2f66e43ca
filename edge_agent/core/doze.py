"""What of a still stream is decoded: its keyframes. What follows one is kept until the next, and decoded if need be.

Decoding every picture is most of what a camera costs where nobody is. Where a keyframe shows that something moves,
nothing is lost of what came after it; what came since the one before is: a second at most. Whoever walks into the
picture cannot have lifted anything by then, and the bend of somebody who stood there unseen would not have counted,
for nobody knows since when they were bent.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Final, Generic, TypeVar

STILL_S: Final = 10.0
"""So long nobody is followed and nothing moves before a stream is still."""
LONGEST_S: Final = 1.2
"""A stream with more than this between two keyframes is decoded whole."""
_SHORTEST_S: Final = 0.5  # of streams with keyframes alone not even all of these are needed
_AGAIN_S: Final = 600.0  # a keyframe that was lost once, or a clock that was set, says nothing about next week

Packet = TypeVar("Packet")


@dataclass(slots=True)
class Doze(Generic[Packet]):
    """For one opened stream, fed packet by packet. ``asleep``: only keyframes have been decoded lately."""

    asleep: bool = False
    _kept: list[Packet] = field(default_factory=list)
    _decoded_s: float = -inf
    _awake_until_s: float = -inf

    def take(self, packet: Packet, time_s: float, *, keyframe: bool, still: bool) -> tuple[list[Packet], int]:
        """Which packets to decode now, in order; and how many kept ones are not needed any more."""
        since_s = time_s - self._decoded_s
        still = still and not 0 <= self._awake_until_s - time_s <= _AGAIN_S
        if still and keyframe and (not self.asleep or since_s >= _SHORTEST_S):
            self.asleep, self._decoded_s = True, time_s
            return [packet], self.forget()
        if still and self.asleep and 0 <= since_s < LONGEST_S:
            self._kept.append(packet)
            return [], 0
        if still and self.asleep:  # the next keyframe did not come in time
            self.stay_awake(time_s)
        due, self._kept = [*self._kept, packet], []
        self.asleep, self._decoded_s = False, time_s
        return due, 0

    def stay_awake(self, time_s: float) -> None:
        """This stream's keyframes do not do, for now."""
        self._awake_until_s = time_s + _AGAIN_S

    def forget(self) -> int:
        """Give up what is kept; how much it was."""
        count, self._kept = len(self._kept), []
        return count
