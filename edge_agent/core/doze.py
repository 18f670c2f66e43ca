"""What of a still stream is decoded: its keyframes. The rest is kept, and decoded after all once something moves.

Decoding every picture is most of what a camera costs where nobody is. Between two keyframes nothing is lost, only
late, by a second at most: whoever comes into the picture cannot have lifted anything by then.
"""

from dataclasses import dataclass, field
from math import inf
from typing import Final, Generic, TypeVar

STILL_S: Final = 10.0
"""So long nobody is followed and nothing moves before a stream is still."""
LONGEST_S: Final = 1.2
"""A stream with more than this between two keyframes is decoded whole."""
_SHORTEST_S: Final = 0.5  # of streams with keyframes alone not even all of these are needed

Packet = TypeVar("Packet")


@dataclass(slots=True)
class Doze(Generic[Packet]):
    """For one opened stream. ``able``: until it turned out that its keyframes do not do."""

    able: bool = True
    asleep: bool = False
    _kept: list[Packet] = field(default_factory=list)
    _decoded_s: float = -inf

    def take(self, packet: Packet, time_s: float, *, keyframe: bool, still: bool) -> tuple[list[Packet], int]:
        """Which packets to decode now, in order; and how many kept ones are not needed any more."""
        since_s = time_s - self._decoded_s
        still = still and self.able
        if still and keyframe and (not self.asleep or since_s >= _SHORTEST_S):
            passed, self._kept = len(self._kept), []
            self.asleep, self._decoded_s = True, time_s
            return [packet], passed
        if still and self.asleep and 0 <= since_s < LONGEST_S:
            self._kept.append(packet)
            return [], 0
        self.able &= not (still and self.asleep)  # the next keyframe did not come in time
        due, self._kept = [*self._kept, packet], []
        self.asleep, self._decoded_s = False, time_s
        return due, 0
