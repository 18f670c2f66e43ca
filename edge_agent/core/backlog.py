"""The pictures of one camera that wait for a look, and those that may be looked back at: what is kept, what is shed.

While somebody bends or moves every other picture is due, of a newcomer every one, and ``WAITING`` of them wait in
order: when several people bend at once, or a look goes back over others, a core is late for that long and no picture
of the bend is lost. While all stand or walk one is due at each quarter of a second (`core.cadence`), and a newer one
takes the place of the one that waits. A box that is late sheds the looking back first: only the first that waits
brings what was passed over.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

from edge_agent.core.cadence import LOOK_BACK, MOVING_GAP_S
from edge_agent.core.records import Frame

WAITING: Final = 4
"""Pictures of who bends or moves that wait, half a second's."""

Unused = Literal["not_due", "newer_frame"]
"""Why a picture was not looked at: sooner than needed, or overtaken while it waited."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One decoded picture, not converted yet, for most are never looked at. ``develop`` is for any thread."""

    time_s: float
    develop: Callable[[], Frame]

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Of a frame that is there already."""
        return cls(frame.time_s, lambda: frame)


class Backlog:
    """The pictures since the last one that was looked at. Of one thread, or under a lock."""

    def __init__(self) -> None:
        self._due: deque[tuple[Picture, tuple[Picture, ...]]] = deque()  # each with those passed over before it
        self._passed: deque[Picture] = deque(maxlen=LOOK_BACK)
        self._due_s = self._every_s = self._taken_s = 0.0
        self._late = False

    def __bool__(self) -> bool:
        """Whether a picture waits for a look."""
        return bool(self._due)

    def rest(self, until_s: float) -> list[Unused]:
        """After a look: no picture before this media time is due, and from then on one after each such time.

        Say of each picture that waited in vain, why.
        """
        self._due_s, self._every_s = until_s, max(until_s - self._taken_s, 0.0)
        waited, passed, unused = list(self._due), list(self._passed), list[Unused]()
        self._due.clear()
        self._passed.clear()
        for picture, before in waited:
            self._passed.extend(before)
            unused += [why] if (why := self.offer(picture)) else []
        self._passed.extend(passed)
        return unused

    def offer(self, picture: Picture) -> Unused | None:
        """Take in a new picture. Say why it, or the one that it overtakes, will not be looked at."""
        if picture.time_s < self._due_s:
            self._passed.append(picture)
            return "not_due"
        self._due_s = picture.time_s + self._every_s
        self._due.append((picture, () if self._due else tuple(self._passed)))
        self._passed.clear()
        if len(self._due) <= (1 if self._every_s > MOVING_GAP_S else WAITING):
            return None
        self._due.popleft()
        self._late = True
        return "newer_frame"

    def take(self) -> Picture | None:
        """The next one to look at; its frame brings those that were passed over before it."""
        if not self._due:
            return None
        picture, passed = self._due.popleft()
        back = () if self._late else tuple(one.develop for one in passed)
        self._taken_s, self._late = picture.time_s, False
        return Picture(picture.time_s, lambda: replace(picture.develop(), passed_over=back))

    def sift(self, frame: Frame, due_s: float) -> Frame | None:
        """For recordings, where nothing is ever late: the frame to look at, None where it comes before ``due_s``."""
        self.rest(due_s)
        self.offer(Picture.of(frame))
        picture = self.take()
        return None if picture is None else picture.develop()
