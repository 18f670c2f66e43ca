"""What is remembered of one tracked person, and what follows from it for the next look."""

from collections import deque
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

import numpy as np

from edge_agent.core import cadence
from edge_agent.core.bend import Bend, Moment
from edge_agent.core.kinematics import Back, Kinematics
from edge_agent.core.lifts import LiftDetector
from edge_agent.core.posture import Posture, measure
from edge_agent.core.records import Floats, Pose
from edge_agent.core.tracking import MIN_SCORE, Track

# The outline of the back costs more than the landmarks: once a bend has begun it is asked for this often, of a person
# standing now and then, for the bend is measured against their own upright back.
_OUTLINE_FROM_DEPTH, _OUTLINE_PERIOD_S = 0.3, 0.1
_UPRIGHT_LOOKS, _UPRIGHT_PERIOD_S = 5, 2.0
# A bend that began before the person was seen standing waits this long for the upright back that follows it.
_PATIENCE_S = 1.0
# How one stands after a lift belongs to it: leaning back at the top is seen within this time.
_LOCKOUT_S = 0.7
# Who has hardly changed is carried along by what moves in the picture, by no more than a share of the reach at once,
# as `tracking` has it of looks.
_MOST_CARRIED = 0.5
CARRIED_S: Final = 0.95
"""For less than a second somebody may be carried between two looks of the network."""
SHOULDER, HIP, FEET = range(3)
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
    calm: bool = False
    _lately: deque[Posture] = field(default_factory=deque)
    _measured: tuple[Pose, Posture] | None = None
    _looked: Posture | None = None
    _offered: Pose | None = None
    _carried: Pose | None = None

    @property
    def settled(self) -> bool:
        """Whether the person is believed in, and their upright back well known."""
        return self.track.confirmed and self.detector.upright.backs >= _UPRIGHT_LOOKS

    def wants_outline(self, time_s: float) -> bool:
        """Whether this look should ask for the outline of the body."""
        bent = self.detector.depth >= _OUTLINE_FROM_DEPTH
        period_s = _OUTLINE_PERIOD_S if bent else _UPRIGHT_PERIOD_S if self.settled else 0.0
        return time_s - self.outlined_s >= period_s - _JITTER_S

    @property
    def parts(self) -> Floats | None:
        """(3, 2) frame pixels of `SHOULDER`, `HIP` and `FEET` when last seen, of somebody known who is in view."""
        if not self.settled or self.track.occluded:
            return None
        last = self._lately[-1]
        return np.array((last.shoulder_xy, last.hip_xy, last.feet_xy), np.float32)

    def carried(self, gone_px: Floats, time_s: float) -> Pose | None:
        """The last pose, there where the (3, 2) parts have gone; None if the network must look.

        It need not at somebody who stands or walks, has been seen by it within the last second, and whose parts have
        all been found again, gone together and not too far.
        """
        if not self.calm or self._looked is None or self.wants_outline(time_s):
            return None
        if time_s - self._looked.time_s > CARRIED_S or not np.isfinite(gone_px).all():
            return None
        hip_px = gone_px[HIP]
        if float(np.hypot(*hip_px)) > _MOST_CARRIED * self.track.reach_px:
            return None
        last = self._lately[-1]
        places = [
            (x + float(dx), y + float(dy))
            for (x, y), (dx, dy) in zip((last.shoulder_xy, last.hip_xy, last.feet_xy), gone_px, strict=True)
        ]
        posture = replace(last, time_s=time_s, shoulder_xy=places[0], hip_xy=places[1], feet_xy=places[2])
        if any(cadence.has_moved(before, posture) for before in (last, self._looked)):
            return None
        pose = self.track.last.pose.elsewhere(hip_px)
        self._measured, self._offered = (pose, posture), pose
        return pose

    def note(self, pose: Pose, time_s: float) -> bool:
        """A look was taken; one that only asked whether frames before it should be looked at first was none.

        Whether it was none of the network's: the person was carried.
        """
        self.outlined_s = self.outlined_s if pose.mask is None else time_s
        carried = pose is self._offered
        self._carried = pose if carried else self._carried
        return carried

    def has_moved(self, pose: Pose, time_s: float) -> bool:
        """Whether a look after a pause shows that somebody has begun to move since, or does not show them at all."""
        if not self._lately or not self.settled:
            return False
        if pose.score < MIN_SCORE:
            return True
        # Who was carried is held against what the network saw, there where they have gone since.
        last = self.track.last.pose
        before = measure(last, self._lately[-1].time_s) if last is self._carried else self._lately[-1]
        return cadence.has_moved(before, self.posture(pose, time_s))

    def posture(self, pose: Pose, time_s: float) -> Posture:
        """Of a pose of this person; the last one's is remembered, for it is asked for twice."""
        if self._measured is None or self._measured[0] is not pose:
            self._measured = pose, measure(pose, time_s)
        return self._measured[1]

    def read(self, posture: Posture, back: Back | None, told: Kinematics | None) -> None:
        """Take in what this look, or carrying in its place, tells of the person."""
        if self.track.last.pose is self._carried:
            self.detector.carry(posture)
            bend = None
        else:
            bend, self._looked = self.detector.update(posture, back, told), posture
        self._pace(posture)
        self.waiting += [bend] if bend else []

    def _pace(self, posture: Posture) -> None:
        """When to look at this person again: a newcomer at once, others as often as they move."""
        cadence.remember(self._lately, posture)
        wait_s = cadence.gap_s(self._lately, bending=self.detector.bending) if self.settled else 0.0
        self.due_s = posture.time_s + wait_s - _JITTER_S
        self.calm = wait_s > cadence.MOVING_GAP_S

    def after(self, bend: Bend) -> list[Moment]:
        """How the person stood right after the bend."""
        return [moment for moment in self.detector.standing if moment.time_s >= bend.end_s]

    def ripe(self, time_s: float) -> list[Bend]:
        """The bends that can be judged now, oldest first."""
        wait_s = _LOCKOUT_S if self.detector.upright.backs else _PATIENCE_S
        done = [bend for bend in self.waiting if time_s - bend.end_s > wait_s or self.detector.bending]
        self.waiting = [bend for bend in self.waiting if bend not in done]
        return done
