"""What is remembered of one tracked person, and what follows from it for the next look."""

from collections import deque
from dataclasses import dataclass, field
from math import inf

from edge_agent.core import cadence
from edge_agent.core.bend import Bend, Moment
from edge_agent.core.lifts import LiftDetector
from edge_agent.core.posture import Posture, measure
from edge_agent.core.records import Pose
from edge_agent.core.tracking import MIN_SCORE, Track

# The outline of the back costs more than the landmarks: once a bend has begun it is asked for this often, of a person
# standing now and then, for the bend is measured against their own upright back.
_OUTLINE_FROM_DEPTH, _OUTLINE_PERIOD_S = 0.3, 0.1
_UPRIGHT_LOOKS, _UPRIGHT_PERIOD_S = 5, 2.0
# A bend that began before the person was seen standing waits this long for the upright back that follows it.
_PATIENCE_S = 1.0
# How one stands after a lift belongs to it: leaning back at the top is seen within this time.
_LOCKOUT_S = 0.7
# Cameras stamp their frames some milliseconds early or late: one that is nearly due is the one that was meant.
_JITTER_S = 0.01


@dataclass(slots=True, eq=False)
class Follower:
    """What is remembered of one tracked person."""

    track: Track
    detector: LiftDetector
    waiting: list[Bend] = field(default_factory=list)
    outlined_s: float = -inf
    due_s: float = 0.0
    _lately: deque[Posture] = field(default_factory=deque)
    _measured: tuple[Pose, Posture] | None = None

    @property
    def settled(self) -> bool:
        """Whether the person is believed in, and their upright back well known."""
        return self.track.confirmed and self.detector.upright.backs >= _UPRIGHT_LOOKS

    def wants_outline(self, time_s: float) -> bool:
        """Whether this look should ask for the outline of the body."""
        bent = self.detector.depth >= _OUTLINE_FROM_DEPTH
        period_s = _OUTLINE_PERIOD_S if bent else _UPRIGHT_PERIOD_S if self.settled else 0.0
        return time_s - self.outlined_s >= period_s - _JITTER_S

    def note(self, pose: Pose, time_s: float) -> None:
        """A look was taken; one that only asked whether frames before it should be looked at first was none."""
        self.outlined_s = self.outlined_s if pose.mask is None else time_s

    def has_moved(self, pose: Pose, time_s: float) -> bool:
        """Whether a look after a pause shows that somebody has begun to move since, or does not show them at all."""
        if not self._lately or not self.settled:
            return False
        return pose.score < MIN_SCORE or cadence.has_moved(self._lately[-1], self.posture(pose, time_s))

    def posture(self, pose: Pose, time_s: float) -> Posture:
        """Of a pose of this person; the last one's is remembered, for it is asked for twice."""
        if self._measured is None or self._measured[0] is not pose:
            self._measured = pose, measure(pose, time_s)
        return self._measured[1]

    def pace(self, posture: Posture) -> None:
        """When to look at this person again: a newcomer at once, others as often as they move."""
        cadence.remember(self._lately, posture)
        wait_s = cadence.gap_s(self._lately, bending=self.detector.bending) if self.settled else 0.0
        self.due_s = posture.time_s + wait_s - _JITTER_S

    def after(self, bend: Bend) -> list[Moment]:
        """How the person stood right after the bend."""
        return [moment for moment in self.detector.standing if moment.time_s >= bend.end_s]

    def ripe(self, time_s: float) -> list[Bend]:
        """The bends that can be judged now, oldest first."""
        wait_s = _LOCKOUT_S if self.detector.upright.backs else _PATIENCE_S
        done = [bend for bend in self.waiting if time_s - bend.end_s > wait_s or self.detector.bending]
        self.waiting = [bend for bend in self.waiting if bend not in done]
        return done
